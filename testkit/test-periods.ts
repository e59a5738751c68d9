import type { PeriodResult, TestedPeriod } from '../src/stats/period-result.js'

/** A tested week as the detector gives it; by default 10 requests where 10 are expected. */
export function testedWeek(index: number, over: Partial<TestedPeriod> = {}): TestedPeriod {
  return {
    tested: true,
    index,
    observed: 10,
    expected: 10,
    upper: 18,
    lower: 3,
    alarm: false,
    enoughRecentCases: true,
    pUpper: 0.5,
    pLower: 0.5,
    phi: 1.2,
    mu0: 10,
    standardError: 0.05,
    season: 'season-levels',
    trendKept: false,
    trendCoefficient: Number.NaN,
    baselinePeriods: 200,
    ...over,
  }
}

/** A week that could not be tested. */
export function untestedWeek(index: number): PeriodResult {
  return { tested: false, index, observed: Number.NaN, reason: 'not-covered' }
}
