import { join } from 'node:path'
import { asWardbookError } from '../../kernel/errors.js'
import type { Scratch } from '../../lake/store.js'
import { sameColumn } from '../../sources/files/read-csv.js'
import type { Offer, Publication } from '../../sources/source.js'
import { keyColumn, publishedColumns } from '../commit-snapshot.js'
import { type ColumnPlan, planColumns } from '../plan-columns.js'
import { type ReadOffer, type ReadSource, readOffers, unlistedOffers } from '../read-offers.js'
import { type Head, type IngestContext, type IngestResult, type SourceWork, step } from '../source-work.js'
import { changeBetween } from '../verdict.js'
import { commitChanges, type ReadChanges, receivedRows } from './commit-changes.js'
import { MERGE_TASK, type Merged, type MergeJob, type MergeResult } from './merge-job.js'
import { type ChangesPlan, planChanges, tooManyChanges } from './plan-changes.js'
import { type KeysRead, readKeys } from './read-keys.js'

/**
 * Reads a source by asking for the rows that changed, where that surely gives what a full read would give.
 * count the changes → their pages into the spool → lay them over the table by key → where the count does not agree, ask for all keys → describe
 * again → commit what became of the divisions that this touches.
 * @returns undefined when a full read has to be made: nothing was committed, and the report says why where that is news; 'superseded' when
 *   another run has committed the source meanwhile; 'unchanged' when the table is what it was, and no token of the portal's is news
 * @throws WardbookError of the source, where trying again may help, and of the workers
 */
export async function readChanges(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  publication: Publication,
  head: Head,
): Promise<ChangesRead> {
  const planned = planChanges({
    dataset: work.dataset,
    settings: settingsOf(work),
    isCorrected: work.corrections !== undefined,
    ...{ base: head.base, last: head.last, offers: publication.offers, now: context.clock() },
  })
  if (planned.kind === 'changes' && !(await hasBegunWhole(work, planned.plan)))
    return new ChangesReader(context, work, scratch, publication, planned.plan).read()
  if (planned.kind === 'whole' && planned.why !== undefined) tellWhole(context, work, planned.why)
  return undefined
}

/** What a read of changed rows came to. */
type ChangesRead = IngestResult | 'superseded' | 'unchanged' | undefined

/** A full read that was interrupted goes on: its pages lie under the offer's own token, and would have to make room for those of the changes. */
function hasBegunWhole({ spool }: SourceWork, { offer }: ChangesPlan): Promise<boolean> {
  return spool.hasPages(offer)
}

function settingsOf({ config }: SourceWork) {
  return 'fullEvery' in config ? { incremental: config.incremental, fullEvery: config.fullEvery } : {}
}

function tellWhole(context: IngestContext, work: SourceWork, why: string): void {
  step(context, work, `reads all rows: ${why}`, { why })
}

/** Thrown where changed rows alone are not enough. */
class NotEnough extends Error {}

class ChangesReader {
  constructor(
    private readonly context: IngestContext,
    private readonly work: SourceWork,
    private readonly scratch: Scratch,
    private readonly publication: Publication,
    private readonly plan: ChangesPlan,
  ) {}

  async read(): Promise<ChangesRead> {
    try {
      return await this.readOrFail()
    } catch (thrown) {
      const why = whyNotEnough(thrown)
      if (why === undefined) throw thrown
      tellWhole(this.context, this.work, why)
      return undefined
    }
  }

  private async readOrFail(): Promise<ChangesRead> {
    const asked = await this.changedOffer()
    const offers = asked.rows === 0 ? [] : [asked]
    const read = await readOffers(this.context, this.work, this.scratch, offers, this.plan.firstPage)
    demandComplete(read.offers)
    this.demandFew(read.offers)
    if (read.split.badRows !== undefined) throw new NotEnough('some changed rows cannot be read')
    const columns = this.columnsOf(read)
    const { merged, keys, rows } = await this.merge(read, columns)
    await this.demandUnchanged()
    if (this.isAsBefore(merged)) return 'unchanged'
    const changes: ReadChanges = { plan: this.plan, read, columns, merged, keys, rows }
    return commitChanges(this.context, this.work, this.scratch, changes)
  }

