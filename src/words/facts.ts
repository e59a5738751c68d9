import type { PointCounts } from '../contracts/points.js'
import type { Claim, FindingState } from '../contracts/proposal.js'

/** Template id of a rise of one week; it stands in `claim.words`. */
export const RISE_WEEK = 'finding.rise.week'
/** Template id of a rise of several weeks. */
export const RISE_WEEKS = 'finding.rise.weeks'
/** Template id of a fall of one week. */
export const FALL_WEEK = 'finding.fall.week'
/** Template id of a fall of several weeks. */
export const FALL_WEEKS = 'finding.fall.weeks'

/** The template id of a claim about `weeks` weeks (1 or more) that left its range in this direction. */
export function wordsIdOf(direction: 'up' | 'down', weeks: number): string {
  if (direction === 'up') return weeks === 1 ? RISE_WEEK : RISE_WEEKS
  return weeks === 1 ? FALL_WEEK : FALL_WEEKS
}

/** A division as people name it. */
export interface DivisionFacts {
  /** Said before the value: 'District'. */
  readonly label: string
  /** The partition value: '7', 'unassigned', 'citywide'. */
  readonly value: string
  /** The division's own name where the city file gives one; it then stands alone. */
  readonly name?: string | undefined
}

/** What the counts of a metric are called. */
export interface MetricNoun {
  /** 'request' */
  readonly one: string
  /** 'requests' */
  readonly many: string
  /** 'Requests', as a heading begins. */
  readonly title: string
}

/** The figures that a sentence needs of a claim: counts are rows, bounds rows a week, the span is [from, to). */
export type ClaimFigures = Pick<
  Claim,
  'from' | 'to' | 'weeks' | 'observed' | 'expected' | 'lower' | 'upper' | 'qValue'
>

/** What a finding's sentence is made from. */
export interface FindingFacts {
  readonly claim: ClaimFigures
  readonly division: DivisionFacts
  /** The publisher's label, shown as it is. */
  readonly category: string
  readonly metric: string
}

/** The series that came nearest to leaving its range. */
export interface NearestSeries {
  readonly category: string
  readonly observed: number
  readonly expected: number
}

/** What a page says when nothing was found. */
export interface NothingFoundFacts {
  /** Weeks looked at; undefined: all there are. */
  readonly weeks: number | undefined
  readonly seriesChecked: number
  /** Of these, the ones with a week outside its range that did not make a finding. */
  readonly seriesOutside: number
  readonly nearest: NearestSeries | undefined
}

/** What a page says when the choice of severity hides all findings. */
export interface OtherSeverityFacts {
  readonly weeks: number | undefined
  readonly severity: string
  /** Findings of another severity. */
  readonly others: number
}

/** What the paragraph at the top of a division's page says. */
export interface PeriodFacts {
  readonly division: DivisionFacts
  /** Weeks looked at; undefined: all there are. */
  readonly weeks: number | undefined
  /** The span of those weeks, [from, to). */
  readonly from: string
  readonly to: string
  readonly findings: number
  readonly seriesChecked: number
}

/** How the rows of a source were assigned by their points. */
export interface PointFacts {
  /** Said for a division: 'District'. */
  readonly label: string
  /** Id of the map. */
  readonly boundary: string
  readonly counts: Pick<
    PointCounts,
    'inside' | 'outside' | 'blank' | 'zero' | 'unreadable' | 'compared' | 'differing'
  >
}

/** Everything that we say in one language. */
export interface Catalog {
  readonly language: string
  /** The whole sentence of a finding: what, where, when, how much, how sure, and what it does not say. */
  finding(facts: FindingFacts, state?: FindingState): string
  /** Its first part only, for lists: what, where, when, how much, and what its state adds (nothing when new). */
  headline(facts: FindingFacts, state?: FindingState): string
  /** The size of a change, short, for a column: '+78 %'. */
  change(observed: number, expected: number): string
  /** A q-value as people read it: 'q = 0.003', 'q < 0.0001'. */
  qValue(q: number): string
  /** What counts of a metric are called; of several together, what all rows are. A metric that is not known here gets a neutral noun. */
  noun(...metrics: readonly string[]): MetricNoun
  /** What is counted, in full: 'service requests and building permits'. */
  counted(metrics: readonly string[]): string
  /** What the counts of these metrics do not say: a sentence each. */
  notSaid(metrics: readonly string[]): string
  /** How a division is called in a title: 'District 7', 'The whole city'. */
  divisionTitle(division: DivisionFacts): string
  /** The half-open span of days in words: 'From 18 July to 28 August 2021'. */
  span(from: string, to: string): string
  /** The same without an opening word: '18 July to 28 August 2021'. */
  range(from: string, to: string): string
  /** A calendar day: '18 July 2021'. */
  day(day: string): string
  nothingFound(facts: NothingFoundFacts): string
  otherSeverity(facts: OtherSeverityFacts): string
  period(facts: PeriodFacts): string
  /** What points of rows did to their divisions: sentences, the most important last. */
  points(facts: PointFacts): readonly string[]
}
