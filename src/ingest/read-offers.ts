import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PointCounts } from '../contracts/points.js'
import { WardbookError } from '../kernel/errors.js'
import type { ObjectStore, Scratch } from '../lake/store.js'
import type { DecodedPage } from '../sources/decode/decoded-page.js'
import { deriveColumns } from '../sources/decode/derive-columns.js'
import { dropColumns } from '../sources/decode/drop-columns.js'
import type { GuessedEncoding } from '../sources/decode/text-encoding.js'
import { sameColumn } from '../sources/files/read-csv.js'
import { cutOff } from '../sources/http/read-json.js'
import { withoutSecrets } from '../sources/http/redact.js'
import type { Offer, PageRequest, SkippedRecord } from '../sources/source.js'
import { decodeSpooled } from './decode-spooled.js'
import type { DivisionRule } from './division-rule.js'
import { OfferKeys } from './offer-keys.js'
import { type ReceivedPage, receivePage } from './receive-page.js'
import { type IngestContext, type SourceWork, step } from './source-work.js'
import { PageSplitter, type SplitSource, type Splitter } from './split-pages.js'
import type { SpooledPage } from './spool.js'
import { ThreadSplitter } from './thread-splitter.js'
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
  /** What the portal lists and could not give, page by page. */
  readonly skipped: readonly SkippedRecord[]
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
 * their divisions. Pages that an interrupted run had received are not asked for again, nor is one whose text turns out to be in another encoding
 * than it seemed: then all rows are split again.
 * @param firstPage number of the first page
 */
export async function readOffers(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  offers: readonly Offer[],
  firstPage = 0,
): Promise<ReadSource> {
  const soFar: ReadSoFar = { encodings: new Map(), offers: new Map() }
  for (;;) {
    try {
      return await readOnce(context, work, scratch, offers, soFar, firstPage)
    } catch (thrown) {
      if (!(thrown instanceof OtherEncoding)) throw thrown
      soFar.encodings.set(thrown.page, thrown.found)
    }
  }
}

async function readOnce(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  offers: readonly Offer[],
  soFar: ReadSoFar,
  firstPage: number,
): Promise<ReadSource> {
  const folder = join(scratch.folder, 'rows')
  await rm(folder, { recursive: true, force: true }) // of a read that is made again
  const { splitter, rule } = await openSplitter(context, work, folder)
  const reader = new OfferReader(context, work, splitter, join(scratch.folder, 'receiving'), soFar, firstPage)
  try {
    const reads: ReadOffer[] = []
    for (const offer of offers) reads.push(await reader.read(offer))
    reader.report()
    const points = rule?.counted?.()
    return { offers: reads, split: await splitter.finish(), ...(points === undefined ? {} : { points }) }
  } catch (thrown) {
    await splitter.remove()
    throw thrown
  }
}

/**
 * The splitter that the profile asks for. A thread makes its rule of the city file's column alone: rules that count, and corrections, are
 * asked here. @returns also the rule, where it may have counted
 */
