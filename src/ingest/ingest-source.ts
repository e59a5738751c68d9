import { join } from 'node:path'
import { digestOf } from '../kernel/ids.js'
import type { Scratch } from '../lake/store.js'
import { decompress } from '../sources/files/decompress.js'
import type { PageOffer } from '../sources/source.js'
import { commitSnapshot } from './commit-snapshot.js'
import { divisionFromColumn } from './division-rule.js'
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
import { PageSplitter, type SplitSource, type Splitter } from './split-pages.js'
import {
  clearSpool,
  type ReadBody,
  type ReceivedPage,
  readSpooled,
  type SpooledPage,
  spoolPage,
} from './spool.js'
import { ThreadSplitter } from './thread-splitter.js'

/**
 * Reads one source completely and commits it as one snapshot, or commits nothing.
 * describe → spool, and split by division on the way → describe again → parts in workers → quarantine, then table → records.
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
    const { pages, split } = await receiveAll(context, work, scratch)
    const fingerprint = fingerprintOf(work.appId, pages)
    const head = await readHead(work)
    const result =
      head.last?.fingerprint === fingerprint
        ? unchanged(context, work, head)
        : ((await commitSnapshot(context, work, scratch, { pages, split }, fingerprint, head.base)) ??
          unchanged(context, work, await readHead(work)))
    await clearSpool(context.store, work.spoolRoot)
    return result
  } finally {
    await scratch.remove()
  }
}

/** A source as it was received: its pages in the spool, and its rows by division. */
interface Received {
  readonly pages: readonly SpooledPage[]
  readonly split: SplitSource
}

/** All pages, received whole and read while they arrive; a page that the publisher changed meanwhile is received once more. */
async function receiveAll(context: IngestContext, work: SourceWork, scratch: Scratch): Promise<Received> {
  const spool = { store: work.store, root: work.spoolRoot, scratch, clock: context.clock }
  let reader = await PageReader.open(context, work, scratch, 0)
  try {
    const before = await work.source.describe()
    const received = await receivePages(spool, work, before, reader)
    const { resumed } = reader
    const after = await work.source.describe()
    demandSameOffers(work, before.length, after.length)
    const pages = await receiveChanged(spool, work, after, received)
    if (pages !== received) {
      await reader.splitter.remove()
      reader = await PageReader.open(context, work, scratch, 1)
      for (const page of pages) await reader.readerOf(page)(readSpooled(work.store, page))
    }
    reader.demandReadable()
    tellReceived(context, work, pages, resumed)
    return { pages, split: await reader.splitter.finish() }
  } catch (thrown) {
    await reader.splitter.remove()
    throw thrown
  }
}

function tellReceived(
  context: IngestContext,
  work: SourceWork,
  pages: readonly SpooledPage[],
  resumed: number,
): void {
  const bytes = pages.reduce((sum, page) => sum + page.bytes, 0)
  const kept = resumed > 0 ? ` (${resumed} kept from an earlier run)` : ''
  const facts = { files: pages.length, bytes, resumed }
  step(context, work, `received ${pages.length} files, ${bytes} bytes${kept}`, facts)
}

type SpoolContext = Parameters<typeof spoolPage>[0]

async function receivePages(
  spool: SpoolContext,
  work: SourceWork,
  offers: readonly PageOffer[],
  reader: PageReader,
): Promise<SpooledPage[]> {
  const pages: SpooledPage[] = []
  for (const offer of offers) {
    const received = await spoolPage(spool, work.source, offer, reader.readerOf(offer))
    pages.push(received.page)
    reader.note(received)
  }
  return pages
}

/** The pages themselves when none has changed, else others: changed ones are received once more, and nobody reads them yet. */
async function receiveChanged(
  spool: SpoolContext,
  work: SourceWork,
  offers: readonly PageOffer[],
  pages: readonly SpooledPage[],
): Promise<readonly SpooledPage[]> {
  const now = [...pages]
  for (const offer of offers) {
    const received = pages[offer.page]
    if (received?.url === offer.url && received.changeToken === (offer.changeToken ?? null)) continue
    now[offer.page] = (await spoolPage(spool, work.source, offer, async () => {})).page
  }
  return now.every((page, at) => page === pages[at]) ? pages : now
}

/** Reads pages into a splitter, up to the first that cannot be read: whether that matters is seen when all are received. */
class PageReader {
  private fault: unknown
  /** Pages that an interrupted run had received. */
  resumed = 0

  private constructor(
    private readonly work: SourceWork,
    readonly splitter: Splitter,
  ) {}

  static async open(
    { ingestProfile }: IngestContext,
    work: SourceWork,
    scratch: Scratch,
    turn: number,
  ): Promise<PageReader> {
    const folder = join(scratch.folder, `rows-${turn}`)
    const splitter = ingestProfile.splitsInThread
      ? new ThreadSplitter(folder, work.division)
      : await PageSplitter.open(folder, divisionFromColumn(work.division))
    return new PageReader(work, splitter)
  }

  readerOf({ page, url }: { readonly page: number; readonly url: string }): ReadBody {
    const { delimiter } = this.work.config
    return async (bytes) => {
      if (this.fault !== undefined) return
      await this.splitter.take({ page, url, delimiter, emptyIsNull: false, bytes: decompress(bytes, url) })
    }
  }

  note({ fault, resumed }: ReceivedPage): void {
    this.fault ??= fault
    if (resumed) this.resumed += 1
  }

  demandReadable(): void {
    if (this.fault !== undefined) throw this.fault
  }
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
