import type { BaselineFit } from './baseline-fit.js'
import { countQuantile, probabilityAtLeast, probabilityAtMost } from './count-distribution.js'
import type { FarringtonOptions, PowerTransform } from './farrington-options.js'
import { normalQuantile, normalUpperTail } from './normal.js'

/** The range in which a normal count falls, and how far out the observed one is. */
export interface ExpectedRange {
  /** Mean that the upper bound builds on: μ, or for muan its upper confidence limit. */
  readonly mu0: number
  /** A normal count exceeds this with chance at most alpha. Whole, except by the delta method. */
  readonly upper: number
  /** Smallest count y with P(Y <= y) >= alpha, so that a normal count is below it with chance under alpha. */
  readonly lower: number
  /** P(Y >= observed) under the distribution that `upper` is a quantile of. */
  readonly pUpper: number
  /** P(Y <= observed) under the distribution that `lower` is a quantile of. */
  readonly pLower: number
}

/**
 * Bounds and tail probabilities for a prediction. The lower side is always negative binomial at the fitted
 * mean. With `predictionVariance` the negative binomial has dispersion φ + μ se², so that its variance φ μ +
 * (μ se)² is that of a new count around an estimated mean.
 * @param observed  cases, whole
 * @param fit       the prediction
 * @param options   thresholdMethod, powertrans, alpha, predictionVariance
 * @param alphaPoint standard normal quantile of 1 - alpha, which callers keep because it costs as much as a
 *        bound
 * @see Farrington et al. 1996 (delta); Noufaily et al. 2013 (negative binomial); muan as in surveillance
 *        1.20.3
 */
export function expectRange(
  observed: number,
  fit: BaselineFit,
  options: FarringtonOptions,
  alphaPoint = normalQuantile(1 - options.alpha),
): ExpectedRange {
  const { mean, standardError } = fit
  const extra = options.predictionVariance ? mean * standardError * standardError : 0
  const dispersion = fit.dispersion + extra
  const lower = countQuantile(options.alpha, mean, dispersion)
  const pLower = probabilityAtMost(observed, mean, dispersion)
  if (options.thresholdMethod === 'delta') {
    return { mu0: mean, lower, pLower, ...deltaRange(observed, fit, options.powertrans, alphaPoint) }
  }
  const mu0 = options.thresholdMethod === 'muan' ? mean * Math.exp(alphaPoint * standardError) : mean
  const upper = countQuantile(1 - options.alpha, mu0, dispersion)
  return { mu0, lower, pLower, upper, pUpper: probabilityAtLeast(observed, mu0, dispersion) }
}

/**
 * Normal bound and tail on the power scale g(y) = yᵏ, where sd g = k μ^(k - 1/2) √τ with τ = φ + se²(μ) / μ.
 * @see Farrington et al. 1996, on the threshold: U = (μᵏ + z sd g)^(1/k) with k = 2/3; 1/2 and 1 likewise
 */
function deltaRange(
  observed: number,
  { mean, dispersion, standardError }: BaselineFit,
  powertrans: PowerTransform,
  alphaPoint: number,
): { upper: number; pUpper: number } {
  const power = POWERS[powertrans]
  const tau = dispersion + mean * standardError * standardError
  const spread = power * mean ** (power - 0.5) * Math.sqrt(tau)
  const center = mean ** power
  return {
    upper: (center + alphaPoint * spread) ** (1 / power),
    pUpper: normalUpperTail((observed ** power - center) / spread),
  }
}

const POWERS: Record<PowerTransform, number> = { '2/3': 2 / 3, '1/2': 1 / 2, none: 1 }

/**
 * How far a count lies out of its range, on the scale of the counts: 0 at the expected count, 1 at the upper
 * bound.
 * @param observed cases
 * @param expected mean
 * @param upper    bound, above the mean; where it is not (means near zero), the result is infinite or NaN
 * @returns (observed - expected) / (upper - expected), negative below the mean
 * @see Noufaily et al. 2013, exceedance score; on the response scale, where R mixes scales for nbPlugin and
 *        muan
 */
export function findExceedance(observed: number, expected: number, upper: number): number {
  return (observed - expected) / (upper - expected)
}
