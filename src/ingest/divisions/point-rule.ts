import { UNASSIGNED } from '../../contracts/columns.js'
import { MAX_LISTED_PAIRS, type PointCounts } from '../../contracts/points.js'
import type { DivisionRule } from '../division-rule.js'
import type { PointIndex } from './point-index.js'
import { type RowPoint, readLocation, readPoint } from './read-point.js'

/** A boundary version, ready to be asked. */
export interface DivisionMap {
  readonly id: string
  /** Of its file. */
  readonly sha256: string
  readonly index: PointIndex
}

/** The publisher's columns that hold the point of a row. */
export type PointColumns =
  | { readonly latitude: string; readonly longitude: string }
  | { readonly location: string }

/** Header names of the point's columns. */
export function columnsOfPoint(point: PointColumns): string[] {
  return 'location' in point ? [point.location] : [point.latitude, point.longitude]
}

/**
 * The division is the one whose boundary holds the row's point; without a point, or outside of all, it is unassigned. Counts what it is
 * asked: one rule for each read of a source.
 * @param published how the publisher's own column tells the division, to be compared with the point; undefined: it is not read
 */
export function divisionFromPoint(
  map: DivisionMap,
  point: PointColumns,
  published?: DivisionRule,
): DivisionRule & { counted(): PointCounts } {
  const pointColumns = columnsOfPoint(point)
  const read: (cells: readonly string[]) => RowPoint =
    'location' in point
      ? ([cell = '']) => readLocation(cell)
      : ([latitude = '', longitude = '']) => readPoint(latitude, longitude)
  const tally = { inside: 0, outside: 0, blank: 0, zero: 0, unreadable: 0 }
  const differences = published === undefined ? undefined : new Differences()
  return {
    columns: [...pointColumns, ...(published?.columns ?? [])],
    isAskedEachRow: true,
    of: (cells) => {
      const found = read(cells)
      if (found.kind !== 'point') {
        tally[found.kind] += 1
        return UNASSIGNED
      }
      const division = map.index.find(found.longitude, found.latitude)
      if (division === undefined) {
        tally.outside += 1
        return UNASSIGNED
      }
      tally.inside += 1
      if (published !== undefined) differences?.take(published.of(cells.slice(pointColumns.length)), division)
      return division
    },
    counted: () => ({ boundary: map.id, sha256: map.sha256, ...tally, ...differences?.counted() }),
  }
}

/** Pairs that are told apart: a column of something else could hold as many values as rows. */
const MAX_PAIRS = 10_000

/** Compares what a column says with what the point says. */
class Differences {
  private compared = 0
  private differing = 0
  private readonly rowsByPair = new Map<string, number>()

  take(from: string, to: string): void {
    if (from === UNASSIGNED) return
    this.compared += 1
    if (from === to) return
    this.differing += 1
    const pair = JSON.stringify([from, to])
    const rows = this.rowsByPair.get(pair)
    if (rows !== undefined || this.rowsByPair.size < MAX_PAIRS) this.rowsByPair.set(pair, (rows ?? 0) + 1)
  }

  counted() {
    const pairs = [...this.rowsByPair]
      .toSorted(([a, aRows], [b, bRows]) => bRows - aRows || (a < b ? -1 : 1))
      .slice(0, MAX_LISTED_PAIRS)
      .map(([pair, rows]) => {
        const [from, to] = JSON.parse(pair) as [string, string]
        return { from, to, rows }
      })
    return { compared: this.compared, differing: this.differing, pairs }
  }
}
