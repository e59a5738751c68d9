import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PointCounts } from '../contracts/points.js'
import type { ObjectStore, Scratch } from '../lake/store.js'
import type { DecodedPage } from '../sources/decode/decoded-page.js'
import { deriveColumns } from '../sources/decode/derive-columns.js'
import type { Offer } from '../sources/source.js'
import { decodeSpooled } from './decode-spooled.js'
import { OfferKeys } from './offer-keys.js'
import { receivePage } from './receive-page.js'
import { type IngestContext, type SourceWork, step } from './source-work.js'
import { PageSplitter, type SplitSource } from './split-pages.js'
import type { SpooledPage } from './spool.js'
import { judgeRead, type Verdict } from './verdict.js'

/** A page that was read to its end. */
export interface ReadPage {
  /** Number over all offers of the source, from 0; each of its rows carries it. */
  readonly page: number
  readonly spooled: SpooledPage
}

/** An offer with all its pages. */
export interface ReadOffer {
  /** As the portal described it when the read began, also where an earlier run began it. */
  readonly offer: Offer
  readonly pages: readonly ReadPage[]
  /** Rows whose key stood in an earlier row of the offer; undefined where it was read in one page, or names no key. */
  readonly repeated: number | undefined
}

/** A source as it was read: its pages in the spool, its rows by division. */
export interface ReadSource {
  readonly offers: readonly ReadOffer[]
  readonly split: SplitSource
  /** How the rows were assigned, where it was by their points. */
  readonly points?: PointCounts
}

/** An offer that was read, with the verdict on it. */
export interface OfferJudgement extends ReadOffer {
  readonly verdict: Verdict
}

/**
 * Reads all offers, page after page, until the source says that there is none: each page goes into the spool with its record, its rows to
 * their divisions. Pages that an interrupted run had received are not asked for again.
 */
export async function readOffers(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  offers: readonly Offer[],
): Promise<ReadSource> {
  const folder = join(scratch.folder, 'rows')
  await rm(folder, { recursive: true, force: true }) // of a read that is made again
  const rule = work.division.newRule()
  const splitter = await PageSplitter.open(folder, rule)
  const reader = new OfferReader(context, work, splitter, join(scratch.folder, 'receiving'))
  try {
    const reads: ReadOffer[] = []
    for (const offer of offers) reads.push(await reader.read(offer))
    reader.report()
    const points = rule.counted?.()
    return { offers: reads, split: splitter.finish(), ...(points === undefined ? {} : { points }) }
  } catch (thrown) {
    await splitter.remove()
    throw thrown
  }
}

/** The verdict on each read, from what the portal said before and after it. */
export function judgeOffers(
  offers: readonly ReadOffer[],
  after: readonly Offer[],
  tolerance: number,
): OfferJudgement[] {
  return offers.map((read) => {
    const now = after.find(({ name }) => name === read.offer.name)
    const rows = read.pages.reduce((sum, { spooled }) => sum + spooled.record.signals.rows, 0)
    const verdict = judgeRead({ before: read.offer, after: now, rows, repeated: read.repeated }, tolerance)
    return { ...read, verdict }
  })
}

/** Names of offers that came while the others were read. */
export function unlistedOffers(before: readonly Offer[], after: readonly Offer[]): string[] {
  const known = new Set(before.map(({ name }) => name))
  return after.map(({ name }) => name).filter((name) => !known.has(name))
}

class OfferReader {
  private pages = 0
  private bytes = 0
  private resumed = 0

  constructor(
    private readonly context: IngestContext,
    private readonly work: SourceWork,
    private readonly splitter: PageSplitter,
    private readonly folder: string,
  ) {}

  async read(listed: Offer): Promise<ReadOffer> {
    const { source, spool } = this.work
    const { offer, pages: kept } = await spool.resume(listed)
    const keys = OfferKeys.of(offer)
    const pages: ReadPage[] = []
    for (const spooled of kept) pages.push(await this.readAgain(offer, spooled, keys))
    this.resumed += kept.length
    for (;;) {
      const request = source.nextPage(
        offer,
        pages.map(({ spooled }) => spooled.record),
      )
      if (request === undefined) return { offer, pages, repeated: keys.repeated(pages.length) }
      await mkdir(this.folder, { recursive: true })
      const receiving = {
        source,
        drops: this.work.config.drops,
        folder: this.folder,
        clock: this.context.clock,
      }
      const received = await receivePage(receiving, request)
      const rows = await this.split(offer, request.url, received.decoded, keys)
      const spooled = await spool.add(offer, received.record(rows), received.file, received.form)
      pages.push(this.counted(spooled))
      await rm(this.folder, { recursive: true, force: true })
    }
  }

  report(): void {
    const { pages, bytes, resumed } = this
    const kept = resumed > 0 ? ` (${resumed} kept from an earlier run)` : ''
    const what = pages === 1 ? '1 page' : `${pages} pages`
    step(this.context, this.work, `received ${what}, ${bytes} bytes${kept}`, { pages, bytes, resumed })
  }

  /** A page of the spool: its record stays, its rows are split once more. */
  private async readAgain(offer: Offer, spooled: SpooledPage, keys: OfferKeys): Promise<ReadPage> {
    await mkdir(this.folder, { recursive: true })
    await withStaged(this.context.store, spooled.body, async (file) => {
      const decoded = await decodeSpooled(spooled, file, this.folder)
      await this.split(offer, spooled.record.request.url, decoded, keys)
    })
    await rm(this.folder, { recursive: true, force: true })
    return this.counted(spooled)
  }

  /** @returns rows of the page, good and bad */
  private async split(offer: Offer, url: string, decoded: DecodedPage, keys: OfferKeys): Promise<number> {
    if (decoded.signals.rows === 0) return 0 // it may have told no column, and has nothing to put anywhere
    const shown = deriveColumns(await keys.take(offer, decoded), offer.derived ?? [])
    const { goodRows, badRows } = await this.splitter.take({
      ...{ page: this.pages, url, delimiter: shown.delimiter, emptyIsNull: shown.form === 'strict' },
      bytes: shown.open(),
    })
    return goodRows + badRows
  }

  private counted(spooled: SpooledPage): ReadPage {
    this.bytes += spooled.record.bytes
    return { page: this.pages++, spooled }
  }
}

async function withStaged(
  store: ObjectStore,
  key: string,
  work: (file: string) => Promise<void>,
): Promise<void> {
  const staged = await store.stage(key)
  try {
    await work(staged.file)
  } finally {
    await staged.release()
  }
}
