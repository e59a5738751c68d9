import type { Day } from '../kernel/time.js'
import { blockAddress } from './block-address.js'
import type { TableReader } from './table-reader.js'
import type { TableVersion } from './world.js'

/** A service request as published: block instead of address, no coordinates, no free text. */
export interface EvidenceRow {
  readonly service_request_id: string | null
  /** Day of the request, in the city's time. */
  readonly requested_on: Day
  /** Day it was closed, in the city's time; null while open or where the source does not say. */
  readonly closed_on: Day | null
  readonly service_name: string | null
  readonly status: string | null
  readonly agency_responsible: string | null
  readonly channel: string | null
  readonly block: string | null
  readonly neighborhood: string | null
}

/** Columns of an evidence row, in the order shown and exported. */
export const EVIDENCE_COLUMNS = [
  'requested_on',
  'block',
  'service_request_id',
  'service_name',
  'neighborhood',
  'status',
  'closed_on',
  'agency_responsible',
  'channel',
] as const satisfies readonly (keyof EvidenceRow)[]

/** Which rows: those of a division and category with `requested_on` in [from, to). */
export interface RowSpan {
  readonly division: string
  readonly category: string
  readonly from: Day
  readonly to: Day
}

/** Some rows of a span, and how many there are. */
export interface CountedRows {
  readonly rows: readonly EvidenceRow[]
  readonly total: number
}

interface StoredRow extends Omit<EvidenceRow, 'block' | 'closed_on'> {
  readonly total: number
  readonly closed_at: string | null
  readonly address: string | null
}

const OF_SPAN = 'service_name = $1 AND requested_on >= $2::DATE AND requested_on < $3::DATE'

/**
 * Rows behind a finding or a series, oldest first, in an order that never depends on how they are stored.
 * @param limit at most so many rows, 1 or more
 */
export async function readRows(
  reader: TableReader,
  table: TableVersion,
  span: RowSpan,
  timeZone: string,
  limit: number,
): Promise<CountedRows> {
  const stored = await reader.rows<StoredRow>(
    table,
    ofDivision(table, span.division),
    (scan) => `
      SELECT service_request_id, strftime(requested_on, '%Y-%m-%d') AS requested_on, closed_at, service_name, status,
        agency_responsible, channel, address, neighborhood, count(*) OVER () AS total
      FROM ${scan} WHERE ${OF_SPAN}
      ORDER BY requested_at, service_request_id, "_row_hash" LIMIT ${Math.trunc(limit)}`,
    [span.category, span.from, span.to],
  )
  const dayIn = localDays(timeZone)
  const rows = stored.map(({ closed_at, address, total: _total, ...row }) => ({
    ...row,
    closed_on: closed_at === null ? null : dayIn(closed_at),
    block: blockAddress(address),
  }))
  return { rows, total: stored[0]?.total ?? 0 }
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
