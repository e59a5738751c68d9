import { stirlingError } from './log-gamma.js'

const TWO_PI = 2 * Math.PI

/** Relative distance of x and mean below which the logarithm would cancel, so that the series is used. */
const NEAR = 0.1

/**
 * Deviance of x from a mean: x ln(x / mean) + mean - x, without cancellation where the two are close.
 * @param x    not negative
 * @param mean positive
 * @returns not negative; zero only for x = mean
 * @see Loader 2000, 'Fast and accurate computation of binomial probabilities', deviance part and its series
 */
export function poissonDeviance(x: number, mean: number): number {
  if (x === 0) return mean
  const difference = x - mean
  if (Math.abs(difference) >= NEAR * (x + mean)) return x * Math.log(x / mean) - difference
  const ratio = difference / (x + mean)
  const square = ratio * ratio
  let power = 2 * x * ratio
  let sum = difference * ratio
  for (let k = 3; ; k += 2) {
    power *= square
    const next = sum + power / k
    if (next === sum) return sum
    sum = next
  }
}

/**
 * The Poisson density continued to real x: meanˣ e^-mean / Γ(x + 1).
 * @param x    not negative, need not be whole
 * @param mean not negative
 * @returns relative error about 1e-14 wherever the result is above the smallest double
 * @see Loader 2000, saddle-point expansion of the Poisson density
 */
export function poissonKernel(x: number, mean: number): number {
  if (mean === 0) return x === 0 ? 1 : 0
  if (x === 0) return Math.exp(-mean)
  if (x === Number.POSITIVE_INFINITY || mean === Number.POSITIVE_INFINITY) return 0
  return Math.exp(-stirlingError(x) - poissonDeviance(x, mean)) / Math.sqrt(TWO_PI * x)
}

/**
 * The binomial density continued to real a and b: Γ(a + b + 1) / (Γ(a + 1) Γ(b + 1)) pᵃ qᵇ.
 * @param a successes, positive, need not be whole
 * @param b failures, positive, need not be whole
 * @param p chance of a success, in (0, 1)
 * @param q 1 - p, given apart because the subtraction would lose digits
 * @returns relative error about 1e-14
 * @see Loader 2000, saddle-point expansion of the binomial density
 */
export function binomialKernel(a: number, b: number, p: number, q: number): number {
  const total = a + b
  const stirling = stirlingError(total) - stirlingError(a) - stirlingError(b)
  const exponent = stirling - poissonDeviance(a, total * p) - poissonDeviance(b, total * q)
  return Math.exp(exponent) * Math.sqrt(total / (TWO_PI * a) / b)
}
