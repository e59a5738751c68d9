import { ALMOST_ZERO, awayFromZero, LARGEST_SHAPE, MAX_TERMS, notSettled } from './continued-fraction.js'
import { poissonKernel } from './saddle-point.js'

/** Relative size of a term below which a sum counts as settled. */
const SETTLED = 1e-16

/** Relative change below which a continued fraction counts as settled; rounding keeps it from less. */
const FRACTION_SETTLED = 4e-16

/**
 * Regularized lower incomplete gamma function P(a, x), accurate also where it is tiny.
 * @param a shape, positive
 * @param x not negative
 * @returns a probability
 * @throws WardbookError 'did-not-settle' (report-bug) for a shape above 1e12
 * @see DLMF 8.7.1 and 8.11.4 (series)
 */
export function regularizedGammaLower(a: number, x: number): number {
  if (a > LARGEST_SHAPE) throw notSettled('incomplete gamma', { a, x })
  if (x <= 0) return 0
  return x < a + 1 ? lowerSeries(a, x) : 1 - upperFraction(a, x)
}

/**
 * Regularized upper incomplete gamma function Q(a, x) = 1 - P(a, x), accurate also where it is tiny.
 * @param a shape, positive
 * @param x not negative
 * @returns a probability
 * @throws WardbookError 'did-not-settle' (report-bug) for a shape above 1e12
 * @see DLMF 8.9.2 (continued fraction)
 */
export function regularizedGammaUpper(a: number, x: number): number {
  if (a > LARGEST_SHAPE) throw notSettled('incomplete gamma', { a, x })
  if (x <= 0) return 1
  return x < a + 1 ? 1 - lowerSeries(a, x) : upperFraction(a, x)
}

/** P(a, x) = xᵃ e⁻ˣ / Γ(a + 1) · Σ xᵏ / ((a + 1) … (a + k)). */
function lowerSeries(a: number, x: number): number {
  let term = 1
  let sum = 1
  for (let k = 1; k <= MAX_TERMS; k++) {
    term *= x / (a + k)
    sum += term
    if (term < sum * SETTLED) return poissonKernel(a, x) * sum
  }
  throw notSettled('incomplete gamma', { a, x })
}

/** Q(a, x) by the even part of the continued fraction, evaluated by the modified method of Lentz. */
function upperFraction(a: number, x: number): number {
  const front = a * poissonKernel(a, x)
  if (front === 0) return 0
  let denominator = x + 1 - a
  let numeratorRatio = 1 / ALMOST_ZERO
  let denominatorRatio = 1 / denominator
  let fraction = denominatorRatio
  for (let k = 1; k <= MAX_TERMS; k++) {
    const partial = k * (a - k)
    denominator += 2
    denominatorRatio = 1 / awayFromZero(partial * denominatorRatio + denominator)
    numeratorRatio = awayFromZero(denominator + partial / numeratorRatio)
    const factor = denominatorRatio * numeratorRatio
    fraction *= factor
    if (Math.abs(factor - 1) < FRACTION_SETTLED) return front * fraction
  }
  throw notSettled('incomplete gamma', { a, x })
}