  /** The offer's changed rows, under a token of their own: pages of another question are of no use. */
  private async changedOffer(): Promise<Offer> {
    const { offer, since, last } = this.plan
    const changed = await orNotEnough(this.work.source.changedSince?.(offer, since))
    if (changed === undefined || (changed.rows === undefined) !== (offer.rows === undefined))
      throw new NotEnough('the portal does not tell its changed rows')
    if (changed.rows !== undefined) demandFewer(changed.rows, offer.rows)
    const which = changed.rows === undefined ? 'the rows' : `the ${changed.rows} rows`
    step(this.context, this.work, `asks for ${which} that changed since ${since}`, {
      since,
      ...(changed.rows === undefined ? {} : { changed: changed.rows, rows: offer.rows }),
    })
    const changeToken = offer.changeToken && `${offer.changeToken} since ${since} on ${last.snapshot}`
    return { ...changed, changeToken }
  }

  /** Rows of another shape may stand for a change of all rows. */
  private columnsOf({ split }: ReadSource): ColumnPlan {
    const partitionColumn = this.work.dataset.partition.column
    const existing = publishedColumns(this.plan.base, partitionColumn)
    const headers = split.layouts.map(({ header }) => header)
    const plan = planColumns(headers, partitionColumn, existing)
    const published = new Set(this.plan.last.columns)
    const isSame = plan.pages.every(
      (page) => page.length === published.size && page.every((name) => published.has(name)),
    )
    if (plan.columns.length > existing.length || !isSame)
      throw new NotEnough('changed rows have other columns')
    return plan
  }

  /** Where the portal counts nothing, what came is to be held against what was there. */
  private demandFew(offers: readonly ReadOffer[]): void {
    const { offer, last } = this.plan
    if (offer.rows === undefined) demandFewer(receivedRows(offers), last.offers.at(-1)?.rows)
  }

  /** No token says that there is something new, and there is not. */
  private isAsBefore({ added, replaced, removed }: Merged): boolean {
    return this.plan.offer.changeToken === undefined && added + replaced + removed === 0
  }

  /** `rows`: of the whole offer, as the portal counts them or as their keys came. */
  private async merge(
    read: ReadSource,
    columns: ColumnPlan,
  ): Promise<{ merged: Merged; keys: KeysRead | undefined; rows: number }> {
    const { rows } = this.plan.offer
    if (rows !== undefined && this.isUniqueKey()) {
      const first = await this.runMerge(read, columns, rows, undefined)
      if (first.outcome === 'merged') return { merged: first, keys: undefined, rows }
      if (first.outcome === 'unsure') throw new NotEnough(first.why)
      this.tellKeys(`would have ${first.rows} rows where the portal counts ${rows}`)
    } else if (rows === undefined) this.tellKeys('the portal counts nothing')
    else this.tellKeys(`the portal does not promise that ${this.work.dataset.key} is unique`)
    const keys = await this.readKeys()
    const expectedRows = rows ?? keys.rows
    const merged = await this.runMerge(read, columns, expectedRows, keys.file)
    if (merged.outcome === 'merged') return { merged, keys, rows: expectedRows }
    throw new NotEnough(merged.outcome === 'unsure' ? merged.why : 'the keys do not tell which rows went')
  }

  private isUniqueKey(): boolean {
    const { key = '' } = this.work.dataset
    return this.plan.offer.changes?.unique.some((name) => sameColumn(name, key)) ?? false
  }

  private tellKeys(why: string): void {
    step(this.context, this.work, `asks for all keys: ${why}`, { why })
  }

