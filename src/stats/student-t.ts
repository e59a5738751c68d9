import { regularizedBeta } from './beta-function.js'

/**
 * Two-sided p-value of Student's t: the chance of a value at least as far from zero.
 * @param t                the statistic; its sign does not matter
 * @param degreesOfFreedom positive, need not be whole
 * @returns P(|T| >= |t|), in [0, 1]; NaN for a NaN statistic
 * @see Abramowitz and Stegun 1964, 26.7.1: I_x(df / 2, 1 / 2) at x = df / (df + t²)
 */
export function studentTwoSided(t: number, degreesOfFreedom: number): number {
  if (Number.isNaN(t)) return Number.NaN
  const square = t * t
  if (square === Number.POSITIVE_INFINITY) return 0
  const total = degreesOfFreedom + square
  return regularizedBeta(degreesOfFreedom / total, square / total, degreesOfFreedom / 2, 0.5)
}
