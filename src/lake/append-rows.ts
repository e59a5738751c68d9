import type { Column } from '../contracts/columns.js'
import { reachedVersion } from '../contracts/positions.js'
import type { DeltaTable, Position } from './delta/table.js'
import { LEAN, withEngine } from './duckdb/engine.js'
import { type PlainRow, writeRows } from './duckdb/rows.js'
import { putPart } from './parts.js'
import { schemaChange } from './schema-change.js'
import { tendTable } from './tend-table.js'

/** Rows of one partition to append, and the positions that they bring the table to. */
export interface Append {
  /** Stored columns, without the partition columns. */
  readonly columns: readonly Column[]
  readonly partition: Readonly<Record<string, string>>
  readonly positions: readonly Position[]
  readonly operation: string
  /** Made only when the table is behind one of the positions. */
  rows(): Promise<readonly PlainRow[]>
}

/**
 * Appends rows made in JavaScript to a table, once: when the table has reached all positions already, nothing happens. Merges the
 * table's small files when there are many of them ({@link tendTable}).
 * For tables of records and proposals, at most tens of thousands of rows a call.
 */
export async function appendRows(table: DeltaTable, append: Append): Promise<void> {
  const base = await table.snapshot()
  const isReached = ({ appId, version }: Position) => reachedVersion(base?.positions, appId) >= version
  if (append.positions.every(isReached)) return
  const made = Math.max(...append.positions.map(({ version }) => version))
  const rows = await append.rows()
  const scratch = await table.store.scratch()
  try {
    const finished = await withEngine(LEAN, scratch.folder, (engine) =>
      writeRows(engine, scratch.folder, 'rows', rows, append.columns, append.partition),
    )
    const partitionColumns = Object.keys(append.partition)
    await table.commit(base, {
      operation: append.operation,
      ...schemaChange(base, append.columns, partitionColumns),
      adds: finished === undefined ? [] : [await putPart(table.store, table.root, made, finished)],
      positions: append.positions,
    })
  } finally {
    await scratch.remove()
  }
  await tendTable(table, base)
}