  private async readKeys(): Promise<KeysRead> {
    const { source, dataset } = this.work
    const key = dataset.key as string
    const offer = source.keysOf?.(this.plan.offer, key)
    const column = offer?.columns?.find(({ name }) => sameColumn(name, key))
    if (offer === undefined || column === undefined)
      throw new NotEnough(`the portal does not give ${key} alone`)
    const folder = join(this.scratch.folder, 'keys')
    const keys = await orNotEnough(readKeys(this.context, this.work, offer, column.name, folder))
    if (keys === undefined) throw new NotEnough(`some of ${key} cannot be read`)
    return keys
  }

  private runMerge(
    read: ReadSource,
    columns: ColumnPlan,
    expectedRows: number,
    keys: string | undefined,
  ): Promise<MergeResult> {
    const { base, offerPage } = this.plan
    const column = this.work.dataset.partition.column
    const job: MergeJob = {
      columns: columns.columns.map(({ name }) => name),
      key: keyColumn(this.work, columns),
      layouts: read.split.layouts.map(({ delimiter, emptyIsNull }, at) => ({
        ...{ columns: columns.pages[at] ?? [], delimiter, emptyIsNull },
      })),
      divisions: read.split.divisions,
      live: [...base.files.values()].map((file) => ({
        division: file.partition[column] ?? '',
        object: `${this.work.raw.root}/${file.key}`,
      })),
      ...{ offerPage, keys, expectedRows },
      folder: join(this.scratch.folder, 'merged'),
    }
    return this.context.runner.run<MergeJob, MergeResult>(MERGE_TASK, job).catch(demandFullRead)
  }

  /** What was described before the read must be what is there after it. */
  private async demandUnchanged(): Promise<void> {
    const { offers } = this.publication
    const after = await this.work.source.describe()
    for (const offer of offers) {
      const now = after.offers.find(({ name }) => name === offer.name)
      const what = changeBetween(offer, now)
      if (what !== undefined) throw new NotEnough(`${offer.name} changed while it was read: ${what}`)
    }
    const [unlisted] = unlistedOffers(offers, after.offers)
    if (unlisted !== undefined) throw new NotEnough(`${unlisted} came while the others were read`)
  }
}

/** A merge that does not fit into its worker is no reason to read nothing: a full read needs no merge. */
function demandFullRead(thrown: unknown): never {
  const { code, message } = asWardbookError(thrown)
  if (code === 'worker-died' || code === 'engine-failed')
    throw new NotEnough(`the changes could not be laid over the table: ${message}`)
  throw thrown
}

/** @throws NotEnough when so many rows changed that all of them are read rather */
function demandFewer(changed: number, all = 0): void {
  const tooMany = tooManyChanges(changed, all)
  if (tooMany !== undefined) throw new NotEnough(tooMany)
}

function demandComplete(offers: readonly ReadOffer[]): void {
  for (const { offer, pages, repeated, skipped } of offers) {
    const received = receivedRows([{ pages }])
    if (offer.rows !== undefined && received !== offer.rows)
      throw new NotEnough(`the portal counts ${offer.rows} changed rows, and ${received} came`)
    if (repeated !== undefined && repeated > 0) throw new NotEnough(`${repeated} changed rows came twice`)
    if (skipped.length > 0) throw new NotEnough(`the portal could not give ${skipped.length} records`)
  }
}

/** What a portal says where it does not let itself be asked in this way; it may give all rows all the same. */
const REFUSALS: readonly string[] = ['portal-refused', 'portal-failed']

async function orNotEnough<Answer>(asked: Promise<Answer> | undefined): Promise<Answer | undefined> {
  try {
    return await asked
  } catch (thrown) {
    const { code, message } = asWardbookError(thrown)
    throw REFUSALS.includes(code) ? new NotEnough(message) : thrown
  }
}

/** A portal that cannot answer these questions may still give all rows; other errors are those of a full read, too. */
function whyNotEnough(thrown: unknown): string | undefined {
  if (thrown instanceof NotEnough) return thrown.message
  const { remedy, message } = asWardbookError(thrown)
  return remedy === 'fix-source' ? message : undefined
}
