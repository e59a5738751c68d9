import { dayNumber } from '../../kernel/time.js'
import { EVENT_KINDS, type PlantedEvent, type Truth } from '../truth.js'
import { delayOf, rounded, shareOf } from './figures.js'
import type { FindingSpan, GatheredFinding } from './gather-findings.js'
import { scoreCategories } from './label-groups.js'
import { fallsInto, isTrap, lastsUntil, measureOf } from './match.js'
import { type Matched, type MatchedEvent, matchEvents } from './match-events.js'
import type { PublicRecord } from './read-api.js'
import type { Delay, Score, ScoredEvent, ScoredFinding, Share } from './score-shape.js'

const DAYS_A_YEAR = 365.25

/** The score of a pipeline: what it made public, compared with what is true. The order of what was published does not matter. */
export function scoreCity(truth: Truth, record: PublicRecord): Score {
  const matched = matchEvents(truth, record)
  const findings = scoreFindings(matched)
  const { events, standing, withdrawn } = matched
  const { city, seed, size, from, asOf } = truth
  return {
    ...{ city, seed, size, from, asOf },
    counts: qualityOf(
      events.filter(({ event }) => measureOf(event) === 'count'),
      standing.filter(({ spans }) => spans.some(({ measure }) => measure === 'count')),
    ),
    everything: qualityOf(events, standing),
    kinds: scoreKinds(events),
    datasets: scoreDatasets(matched, findings),
    traps: scoreTraps(matched),
    categories: scoreCategories(truth, record.series),
    withdrawn,
    silentDatasets: truth.datasets
      .map(({ id }) => id)
      .filter((id) => standing.every(({ dataset }) => dataset !== id)),
    events: events.map(scoredEvent),
    findings,
  }
}

/** Recall and delay over some events, precision over some findings: one is right when it belongs to any of these events. */
function qualityOf(
  events: readonly MatchedEvent[],
  findings: readonly GatheredFinding[],
): Score['everything'] {
  const right = new Set(events.flatMap(({ matches }) => matches.map(({ finding }) => finding.id)))
  return {
    recall: recallOf(events),
    precision: shareOf(findings.filter(({ id }) => right.has(id)).length, findings.length),
    delay: delayUntilFound(events),
  }
}

function recallOf(events: readonly MatchedEvent[]): Share {
  const found = events.filter(({ outcome }) => outcome === 'found').length
  return shareOf(found, found + events.filter(({ outcome }) => outcome === 'missed').length)
}

function delayUntilFound(events: readonly MatchedEvent[]): Delay | null {
  return delayOf(events.flatMap(({ delay }) => delay ?? []))
}

function scoreKinds(events: readonly MatchedEvent[]): Score['kinds'] {
  return EVENT_KINDS.flatMap((kind) => {
    const own = events.filter(({ event }) => event.kind === kind)
    if (own.length === 0) return []
    return [{ kind, planted: own.length, recall: recallOf(own), delay: delayUntilFound(own) }]
  })
}

function scoreDatasets({ truth, tested }: Matched, findings: readonly ScoredFinding[]): Score['datasets'] {
  const divisions = divisionsAsOf(truth)
  return [...tested].map(([dataset, { day, isAssumed }]) => {
    const own = findings.filter((finding) => finding.dataset === dataset)
    const falseFindings = own.filter(({ events }) => events.length === 0).length
    const years = Math.max(0, dayNumber(truth.asOf) + 1 - dayNumber(day)) / DAYS_A_YEAR
    const divisionYears = rounded(divisions * years)
    const falseADivisionYear = divisionYears === 0 ? null : rounded(falseFindings / divisionYears)
    return {
      ...{ dataset, testedSince: day, isAssumed },
      ...{ findings: own.length, falseFindings, divisionYears, falseADivisionYear },
    }
  })
}

/** How many divisions the city has on its newest day. */
function divisionsAsOf({ maps, asOf }: Truth): number {
  const map = maps.findLast(
    ({ validFrom, validTo }) => validFrom <= asOf && (validTo === null || asOf < validTo),
  )
  return (map ?? maps.at(-1))?.divisions.length ?? 0
}

/** Traps which lie where weeks were tested, with the rises and falls in them that nothing true explains. */
function scoreTraps({ truth, events, standing, lookup, tested }: Matched): Score['traps'] {
  const real = events.filter(({ event }) => !isTrap(event))
  const explained = new Set(real.flatMap(({ matches }) => matches.map(({ finding }) => finding.id)))
  const isReached = (trap: PlantedEvent) => {
    const until = lastsUntil(trap)
    const testedFrom = tested.get(trap.dataset)?.day ?? truth.asOf
    return trap.from <= truth.asOf && (until === null || until > testedFrom)
  }
  const traps = truth.events.filter((event) => isTrap(event) && isReached(event))
  return traps.map((trap) => ({
    ...{ event: trap.id, kind: trap.kind, dataset: trap.dataset, said: trap.said },
    reported: standing
      .filter((finding) => !explained.has(finding.id) && fallsInto(finding, trap, lookup))
      .map(({ id, sentence }) => ({ finding: id, sentence })),
  }))
}

function scoredEvent({ event, outcome, reason, matches }: MatchedEvent): ScoredEvent {
  const { id, kind, dataset, from, to, said } = event
  const findings = matches.map(({ finding }) => finding.id)
  return { id, kind, dataset, from, to, said, outcome, reason, findings }
}

function scoreFindings({ events, standing }: Matched): ScoredFinding[] {
  const eventsOf = new Map<string, string[]>(standing.map(({ id }) => [id, []]))
  for (const { event, matches } of events) {
    for (const { finding } of matches) eventsOf.get(finding.id)?.push(event.id)
  }
  return standing
    .map(({ id: finding, isWithdrawn: _, spans, ...facts }) => ({
      ...{ finding, ...facts, ...wholeSpan(spans) },
      events: eventsOf.get(finding) ?? [],
    }))
    .sort((a, b) => compare(a.from, b.from) || compare(a.finding, b.finding))
}

function wholeSpan(spans: readonly FindingSpan[]): { from: string; to: string } {
  const froms = spans.map(({ from }) => from).sort(compare)
  const tos = spans.map(({ to }) => to).sort(compare)
  return { from: froms[0] as string, to: tos.at(-1) as string }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
