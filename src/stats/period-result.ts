import type { SeasonKind } from './low-counts.js'

/**
 * Why a period has no test.
 * not-covered: the source did not cover the tested period. history-too-short: too few covered periods before
 * it, or all in one year. too-few-cases: below 0.2 cases a period, with the low-count rule. no-fit: no model
 * converged.
 */
export type UntestedReason = 'not-covered' | 'history-too-short' | 'too-few-cases' | 'no-fit'

/** A period that could be tested. */
export interface TestedPeriod {
  readonly tested: true
  /** Place in the series, from 0. */
  readonly index: number
  /** Cases observed. */
  readonly observed: number
  /** Mean μ predicted from the baseline, cases a period. */
  readonly expected: number
  /** A normal period exceeds this with chance at most alpha. */
  readonly upper: number
  /** A normal period is below this with chance under alpha; at least 0, and 0 where no drop could be told. */
  readonly lower: number
  /** observed > upper, with enough recent cases. */
  readonly alarm: boolean
  /** Whether limit54 is met: enough cases in the latest periods, those not covered counting none. */
  readonly enoughRecentCases: boolean
  /** P(Y >= observed) in a normal period, Y distributed as for `upper`. */
  readonly pUpper: number
  /** P(Y <= observed) in a normal period, Y distributed as for `lower`. */
  readonly pLower: number
  /** Dispersion φ of the baseline, variance over mean, at least 1. */
  readonly phi: number
  /** Mean that the upper bound builds on; differs from `expected` for muan only. */
  readonly mu0: number
  /** Standard error of ln(expected). */
  readonly standardError: number
  /** How the season entered the mean. */
  readonly season: SeasonKind
  /** Whether a trend is part of the prediction. */
  readonly trendKept: boolean
  /** Change of ln(mean) a period; NaN without trend. */
  readonly trendCoefficient: number
  /** Covered periods in the baseline. */
  readonly baselinePeriods: number
}

/** A period that could not be tested, and why. */
export interface UntestedPeriod {
  readonly tested: false
  /** Place in the series, from 0. */
  readonly index: number
  /** Cases observed; NaN where not covered. */
  readonly observed: number
  readonly reason: UntestedReason
}

/** What a test of one period gives. */
export type PeriodResult = TestedPeriod | UntestedPeriod
