import type { CountSeries } from './count-series.js'
import type { FarringtonOptions } from './farrington-options.js'
import { findReference } from './reference-periods.js'
import { appendRow, type RegressionRows } from './regression-rows.js'

/** What the baseline of one tested period holds, beside its rows. */
export interface Baseline {
  /** Covered periods, which is the number of rows. */
  readonly periods: number
  /** Cases in them. */
  readonly cases: number
  /** Largest count. */
  readonly largest: number
  /** Fewest cases in any season level, one without rows counting 0. */
  readonly fewestInLevel: number
  /** Different years back (each `frequency` periods long, counted from the tested period) that have a row. */
  readonly yearsTouched: number
  /** Whole years from the tested period back to the oldest row. */
  readonly yearsReached: number
}

/**
 * Fills the rows with the baseline of one tested period, oldest first. Level `noPeriods` - 1 is the window
 * `w` around the same date of each year; the gap between two windows is cut into the other levels, in order,
 * the first ones a period longer where it does not divide. The latest `pastWeeksNotIncluded` periods, periods
 * that were not covered and periods before the series began are left out.
 * @param rows    emptied and filled; needs capacity for every period before the tested one
 * @param series  counts, NaN where not covered
 * @param index   tested period
 * @param options the algorithm's
 * @see Noufaily et al. 2013, on seasonality; block lengths as in surveillance 1.20.3
 */
export function collectBaseline(
  rows: RegressionRows,
  series: CountSeries,
  index: number,
  options: FarringtonOptions,
): Baseline {
  const { b, w, noPeriods } = options
  rows.length = 0
  const take = (from: number, to: number, level: number) =>
    appendSpan(
      rows,
      series,
      index,
      Math.max(0, from),
      Math.min(to, index - options.pastWeeksNotIncluded),
      level,
    )
  let reference = findReference(series, index, b)
  for (let year = b; year >= 1; year--) {
    const later = findReference(series, index, year - 1)
    take(reference - w, reference + w + 1, noPeriods - 1)
    cutGap(reference + w + 1, later - w, noPeriods - 1, take)
    reference = later
  }
  take(index - w, index, noPeriods - 1)
  return summarizeBaseline(rows, series.frequency, noPeriods)
}

/** Appends the covered periods of [from, to) with one level. */
function appendSpan(
  rows: RegressionRows,
  series: CountSeries,
  index: number,
  from: number,
  to: number,
  level: number,
): void {
  for (let period = from; period < to; period++) {
    const count = series.counts[period]!
    if (count >= 0) appendRow(rows, count, period - index, level)
  }
}

/**
 * Cuts [from, to) into `blocks` spans of nearly equal length, named 0 on; the first ones take the remainder.
 */
function cutGap(
  from: number,
  to: number,
  blocks: number,
  take: (from: number, to: number, level: number) => void,
): void {
  if (blocks === 0 || to <= from) return
  const length = Math.floor((to - from) / blocks)
  const longer = (to - from) % blocks
  let start = from
  for (let block = 0; block < blocks; block++) {
    const end = start + length + (block < longer ? 1 : 0)
    take(start, end, block)
    start = end
  }
}

/** Sums over the rows that decide whether and how to fit. */
function summarizeBaseline(rows: RegressionRows, frequency: number, noPeriods: number): Baseline {
  const { counts, times, length: periods } = rows
  let cases = 0
  let largest = 0
  let yearsTouched = 0
  let latestYear = 0
  for (let row = 0; row < periods; row++) {
    const count = counts[row]!
    cases += count
    if (count > largest) largest = count
    const year = Math.ceil(-times[row]! / frequency)
    if (year !== latestYear) yearsTouched++
    latestYear = year
  }
  const yearsReached = periods === 0 ? 0 : Math.floor(-times[0]! / frequency)
  return { periods, cases, largest, fewestInLevel: fewestCases(rows, noPeriods), yearsTouched, yearsReached }
}

/** Cases of the level that has the fewest. */
function fewestCases(rows: RegressionRows, noPeriods: number): number {
  const cases = new Array<number>(noPeriods).fill(0)
  for (let row = 0; row < rows.length; row++) cases[rows.levels[row]!]! += rows.counts[row]!
  return Math.min(...cases)
}
