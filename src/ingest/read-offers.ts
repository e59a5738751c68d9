import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Scratch } from '../lake/store.js'
import type { Offer } from '../sources/source.js'
import { receivePage } from './receive-page.js'
import type { ScannedOffer } from './scan-offers.js'
import { type IngestContext, type SourceWork, step } from './source-work.js'
import type { SpooledPage, SpooledRead } from './spool.js'
import { judgeRead, type Verdict } from './verdict.js'

/** An offer that was read and counted, with the verdict on it. */
export interface OfferJudgement extends ScannedOffer {
  readonly after: Offer | undefined
  readonly verdict: Verdict
}

/** All pages of all offers in the spool, in reading order; pages of an interrupted run are not asked for again. */
export async function readOffers(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  offers: readonly Offer[],
): Promise<SpooledRead[]> {
  const reads: SpooledRead[] = []
  let resumed = 0
  for (const offer of offers) {
    const begun = await work.spool.resume(offer)
    resumed += begun.pages.length
    reads.push(await readOn(context, work, scratch, begun))
  }
  const pages = reads.flatMap((read) => read.pages)
  const bytes = pages.reduce((sum, { record }) => sum + record.bytes, 0)
  const kept = resumed > 0 ? ` (${resumed} kept from an earlier run)` : ''
  step(context, work, `received ${pages.length} pages, ${bytes} bytes${kept}`, {
    pages: pages.length,
    bytes,
    resumed,
  })
  return reads
}

/** Asks for page after page until the source says that there is none. */
async function readOn(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  { offer, pages: begun }: SpooledRead,
): Promise<SpooledRead> {
  const folder = join(scratch.folder, 'receiving')
  const receiving = { source: work.source, drops: work.config.drops, folder, clock: context.clock }
  const pages: SpooledPage[] = [...begun]
  for (;;) {
    const request = work.source.nextPage(
      offer,
      pages.map(({ record }) => record),
    )
    if (request === undefined) return { offer, pages }
    await mkdir(folder, { recursive: true })
    const { record, file, form } = await receivePage(receiving, request)
    pages.push(await work.spool.add(offer, record, file, form))
    await rm(folder, { recursive: true, force: true })
  }
}

/** The verdict on each read, from what the portal said before and after it. */
export function judgeOffers(
  scanned: readonly ScannedOffer[],
  after: readonly Offer[],
  tolerance: number,
): OfferJudgement[] {
  return scanned.map((read) => {
    const now = after.find(({ name }) => name === read.offer.name)
    const rows = read.pages.reduce((sum, { summary }) => sum + summary.goodRows + summary.badRows, 0)
    const verdict = judgeRead({ before: read.offer, after: now, rows, repeated: read.repeated }, tolerance)
    return { ...read, after: now, verdict }
  })
}

/** Names of offers that came while the others were read. */
export function unlistedOffers(before: readonly Offer[], after: readonly Offer[]): string[] {
  const known = new Set(before.map(({ name }) => name))
  return after.map(({ name }) => name).filter((name) => !known.has(name))
}
