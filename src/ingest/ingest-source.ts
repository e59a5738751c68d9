import { digestOf } from '../kernel/ids.js'
import type { Scratch } from '../lake/store.js'
import { commitSnapshot } from './commit-snapshot.js'
import { settleSnapshot } from './settle.js'
import { demandSameOffers } from './snapshot-checks.js'
import {
  type Head,
  type IngestContext,
  type IngestResult,
  readHead,
  rowsOf,
  type SourceWork,
  step,
  workOn,
} from './source-work.js'
import { clearSpool, type SpooledPage, spoolPage } from './spool.js'

/**
 * Reads one source completely and commits it as one snapshot, or commits nothing.
 * describe → spool → describe again → scan → one lean partitioned pass in a worker → quarantine, then table → records.
 * The same publication again commits nothing. A killed run continues with the pages it had received.
 */
export async function ingestSource(
  context: IngestContext,
  datasetId: string,
  sourceId: string,
): Promise<IngestResult> {
  const work = workOn(context, datasetId, sourceId)
  const scratch = await context.store.scratch()
  try {
    await settleSnapshot(work) // what an interrupted run left, whatever the source answers today
    const pages = await spoolAll(context, work, scratch)
    const fingerprint = fingerprintOf(work.appId, pages)
    const head = await readHead(work)
    const result =
      head.last?.fingerprint === fingerprint
        ? unchanged(context, work, head)
        : ((await commitSnapshot(context, work, scratch, pages, fingerprint, head.base)) ??
          unchanged(context, work, await readHead(work)))
    await clearSpool(context.store, work.spoolRoot)
    return result
  } finally {
    await scratch.remove()
  }
}

/** All pages, received whole; a page that the publisher changed meanwhile is received once more. */
async function spoolAll(context: IngestContext, work: SourceWork, scratch: Scratch): Promise<SpooledPage[]> {
  const spool = { store: work.store, root: work.spoolRoot, scratch, clock: context.clock }
  const before = await work.source.describe()
  const pages: SpooledPage[] = []
  let resumed = 0
  for (const offer of before) {
    const spooled = await spoolPage(spool, work.source, offer)
    pages.push(spooled.page)
    if (spooled.resumed) resumed += 1
  }
  const after = await work.source.describe()
  demandSameOffers(work, before.length, after.length)
  for (const offer of after) {
    const received = pages[offer.page]
    if (received?.url === offer.url && received.changeToken === (offer.changeToken ?? null)) continue
    pages[offer.page] = (await spoolPage(spool, work.source, offer)).page
  }
  const bytes = pages.reduce((sum, page) => sum + page.bytes, 0)
  step(
    context,
    work,
    `received ${pages.length} files, ${bytes} bytes${resumed > 0 ? ` (${resumed} kept from an earlier run)` : ''}`,
    {
      files: pages.length,
      bytes,
      resumed,
    },
  )
  return pages
}

function unchanged(context: IngestContext, work: SourceWork, { base, last }: Head): IngestResult {
  const [version, snapshot] = [base?.version ?? -1, last?.snapshot ?? -1]
  const rows = base === undefined ? 0 : rowsOf(base)
  const quarantined = (last?.pages ?? []).reduce((sum, page) => sum + page.rowsQuarantined, 0)
  step(context, work, `unchanged: snapshot ${snapshot} with ${rows} rows is current`, { rows, quarantined })
  return { verdict: 'unchanged', version, snapshot, rows, quarantined }
}

/** The same bytes under the same configuration are the same publication, whatever address they came from. */
function fingerprintOf(appId: string, pages: readonly SpooledPage[]): string {
  return digestOf({ appId, pages: pages.map(({ sha256 }) => sha256) })
}
