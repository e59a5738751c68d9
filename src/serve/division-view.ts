import { addDays, type Day } from '../kernel/time.js'
import { catalogFor } from '../words/sentences.js'
import { FINDINGS_SHOWN, matches, newestOf } from './city-view.js'
import type { Edition, NamedVersion } from './edition.js'
import type { FindingFilter, Period } from './filter.js'
import { bySize, divisionFacts, type FindingLine, lineOf } from './finding-line.js'
import type { EvidenceRow } from './read-rows.js'
import type { Series, SeriesWeek } from './read-series.js'
import type { SourceFacts } from './read-sources.js'
import { checkedIn, type SeriesLine, seriesKey, seriesLine, weeksBetween } from './series-view.js'

/** A series as drawn: its weeks, and the span that a finding marks in it. */
export interface DrawnSeries {
  readonly key: string
  readonly division: string
  readonly dataset: string
  readonly category: string
  readonly metric: string
  readonly weeks: readonly SeriesWeek[]
  /** The finding's span, [from, to). */
  readonly marked: { readonly from: Day; readonly to: Day } | undefined
}

/** Some of the service requests behind a finding or a series. */
export interface ShownRows {
  readonly rows: readonly EvidenceRow[]
  readonly total: number
  readonly category: string
  readonly from: Day
  readonly to: Day
  /** The finding whose rows these are; undefined: the rows of the series in the period. */
  readonly finding: string | undefined
}

/** A division's page: what changed here. */
export interface DivisionView {
  readonly division: string
  readonly title: string
  readonly filter: FindingFilter
  readonly period: Period | undefined
  /** The period in words. */
  readonly paragraph: string
  readonly findings: readonly FindingLine[]
  readonly findingsTotal: number
  readonly latest: FindingLine | undefined
  /** Recent counts of each shown finding's series, for a small picture; null is a gap. */
  readonly sparks: ReadonlyMap<string, readonly (number | null)[]>
  readonly series: DrawnSeries | undefined
  readonly rows: ShownRows | undefined
  readonly allSeries: readonly SeriesLine[]
  readonly sources: readonly SourceFacts[]
  readonly versions: readonly NamedVersion[]
}

/** Service requests that a page shows; all of them are in the CSV. */
export const ROWS_SHOWN = 25
const SPARK_WEEKS = 26
/** A chart shows at least so many weeks, so that a season can be seen. */
const CHART_WEEKS = 104

/** @returns undefined when nothing knows this division */
export async function viewDivision(
  edition: Edition,
  division: string,
  filter: FindingFilter,
): Promise<DivisionView | undefined> {
  if (!(await edition.divisions()).includes(division)) return undefined
  const [{ byId }, period, allSeries, sources] = await Promise.all([
    edition.findings(),
    edition.period(filter.since, filter.dataset),
    edition.series(division),
    edition.sources(),
  ])
  const series = allSeries.filter(({ dataset }) => filter.dataset === undefined || dataset === filter.dataset)
  const standing = [...byId.values()].filter(
    ({ newest }) => newest.division === division && newest.state !== 'withdrawn',
  )
  const matching = standing.filter((finding) => matches(finding, filter, period)).sort(bySize)
  const shown = (filter.show === 'all' ? matching : matching.slice(0, FINDINGS_SHOWN)).map((finding) =>
    lineOf(edition.city, finding),
  )
  const newest = matching.length > 0 ? undefined : newestOf(standing)
  const drawn = period && drawSeries(division, series, shown, filter.series, period)
  return {
    division,
    title: catalogFor(edition.city.city.locale).divisionTitle(divisionFacts(edition.city, division)),
    filter,
    period,
    paragraph: paragraph(edition, division, series, period, matching.length),
    findings: shown,
    findingsTotal: matching.length,
    latest: newest && lineOf(edition.city, newest),
    sparks: sparksOf(series, shown),
    series: drawn,
    rows: drawn && period && (await rowsOf(edition, drawn, shown, period)),
    allSeries: period ? series.map((one) => seriesLine(one, period)) : [],
    sources: sources.filter(({ dataset }) => filter.dataset === undefined || dataset === filter.dataset),
    versions: edition.versions,
  }
}

function paragraph(
  edition: Edition,
  division: string,
  series: readonly Series[],
  period: Period | undefined,
  findings: number,
): string {
  if (period === undefined) return ''
  const words = catalogFor(edition.city.city.locale)
  const { series: seriesChecked, nearest } = checkedIn(series, period)
  if (findings === 0) return words.nothingFound({ weeks: period.weeks, seriesChecked, nearest })
  const facts = { division: divisionFacts(edition.city, division), findings, seriesChecked }
  return words.period({ ...facts, weeks: period.weeks, from: period.from, to: period.to })
}

/** The series asked for, else that of the largest finding, else the first. */
function drawSeries(
  division: string,
  series: readonly Series[],
  findings: readonly FindingLine[],
  asked: string | undefined,
  period: Period,
): DrawnSeries | undefined {
  const wanted = asked ?? (findings[0] && seriesKey(findings[0]))
  const chosen =
    series.find((one) => seriesKey(one) === wanted) ?? (asked === undefined ? series[0] : undefined)
  if (chosen === undefined) return undefined
  const finding = findings.find((line) => seriesKey(line) === seriesKey(chosen))
  const from = [period.from, addDays(period.to, -7 * CHART_WEEKS)].sort()[0] ?? period.from
  return {
    key: seriesKey(chosen),
    division,
    dataset: chosen.dataset,
    category: chosen.category,
    metric: chosen.metric,
    weeks: weeksBetween(chosen.weeks, from, period.to),
    marked: finding && { from: finding.from, to: finding.to },
  }
}

async function rowsOf(
  edition: Edition,
  drawn: DrawnSeries,
  findings: readonly FindingLine[],
  period: Period,
): Promise<ShownRows> {
  const finding = findings.find((line) => seriesKey(line) === drawn.key)
  const { from, to } = finding ?? period
  const { division, category } = drawn
  const span = { division, category, from, to }
  const [rows, total] = await Promise.all([
    edition.rows(drawn.dataset, span, ROWS_SHOWN),
    edition.rowCount(drawn.dataset, span),
  ])
  return { rows, total, category, from, to, finding: finding?.finding }
}

function sparksOf(series: readonly Series[], findings: readonly FindingLine[]) {
  const byKey = new Map(series.map((one) => [seriesKey(one), one]))
  return new Map(
    findings.map((line) => {
      const weeks = byKey.get(seriesKey(line))?.weeks ?? []
      const shown = weeksBetween(weeks, addDays(line.to, -7 * SPARK_WEEKS), line.to)
      return [line.finding, shown.map(({ observed }) => observed)] as const
    }),
  )
}
