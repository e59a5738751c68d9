import { catalogFor } from '../words/sentences.js'
import { divisionAddress } from './addresses.js'
import type { Edition, NamedVersion } from './edition.js'
import type { FindingFilter, Period } from './filter.js'
import { bySize, divisionFacts, type FindingLine, lineOf } from './finding-line.js'
import type { Finding } from './read-findings.js'
import type { SourceFacts } from './read-sources.js'

/** A division in the city's table. */
export interface DivisionLine {
  readonly division: string
  readonly title: string
  readonly address: string
  /** Findings of the period. */
  readonly findings: number
  /** Of these, the ones of high severity. */
  readonly high: number
  readonly findings_ever: number
  /** Rows in the harmonized tables, of all datasets. */
  readonly rows: number
  /** Monday of the newest week with a count. */
  readonly newest_week: string | null
}

/** Columns of the city's table of divisions, in order. */
export const DIVISION_COLUMNS = [
  'division',
  'title',
  'address',
  'findings',
  'high',
  'findings_ever',
  'rows',
  'newest_week',
] as const satisfies readonly (keyof DivisionLine)[]

/** The first page: the city's largest changes, its divisions, its data. */
export interface CityView {
  readonly filter: FindingFilter
  /** Undefined before there is any data. */
  readonly period: Period | undefined
  /** The ones shown, largest first. */
  readonly findings: readonly FindingLine[]
  readonly findingsTotal: number
  /** The newest finding there is, where the period has none. */
  readonly latest: FindingLine | undefined
  readonly divisions: readonly DivisionLine[]
  readonly sources: readonly SourceFacts[]
  readonly versions: readonly NamedVersion[]
}

/** Findings that a page shows unless all are asked for: more would not be read, and pages stay small. */
export const FINDINGS_SHOWN = 10

/** The city's page for a filter. */
export async function viewCity(edition: Edition, filter: FindingFilter): Promise<CityView> {
  const [{ byId }, period, sources] = await Promise.all([
    edition.findings(),
    edition.period(filter.since, filter.dataset),
    edition.sources(),
  ])
  const standing = [...byId.values()].filter(({ newest }) => newest.state !== 'withdrawn')
  const matching = standing.filter((finding) => matches(finding, filter, period)).sort(bySize)
  const shown = filter.show === 'all' ? matching : matching.slice(0, FINDINGS_SHOWN)
  const latest = matching.length > 0 ? undefined : newestOf(standing)
  return {
    filter,
    period,
    findings: shown.map((finding) => lineOf(edition.city, finding)),
    findingsTotal: matching.length,
    latest: latest && lineOf(edition.city, latest),
    divisions: await viewDivisions(edition, standing, matching),
    sources,
    versions: edition.versions,
  }
}

/** What of a filter chooses findings. */
export interface Choice {
  readonly dataset?: string | undefined
  readonly severity?: string | undefined
}

/** True when a finding's span touches the period and its dataset and severity are asked for. */
export function matches(
  { newest, claim }: Finding,
  filter: FindingFilter,
  period: Period | undefined,
): boolean {
  return (
    (filter.dataset === undefined || newest.dataset === filter.dataset) &&
    (filter.severity === undefined || claim.severity === filter.severity) &&
    (period === undefined || claim.to > period.from)
  )
}

/** The finding whose span ends last; of several, the largest. */
export function newestOf(findings: readonly Finding[]): Finding | undefined {
  return [...findings].sort((a, b) =>
    a.claim.to === b.claim.to ? bySize(a, b) : a.claim.to < b.claim.to ? 1 : -1,
  )[0]
}

/** Every division with its counts; `standing` are all findings, `matching` those of the period. */
export async function viewDivisions(
  edition: Edition,
  standing: readonly Finding[],
  matching: readonly Finding[],
): Promise<DivisionLine[]> {
  const words = catalogFor(edition.city.city.locale)
  const [divisions, coverage] = await Promise.all([edition.divisions(), edition.coverage()])
  const rows = Object.keys(edition.city.datasets).map((dataset) => edition.rowsByDivision(dataset))
  const ever = countBy(standing)
  const now = countBy(matching)
  const high = countBy(matching.filter(({ claim }) => claim.severity === 'high'))
  const newest = new Map<string, string>()
  for (const { division, newestWeek } of coverage) {
    if (newestWeek && newestWeek > (newest.get(division) ?? '')) newest.set(division, newestWeek)
  }
  return divisions.map((division) => ({
    division,
    title: words.divisionTitle(divisionFacts(edition.city, division)),
    address: divisionAddress(division),
    findings: now.get(division) ?? 0,
    high: high.get(division) ?? 0,
    findings_ever: ever.get(division) ?? 0,
    rows: rows.reduce((sum, counts) => sum + (counts.get(division) ?? 0), 0),
    newest_week: newest.get(division) ?? null,
  }))
}

function countBy(findings: readonly Finding[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { newest } of findings) counts.set(newest.division, (counts.get(newest.division) ?? 0) + 1)
  return counts
}
