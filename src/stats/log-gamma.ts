const LN_SQRT_2PI = 0.9189385332046728

/** From here on five terms of Stirling's series are exact to the last digit of a double. */
const STIRLING_FROM = 15

/**
 * Natural logarithm of the gamma function.
 * @param x positive
 * @returns ln Γ(x), absolute error below 2e-14 for x below 15, relative error below 1e-15 above
 * @see DLMF 5.11.1 (Stirling's series) and 5.5.1 (recurrence)
 */
export function logGamma(x: number): number {
  let shifted = x
  let product = 1
  while (shifted < STIRLING_FROM) product *= shifted++
  const main = (shifted - 0.5) * Math.log(shifted) - shifted + LN_SQRT_2PI
  return main + stirlingSeries(shifted) - Math.log(product)
}

/**
 * What Stirling's formula leaves out: δ(x) = ln Γ(x + 1) - (x + 1/2) ln x + x - ln √(2π).
 * @param x positive
 * @returns δ(x), between 0 and about -ln √x as x nears zero, 1 / (12 x) for large x
 * @see Loader 2000, 'Fast and accurate computation of binomial probabilities', error of Stirling's formula
 */
export function stirlingError(x: number): number {
  if (x >= STIRLING_FROM) return stirlingSeries(x)
  return logGamma(x + 1) - (x + 0.5) * Math.log(x) + x - LN_SQRT_2PI
}

/** 1/(12x) - 1/(360x³) + 1/(1260x⁵) - 1/(1680x⁷) + 1/(1188x⁹), DLMF 5.11.1. */
function stirlingSeries(x: number): number {
  const square = x * x
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / (1188 * square)) / square) / square) / square) / x
}
