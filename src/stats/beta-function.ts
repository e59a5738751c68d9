import { awayFromZero, LARGEST_SHAPE, MAX_TERMS, notSettled } from './continued-fraction.js'
import { binomialKernel } from './saddle-point.js'

/** Relative change below which the continued fraction counts as settled. */
const SETTLED = 4e-16

/** A tail below this, found as 1 minus the other tail, has lost two digits. */
const CANCELLED = 0.01

/**
 * Where y is below this, the series that cannot cancel takes too many terms, and 1 minus the other tail must
 * do.
 */
const SLOW_SERIES = 1e-3

/**
 * Regularized incomplete beta function I_x(a, b), accurate also where it is tiny: to about 12 digits, except
 * that for y below 0.001 with b below 1 its error is 1e-15 in absolute terms.
 * The upper tail without cancellation is the same function with the arguments exchanged: I_y(b, a).
 * @param x in [0, 1]
 * @param y 1 - x, given apart because the subtraction would lose digits
 * @param a first shape, positive
 * @param b second shape, positive
 * @returns a probability
 * @throws WardbookError 'did-not-settle' (report-bug) when both shapes are above 1e12
 * @see DLMF 8.17.4 (symmetry) and 8.17.8 (series); Didonato and Morris 1992, TOMS 708 (continued fraction)
 */
export function regularizedBeta(x: number, y: number, a: number, b: number): number {
  if (Math.min(a, b) > LARGEST_SHAPE) throw notSettled('incomplete beta', { x, a, b })
  if (x <= 0) return 0
  if (y <= 0) return 1
  if (x * (b + 1) < y * (a + 1)) return betaFraction(x, y, a, b)
  const lower = 1 - betaFraction(y, x, b, a)
  return lower < CANCELLED && y > SLOW_SERIES ? positiveSeries(x, y, a, b) : lower
}

/**
 * I_x(a, b) = xᵃ yᵇ / (a B(a, b)) · Σ (a + b)ₖ / (a + 1)ₖ xᵏ. No term is negative, so nothing cancels; but it
 * needs about 40 / y terms, so it serves only where the fraction of the other side leaves too few digits (b
 * far below 1).
 */
function positiveSeries(x: number, y: number, a: number, b: number): number {
  let term = 1
  let sum = 1
  for (let k = 0; k < MAX_TERMS; k++) {
    term *= ((a + b + k) / (a + 1 + k)) * x
    sum += term
    if (term < sum * SETTLED * y) return (binomialKernel(a, b, x, y) * b * sum) / (a + b)
  }
  throw notSettled('incomplete beta', { x, a, b })
}

/**
 * I_x(a, b) = xᵃ yᵇ / B(a, b) / (β₀ + α₁/(β₁ + α₂/(β₂ + …))), by the modified method of Lentz. Written with
 * a y - b x, this fraction does not cancel where x is close to 1, which a dispersion close to 1 brings about.
 */
function betaFraction(x: number, y: number, a: number, b: number): number {
  const total = a + b
  const front = (binomialKernel(a, b, x, y) * a * b) / total
  if (front === 0) return 0
  const lean = a * y - b * x + 1
  let numeratorRatio = awayFromZero((a * lean) / (a + 1))
  let denominatorRatio = 0
  let fraction = numeratorRatio
  for (let m = 1; m <= MAX_TERMS; m++) {
    const odd = a + 2 * m - 1
    const share = (m * (b - m) * x) / odd
    const alpha = (share * (a + (m - 1)) * (total + (m - 1)) * x) / odd
    const beta = m + share + ((a + m) * (lean + m * (1 + y))) / (odd + 2)
    denominatorRatio = 1 / awayFromZero(beta + alpha * denominatorRatio)
    numeratorRatio = awayFromZero(beta + alpha / numeratorRatio)
    const factor = denominatorRatio * numeratorRatio
    fraction *= factor
    if (Math.abs(factor - 1) < SETTLED) return front / fraction
  }
  throw notSettled('incomplete beta', { x, a, b })
}
