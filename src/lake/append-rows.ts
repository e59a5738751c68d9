import type { Column } from '../contracts/columns.js'
import type { DeltaTable, Position } from './delta/table.js'
import { LEAN, withEngine } from './duckdb/engine.js'
import { type PlainRow, writeRows } from './duckdb/rows.js'
import { putPart } from './parts.js'
import { withPartition } from './tables.js'

/** Rows of one partition to append under one position. */
export interface Append {
  /** Stored columns, without the partition columns. */
  readonly columns: readonly Column[]
  readonly partition: Readonly<Record<string, string>>
  readonly position: Position
  readonly operation: string
  /** Made only when the table is behind the position. */
  rows(): Promise<readonly PlainRow[]>
}

/**
 * Appends rows made in JavaScript to a table, once: when the table has reached the position already, nothing happens.
 * For tables of records and proposals, at most tens of thousands of rows a call.
 */
export async function appendRows(table: DeltaTable, append: Append): Promise<void> {
  const base = await table.snapshot()
  if ((base?.positions.get(append.position.appId) ?? -1) >= append.position.version) return
  const rows = await append.rows()
  const scratch = await table.store.scratch()
  try {
    const finished = await withEngine(LEAN, scratch.folder, (engine) =>
      writeRows(engine, scratch.folder, 'rows', rows, append.columns, append.partition),
    )
    const partitionColumns = Object.keys(append.partition)
    await table.commit(base, {
      operation: append.operation,
      ...(base === undefined
        ? { schema: { columns: withPartition(append.columns, partitionColumns), partitionColumns } }
        : {}),
      adds:
        finished === undefined
          ? []
          : [await putPart(table.store, table.root, append.position.version, finished)],
      positions: [append.position],
    })
  } finally {
    await scratch.remove()
  }
}
