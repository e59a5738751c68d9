import { join } from 'node:path'
import type { Column } from '../../contracts/columns.js'
import type { FinishedFile } from '../parts.js'
import type { Engine } from './engine.js'
import { identifier, literal, PARQUET_OPTIONS, sqlType } from './sql.js'
import { readStats } from './stats.js'

/**
 * Writes a query's rows as one Parquet file of a table.
 * @param columns the table's stored columns (without partition columns): chosen by name, cast to their type, in this order
 * @param orderBy SQL expressions that put the rows in one order, so that equal rows give equal bytes
 * @returns the finished file, or undefined when the query has no rows
 */
export async function writeParquet(
  engine: Engine,
  folder: string,
  name: string,
  query: string,
  columns: readonly Column[],
  partition: Readonly<Record<string, string>>,
  orderBy: string,
): Promise<FinishedFile | undefined> {
  const file = join(folder, `${name}.parquet`)
  const cells = columns.map(
    (column) => `${identifier(column.name)}::${sqlType(column.type)} AS ${identifier(column.name)}`,
  )
  await engine.run(
    `COPY (SELECT ${cells.join(', ')} FROM (${query}) ORDER BY ${orderBy}) TO ${literal(file)} (${PARQUET_OPTIONS})`,
  )
  const { rows, bytes } = await measureParquet(engine, file, columns)
  if (rows === 0) return undefined
  const stats = await readStats(engine, file, rows, columns)
  return { file, partition, rows, uncompressedBytes: bytes, stats }
}

/**
 * Rows of a Parquet file, and bytes of its cells as text: what "uncompressed" means in a part's budget.
 * Numbers and instants count 8 bytes a cell.
 */
export async function measureParquet(
  engine: Engine,
  file: string,
  columns: readonly Column[],
): Promise<{ rows: number; bytes: number }> {
  const texts = columns.filter(({ type }) => type === 'string')
  const fixedBytes = (columns.length - texts.length) * 8
  const textBytes = texts.map(({ name }) => `coalesce(strlen(${identifier(name)}), 0)`).join(' + ') || '0'
  const [measured] = await engine.rows<{ rows: number; bytes: number }>(
    `SELECT count(*) AS rows, coalesce(sum(${textBytes} + ${fixedBytes}), 0)::BIGINT AS bytes ` +
      `FROM read_parquet(${literal(file)}, hive_partitioning = false)`,
  )
  return measured ?? { rows: 0, bytes: 0 }
}
