import { KINDS, type KindName } from '../contracts/kinds.js'
import type { Day } from '../kernel/time.js'
import { identifier } from '../lake/duckdb/sql.js'
import { blockAddress } from './block-address.js'
import { type EvidenceColumn, evidenceColumns } from './evidence-columns.js'
import type { TableReader } from './table-reader.js'
import type { TableVersion } from './world.js'

/** A row as published, by column: block instead of address, local days instead of instants, no coordinates, no free text. */
export type EvidenceRow = Readonly<Record<string, string | number | null>>

/** Which rows: those of a division and category with their day in [from, to). */
export interface RowSpan {
  readonly division: string
  readonly category: string
  readonly from: Day
  readonly to: Day
}

/** Some rows of a span, and how many there are. */
export interface CountedRows {
  readonly columns: readonly EvidenceColumn[]
  readonly rows: readonly EvidenceRow[]
  readonly total: number
}

/**
 * Rows behind a finding or a series, oldest first, in an order that never depends on how they are stored.
 * @param limit at most so many rows, 1 or more
 */
export async function readRows(
  reader: TableReader,
  table: TableVersion,
  kind: KindName,
  span: RowSpan,
  timeZone: string,
  limit: number,
): Promise<CountedRows> {
  const columns = evidenceColumns(kind)
  const { id, category, at, on } = KINDS[kind]
  const ofSpan = `${identifier(category)} = $1 AND ${identifier(on)} >= $2::DATE AND ${identifier(on)} < $3::DATE`
  const stored = await reader.rows<EvidenceRow>(
    table,
    ofDivision(table, span.division),
    (scan) => `
      SELECT ${columns.map(storedSql).join(', ')}, count(*) OVER () AS ${TOTAL}
      FROM ${scan} WHERE ${ofSpan}
      ORDER BY ${identifier(at)}, ${identifier(id)}, "_row_hash" LIMIT ${Math.trunc(limit)}`,
    [span.category, span.from, span.to],
  )
  const dayIn = localDays(timeZone)
  const rows = stored.map((row) =>
    Object.fromEntries(columns.map((column) => [column.name, published(column, row, dayIn)])),
  )
  return { columns, rows, total: Number(stored[0]?.[TOTAL] ?? 0) }
}

/** Beside the columns of a row, the number of rows of the span. */
const TOTAL = '_total'

function storedSql({ name, from, as }: EvidenceColumn): string {
  const stored = as === 'day' ? `strftime(${identifier(from)}, '%Y-%m-%d')` : identifier(from)
  return `${stored} AS ${identifier(name)}`
}

function published(
  { name, as }: EvidenceColumn,
  row: EvidenceRow,
  dayIn: (instant: string) => Day,
): string | number | null {
  const cell = row[name] ?? null
  if (as === 'block') return blockAddress(cell === null ? null : String(cell))
  return as === 'instant' && cell !== null ? dayIn(String(cell)) : cell
}

function ofDivision({ snapshot }: TableVersion, division: string) {
  const column = snapshot.partitionColumns[0] ?? ''
  return (partition: Readonly<Record<string, string | null>>) => partition[column] === division
}

/** A function from an instant to its calendar day in a time zone. */
function localDays(timeZone: string): (instant: string) => Day {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  })
  return (instant) => format.format(new Date(instant))
}
