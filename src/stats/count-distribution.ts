import { regularizedBeta } from './beta-function.js'
import { regularizedGammaLower, regularizedGammaUpper } from './gamma-function.js'
import { normalQuantile, roughNormalQuantile } from './normal.js'
import { smallestReaching } from './whole-quantile.js'

/**
 * From this size on (mean / (dispersion - 1), or the mean when Poisson) the Cornish-Fisher quantile is off by
 * less than a ten-thousandth of a count, and the exact functions would be slow.
 */
const NEARLY_NORMAL_SIZE = 1e10

/**
 * The distribution of a count with a given mean and dispersion: Poisson where the dispersion is 1, else
 * negative binomial with size = mean / (dispersion - 1) and prob = 1 / dispersion, so that variance =
 * dispersion * mean. A small tail is computed on its own, never as 1 minus the other, and keeps about 12
 * digits (where the dispersion is above 1000, its error is 1e-15 in absolute terms).
 * @param y          a count; a fraction counts as the whole number below (`atMost`) or above (`atLeast`) it
 * @param mean       cases, not negative
 * @param dispersion variance over mean, at least 1
 * @returns P(Y <= y), in [0, 1]
 * @see DLMF 8.4.10 (Poisson) and 8.17.5 (negative binomial) as incomplete gamma and beta functions
 */
export function probabilityAtMost(y: number, mean: number, dispersion: number): number {
  const whole = Math.floor(y)
  if (whole < 0) return 0
  if (mean <= 0) return 1
  if (mean === Number.POSITIVE_INFINITY) return 0
  if (dispersion <= 1) return regularizedGammaUpper(whole + 1, mean)
  return regularizedBeta(1 / dispersion, (dispersion - 1) / dispersion, mean / (dispersion - 1), whole + 1)
}

/**
 * The upper tail of the distribution that {@link probabilityAtMost} describes; both tails include y itself.
 * @param y          a count
 * @param mean       cases, not negative
 * @param dispersion variance over mean, at least 1
 * @returns P(Y >= y), in [0, 1]
 */
export function probabilityAtLeast(y: number, mean: number, dispersion: number): number {
  const whole = Math.ceil(y)
  if (whole <= 0) return 1
  if (mean <= 0) return 0
  if (mean === Number.POSITIVE_INFINITY) return 1
  if (dispersion <= 1) return regularizedGammaLower(whole, mean)
  return regularizedBeta((dispersion - 1) / dispersion, 1 / dispersion, whole, mean / (dispersion - 1))
}

/**
 * Quantile of the distribution that {@link probabilityAtMost} describes.
 * @param probability in [0, 1]
 * @param mean        cases, not negative
 * @param dispersion  variance over mean, at least 1
 * @returns smallest whole y with P(Y <= y) >= probability; 0 for probability 0, infinity for 1. Exact for a
 *          size up to 1e10, beyond it right to about 1 in 1e15
 */
export function countQuantile(probability: number, mean: number, dispersion: number): number {
  if (probability <= 0 || mean <= 0) return 0
  if (probability >= 1) return Number.POSITIVE_INFINITY
  const size = dispersion > 1 ? mean / (dispersion - 1) : mean
  if (size > NEARLY_NORMAL_SIZE && mean > NEARLY_NORMAL_SIZE) {
    return Math.ceil(cornishFisher(normalQuantile(probability), mean, dispersion))
  }
  const guess = cornishFisher(roughQuantile(probability), mean, dispersion)
  return smallestReaching((y) => probabilityAtMost(y, mean, dispersion), probability, guess)
}

/** The standard normal quantile within 4.5e-4, on either side. */
function roughQuantile(probability: number): number {
  return probability < 0.5 ? -roughNormalQuantile(probability) : roughNormalQuantile(1 - probability)
}

/**
 * Normal quantile corrected for skewness and for whole numbers, close to the quantile of the count; never
 * negative.
 * @param z the standard normal quantile
 * @see Abramowitz and Stegun 1964, 26.2.49, first correction, with skewness (2 dispersion - 1) / sd
 */
function cornishFisher(z: number, mean: number, dispersion: number): number {
  const correction = ((z * z - 1) * (2 * dispersion - 1)) / 6
  return Math.max(0, mean + z * Math.sqrt(mean * dispersion) + correction - 0.5)
}

/**
 * The mean and dispersion of a negative binomial distribution that is given by size and prob.
 * @param size number of successes waited for, positive, need not be whole
 * @param prob chance of a success, in (0, 1]
 * @returns mean = size (1 - prob) / prob and dispersion = 1 / prob, as the functions of this file take them
 */
export function fromSizeAndProb(size: number, prob: number): { mean: number; dispersion: number } {
  return { mean: (size * (1 - prob)) / prob, dispersion: 1 / prob }
}
