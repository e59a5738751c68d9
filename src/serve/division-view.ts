import { addDays, type Day } from '../kernel/time.js'
import { catalogFor } from '../words/sentences.js'
import { FINDINGS_SHOWN, matches, newestOf } from './city-view.js'
import type { Edition, NamedVersion } from './edition.js'
import type { FindingFilter, Period } from './filter.js'
import { bySize, divisionFacts, type FindingLine, lineOf } from './finding-line.js'
import type { CountedRows } from './read-rows.js'
import type { Series, SeriesWeek } from './read-series.js'
import type { SourceFacts } from './read-sources.js'
import {
  type Checked,
  checkedIn,
  type SeriesLine,
  seriesKey,
  seriesLine,
  weeksBetween,
} from './series-view.js'

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

/** Some of the rows behind a finding or a series. */
export interface ShownRows extends CountedRows {
  readonly metric: string
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
  const inPeriod = standing.filter((finding) =>
    matches(finding, { ...filter, severity: undefined }, period),
  ).length
  const checked = period && checkedIn(series, period)
  const matching = standing.filter((finding) => matches(finding, filter, period)).sort(bySize)
  const shown = (filter.show === 'all' ? matching : matching.slice(0, FINDINGS_SHOWN)).map((finding) =>
    lineOf(edition.city, finding),
  )
  const newest = matching.length > 0 ? undefined : newestOf(standing)
  const preferred = shown[0] ?? checked?.nearest?.series
  const drawn =
    period &&
    drawSeries(division, series, shown, filter.series ?? (preferred && seriesKey(preferred)), period)
  return {
    division,
    title: catalogFor(edition.city.city.locale).divisionTitle(divisionFacts(edition.city, division)),
    filter,
    period,
    paragraph:
      period && checked
        ? paragraph(
            edition,
            { division, checked, findings: matching.length, inPeriod },
            period,
            filter.severity,
          )
        : '',
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

/** The period in words: what was found, or that nothing was, or that the choice of severity hides it. */
function paragraph(edition: Edition, found: Found, period: Period, severity: string | undefined): string {
  const words = catalogFor(edition.city.city.locale)
  const { weeks, from, to } = period
  const { division, checked, findings, inPeriod } = found
  if (findings > 0) {
    return words.period({
      division: divisionFacts(edition.city, division),
      weeks,
      from,
      to,
      findings,
      seriesChecked: checked.series,
    })
  }
  if (inPeriod > 0) return words.otherSeverity({ weeks, severity: severity ?? '', others: inPeriod })
  const nearest = checked.nearest && {
    category: checked.nearest.series.category,
    observed: checked.nearest.week.observed ?? 0,
    expected: checked.nearest.week.expected ?? 0,
  }
  return words.nothingFound({ weeks, seriesChecked: checked.series, seriesOutside: checked.outside, nearest })
}

interface Found {
  readonly division: string
  readonly checked: Checked
  /** Findings that match the whole filter, and those that match but for its severity. */
  readonly findings: number
  readonly inPeriod: number
}

/** The series wanted; where none is (nothing was tested), the first. */
function drawSeries(
  division: string,
  series: readonly Series[],
  findings: readonly FindingLine[],
  wanted: string | undefined,
  period: Period,
): DrawnSeries | undefined {
  const chosen = wanted === undefined ? series[0] : series.find((one) => seriesKey(one) === wanted)
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
  const { division, category, metric } = drawn
  const counted = await edition.shownRows(drawn.dataset, { division, category, from, to })
  return { ...counted, metric, category, from, to, finding: finding?.finding }
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
