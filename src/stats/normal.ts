import { regularizedGammaLower, regularizedGammaUpper } from './gamma-function.js'

const SQRT_2PI = Math.sqrt(2 * Math.PI)

/** Each step of Halley triples the digits: 3, 10, then all. One more costs nothing. */
const HALLEY_STEPS = 4

/**
 * Upper tail of the standard normal distribution, P(Z >= z), accurate far out in the tail.
 * @param z any number
 * @returns a probability
 * @see DLMF 7.11.2 (as an incomplete gamma function)
 */
export function normalUpperTail(z: number): number {
  const half = (z * z) / 2
  if (z <= 0) return 0.5 + 0.5 * regularizedGammaLower(0.5, half)
  return 0.5 * regularizedGammaUpper(0.5, half)
}

/**
 * Quantile of the standard normal distribution.
 * @param probability in (0, 1); 0 and 1 give the infinities
 * @returns z with P(Z <= z) = probability, relative error about 1e-15
 */
export function normalQuantile(probability: number): number {
  return probability < 0.5 ? -normalUpperQuantile(probability) : normalUpperQuantile(1 - probability)
}

/**
 * The point with a given upper tail: z with P(Z >= z) = tail.
 * @param tail in (0, 0.5]; zero gives infinity
 * @returns not negative
 */
function normalUpperQuantile(tail: number): number {
  if (tail <= 0) return Number.POSITIVE_INFINITY
  let z = roughNormalQuantile(tail)
  for (let step = 0; step < HALLEY_STEPS; step++) {
    const density = Math.exp((-z * z) / 2) / SQRT_2PI
    const error = (normalUpperTail(z) - tail) / density
    z += error / (1 - (error * z) / 2)
  }
  return z
}

/**
 * The same within 4.5e-4, for a place to start from.
 * @param tail upper tail, in (0, 0.5]
 * @see Abramowitz and Stegun 1964, 26.2.23
 */
export function roughNormalQuantile(tail: number): number {
  const t = Math.sqrt(-2 * Math.log(tail))
  const numerator = 2.515517 + t * (0.802853 + t * 0.010328)
  return t - numerator / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
}
