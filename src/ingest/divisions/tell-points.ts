import type { PointCounts } from '../../contracts/points.js'

/** One line on rows that were assigned by point: how many have none, and how many the publisher's column puts elsewhere. */
export function tellPoints(points: PointCounts): string {
  const { boundary, inside, outside, blank, zero, unreadable, compared, differing } = points
  const unassigned = `${outside} outside, ${blank} blank, ${zero} at 0,0, ${unreadable} unreadable`
  const difference =
    compared === undefined || differing === undefined
      ? ''
      : `; the published division differs in ${differing} of ${compared} (${percent(differing, compared)})`
  return `by point on boundaries ${boundary}: ${inside} inside, ${unassigned}${difference}`
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`
}
