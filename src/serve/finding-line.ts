import type { CityFile } from '../contracts/city-file.js'
import type { Claim } from '../contracts/proposal.js'
import type { Day } from '../kernel/time.js'
import type { DivisionFacts } from '../words/facts.js'
import { catalogFor } from '../words/sentences.js'
import { findingAddress } from './addresses.js'
import type { Finding, FindingEvent } from './read-findings.js'

/** A finding, or one event of it, as pages list it and as CSV and JSON carry it: figures and their sentence. */
export interface FindingLine {
  readonly finding: string
  readonly address: string
  /** Ledger index of the event that the figures come from. */
  readonly index: number
  readonly state: string
  readonly severity: Claim['severity']
  readonly division: string
  readonly dataset: string
  readonly category: string
  readonly metric: string
  readonly direction: 'up' | 'down'
  readonly from: Day
  /** Day after the last. */
  readonly to: Day
  readonly weeks: number
  readonly observed: number
  readonly expected: number
  /** Bounds a week, averaged over the span. */
  readonly lower: number
  readonly upper: number
  readonly q_value: number
  /** Observed by expected; null where none was expected. */
  readonly ratio: number | null
  /** The same as shown: '+78 %'. Not in CSV, where a leading sign would be taken for a formula. */
  readonly change: string
  /** What, where, when, how much, and the state: what lists show. */
  readonly headline: string
  /** The whole sentence, with how sure and what it does not say. */
  readonly sentence: string
}

/** Columns of findings as CSV, in order. */
export const FINDING_COLUMNS = [
  'finding',
  'address',
  'index',
  'state',
  'severity',
  'division',
  'dataset',
  'category',
  'metric',
  'direction',
  'from',
  'to',
  'weeks',
  'observed',
  'expected',
  'lower',
  'upper',
  'q_value',
  'ratio',
  'headline',
  'sentence',
] as const satisfies readonly (keyof FindingLine)[]

/** How the city file names a division. */
export function divisionFacts(city: CityFile, value: string): DivisionFacts {
  return { label: city.divisions.label, value, name: city.divisions.members[value]?.name }
}

/** The line of a finding as it stands today. */
export function lineOf(city: CityFile, finding: Finding): FindingLine {
  return eventLine(city, finding.newest, finding.claim)
}

/** The line of one event; `claim` are the figures that hold for it. */
export function eventLine(city: CityFile, event: FindingEvent, claim: Claim): FindingLine {
  const words = catalogFor(city.city.locale)
  const { division, dataset, category, metric, direction, state, index } = event
  const facts = { claim, division: divisionFacts(city, division), category, metric }
  return {
    finding: event.finding,
    address: findingAddress(event.finding),
    index,
    state,
    severity: claim.severity,
    division,
    dataset,
    category,
    metric,
    direction,
    from: claim.from,
    to: claim.to,
    weeks: claim.weeks,
    observed: claim.observed,
    expected: claim.expected,
    lower: claim.lower,
    upper: claim.upper,
    q_value: claim.qValue,
    ratio: claim.expected > 0 ? claim.observed / claim.expected : null,
    change: words.change(claim.observed, claim.expected),
    headline: words.headline(facts, state),
    sentence: words.finding(facts, state),
  }
}

const SEVERITY_ORDER: Record<Claim['severity'], number> = { high: 0, medium: 1, low: 2 }

/** Largest first: by severity, then by how many rows the count lies from what was expected. */
export function bySize(a: Finding, b: Finding): number {
  return (
    SEVERITY_ORDER[a.claim.severity] - SEVERITY_ORDER[b.claim.severity] ||
    distance(b) - distance(a) ||
    (a.id < b.id ? -1 : 1)
  )
}

function distance({ claim }: Finding): number {
  return Math.abs(claim.observed - claim.expected)
}
