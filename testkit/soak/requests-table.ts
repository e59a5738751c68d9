import { BENCH_COLUMNS, serviceRequestsCsv } from '../../bench/ingest/service-requests.js'
import type { PortalCell, PortalTable } from '../../src/demo/portals/portal-table.js'
import { cellsOf } from '../../src/sources/files/csv-records.js'

/** Two publications of one table. In the second, rows are new, gone, edited and moved to another district. */
export type Edition = 'first' | 'second'

const STATUS = BENCH_COLUMNS.indexOf('status')
const DISTRICT = BENCH_COLUMNS.indexOf('council_district')
const EDITED_EVERY = 97
const MOVED_EVERY = 389
/** Rows that only the first edition has, at its start, and those that only the second has, at its end: one in so many. */
const NEW_SHARE = 50

/** Realistic service requests of 34 columns as a portal's table, held as CSV: about 400 bytes a row. @param rows of either edition */
export function requestsTables(rows: number): Readonly<Record<Edition, PortalTable>> {
  const shifted = Math.ceil(rows / NEW_SHARE)
  const records = recordsOf(rows + shifted)
  const about = {
    id: 'soak-1234',
    name: 'Service Requests',
    columns: BENCH_COLUMNS.map((name) => ({ name, type: 'text' as const })),
    rowCount: rows,
    keyColumn: 'case_id',
  }
  return {
    first: { ...about, updatedAt: Date.UTC(2026, 0, 1), row: (index) => records(index) },
    second: {
      ...about,
      updatedAt: Date.UTC(2026, 1, 1),
      rowId: (index) => index + shifted,
      row: (index) => edited(index + shifted, records(index + shifted)),
    },
  }
}

function edited(number: number, cells: readonly PortalCell[]): readonly PortalCell[] {
  return cells.map((cell, at) => {
    if (at === STATUS && number % EDITED_EVERY === 0) return 'Reopened'
    if (at === DISTRICT && number % MOVED_EVERY === 0) return '7'
    return cell
  })
}

/** @returns gives the cells of a row by its number; an empty cell is null, as portals of JSON have it */
function recordsOf(rows: number): (row: number) => readonly PortalCell[] {
  const pieces: { readonly bytes: Buffer; readonly firstRow: number; readonly ends: readonly number[] }[] = []
  let known = -1 // the header is no row
  for (const piece of serviceRequestsCsv(rows)) {
    const bytes = Buffer.from(piece)
    const ends = recordEnds(bytes)
    pieces.push({ bytes, firstRow: known, ends })
    known += ends.length
  }
  return (row) => {
    const piece = pieces[lastAtMost(pieces, row)] as (typeof pieces)[number]
    const at = row - piece.firstRow
    const text = piece.bytes.toString(
      'latin1',
      at === 0 ? 0 : (piece.ends[at - 1] as number) + 1,
      piece.ends[at],
    )
    return cellsOf(text, ',').map((cell) => (cell === '' ? null : cell))
  }
}

/** Places of the line ends that are not within quotes. */
function recordEnds(bytes: Buffer): number[] {
  const ends: number[] = []
  let quoted = false
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === 0x22) quoted = !quoted
    else if (bytes[at] === 0x0a && !quoted) ends.push(at)
  }
  return ends
}

function lastAtMost(pieces: readonly { readonly firstRow: number }[], row: number): number {
  let [from, to] = [0, pieces.length]
  while (to - from > 1) {
    const middle = (from + to) >> 1
    if ((pieces[middle]?.firstRow ?? 0) <= row) from = middle
    else to = middle
  }
  return from
}
