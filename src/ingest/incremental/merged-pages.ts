import type { SnapshotProvenance } from '../settle.js'
import type { PageRows } from './merge-job.js'

type PageRecords = SnapshotProvenance['pages']

/**
 * The pages that the rows of a merged table came in: those of the snapshot before, as far as rows of them are left, and those that came. The
 * rows of a page are those that point to it; what else it brought stood in the table before.
 * @param offer place of the offer that was read, among the offers
 */
export function mergedPages(
  before: PageRecords,
  fresh: PageRecords,
  offer: number,
  { left, came }: { readonly left: readonly PageRows[]; readonly came: readonly PageRows[] },
): PageRecords {
  const gone = new Map(left.map(({ page, rows }) => [page, rows]))
  const kept = before
    .map((page) => ({ ...page, rowsIn: page.rowsIn - (gone.get(page.page) ?? 0) }))
    .filter((page) => page.offer !== offer || page.rowsIn > 0)
  const entered = new Map(came.map(({ page, rows }) => [page, rows]))
  return [...kept, ...fresh.map((page) => ({ ...page, offer, rowsIn: entered.get(page.page) ?? 0 }))]
}
