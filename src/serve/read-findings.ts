import { FINDING_EVENT_TYPE } from '../contracts/event.js'
import { Claim, type FindingState } from '../contracts/proposal.js'
import { groupBy } from '../kernel/group-by.js'
import type { TableReader } from './table-reader.js'
import type { TableVersion } from './world.js'

/** One event of a finding, as the ledger's read view holds it. */
export interface FindingEvent {
  /** Place in the ledger. */
  readonly index: number
  readonly eventId: string
  readonly finding: string
  readonly state: FindingState
  readonly division: string
  readonly dataset: string
  readonly category: string
  readonly metric: string
  readonly direction: 'up' | 'down'
  /** The figures; undefined for an event that makes no claim, such as a withdrawal. */
  readonly claim: Claim | undefined
  /** Id of the event that this one replaces. */
  readonly supersedes: string | null
  readonly time: string
  readonly knownAt: string
  readonly recordedAt: string
}

/** A finding with all its events. */
export interface Finding {
  readonly id: string
  /** Oldest first. */
  readonly events: readonly FindingEvent[]
  /** The event that tells its state today. */
  readonly newest: FindingEvent
  /** The figures that stand today. */
  readonly claim: Claim
}

/** All findings of one version of the read view. */
export interface FindingIndex {
  readonly byId: ReadonlyMap<string, Finding>
  /** Events in ledger order. */
  readonly events: readonly FindingEvent[]
}

interface EventRow extends Omit<FindingEvent, 'claim'> {
  readonly claim: string | null
}

const EVENT_QUERY = (scan: string) => `
  SELECT "index", event_id AS "eventId", finding, state, division, dataset, category, metric, direction,
    supersedes, "time", knownat AS "knownAt", recordedtime AS "recordedAt",
    json_extract(event, '$.data.claim')::VARCHAR AS claim
  FROM ${scan} WHERE starts_with(type, '${FINDING_EVENT_TYPE}.') AND finding IS NOT NULL ORDER BY "index"`

/** Reads the claims of all findings; the long evidence stays in the table until a page asks for it. */
export async function readFindings(
  reader: TableReader,
  table: TableVersion | undefined,
): Promise<FindingIndex> {
  if (table === undefined) return { byId: new Map(), events: [] }
  const rows = await reader.rows<EventRow>(table, () => true, EVENT_QUERY)
  const events = rows.map((row) => ({ ...row, claim: claimOf(row.claim) }))
  return { byId: groupEvents(events), events }
}

function claimOf(json: string | null): Claim | undefined {
  return json === null ? undefined : Claim.safeParse(JSON.parse(json)).data
}

/** Events, in ledger order, as findings; one that never made a claim is none. */
export function groupEvents(events: readonly FindingEvent[]): Map<string, Finding> {
  const groups = groupBy(events, ({ finding }) => finding)
  const findings = [...groups].flatMap(([id, own]) => {
    const newest = newestOf(own)
    const claim = newest.claim ?? own.findLast((event) => event.claim)?.claim
    return claim ? [[id, { id, events: own, newest, claim }] as const] : []
  })
  return new Map(findings)
}

/**
 * The last event tells the state, except that a corrected early window, which comes late in the ledger, does
 * not hide a later window that still stands.
 */
function newestOf(own: readonly FindingEvent[]): FindingEvent {
  const last = own.at(-1)!
  if (last.claim === undefined || last.state === 'withdrawn') return last
  const replaced = new Set(own.map(({ supersedes }) => supersedes))
  const withdrawnAt = own.findLast(({ state }) => state === 'withdrawn')?.index ?? -1
  const standing = own.filter(
    (event) => event.claim && !replaced.has(event.eventId) && event.index > withdrawnAt,
  )
  return standing.reduce(
    (best, event) => (event.claim!.to >= best.claim!.to ? event : best),
    standing[0] ?? last,
  )
}
