import type { DatasetConfig } from '../../contracts/city-file.js'
import type { Snapshot } from '../../lake/delta/snapshot.js'
import { REGISTERED_TAG } from '../../lake/duckdb/raw-rows.js'
import type { Offer } from '../../sources/source.js'
import type { SnapshotProvenance } from '../settle.js'
import { rowsOf } from '../source-work.js'

/** What decides whether changed rows alone are enough. */
export interface ChangeFacts {
  readonly dataset: DatasetConfig
  /** The source's own settings; a family without change times has none. */
  readonly settings: { readonly incremental?: boolean | undefined; readonly fullEvery?: number | undefined }
  /** Whether people corrected bad rows of the source. */
  readonly isCorrected: boolean
  readonly base: Snapshot | undefined
  /** The newest snapshot, where it was made under today's city file. */
  readonly last: SnapshotProvenance | undefined
  /** What the portal lists now, in reading order. */
  readonly offers: readonly Offer[]
  readonly now: Date
}

/** How a read of changed rows goes. */
export interface ChangesPlan {
  /** The only offer that is read: the last. Those before it are as they were. */
  readonly offer: Offer
  /** First instant of the changes, ISO 8601 UTC. */
  readonly since: string
  readonly base: Snapshot
  readonly last: SnapshotProvenance
  /** The lowest page of the table that is this offer's: all from there on are. */
  readonly offerPage: number
  /** Number of the first page that is read now: above all that rows of the table have. */
  readonly firstPage: number
}

/** Changed rows alone, or the whole; `why` is worth telling where somebody might have expected otherwise. */
export type PlannedRead =
  | { readonly kind: 'changes'; readonly plan: ChangesPlan }
  | { readonly kind: 'whole'; readonly why?: string }

const HOUR_MS = 3_600_000

/**
 * Decides whether a read may ask for changed rows alone. It may when these rows, laid over the table by the dataset's key, must give what a
 * full read would give: the last read was complete and without a bad row, and nothing has changed that makes another row of the same data.
 *
 * Only the last offer is read so. Its pages have the highest numbers of the table, and so have those that come now: of a key in several
 * offers the row of the last one goes on counting, as after a full read.
 */
export function planChanges(facts: ChangeFacts): PlannedRead {
  const { dataset, settings, base, last, offers } = facts
  const offer = offers.at(-1)
  if (settings.incremental === false || settings.fullEvery === undefined || offer === undefined) return WHOLE
  if (dataset.key === undefined || dataset.partition.by === 'point') return WHOLE
  if (offer.changes === undefined)
    return settings.incremental === true ? whole('the portal does not date its rows') : WHOLE
  if (base === undefined || last === undefined) return WHOLE
  const why = whyWhole(facts, base, last, offer)
  return why === undefined ? { kind: 'changes', plan: planOf(base, last, offer) } : whole(why)
}

const WHOLE: PlannedRead = { kind: 'whole' }

function whole(why: string): PlannedRead {
  return { kind: 'whole', why }
}

/** What stands against it; undefined when nothing does. */
function whyWhole(
  { dataset, settings, isCorrected, offers, now }: ChangeFacts,
  base: Snapshot,
  last: SnapshotProvenance,
  offer: Offer,
): string | undefined {
  const known = last.offers.at(-1)
  if (known?.changes === undefined || last.pages.some((page) => page.offer === undefined))
    return 'the last read kept no time of changes'
  if (isFullDue(last, offer, settings.fullEvery ?? 1, now)) return 'a full read is due'
  if (isCorrected || last.corrections !== undefined) return 'bad rows were corrected'
  if (last.skipped !== undefined || last.pages.some((page) => page.rowsQuarantined > 0))
    return 'the last read had rows that could not be read'
  if (!areKnown(offers, last.offers)) return 'other tables than the last one came, went or changed'
  if (known.changes.shape !== offer.changes?.shape) return 'its columns or the way it is read have changed'
  const isCounted = known.rowsCounted !== undefined
  if (isCounted ? !offer.rows : known.rows === 0) return 'the portal counts no rows'
  if (isCounted ? known.rows !== known.rowsCounted : offer.rows !== undefined)
    return 'the last read did not have the rows that the portal counted'
  const isOurs = [...base.files.values()].every(
    ({ tags }) => !tags[REGISTERED_TAG] && tags.sha256 && tags.content,
  )
  const rows = last.pages.reduce((sum, { rowsIn }) => sum + rowsIn, 0)
  if (base.partitionColumns[0] !== dataset.partition.column || !isOurs || rowsOf(base) !== rows)
    return 'the table is not as the last read left it'
  return undefined
}

const DAY_MS = 24 * HOUR_MS

/**
 * Whether so many reads were made since the last full one. Where the portal gives neither count nor token, reads that find nothing changed leave
 * no commit to be counted by: there, so many days stand for as many reads.
 */
function isFullDue(last: SnapshotProvenance, offer: Offer, fullEvery: number, now: Date): boolean {
  if ((last.incremental?.reads ?? 0) + 1 >= fullEvery) return true
  const days = (now.getTime() - Date.parse(fullReadAt(last))) / DAY_MS
  return offer.rows === undefined && days >= fullEvery
}

/** When the last full read was made. */
export function fullReadAt({ incremental, readAt }: SnapshotProvenance): string {
  return incremental === undefined ? readAt : (incremental.fullAt ?? readAt)
}

/** Whether the same offers stand in the same order, and all but the last are word for word what they were. */
function areKnown(offers: readonly Offer[], known: SnapshotProvenance['offers']): boolean {
  return (
    offers.length === known.length &&
    offers.every(({ name, changeToken, changes }, at) => {
      const before = known[at]
      if (before?.name !== name) return false
      const isLast = at === offers.length - 1
      return (
        isLast || (changeToken !== undefined && changeToken === before.changeToken && changes !== undefined)
      )
    })
  )
}

function planOf(base: Snapshot, last: SnapshotProvenance, offer: Offer): ChangesPlan {
  const untilMs = Date.parse(last.offers.at(-1)?.changes?.until ?? '')
  const overlapMs = (offer.changes?.overlapHours ?? 0) * HOUR_MS
  const own = last.pages.filter((page) => page.offer === last.offers.length - 1)
  const firstPage = Math.max(-1, ...last.pages.map(({ page }) => page)) + 1
  return {
    ...{ offer, base, last, firstPage },
    since: new Date(untilMs - overlapMs).toISOString(),
    offerPage: Math.min(firstPage, ...own.map(({ page }) => page)),
  }
}

/** Share of changed rows from which a table counts as loaded anew: reading it whole costs less than twice as much then. */
const RELOADED_SHARE = 0.5
/** Rows that a read of changed rows takes at most: what a part worker holds. */
const MAX_CHANGED_ROWS = 1_000_000

/**
 * Why the changed rows are too many to be read alone; undefined when they are not.
 * @param changed by the portal's count, or as they came; the overlap's included
 */
export function tooManyChanges(changed: number, all: number): string | undefined {
  if (changed > MAX_CHANGED_ROWS) return `${changed} rows were changed, more than ${MAX_CHANGED_ROWS}`
  if (changed <= all * RELOADED_SHARE) return undefined
  return `${changed} of ${all} rows were changed: the publisher has loaded the table anew`
}
