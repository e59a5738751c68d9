import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Column } from '../../contracts/columns.js'
import type { FinishedFile } from '../parts.js'
import type { Engine } from './engine.js'
import { identifier, literal, sqlType } from './sql.js'
import { writeParquet } from './write.js'

/** A row as JavaScript values: instants and days as ISO text. */
export type PlainRow = Readonly<Record<string, string | number | boolean | null>>

/**
 * Writes rows that were made in JavaScript as one Parquet file of a table; for tables of moderate size
 * (runs, outbox, findings): at most tens of thousands of rows a call.
 */
export async function writeRows(
  engine: Engine,
  folder: string,
  name: string,
  rows: readonly PlainRow[],
  columns: readonly Column[],
  partition: Readonly<Record<string, string>>,
): Promise<FinishedFile | undefined> {
  if (rows.length === 0) return undefined
  const file = join(folder, `${name}.ndjson`)
  await writeFile(file, rows.map((row, _order) => JSON.stringify({ ...row, _order })).join('\n'))
  const types = columns.map((column) => `${identifier(column.name)}: ${literal(sqlType(column.type))}`)
  const query =
    `SELECT * FROM read_json(${literal(file)}, format = 'newline_delimited', maximum_object_size = 16777216, ` +
    `columns = {${[...types, "_order: 'BIGINT'"].join(', ')}})`
  return writeParquet(engine, folder, name, query, columns, partition, '_order')
}
