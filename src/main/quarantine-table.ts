import { DeltaTable } from '../lake/delta/table.js'
import { type Engine, LEAN, withEngine } from '../lake/duckdb/engine.js'
import { scanFiles } from '../lake/duckdb/scan.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'

/** Stages that set rows aside. */
export const QUARANTINING_STAGES = ['ingest', 'harmonize'] as const
export type QuarantiningStage = (typeof QUARANTINING_STAGES)[number]

/** A row in quarantine, with its place in what was published. */
export interface QuarantinedRow {
  readonly reason: string
  readonly detail: string | null
  /** Address or path of the page. */
  readonly file: string | null
  /** From 1; null where the row was read well and could not be typed. */
  readonly line: number | null
  /** From 0, in the unpacked page. */
  readonly byte: number | null
  readonly raw_text: string
}

/** A row may have a mebibyte, and the engine keeps all rows of a LIMIT in memory. */
const ROWS_IN_MEMORY = 50

/** The newest version of one quarantine table, to be asked. */
export class QuarantineTable {
  private constructor(
    private readonly engine: Engine,
    private readonly scan: string,
  ) {}

  /** Opens a table for some work. @returns undefined where there is no table, or no row in it */
  static async read<Result>(
    store: ObjectStore,
    place: { readonly stage: QuarantiningStage; readonly dataset: string; readonly source: string },
    work: (table: QuarantineTable) => Promise<Result>,
  ): Promise<Result | undefined> {
    const root = tables.quarantine(place.stage, place.dataset, place.source)
    const snapshot = await new DeltaTable(store, root).snapshot()
    if (snapshot === undefined || snapshot.files.size === 0) return undefined
    const scratch = await store.scratch()
    try {
      const scan = await scanFiles(store, root, snapshot)
      try {
        return await withEngine(LEAN, scratch.folder, (engine) => work(new QuarantineTable(engine, scan.sql)))
      } finally {
        await scan.release()
      }
    } finally {
      await scratch.remove()
    }
  }

  /** Rows by reason, most first. */
  reasons(): Promise<readonly { readonly reason: string; readonly rows: number }[]> {
    return this.engine.rows(
      `SELECT reason, count(*) AS rows FROM ${this.scan} GROUP BY reason ORDER BY rows DESC, reason`,
    )
  }

  /**
   * The first rows of a reason in the order of the source, in one pass of one query: a few are kept in the engine's memory, many are sorted in its
   * memory and on disk.
   */
  async *rows(reason: string, limit: number): AsyncIterable<QuarantinedRow> {
    const few = limit <= ROWS_IN_MEMORY ? ` LIMIT ${Math.trunc(limit)}` : ''
    let told = 0
    if (limit <= 0) return
    for await (const row of this.engine.stream<QuarantinedRow>(
      `SELECT reason, detail, source_file AS file, line, byte_offset AS byte, raw_text FROM ${this.scan} WHERE reason = $1 ` +
        `ORDER BY source_page, byte_offset, row_hash, raw_text${few}`,
      [reason],
    )) {
      yield row
      if (++told >= limit) return
    }
  }

  /** Those of some texts, by SHA-256 in hexadecimal, that rows have as their raw text. */
  async known(ids: readonly string[]): Promise<Set<string>> {
    const listed = ids.map((_id, at) => `$${at + 1}`).join(', ')
    const found = await this.engine.rows<{ id: string }>(
      `SELECT DISTINCT sha256(raw_text) AS id FROM ${this.scan} WHERE sha256(raw_text) IN (${listed})`,
      ids,
    )
    return new Set(found.map(({ id }) => id))
  }
}
