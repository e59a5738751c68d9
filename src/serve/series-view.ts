import { addDays, type Day, dayNumber } from '../kernel/time.js'
import type { Period } from './filter.js'
import type { Series, SeriesWeek } from './read-series.js'

/** The key of a series within its division, as it stands in addresses. */
export function seriesKey(series: { dataset: string; metric: string; category: string }): string {
  return [series.dataset, series.metric, series.category].map(encodeURIComponent).join('/')
}

/** The weeks of a series that lie in [from, to), with an empty week wherever none was looked at. */
export function weeksBetween(weeks: readonly SeriesWeek[], from: Day, to: Day): SeriesWeek[] {
  const shown = weeks.filter(({ on }) => on >= from && on < to)
  const [first, last] = [shown[0], shown.at(-1)]
  if (first === undefined || last === undefined) return []
  const byDay = new Map(shown.map((week) => [week.on, week]))
  const length = Math.round((dayNumber(last.on) - dayNumber(first.on)) / 7) + 1
  return Array.from({ length }, (_, index) => {
    const on = addDays(first.on, 7 * index)
    return byDay.get(on) ?? emptyWeek(on)
  })
}

function emptyWeek(on: Day): SeriesWeek {
  return {
    on,
    observed: null,
    expected: null,
    lower: null,
    upper: null,
    pValue: null,
    qValue: null,
    outside: false,
    untestedBecause: 'never looked at',
  }
}

/** A week whose count is not final, as far as the tests say. */
export function isPartial(week: SeriesWeek): boolean {
  return week.untestedBecause?.includes('partial') ?? false
}

/** What was checked in a period: how many series, how many had a week outside, and which came nearest to its limit. */
export interface Checked {
  readonly series: number
  readonly outside: number
  readonly nearest: { readonly series: Series; readonly week: SeriesWeek } | undefined
}

/** @param series all series of a division; weeks that were not tested do not count as checked */
export function checkedIn(series: readonly Series[], period: Period): Checked {
  const tested = series
    .map((one) => ({ one, weeks: one.weeks.filter((week) => isTestedIn(week, period)) }))
    .filter(({ weeks }) => weeks.length > 0)
  const candidates = tested.flatMap(({ one, weeks }) => weeks.map((week) => ({ series: one, week })))
  const nearest = candidates.reduce<Checked['nearest']>(
    (near, next) => (near === undefined || nearness(next.week) > nearness(near.week) ? next : near),
    undefined,
  )
  const outside = tested.filter(({ weeks }) => weeks.some((week) => week.outside)).length
  return { series: tested.length, outside, nearest }
}

function isTestedIn({ on, observed, untestedBecause }: SeriesWeek, { from, to }: Period): boolean {
  return untestedBecause === null && observed !== null && on >= from && on < to
}

/** How far toward its upper limit a count went: 0 at the expected count, 1 at the limit. Rare series come last. */
function nearness({ observed, expected, upper }: SeriesWeek): number {
  if (observed === null || expected === null || upper === null || expected < 1)
    return Number.NEGATIVE_INFINITY
  return (observed - expected) / Math.max(upper - expected, 1e-9)
}

/** One series in the list of all that are checked. */
export interface SeriesLine {
  readonly key: string
  readonly dataset: string
  readonly category: string
  readonly metric: string
  /** Monday of its newest week with a count. */
  readonly newest_week: Day | null
  readonly observed: number | null
  readonly expected: number | null
  readonly lower: number | null
  readonly upper: number | null
  /** Weeks of the period that were outside. */
  readonly weeks_outside: number
}

/** A series' newest counted week, and how often it was outside in the period. */
export function seriesLine(series: Series, { from, to }: Period): SeriesLine {
  const newest = series.weeks.findLast(({ observed }) => observed !== null)
  return {
    key: seriesKey(series),
    dataset: series.dataset,
    category: series.category,
    metric: series.metric,
    newest_week: newest?.on ?? null,
    observed: newest?.observed ?? null,
    expected: newest?.expected ?? null,
    lower: newest?.lower ?? null,
    upper: newest?.upper ?? null,
    weeks_outside: series.weeks.filter(({ on, outside }) => outside && on >= from && on < to).length,
  }
}
