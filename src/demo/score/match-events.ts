import { addDays, type Day } from '../../kernel/time.js'
import type { PlantedEvent, Truth } from '../truth.js'
import { type DelayOfOne, daysUntil } from './figures.js'
import { type FindingSpan, type GatheredFinding, gatherFindings } from './gather-findings.js'
import { type CategoryLookup, categoryLookup, isInTime, isTrap, spanWithin } from './match.js'
import type { PublicRecord } from './read-api.js'
import type { ScoredEvent } from './score-shape.js'
import { type TestedSince, testedSince } from './tested-since.js'

/** A week has to be over before anything can be found in it. */
const EXPECTED_AFTER_DAYS = 7

/** A planted event with what belongs to it. */
export interface MatchedEvent {
  readonly event: PlantedEvent
  readonly outcome: ScoredEvent['outcome']
  /** Why it was not expected. */
  readonly reason: string | null
  readonly matches: readonly { readonly finding: GatheredFinding; readonly span: FindingSpan }[]
  /** Of an event that was found. */
  readonly delay: DelayOfOne | undefined
}

/** What was true and what was found, side by side. */
export interface Matched {
  readonly truth: Truth
  readonly lookup: CategoryLookup
  /** By dataset. */
  readonly tested: ReadonlyMap<string, TestedSince>
  /** In the order of the truth. */
  readonly events: readonly MatchedEvent[]
  /** By id; findings that are not withdrawn. */
  readonly standing: readonly GatheredFinding[]
  readonly withdrawn: number
}

/** Finds for every planted event the findings that belong to it. */
export function matchEvents(truth: Truth, record: PublicRecord): Matched {
  const gathered = gatherFindings(record.events)
  const standing = gathered.filter(({ isWithdrawn }) => !isWithdrawn)
  const lookup = categoryLookup(truth)
  const tested = testedSince(truth, record.series)
  const events = truth.events.map((event): MatchedEvent => {
    const matches = standing.flatMap((finding) => {
      const span = spanWithin(finding, event, lookup)
      return span === undefined ? [] : [{ finding, span }]
    })
    return { event, matches, ...outcomeOf(event, matches, tested.get(event.dataset)?.day, truth.asOf) }
  })
  return { truth, lookup, tested, events, standing, withdrawn: gathered.length - standing.length }
}

type Outcome = Pick<MatchedEvent, 'outcome' | 'reason' | 'delay'>

function outcomeOf(
  event: PlantedEvent,
  matches: MatchedEvent['matches'],
  testedFrom: Day | undefined,
  asOf: Day,
): Outcome {
  const unexpected = whyUnexpected(event, testedFrom, asOf)
  if (unexpected) return { ...unexpected, delay: undefined }
  const inTime = matches.map(({ span }) => span).filter((span) => isInTime(span, event))
  const delay = firstDelay(event, inTime)
  return { outcome: delay ? 'found' : 'missed', reason: null, delay }
}

function whyUnexpected(event: PlantedEvent, testedFrom: Day | undefined, asOf: Day) {
  const { from, toldOn } = event
  const begunOn = toldOn > from ? toldOn : from
  if (isTrap(event) && event.kind !== 'data-gap')
    return { outcome: 'not-expected', reason: 'a trap: nothing happened in the city' } as const
  if (addDays(begunOn, EXPECTED_AFTER_DAYS) > asOf)
    return { outcome: 'not-yet', reason: `known from ${begunOn} on, and the city ends on ${asOf}` } as const
  if (testedFrom === undefined || from < testedFrom)
    return {
      outcome: 'not-expected',
      reason: `before the first tested week (${testedFrom ?? 'none'})`,
    } as const
  return undefined
}

function firstDelay({ from }: PlantedEvent, spans: readonly FindingSpan[]): DelayOfOne | undefined {
  if (spans.length === 0) return undefined
  const firstOf = (instants: readonly string[]) => instants.reduce((a, b) => (b < a ? b : a))
  return {
    happened: daysUntil(from, firstOf(spans.map(({ firstTime }) => firstTime))),
    knowable: daysUntil(from, firstOf(spans.map(({ firstKnownAt }) => firstKnownAt))),
  }
}