async function openSplitter(
  { ingestProfile }: IngestContext,
  { division, corrections }: SourceWork,
  folder: string,
): Promise<{ splitter: Splitter; rule?: DivisionRule }> {
  const { settings } = division
  if (ingestProfile.splitsInThread && settings !== undefined && corrections === undefined)
    return { splitter: new ThreadSplitter(folder, settings) }
  const rule = division.newRule()
  return { splitter: await PageSplitter.open(folder, rule, corrections?.of), rule }
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

/** A body of this size takes longer than its writer needs to start. */
const FORESEEN_BYTES = 16 * 1024 * 1024

class OfferReader {
  private pages = 0
  private bytes = 0
  private hasForeseen = false
  /** Of the page that was split last. */
  private badRows = 0

  constructor(
    private readonly context: IngestContext,
    private readonly work: SourceWork,
    private readonly splitter: Splitter,
    private readonly folder: string,
    private readonly soFar: ReadSoFar,
    private readonly firstPage: number,
  ) {}

  async read(listed: Offer): Promise<ReadOffer> {
    const { offer, pages } = await this.begin(listed)
    try {
      return await this.readOn(offer, pages)
    } catch (thrown) {
      // From these pages no read gets to its end: the next run must not begin with them.
      if (thrown instanceof DeadEnd || isRefusedContent(thrown)) await this.work.spool.discard(offer)
      throw thrown instanceof DeadEnd ? thrown.cause : thrown
    }
  }

  /** The read of an offer as this run left it, or an earlier one. */
  private async begin(listed: Offer): Promise<BegunOffer> {
    const begun = this.soFar.offers.get(listed.name)
    if (begun !== undefined) return begun
    const { offer, pages } = await this.work.spool.resume(listed)
    const resumed = { offer, pages: [...pages], resumed: pages.length }
    this.soFar.offers.set(listed.name, resumed)
    return resumed
  }

  private async readOn(offer: Offer, kept: SpooledPage[]): Promise<ReadOffer> {
    const keys = OfferKeys.of(offer)
    const pages: ReadPage[] = []
    for (const spooled of kept) pages.push(await this.readAgain(offer, spooled, keys))
    for (;;) {
      const request = this.nextRequest(offer, pages)
      if (request !== undefined) this.demandSurePlace(pages)
      else return { offer, pages, repeated: keys.repeated(pages.length), skipped: this.skippedOf(pages) }
      const received = await this.receive(offer, request, keys)
      kept.push(received.spooled)
      pages.push(received)
    }
  }

  /**
   * A read that goes on behind a CSV goes by its number of rows, which is not sure where some cannot be read: the last may be the first half of
   * a row, and the other half would never come.
   */
  private demandSurePlace(pages: readonly ReadPage[]): void {
    const last = pages.at(-1)?.spooled.record.request
    if (last?.format.kind === 'file' && this.badRows > 0) throw cutOff(withoutSecrets(last.url))
  }

  private nextRequest(offer: Offer, pages: readonly ReadPage[]): PageRequest | undefined {
    try {
      const done = pages.map(({ spooled }) => spooled.record)
      return this.work.source.nextPage(offer, done)
    } catch (thrown) {
      throw new DeadEnd('no request follows on the pages of the offer', { cause: thrown })
    }
  }

  private async receive(offer: Offer, request: PageRequest, keys: OfferKeys): Promise<ReadPage> {
    const { source, spool } = this.work
    await mkdir(this.folder, { recursive: true })
    const drops = this.dropsOf(offer)
    const onGrown = (bytes: number) => this.foresee(bytes)
    const receiving = { source, drops, folder: this.folder, clock: this.context.clock, onGrown }
    const known = this.soFar.encodings.get(this.pages)
    const received = known?.received
      ? await known.received.decodeAs(known.encoding)
      : await receivePage(receiving, request, this.isReadOnce(offer))
    try {
      const rows = await this.split(offer, request.url, received.decoded, keys, received)
      const spooled = await spool.add(offer, await received.record(rows), received.file, received.form)
      await rm(this.folder, { recursive: true, force: true })
      return this.counted(spooled)
    } catch (thrown) {
      await received.abandon()
      throw thrown
    }
  }

  /** A large source that may take the machine has its writers wait for it. */
  private foresee(bytes: number): void {
    const { lanes } = this.context.ingestProfile
    if (lanes === 1 || this.hasForeseen || bytes < FORESEEN_BYTES) return
    this.hasForeseen = true
    this.context.runner.expect?.('ingest.write', lanes)
  }

  private skippedOf(pages: readonly ReadPage[]): readonly SkippedRecord[] {
    const { source } = this.work
    return pages.flatMap(({ spooled }) => source.skipped?.(spooled.record.signals) ?? [])
  }

  /** Columns that never enter; a key for paging is cut off later, once it has shown that no row came twice. */
  private dropsOf({ key }: Offer): readonly string[] {
    const { drops } = this.work.config
    return key?.hidden ? drops.filter((name) => !sameColumn(name, key.column)) : drops
  }

  report(): void {
    const { pages, bytes } = this
    const resumed = [...this.soFar.offers.values()].reduce((sum, offer) => sum + offer.resumed, 0)
    const kept = resumed > 0 ? ` (${resumed} kept from an earlier run)` : ''
    const what = pages === 1 ? '1 page' : `${pages} pages`
    step(this.context, this.work, `received ${what}, ${bytes} bytes${kept}`, { pages, bytes, resumed })
  }

  /** A page of the spool: its record stays, its rows are split once more. */
  private async readAgain(offer: Offer, spooled: SpooledPage, keys: OfferKeys): Promise<ReadPage> {
    const folder = `${this.folder}-again` // a page that is being received may wait in the other one
    await mkdir(folder, { recursive: true })
    await withStaged(this.context.store, spooled.body, async (file) => {
      const decode = (encoding?: GuessedEncoding) => decodeSpooled(spooled, file, folder, encoding)
      const first = await decode(this.soFar.encodings.get(this.pages)?.encoding)
      const decoded = first.surely && !this.isReadOnce(offer) ? await decode(await first.surely()) : first
      // The city file may have learned to drop columns since.
      const kept = dropColumns(decoded, this.dropsOf(offer))
      await this.split(offer, spooled.record.request.url, kept, keys)
    })
    await rm(folder, { recursive: true, force: true })
    return this.counted(spooled)
  }

  /** Whether nobody but the splitter reads the rows of its pages, and none is changed before. */
  private isReadOnce(offer: Offer): boolean {
    return offer.key === undefined && this.dropsOf(offer).length === 0
  }

  /**
   * @param received the page, where it is not in the spool yet
   * @returns rows of the page, good and bad
   */
  private async split(
    offer: Offer,
    url: string,
    decoded: DecodedPage,
    keys: OfferKeys,
    received?: ReceivedPage,
  ): Promise<number> {
    this.badRows = 0
    if (decoded.signals.rows === 0) return 0 // it may have told no column, and has nothing to put anywhere
    const shown = deriveColumns(await keys.take(offer, decoded, url), offer.derived ?? [])
    const { goodRows, badRows, notUtf8 } = await this.splitter.take({
      ...{
        page: this.firstPage + this.pages,
        url,
        delimiter: shown.delimiter,
        emptyIsNull: shown.form === 'strict',
      },
      bytes: shown.open(),
      plain: shown.plain,
    })
    const encoding = notUtf8 > 0 ? await shown.surely?.() : undefined
    if (encoding !== undefined && encoding !== 'utf-8')
      throw new OtherEncoding(this.pages, { encoding, received })
    this.badRows = badRows
    return goodRows + badRows
  }

  private counted(spooled: SpooledPage): ReadPage {
    this.bytes += spooled.record.bytes
    return { page: this.firstPage + this.pages++, spooled }
  }
}

/** What the text of a page is in, once all of it was seen. */
interface FoundEncoding {
  readonly encoding: GuessedEncoding
  /** The page, where it is not in the spool. */
  readonly received: ReceivedPage | undefined
}

/** A read of an offer, with the pages that are in the spool. */
interface BegunOffer {
  readonly offer: Offer
  readonly pages: SpooledPage[]
  /** Pages that an earlier run had received. */
  readonly resumed: number
}

/** What holds when all rows are split again. */
interface ReadSoFar {
  /** By the page's number over all offers. */
  readonly encodings: Map<number, FoundEncoding>
  readonly offers: Map<string, BegunOffer>
}

/** Thrown where rows were split that are not what they seemed: those of the page, and so all, have to be split again. */
class OtherEncoding extends Error {
  constructor(
    /** Number over all offers. */
    readonly page: number,
    readonly found: FoundEncoding,
  ) {
    super()
  }
}

/** Thrown where a source knows no way on from the pages that are there; its cause is what the source says. */
class DeadEnd extends Error {}

/** The portal gave an answer that cannot be taken, and will not give another one for being asked again. */
function isRefusedContent(thrown: unknown): boolean {
  return thrown instanceof WardbookError && thrown.remedy === 'fix-source'
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
