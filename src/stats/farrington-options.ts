import { WardbookError } from '../kernel/errors.js'
import { MAX_LEVELS } from './regression-rows.js'

/** How the upper bound follows from the fitted mean; see {@link FarringtonOptions.thresholdMethod}. */
export type ThresholdMethod = 'delta' | 'nbPlugin' | 'muan'

/** The power that makes the count roughly normal in the delta method. */
export type PowerTransform = '2/3' | '1/2' | 'none'

/**
 * What Farrington's flexible algorithm leaves open, by the names of the field. A period is a week or a month,
 * as the series is. The last five are ours: their neutral values (in {@link NOUFAILY_OPTIONS}) give the
 * published algorithm.
 */
export interface FarringtonOptions {
  /** Years of history to compare with; 1 or more. More years steady the mean and age the comparison. */
  readonly b: number
  /** Half-width in periods of the window around the same date of each year; 0 takes that period alone. */
  readonly w: number
  /** Season levels, the window included; 1 compares with the windows alone. More levels need more cases. */
  readonly noPeriods: number
  /**
   * Latest periods kept out of the baseline, so that an outbreak does not hide itself; 0 leaves out only its
   * own.
   */
  readonly pastWeeksNotIncluded: number
  /** Whether past outbreaks lose weight in a second fit. */
  readonly reweight: boolean
  /** Anscombe residual above which a period loses weight; lower takes weight from more periods. */
  readonly weightsThreshold: number
  /** Whether to try a linear trend; it needs three years of history. */
  readonly trend: boolean
  /** p-value the trend must be below to stay; 1 always keeps it. */
  readonly pThresholdTrend: number
  /**
   * nbPlugin: negative binomial quantile at the fitted mean. muan: the same at the upper limit of the mean.
   * delta: normal quantile on a power scale, with the uncertainty of the mean.
   */
  readonly thresholdMethod: ThresholdMethod
  /** Scale of the delta method; the other methods ignore it. */
  readonly powertrans: PowerTransform
  /** Chance that a normal period falls above the upper bound, and likewise below the lower; in (0, 0.5). */
  readonly alpha: number
  /**
   * No alarm with fewer than the first number of cases in the last second number of periods; 0 cases: no such
   * rule.
   */
  readonly limit54: readonly [cases: number, periods: number]

  /**
   * Largest predicted mean, as a multiple of the largest baseline count, at which a trend stays; 1 as
   * published.
   */
  readonly trendCap: number
  /** Widens the bounds by the uncertainty of the mean: dispersion φ + μ se². False as published. */
  readonly predictionVariance: boolean
  /** Simpler season for few cases, see chooseModels in low-counts.ts; false: levels whatever the counts. */
  readonly lowCountRule: boolean
  /** 'refuse': b whole years or no test, as published. 'use': as much of b years as the history has. */
  readonly shortHistory: 'refuse' | 'use'
  /** Fewest covered periods in the baseline; 0: no such rule. Higher tests fewer young series. */
  readonly minBaselineWeeks: number
}

/** Noufaily et al. 2013 for weekly counts, with the negative binomial quantile as threshold. */
export const NOUFAILY_OPTIONS: FarringtonOptions = {
  b: 5,
  w: 3,
  noPeriods: 10,
  pastWeeksNotIncluded: 26,
  reweight: true,
  weightsThreshold: 2.58,
  trend: true,
  pThresholdTrend: 1,
  thresholdMethod: 'nbPlugin',
  powertrans: '2/3',
  alpha: 0.01,
  limit54: [5, 4],
  trendCap: 1,
  predictionVariance: false,
  lowCountRule: false,
  shortHistory: 'refuse',
  minBaselineWeeks: 0,
}

/**
 * What wardbook runs on weekly counts: the above with our changes, for which docs/adr/0005 gives reasons.
 */
export const PRODUCT_OPTIONS: FarringtonOptions = {
  ...NOUFAILY_OPTIONS,
  trendCap: 1.5,
  predictionVariance: true,
  lowCountRule: true,
  shortHistory: 'use',
  minBaselineWeeks: 104,
}

/**
 * The same on monthly counts: half a year left out, two years at least, quarterly levels, 5 cases in the
 * month.
 */
export const MONTHLY_PRODUCT_OPTIONS: FarringtonOptions = {
  ...PRODUCT_OPTIONS,
  w: 1,
  noPeriods: 4,
  pastWeeksNotIncluded: 6,
  limit54: [5, 1],
  minBaselineWeeks: 24,
}

/** Each rule an option must keep, in the words of the message. */
const RULES: readonly [rule: string, holds: (options: FarringtonOptions) => boolean][] = [
  ['b must be a whole number from 1 on', ({ b }) => Number.isInteger(b) && b >= 1],
  ['w must be a whole number from 0 on', ({ w }) => Number.isInteger(w) && w >= 0],
  [
    `noPeriods must be a whole number from 1 to ${MAX_LEVELS}`,
    ({ noPeriods }) => Number.isInteger(noPeriods) && noPeriods >= 1 && noPeriods <= MAX_LEVELS,
  ],
  [
    'pastWeeksNotIncluded must be a whole number from 0 on',
    ({ pastWeeksNotIncluded: past }) => Number.isInteger(past) && past >= 0,
  ],
  ['weightsThreshold must be above 0', ({ weightsThreshold }) => weightsThreshold > 0],
  ['alpha must lie between 0 and 0.5', ({ alpha }) => alpha > 0 && alpha < 0.5],
  ['trendCap must be above 0', ({ trendCap }) => trendCap > 0],
]

/**
 * Refuses options that no run could honor.
 * @throws WardbookError 'farrington-option' (fix-config) with the rule that is broken
 */
export function checkOptions(options: FarringtonOptions): void {
  for (const [rule, holds] of RULES) {
    if (!holds(options)) throw new WardbookError('farrington-option', 'fix-config', rule, { ...options })
  }
}
