import type { RegressionRows } from './regression-rows.js'

/** Smallest mean a fit may reach, as in R: the distance from 1 to the next double. */
const SMALLEST_MEAN = Number.EPSILON

const MAX_ITERATIONS = 25

/** Relative change of the deviance at which the iteration counts as converged; R's default. */
const CONVERGED = 1e-8

/** Added to a count for the first mean, so that a zero has a logarithm; R's choice for Poisson families. */
const START_ABOVE_COUNT = 0.1

/** The linear part of a regression: it knows the columns and the point to predict, not the distribution. */
export interface RegressionModel {
  /** Columns, which is also the rank: a singular system is refused rather than reduced. */
  readonly columns: number
  /**
   * Weighted least squares of `workingResponses` with `workingWeights`; writes the fitted values in
   * `predictors`.
   * @returns false when the columns are not independent
   */
  solve(rows: RegressionRows): boolean
  /** Writes the diagonal of the hat matrix of the last solve in `leverages`. */
  findLeverages(rows: RegressionRows): void
  /** Linear predictor of the point to predict. */
  predict(): number
  /** x' (X'WX)⁻¹ x of the point to predict: times a dispersion it is the variance of the predictor. */
  unscaledVariance(): number
  /** Coefficient of time, change of log mean a period; NaN in a model without trend. */
  trendCoefficient(): number
  /** Diagonal entry of (X'WX)⁻¹ for the coefficient of time; NaN in a model without trend. */
  trendUnscaledVariance(): number
}

/** How one fit ended. Its means and predictors are in the rows, its coefficients in the model. */
export interface QuasiPoissonFit {
  /** Whether the deviance settled within 25 iterations. */
  readonly converged: boolean
  /** Rows minus columns. */
  readonly degreesOfFreedom: number
  /** Pearson dispersion Σ W r² / df, with r = (y - μ) / μ. No floor at 1. */
  readonly dispersion: number
  /**
   * Σ ω r² / df, with the rows' own weights in place of W: what R's standard errors rest on after
   * reweighting.
   */
  readonly priorDispersion: number
}

/**
 * Fits log μ = X β with variance φ μ by iterated weighted least squares, started from μ = y + 0.1.
 * O(rows) an iteration and without allocation, when the model's solve is.
 * @param rows  counts, times, levels and prior weights; the fit overwrites its other columns
 * @param model columns and solver
 * @returns how it ended; where the system was singular or the deviance not finite, not converged with NaN
 *          dispersion
 * @see McCullagh and Nelder 1989, on iterated weighted least squares: z = η + (y - μ) / μ, W = ω μ; checked
 *        against R's glm
 */
export function fitQuasiPoisson(rows: RegressionRows, model: RegressionModel): QuasiPoissonFit {
  let deviance = startFromCounts(rows)
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    weighRows(rows)
    if (!model.solve(rows)) return failedFit(rows, model)
    const previous = deviance
    deviance = updateMeans(rows)
    if (!Number.isFinite(deviance)) return failedFit(rows, model)
    const change = Math.abs(deviance - previous) / (Math.abs(deviance) + 0.1)
    if (change < CONVERGED) return summarize(rows, model, true)
  }
  return summarize(rows, model, false)
}

/** First means and predictors; returns their deviance. */
function startFromCounts(rows: RegressionRows): number {
  const { counts, priorWeights, predictors, means, saturatedTerms, length } = rows
  let half = 0
  for (let row = 0; row < length; row++) {
    const count = counts[row]!
    const mean = count + START_ABOVE_COUNT
    const predictor = Math.log(mean)
    const saturated = count > 0 ? count * Math.log(count) - count : 0
    means[row] = mean
    predictors[row] = predictor
    saturatedTerms[row] = saturated
    half += priorWeights[row]! * (saturated - count * predictor + mean)
  }
  return 2 * half
}

/** Working weights and responses from the present means. */
function weighRows(rows: RegressionRows): void {
  const { counts, priorWeights, predictors, means, workingWeights, workingResponses, length } = rows
  for (let row = 0; row < length; row++) {
    const mean = means[row]!
    workingWeights[row] = priorWeights[row]! * mean
    workingResponses[row] = predictors[row]! + (counts[row]! - mean) / mean
  }
}

/** Means from the new predictors; returns their deviance 2 Σ ω (y ln(y / μ) - (y - μ)). */
function updateMeans(rows: RegressionRows): number {
  const { counts, priorWeights, predictors, means, saturatedTerms, length } = rows
  const floor = Math.log(SMALLEST_MEAN)
  let half = 0
  for (let row = 0; row < length; row++) {
    const predictor = predictors[row]!
    const mean = predictor > floor ? Math.exp(predictor) : SMALLEST_MEAN
    const logMean = predictor > floor ? predictor : floor
    means[row] = mean
    half += priorWeights[row]! * (saturatedTerms[row]! - counts[row]! * logMean + mean)
  }
  return 2 * half
}

/** Both dispersions of a finished fit, with the working weights of its last solve. */
function summarize(rows: RegressionRows, model: RegressionModel, converged: boolean): QuasiPoissonFit {
  const { counts, priorWeights, means, workingWeights, length } = rows
  let working = 0
  let prior = 0
  for (let row = 0; row < length; row++) {
    const residual = counts[row]! / means[row]! - 1
    working += workingWeights[row]! * residual * residual
    prior += priorWeights[row]! * residual * residual
  }
  const degreesOfFreedom = length - model.columns
  return {
    converged,
    degreesOfFreedom,
    dispersion: working / degreesOfFreedom,
    priorDispersion: prior / degreesOfFreedom,
  }
}

function failedFit(rows: RegressionRows, model: RegressionModel): QuasiPoissonFit {
  const degreesOfFreedom = rows.length - model.columns
  return { converged: false, degreesOfFreedom, dispersion: Number.NaN, priorDispersion: Number.NaN }
}
