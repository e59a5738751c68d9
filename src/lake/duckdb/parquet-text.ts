import type { Engine } from './engine.js'
import { identifier, literal } from './sql.js'

/** What a Parquet file that was written as text holds. */
export interface ParquetText {
  readonly columns: readonly string[]
  readonly rows: number
  /** Cells of the last row by column; undefined without rows. */
  readonly lastRow: Readonly<Record<string, string | null>> | undefined
}

interface Column {
  readonly column_name: string
  readonly column_type: string
}

/**
 * Writes a Parquet file as CSV of text in its own order, in the engine's memory: comma, line feed, every cell with a value in quotes, a null as
 * an empty cell without quotes, the names first. Numbers have all their digits, instants are as the engine writes them (`2020-01-31 12:00:00`, with
 * `+00` where they are UTC), binary cells hexadecimal, lists and structures JSON.
 * @throws WardbookError 'engine-failed' (report-bug) for a file that is no Parquet
 */
export async function writeParquetAsText(engine: Engine, parquet: string, csv: string): Promise<ParquetText> {
  const table = `read_parquet(${literal(parquet)})`
  const described = await engine.rows<Column>(`DESCRIBE SELECT * FROM ${table}`)
  const isLone = described.length === 1
  const cells = described
    .map((column) => `${textOf(column, isLone)} AS ${identifier(column.column_name)}`)
    .join(', ')
  const selected = `SELECT ${cells} FROM ${table}`
  await engine.run('SET preserve_insertion_order = true')
  await engine.run(
    `COPY (${selected}) TO ${literal(csv)} (FORMAT csv, HEADER, DELIMITER ',', QUOTE '"', ESCAPE '"', FORCE_QUOTE *, NULLSTR '')`,
  )
  const [counted] = await engine.rows<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`)
  const rows = counted?.rows ?? 0
  const tail =
    rows === 0
      ? []
      : await engine.rows<Record<string, string | null>>(`${selected} LIMIT 1 OFFSET ${rows - 1}`)
  return { columns: described.map(({ column_name: name }) => name), rows, lastRow: tail[0] }
}

/** @param isLone whether it is the only column, whose nulls would be empty lines, which are no records: they become empty texts */
function textOf({ column_name: name, column_type: type }: Column, isLone: boolean): string {
  const cell = identifier(name)
  const text = /^(STRUCT|MAP|UNION)\b|\]$/.test(type)
    ? `to_json(${cell})::VARCHAR`
    : type === 'BLOB'
      ? `lower(hex(${cell}))`
      : `${cell}::VARCHAR`
  return isLone ? `coalesce(${text}, '')` : text
}
