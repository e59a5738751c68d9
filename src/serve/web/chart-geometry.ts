import { max } from 'd3-array'
import { type ScaleTime, scaleLinear, scaleUtc } from 'd3-scale'
import { area, line } from 'd3-shape'
import { type Day, dayNumber } from '../../kernel/time.js'
import type { SeriesWeek } from '../read-series.js'
import { isPartial } from '../series-view.js'

/** Where things lie in a chart, in pixels of its own coordinates. */
export interface ChartGeometry {
  readonly width: number
  readonly height: number
  readonly plot: {
    readonly left: number
    readonly right: number
    readonly top: number
    readonly bottom: number
  }
  /** Path of the expected range; empty weeks interrupt it. */
  readonly band: string
  readonly expected: string
  readonly observed: string
  readonly outside: readonly Point[]
  readonly partial: readonly Point[]
  readonly marked: { readonly x: number; readonly width: number } | undefined
  readonly xTicks: readonly Tick[]
  readonly yTicks: readonly Tick[]
}

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Tick {
  readonly at: number
  readonly label: string
}

const MARGIN = { left: 44, right: 12, top: 12, bottom: 26 }
const DAY_MS = 86_400_000
const PIXELS_A_TICK = 62 // 'Jan 2020' in the ticks' letters, and a space
/** A limit far above everything observed would flatten the counts; the band is cut off there instead. */
const MAX_HEADROOM = 2

/**
 * Lays out weekly counts and their expected range, counts from zero. A null is a break, never zero.
 * @param weeks  at least one, ascending, one entry a week
 * @param marked a finding's span, [from, to)
 */
export function layOutChart(
  weeks: readonly SeriesWeek[],
  marked: { from: Day; to: Day } | undefined,
  width: number,
  height: number,
): ChartGeometry {
  const plot = {
    left: MARGIN.left,
    right: width - MARGIN.right,
    top: MARGIN.top,
    bottom: height - MARGIN.bottom,
  }
  const [first, last] = [dateOf(weeks[0]?.on ?? '1970-01-05'), dateOf(weeks.at(-1)?.on ?? '1970-01-05')]
  const x = scaleUtc(
    [first, last > first ? last : new Date(first.getTime() + 7 * DAY_MS)],
    [plot.left, plot.right],
  )
  const y = scaleLinear([0, highestShown(weeks)], [plot.bottom, plot.top])
    .nice(4)
    .clamp(true)
  const at = (week: SeriesWeek, value: number): Point => ({
    x: round(x(dateOf(week.on))),
    y: round(y(value)),
  })
  const points = (chosen: (week: SeriesWeek) => boolean) =>
    weeks.flatMap((week) => (week.observed !== null && chosen(week) ? [at(week, week.observed)] : []))
  const lineOf = (value: (week: SeriesWeek) => number | null) =>
    line<SeriesWeek>()
      .defined((week) => value(week) !== null)
      .x((week) => x(dateOf(week.on)))
      .y((week) => y(value(week) ?? 0))
      .digits(1)(weeks) ?? ''
  const band = area<SeriesWeek>()
    .defined(({ lower, upper }) => lower !== null && upper !== null)
    .x((week) => x(dateOf(week.on)))
    .y0(({ lower }) => y(lower ?? 0))
    .y1(({ upper }) => y(upper ?? 0))
    .digits(1)
  const clampX = (day: Day) => Math.min(plot.right, Math.max(plot.left, x(dateOf(day))))
  return {
    width,
    height,
    plot,
    band: band(weeks) ?? '',
    expected: lineOf(({ expected }) => expected),
    observed: lineOf(({ observed }) => observed),
    outside: points(({ outside }) => outside),
    partial: points(isPartial),
    marked: marked && spanAround(clampX(marked.from), clampX(marked.to)),
    xTicks: timeTicks(fittingTicks(x), (date) => x(date)),
    yTicks: y
      .ticks(4)
      .filter(Number.isInteger)
      .map((value) => ({ at: round(y(value)), label: value.toLocaleString('en-US') })),
  }
}

/** The picture's small cousin: recent counts without axes. @returns path data; '' when there is nothing to draw */
export function sparkPath(counts: readonly (number | null)[], width: number, height: number): string {
  const highest = max(counts, (count) => count ?? 0) || 1
  const x = scaleLinear([0, Math.max(1, counts.length - 1)], [1, width - 1])
  const y = scaleLinear([0, highest], [height - 2, 2])
  const path = line<number | null>()
    .defined((count) => count !== null)
    .x((_count, index) => x(index))
    .y((count) => y(count ?? 0))
    .digits(1)
  return path(counts) ?? ''
}

/** The most ticks whose labels have room: the scale takes the number as a wish only, so it is asked again. */
function fittingTicks(x: ScaleTime<number, number>): Date[] {
  const [left, right] = x.range() as [number, number]
  for (let wanted = Math.floor((right - left) / PIXELS_A_TICK); wanted > 1; wanted--) {
    const ticks = x.ticks(wanted)
    const [first, second] = [ticks[0], ticks[1]]
    if (first === undefined || second === undefined || x(second) - x(first) >= PIXELS_A_TICK) return ticks
  }
  return x.ticks(1)
}

function highestShown(weeks: readonly SeriesWeek[]): number {
  const counts = max(weeks, ({ observed, expected }) => Math.max(observed ?? 0, expected ?? 0)) ?? 0
  const limits = max(weeks, ({ upper }) => upper ?? 0) ?? 0
  return Math.max(1, counts, Math.min(limits, Math.max(4, counts * MAX_HEADROOM)))
}

function spanAround(from: number, to: number): { x: number; width: number } {
  return { x: round(from), width: round(Math.max(2, to - from)) }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Labels of dates, with the year at the first one and at each January. */
function timeTicks(dates: readonly Date[], place: (date: Date) => number): Tick[] {
  const gapDays = dates.length > 1 ? (dates[1]!.getTime() - dates[0]!.getTime()) / DAY_MS : 7
  return dates.map((date, index) => {
    const isNewYear = index === 0 || date.getUTCFullYear() !== dates[index - 1]!.getUTCFullYear()
    return { at: round(place(date)), label: tickLabel(date, gapDays, isNewYear) }
  })
}

function tickLabel(date: Date, gapDays: number, isNewYear: boolean): string {
  const year = date.getUTCFullYear()
  if (gapDays > 300) return String(year)
  const month = MONTHS[date.getUTCMonth()]
  const day = gapDays < 27 ? `${date.getUTCDate()} ${month}` : month
  return isNewYear ? `${day} ${year}` : `${day}`
}

function dateOf(day: Day): Date {
  return new Date(dayNumber(day) * DAY_MS)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
