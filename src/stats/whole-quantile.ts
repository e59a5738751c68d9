/**
 * A cumulative probability that is short of the target by rounding alone still counts as reaching it,
 * so that a quantile at an exact step of the distribution is that step.
 */
const ROUNDING = 64 * Number.EPSILON

/**
 * The smallest whole number at which a distribution function reaches a probability.
 * Gallops from the guess until the target is bracketed, then halves the bracket: a guess that is off by d
 * costs about 2 log2(d) evaluations.
 * @param cumulative  P(Y <= y) for whole y >= 0, not decreasing, with limit 1
 * @param probability in [0, 1]; 1 gives infinity
 * @param guess       where the answer is thought to be; any finite number
 * @returns smallest y >= 0 with cumulative(y) >= probability
 */
export function smallestReaching(
  cumulative: (y: number) => number,
  probability: number,
  guess: number,
): number {
  if (probability >= 1) return Number.POSITIVE_INFINITY
  const target = probability * (1 - ROUNDING)
  const start = Math.max(0, Math.round(guess))
  return cumulative(start) >= target
    ? gallopDown(cumulative, target, start)
    : gallopUp(cumulative, target, start)
}

/** `reaching` is known to reach the target; looks below it. */
function gallopDown(cumulative: (y: number) => number, target: number, reaching: number): number {
  let high = reaching
  for (let step = 1; high > 0; step *= 2) {
    const low = Math.max(0, high - step)
    if (cumulative(low) < target) return halve(cumulative, target, low, high)
    high = low
  }
  return 0
}

/** `short` is known to fall short of the target; looks above it. */
function gallopUp(cumulative: (y: number) => number, target: number, short: number): number {
  let low = short
  for (let step = 1; low < Number.MAX_SAFE_INTEGER; step *= 2) {
    const high = low + step
    if (cumulative(high) >= target) return halve(cumulative, target, low, high)
    low = high
  }
  return low
}

/** The first number that reaches the target in (low, high], by bisection. */
function halve(cumulative: (y: number) => number, target: number, low: number, high: number): number {
  let short = low
  let reaching = high
  while (reaching - short > 1) {
    const middle = short + Math.floor((reaching - short) / 2)
    if (cumulative(middle) >= target) reaching = middle
    else short = middle
  }
  return reaching
}
