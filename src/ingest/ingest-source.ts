import { asWardbookError } from '../kernel/errors.js'
import { digestOf, type Json } from '../kernel/ids.js'
import type { Scratch } from '../lake/store.js'
import { commitSnapshot } from './commit-snapshot.js'
import { proposeGap, proposeMissing } from './gaps.js'
import { readChanges } from './incremental/read-changes.js'
import { judgeOffers, type ReadSource, readOffers, unlistedOffers } from './read-offers.js'
import { refusal } from './refusal.js'
import { settleSnapshot } from './settle.js'
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
import { isKnown } from './verdict.js'

/** How a source is read, besides its settings. */
export interface IngestOptions {
  /** Reads also what the portal's own tokens say is unchanged. */
  readonly rereads?: boolean
}

/** Reads of a publication that changes, or does not add up, before it is given up. */
const MAX_READS = 3

/**
 * Reads one source completely and commits it as one snapshot, or commits nothing.
 * describe → pages into the spool → describe again → scan and count → verdict → partitioned parts in a worker → quarantine, then table →
 * records. Where the portal dates its rows, those that changed are enough (`incremental/`). What the portal's tokens say is unchanged is not
 * read; the same bytes again commit nothing. A killed run goes on after the last page that it had whole. A read that is not complete is made again, and then refused with a `dataset.gap` for the ledger.
 * @throws WardbookError of the source, the scan and the checks; 'changed-during-read' (retry), 'count-differs', 'rows-repeated' (fix-source)
 */
export async function ingestSource(
  context: IngestContext,
  datasetId: string,
  sourceId: string,
  options: IngestOptions = {},
): Promise<IngestResult> {
  const work = await workOn(context, datasetId, sourceId)
  const scratch = await context.store.scratch()
  try {
    await settleSnapshot(work) // what an interrupted run left, whatever the source answers today
    const result = await readAndCommit(context, work, scratch, options)
    await work.spool.clear()
    return result
  } catch (thrown) {
    await proposeGap(context, work, asWardbookError(thrown)).catch(() => undefined) // what went wrong first is what to tell
    throw thrown
  } finally {
    await scratch.remove()
  }
}

async function readAndCommit(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  { rereads = false }: IngestOptions,
): Promise<IngestResult> {
  for (let tried = 1; ; tried++) {
    const publication = await work.source.describe()
    await proposeMissing(context, work, publication.missing)
    const head = await readHead(work)
    const isDecided = head.last?.corrections === work.corrections?.digest // else bad rows are to be read in a new light
    if (!rereads && isDecided && isKnown(publication, head.last?.offers ?? []))
      return unchanged(context, work, head)
    if (!rereads && tried === 1) {
      const result = await readChanges(context, work, scratch, publication, head)
      if (result === 'superseded') return unchanged(context, work, await readHead(work))
      if (result === 'unchanged') return unchanged(context, work, head)
      if (result !== undefined) return result
    }
    const { offers, ...rows } = await readOffers(context, work, scratch, publication.offers)
    const after = await work.source.describe()
    const judged = judgeOffers(offers, after.offers, work.config.countTolerance)
    const unfit = judged.filter(({ verdict }) => verdict.kind !== 'complete')
    if (unfit.length === 0 && unlistedOffers(publication.offers, after.offers).length === 0) {
      return commitOrKeep(context, work, scratch, { offers: judged, ...rows }, head)
    }
    for (const { offer } of unfit) await work.spool.discard(offer)
    if (tried === MAX_READS) throw refusal(work, unfit, unlistedOffers(publication.offers, after.offers))
    step(context, work, 'the publication changed or did not add up: reading it again', {
      tried,
      unfit: unfit.length,
    })
  }
}

async function commitOrKeep(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  read: ReadSource,
  head: Head,
): Promise<IngestResult> {
  const fingerprint = fingerprintOf(work, read)
  if (head.last?.fingerprint === fingerprint) return unchanged(context, work, head)
  const committed = await commitSnapshot(context, work, scratch, read, fingerprint, head.base)
  return committed ?? unchanged(context, work, await readHead(work))
}

function unchanged(context: IngestContext, work: SourceWork, { base, last }: Head): IngestResult {
  const [version, snapshot] = [base?.version ?? -1, last?.snapshot ?? -1]
  const rows = base === undefined ? 0 : rowsOf(base)
  const quarantined = (last?.pages ?? []).reduce((sum, page) => sum + page.rowsQuarantined, 0)
  step(context, work, `unchanged: snapshot ${snapshot} with ${rows} rows is current`, { rows, quarantined })
  return { verdict: 'unchanged', version, snapshot, rows, quarantined }
}

/**
 * The same bytes under the same configuration and decisions are the same publication, whatever address they came from; so long as what the
 * metadata makes of them (labels of codes) is the same, too.
 */
function fingerprintOf({ appId, corrections }: SourceWork, { offers }: ReadSource): string {
  const pages = offers.flatMap((offer) => offer.pages.map(({ spooled }) => spooled.record.sha256))
  const derived = offers.map(({ offer }) => offer.derived ?? [])
  return digestOf({
    ...{ appId, pages },
    ...(corrections === undefined ? {} : { corrections: corrections.digest }),
    ...(derived.every((columns) => columns.length === 0) ? {} : { derived: derived as unknown as Json }),
  })
}
