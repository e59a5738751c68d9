import type { DetectConfig } from '../contracts/city-file.js'
import { findQValues } from '../stats/benjamini-hochberg.js'
import type { PeriodResult } from '../stats/period-result.js'

/** All tests of one series, one a week of the grid. */
export interface TestedSeries {
  readonly division: string
  readonly category: string
  readonly results: readonly PeriodResult[]
}

/** A week's verdict after correction for all tests of that week. */
export interface Verdict {
  readonly qValue: number
  readonly ratio: number
  readonly outside: boolean
}

/** Expected counts below this do not enter a ratio: ten times almost nothing says nothing. */
const LEAST_EXPECTED_FOR_RATIO = 0.1

/** Observed over expected, the expected count taken as at least 0.1 a week. */
export function effectRatio(observed: number, expected: number): number {
  return observed / Math.max(expected, LEAST_EXPECTED_FOR_RATIO)
}

/**
 * Verdicts of all series: Benjamini-Hochberg over the tests of one week (the family: dataset × metric × week), then the
 * minimum effect. A family depends on nothing but its own week, so live and backfill give the same verdicts.
 * @param series tests of every series of one dataset and metric
 * @param weeks  number of weeks of the grid
 * @returns verdicts[series][week], undefined where there was no test; and the size of each week's family
 */
export function judgeWeeks(series: readonly TestedSeries[], weeks: number, config: DetectConfig) {
  const verdicts: (Verdict | undefined)[][] = series.map(() => [])
  const sizes: number[] = []
  for (let week = 0; week < weeks; week++) {
    const pValues = series.map(({ results }) => pUpperOf(results[week]))
    const qValues = findQValues(pValues)
    sizes.push(pValues.filter((p) => !Number.isNaN(p)).length)
    series.forEach(({ results }, index) => {
      const list = verdicts[index] as (Verdict | undefined)[]
      list.push(verdictOf(results[week], qValues[index] ?? Number.NaN, config))
    })
  }
  return { verdicts, sizes }
}

function pUpperOf(result: PeriodResult | undefined): number {
  return result?.tested ? result.pUpper : Number.NaN
}

function verdictOf(
  result: PeriodResult | undefined,
  qValue: number,
  config: DetectConfig,
): Verdict | undefined {
  if (!result?.tested) return undefined
  const ratio = effectRatio(result.observed, result.expected)
  const outside =
    qValue <= config.falseDiscoveryRate &&
    result.enoughRecentCases &&
    result.observed > result.upper &&
    result.observed - result.expected >= config.minExcess &&
    ratio >= config.minRatio
  return { qValue, ratio, outside }
}
