import type { RegressionModel } from './quasi-poisson.js'
import type { RegressionRows } from './regression-rows.js'

/**
 * Gives less weight to weeks that lie far above their fitted mean, so that past outbreaks do not hide new
 * ones: weight 1 / s² where the standardized Anscombe residual s is above the threshold, else 1, scaled to
 * sum to the rows.
 * @param rows       a finished fit; `priorWeights` is overwritten
 * @param model      the model of that fit
 * @param dispersion φ, at least 1
 * @param threshold  residual above which a row loses weight; 2.58 in Noufaily 2013, 1 in Farrington 1996
 * @see Farrington et al. 1996 and Noufaily et al. 2013, on reweighting: s = 3/2 (y^(2/3) μ^(-1/6) - μ^(1/2))
 *        / √(φ (1 - h))
 */
export function reweightOutbreaks(
  rows: RegressionRows,
  model: RegressionModel,
  dispersion: number,
  threshold: number,
): void {
  model.findLeverages(rows)
  const { priorWeights, length } = rows
  let sum = 0
  for (let row = 0; row < length; row++) {
    const residual = anscombeResidual(rows, row, dispersion)
    const weight = residual > threshold ? 1 / (residual * residual) : 1
    priorWeights[row] = weight
    sum += weight
  }
  const scale = length / sum
  for (let row = 0; row < length; row++) priorWeights[row]! *= scale
}

/** Standardized Anscombe residual; NaN where the row alone determines its mean (leverage 1). */
function anscombeResidual(rows: RegressionRows, row: number, dispersion: number): number {
  const root = Math.sqrt(rows.means[row]!)
  const residual = (1.5 * (Math.cbrt(rows.counts[row]!) ** 2 - Math.cbrt(root) * root)) / Math.cbrt(root)
  return residual / Math.sqrt(dispersion * (1 - rows.leverages[row]!))
}
