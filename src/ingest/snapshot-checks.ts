import { WardbookError } from '../kernel/errors.js'
import type { Snapshot } from '../lake/delta/snapshot.js'
import { type RawWork, rowsOf, type SourceWork } from './source-work.js'
import type { SplitPage } from './split-pages.js'

/** Bad rows that any source may have before the rate counts: one bad line must not refuse a file of ten. */
export const FREE_BAD_ROWS = 100

/** @throws WardbookError 'too-many-bad-rows' (fix-source) when more rows are bad than the dataset's policy allows, or all of them */
export function demandQuarantinePolicy(work: SourceWork, pages: readonly SplitPage[]): void {
  const { policy, maxRate } = work.dataset.quarantine
  const bad = pages.reduce((sum, { badRows }) => sum + badRows, 0)
  const all = pages.reduce((sum, page) => sum + page.badRows + page.goodRows, 0)
  const allowed = policy === 'fail' ? 0 : Math.max(FREE_BAD_ROWS, Math.floor(all * maxRate))
  if (bad <= allowed && (bad < all || bad === 0)) return
  const worst = pages.toSorted((a, b) => b.badRows - a.badRows)[0]
  throw new WardbookError(
    'too-many-bad-rows',
    'fix-source',
    `${work.datasetId}/${work.sourceId}: ${bad} of ${all} rows cannot be read, ${allowed} are allowed ` +
      `(most in ${worst?.url}: ${worst?.badRows}); nothing was committed. ` +
      'Check the delimiter and the file, or raise quarantine.maxRate in the city file',
    {
      dataset: work.datasetId,
      source: work.sourceId,
      bad,
      all,
      allowed,
      policy,
      maxRate,
      file: worst?.url,
    },
  )
}

/**
 * No row where there were many is a portal's mistake until a person says otherwise.
 * @throws WardbookError 'all-rows-vanished' (fix-source)
 */
export function demandRowsLeft(
  work: RawWork,
  base: Snapshot | undefined,
  found: { readonly rows: number; readonly files: number },
): void {
  const before = base === undefined ? 0 : rowsOf(base)
  if (before === 0 || found.rows > 0) return
  throw new WardbookError(
    'all-rows-vanished',
    'fix-source',
    `${work.datasetId}/${work.sourceId}: no row at all in ${found.files} files, where there were ${before}; ` +
      'nothing was committed. Look at the files; if the publisher means it, remove the source from the city file',
    { dataset: work.datasetId, source: work.sourceId, before, files: found.files },
  )
}
