import { CITYWIDE } from '../contracts/columns.js'
import {
  DATA_SCHEMA,
  FINDING_EVENT_TYPE,
  GAP_EVENT_TYPE,
  type LedgerEvent,
  PUBLISHED_EVENT_TYPE,
} from '../contracts/event.js'
import type { Stage } from '../contracts/message.js'
import type {
  FindingProposal,
  FindingState,
  GapProposal,
  PublicationProposal,
  RunRecord,
} from '../contracts/proposal.js'
import { digestOf, eventId, type Json } from '../kernel/ids.js'
import { addDays, dayNumber, weekOf } from '../kernel/time.js'
import { fitEvent } from './fit-event.js'

/** Why an event takes the place of an earlier one. */
export type SupersedeReason =
  /** The same finding, window and state now have other figures. */
  | 'claim-changed'
  /** The earlier event had been withdrawn, and detection proposes it again. */
  | 'proposed-again'
  /** A complete run over the window no longer proposes the finding. */
  | 'not-proposed'

/** What an event replaces: `id` of the earlier event, and why. */
export interface Supersession {
  readonly id: string
  readonly reason: SupersedeReason
}

const GRAIN = 'week'

/** The `source` of events that rest on a stage's proposals: `urn:wardbook:<city slug>:<stage>`. */
export function sourceOf(city: string, stage: Stage): string {
  return `urn:wardbook:${city}:${stage}`
}

/** The event type of a finding's state, `org.wardbook.finding.<state>`. */
export function findingType(state: FindingState): string {
  return `${FINDING_EVENT_TYPE}.${state}`
}

/** The state that an event's type tells, or undefined when it is no event of a finding. */
export function stateOf(event: LedgerEvent): FindingState | undefined {
  const prefix = `${FINDING_EVENT_TYPE}.`
  return event.type.startsWith(prefix) ? (event.type.slice(prefix.length) as FindingState) : undefined
}

/**
 * A proposed finding as the ledger's event: what it claims and rests on in `data`, its dimensions as flat attributes.
 * Figures that may have a fraction are attributes as text, since CloudEvents knows whole numbers only; `data.claim` has the numbers.
 * Lists of evidence that do not fit are shortened (see {@link fitEvent}).
 * @param id by default the proposal's own
 */
export function findingEvent(
  proposal: FindingProposal,
  source: string,
  supersession?: Supersession,
  id: string = proposal.id,
): LedgerEvent {
  const { claim, evidence } = proposal
  return build({
    specversion: '1.0',
    id,
    source,
    type: findingType(proposal.state),
    subject: proposal.finding,
    time: proposal.time,
    knownat: proposal.knownAt,
    dataschema: `${DATA_SCHEMA}finding:1`,
    datacontenttype: 'application/json',
    ...dimensionsOf(proposal),
    ...attributesOf(supersession),
    data: { claim, evidence },
  })
}

/** A raw commit as the ledger's event: it binds a version of a dataset to the exact bytes it came from. */
export function publishedEvent(proposal: PublicationProposal, source: string): LedgerEvent {
  const { files, parts, rows, quarantined, snapshot, changes, points } = proposal
  return build({
    specversion: '1.0',
    id: proposal.id,
    source,
    type: PUBLISHED_EVENT_TYPE,
    subject: `${proposal.dataset}/${proposal.source}`,
    time: proposal.time,
    knownat: proposal.knownAt,
    dataschema: `${DATA_SCHEMA}dataset-published:1`,
    datacontenttype: 'application/json',
    dataset: proposal.dataset,
    division: CITYWIDE,
    data: {
      ...{ source: proposal.source, files, parts, rows, quarantined, snapshot },
      ...(changes === undefined ? {} : { changes: changes as Json }),
      ...(points === undefined ? {} : { points: points as Json }),
    },
  })
}

/** A publication that is missing or was not read completely, as the ledger's event. */
export function gapEvent(proposal: GapProposal, source: string): LedgerEvent {
  const { code, message, snapshot } = proposal
  return build({
    specversion: '1.0',
    id: proposal.id,
    source,
    type: GAP_EVENT_TYPE,
    subject: `${proposal.dataset}/${proposal.source}`,
    time: proposal.time,
    knownat: proposal.knownAt,
    dataschema: `${DATA_SCHEMA}dataset-gap:1`,
    datacontenttype: 'application/json',
    dataset: proposal.dataset,
    division: CITYWIDE,
    // What it claims is which gap it is; the sentence may carry figures of the day.
    data: { claim: { source: proposal.source, code, snapshot }, message },
  })
}

/**
 * The event that takes a finding back: a complete run over its window no longer proposes it. It repeats the last claim
 * and dimensions, so that a reader of this event alone knows what is withdrawn.
 * Its id comes from the last claim, the run, and the event it follows: the same withdrawal is the same event, a second
 * withdrawal after a return is another.
 * @param last    the newest event of the finding that stands
 * @param knownAt when it could be known: the newest publication that the run rests on
 */
export function withdrawnEvent(last: LedgerEvent, run: RunRecord, knownAt: string): LedgerEvent {
  const { recordedtime: _, data, ...attributes } = last
  const claim = data.claim as Json
  const finding = String(last.subject)
  const digest = digestOf({ claim, run: run.id, after: last.id })
  return build({
    ...attributes,
    id: eventId(finding, String(last.windowfrom), 'withdrawn', digest),
    type: findingType('withdrawn'),
    time: knownAt,
    knownat: knownAt,
    dataschema: `${DATA_SCHEMA}finding-withdrawn:1`,
    ...attributesOf({ id: last.id, reason: 'not-proposed' }),
    data: { claim: data.claim!, run: run.id, snapshots: run.snapshots },
  })
}

/**
 * Id of an event that says again what an event of its own id said before: the claim, and the event that it follows.
 * @param after id of the event that it supersedes
 */
export function republishedId(proposal: FindingProposal, after: string): string {
  const digest = digestOf({ claim: proposal.claim, after })
  return eventId(proposal.finding, proposal.windowFrom, proposal.state, digest)
}

/** Every member is plain JSON here; `Log.append` checks the form of each event once more. */
function build(members: object): LedgerEvent {
  return fitEvent(members as LedgerEvent)
}

function dimensionsOf(proposal: FindingProposal): Record<string, string | number | boolean> {
  const { claim, evidence } = proposal
  return {
    dataset: proposal.dataset,
    category: proposal.category,
    metric: proposal.metric,
    direction: proposal.direction,
    division: proposal.division,
    windowfrom: proposal.windowFrom,
    windowto: proposal.windowTo,
    onset: proposal.onset,
    grain: GRAIN,
    weekofyear: isoWeekOf(proposal.windowFrom),
    severity: claim.severity,
    observed: String(claim.observed),
    expected: String(claim.expected),
    effectratio: String(claim.ratio),
    pvalue: String(claim.pValue),
    qvalue: String(claim.qValue),
    samplesize: evidence.baselineWeeks,
    familysize: evidence.family.size,
    reconstructed: proposal.reconstructed,
  }
}

function attributesOf(supersession: Supersession | undefined): Record<string, string> {
  return supersession ? { supersedes: supersession.id, reason: supersession.reason } : {}
}

/** Number of the ISO 8601 week that holds a day, 1 to 53: a week belongs to the year of its Thursday. */
function isoWeekOf(day: string): number {
  const thursday = addDays(weekOf(day), 3)
  const newYear = `${thursday.slice(0, 4)}-01-01`
  return Math.floor((dayNumber(thursday) - dayNumber(newYear)) / 7) + 1
}
