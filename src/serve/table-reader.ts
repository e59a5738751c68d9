import type { LiveFile } from '../lake/delta/snapshot.js'
import type { Engine, SqlValue } from '../lake/duckdb/engine.js'
import { scanFiles } from '../lake/duckdb/scan.js'
import type { ObjectStore } from '../lake/store.js'
import type { TableVersion } from './world.js'

/**
 * Queries over live files of table versions. One engine serves every caller; its queries follow one another, so
 * that memory stays within the engine's limit however many readers there are.
 */
export class TableReader {
  private turn: Promise<unknown> = Promise.resolve()

  constructor(
    readonly store: ObjectStore,
    private readonly engine: Engine,
  ) {}

  /**
   * Rows of a query on one table.
   * @param keep   which of the table's files are read, by their partition values
   * @param query  SQL around the given expression, which stands where a table name may stand
   * @throws WardbookError 'engine-failed' (report-bug), 'version-vacuumed' (fix-source) when a file was vacuumed meanwhile,
   *   which happens to an edition that is older than the retention only
   */
  rows<Row>(
    table: TableVersion,
    keep: (partition: LiveFile['partition']) => boolean,
    query: (scan: string) => string,
    parameters: readonly SqlValue[] = [],
  ): Promise<Row[]> {
    const run = this.turn.then(() => this.read<Row>(table, keep, query, parameters))
    this.turn = run.catch(() => undefined)
    return run
  }

  /** Resolves when no query runs. */
  async idle(): Promise<void> {
    await this.turn
  }

  private async read<Row>(
    { root, snapshot }: TableVersion,
    keep: (partition: LiveFile['partition']) => boolean,
    query: (scan: string) => string,
    parameters: readonly SqlValue[],
  ): Promise<Row[]> {
    const files = [...snapshot.files.values()].filter(({ partition }) => keep(partition))
    const scan = await scanFiles(this.store, root, snapshot, files)
    try {
      return await this.engine.rows<Row>(query(scan.sql), parameters)
    } finally {
      await scan.release()
    }
  }
}
