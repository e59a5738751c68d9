import { type Baseline, collectBaseline } from './baseline.js'
import { type BaselineFit, createSolvers, fitBaseline, type Solvers } from './baseline-fit.js'
import { type CountSeries, checkCounts } from './count-series.js'
import { expectRange } from './expected-range.js'
import { checkOptions, type FarringtonOptions } from './farrington-options.js'
import { LEAST_MEAN } from './low-counts.js'
import { normalQuantile } from './normal.js'
import type { PeriodResult, TestedPeriod, UntestedPeriod, UntestedReason } from './period-result.js'
import { findReference } from './reference-periods.js'
import { createRows, type RegressionRows } from './regression-rows.js'

/**
 * Memory that tests share, so that a backtest allocates only its results. Not to be shared between threads.
 */
export interface FarringtonWorkspace {
  rows: RegressionRows
  readonly solvers: Solvers
}

/**
 * A workspace; it grows to the longest series that it meets, about 75 bytes a period (and 48 more for waves).
 */
export function createWorkspace(periods = 0): FarringtonWorkspace {
  return { rows: createRows(periods), solvers: createSolvers() }
}

/**
 * Tests periods of one series against their own past: quasi-Poisson regression on the same season of earlier
 * years, past outbreaks reweighted, bounds from the negative binomial distribution.
 * @param series    counts, oldest first, NaN where not covered
 * @param from      first period to test, from 0
 * @param to        period after the last one to test, at most the length of the series
 * @param options   the algorithm's; PRODUCT_OPTIONS for findings
 * @param workspace memory to reuse from series to series
 * @returns one result a period, in order
 * @throws WardbookError 'farrington-option' (fix-config), 'count-not-whole' (report-bug)
 * @see Farrington et al. 1996; Noufaily et al. 2013; checked against R's surveillance 1.20.3
 */
export function testPeriods(
  series: CountSeries,
  from: number,
  to: number,
  options: FarringtonOptions,
  workspace: FarringtonWorkspace = createWorkspace(),
): PeriodResult[] {
  checkOptions(options)
  checkCounts(series)
  const needed = series.counts.length
  if (workspace.rows.capacity < needed) workspace.rows = createRows(needed)
  const alphaPoint = normalQuantile(1 - options.alpha)
  const results: PeriodResult[] = []
  for (let index = Math.max(0, from); index < Math.min(to, needed); index++) {
    results.push(judgePeriod(series, index, options, workspace, alphaPoint))
  }
  return results
}

/**
 * Tests the latest period of a series; otherwise as {@link testPeriods}.
 * @returns undefined for an empty series
 */
export function testLatest(
  series: CountSeries,
  options: FarringtonOptions,
  workspace?: FarringtonWorkspace,
): PeriodResult | undefined {
  const end = series.counts.length
  return testPeriods(series, end - 1, end, options, workspace)[0]
}

function judgePeriod(
  series: CountSeries,
  index: number,
  options: FarringtonOptions,
  { rows, solvers }: FarringtonWorkspace,
  alphaPoint: number,
): PeriodResult {
  const observed = series.counts[index]!
  const untested = (reason: UntestedReason): UntestedPeriod => ({ tested: false, index, observed, reason })
  if (Number.isNaN(observed)) return untested('not-covered')
  if (startsTooLate(series, index, options)) return untested('history-too-short')
  const baseline = collectBaseline(rows, series, index, options)
  if (isTooShort(baseline, options)) return untested('history-too-short')
  if (options.lowCountRule && baseline.cases < LEAST_MEAN * baseline.periods) return untested('too-few-cases')
  const fit = fitBaseline(rows, baseline, series, options, solvers)
  if (!fit) return untested('no-fit')
  return reportPeriod(series, index, baseline, fit, options, alphaPoint)
}

/** As published, all b reference windows must lie within the series. */
function startsTooLate(
  series: CountSeries,
  index: number,
  { b, w, shortHistory }: FarringtonOptions,
): boolean {
  return shortHistory === 'refuse' && findReference(series, index, b) - w < 0
}

/**
 * A baseline that may be short still needs its periods, and more than one year: one year cannot show a
 * season.
 */
function isTooShort(baseline: Baseline, { shortHistory, minBaselineWeeks }: FarringtonOptions): boolean {
  if (baseline.periods === 0 || baseline.periods < minBaselineWeeks) return true
  return shortHistory === 'use' && baseline.yearsTouched < 2
}

/** The result of a period whose baseline could be fitted. */
function reportPeriod(
  { counts }: CountSeries,
  index: number,
  baseline: Baseline,
  fit: BaselineFit,
  options: FarringtonOptions,
  alphaPoint: number,
): TestedPeriod {
  const observed = counts[index]!
  const range = expectRange(observed, fit, options, alphaPoint)
  const enoughRecentCases = countRecent(counts, index, options.limit54[1]) >= options.limit54[0]
  const { season, standardError, trendKept, trendCoefficient } = fit
  return {
    tested: true,
    index,
    observed,
    expected: fit.mean,
    ...range,
    alarm: enoughRecentCases && observed > range.upper,
    enoughRecentCases,
    phi: fit.dispersion,
    season,
    standardError,
    trendKept,
    trendCoefficient,
    baselinePeriods: baseline.periods,
  }
}

/** Cases in the latest periods up to and with the tested one, those not covered counting none. */
function countRecent(counts: ArrayLike<number>, index: number, periods: number): number {
  let cases = 0
  for (let period = Math.max(0, index - periods + 1); period <= index; period++) cases += counts[period]! || 0
  return cases
}
