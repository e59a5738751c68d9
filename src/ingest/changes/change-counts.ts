import type { ChangeCounts, DivisionChanges } from '../../contracts/changes.js'
import type { ChangeCell } from './compare-job.js'

/** Share of the rows that both snapshots have which must move before it is a new map and not so many moves. */
const REMAPPED_SHARE = 0.5
/** Rows below which a share says nothing. */
const REMAPPED_MIN_ROWS = 20
/** Pairs of divisions that a record of a new map names, the largest first. */
const SHOWN_PAIRS = 50

/**
 * What became of the rows between two snapshots, by division. When most of the rows that both have moved, the publisher drew or named its
 * divisions anew: that is one `remapped` record, and none of these rows is removed or moved history.
 * @param cells     matrix of the rows that were compared
 * @param keptRows  rows in parts that both snapshots share
 */
export function countChanges(cells: readonly ChangeCell[], keptRows: number): ChangeCounts {
  const moves = cells.filter(({ from, to }) => from !== undefined && to !== undefined && from !== to)
  const moved = sum(moves.map(({ rows }) => rows))
  const matched =
    keptRows + sum(cells.map((cell) => (cell.from !== undefined && cell.to !== undefined ? cell.rows : 0)))
  const isRemap = moved >= REMAPPED_MIN_ROWS && moved >= matched * REMAPPED_SHARE
  const divisions = divisionsOf(cells).map((division) => changesOf(division, cells, isRemap))
  const changes: ChangeCounts = {
    ...{ added: 0, changed: 0, removed: 0, moved: isRemap ? 0 : moved },
    divisions: divisions.filter(hasChanges),
  }
  for (const { added, changed, removed } of divisions) {
    changes.added += added
    changes.changed += changed
    changes.removed += removed
  }
  if (!isRemap) return changes
  const pairs = moves
    .map(({ from, to, rows }) => ({ from: from as string, to: to as string, rows }))
    .sort((a, b) => b.rows - a.rows || (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1))
  return { ...changes, remapped: { rows: moved, of: matched, pairs: pairs.slice(0, SHOWN_PAIRS) } }
}

function changesOf(division: string, cells: readonly ChangeCell[], isRemap: boolean): DivisionChanges {
  const rows = (wanted: (cell: ChangeCell) => boolean) => sum(cells.filter(wanted).map((cell) => cell.rows))
  const isMove = ({ from, to }: ChangeCell) => from !== undefined && to !== undefined && from !== to
  const stayed = cells.find(({ from, to }) => from === division && to === division)
  return {
    division,
    added: rows(({ from, to }) => from === undefined && to === division),
    changed: stayed?.changed ?? 0,
    removed: rows(({ from, to }) => from === division && to === undefined),
    movedIn: isRemap ? 0 : rows((cell) => isMove(cell) && cell.to === division),
    movedOut: isRemap ? 0 : rows((cell) => isMove(cell) && cell.from === division),
  }
}

function hasChanges({ added, changed, removed, movedIn, movedOut }: DivisionChanges): boolean {
  return added + changed + removed + movedIn + movedOut > 0
}

function divisionsOf(cells: readonly ChangeCell[]): string[] {
  return [...new Set(cells.flatMap(({ from, to }) => [from, to]).filter((name) => name !== undefined))].sort()
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
