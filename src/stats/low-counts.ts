import type { Baseline } from './baseline.js'
import type { FarringtonOptions } from './farrington-options.js'

/** How the season enters the mean. */
export type SeasonKind = 'season-levels' | 'harmonics' | 'intercept'

/** Mean cases a period below which levels are too empty to estimate. */
export const FEW_CASES_MEAN = 1

/** Cases below which a level's mean is a matter of chance. */
export const FEW_CASES_IN_LEVEL = 5

/** Mean cases a period below which not even a wave can be told from chance. */
export const TINY_MEAN = 0.3

/** Mean cases a period below which there is nothing to test: larger areas or months are needed. */
export const LEAST_MEAN = 0.2

/**
 * The models to try, in order; the next one serves where one does not converge or cannot predict.
 * With the low-count rule, fewer than 1 case a period on average or fewer than 5 cases in any level replace
 * the levels by one wave a year; below 0.3 a period the mean alone is left.
 * @see docs/adr/0005
 */
export function chooseModels(baseline: Baseline, options: FarringtonOptions): readonly SeasonKind[] {
  if (!options.lowCountRule) return ['season-levels']
  const mean = baseline.cases / baseline.periods
  if (mean < TINY_MEAN) return ['intercept']
  if (mean < FEW_CASES_MEAN || baseline.fewestInLevel < FEW_CASES_IN_LEVEL) return ['harmonics', 'intercept']
  return ['season-levels', 'harmonics', 'intercept']
}
