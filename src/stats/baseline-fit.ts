import { reweightOutbreaks } from './anscombe-weights.js'
import type { Baseline } from './baseline.js'
import type { CountSeries } from './count-series.js'
import type { FarringtonOptions } from './farrington-options.js'
import { HarmonicModel } from './harmonic-model.js'
import { chooseModels, type SeasonKind } from './low-counts.js'
import { fitQuasiPoisson, type QuasiPoissonFit, type RegressionModel } from './quasi-poisson.js'
import type { RegressionRows } from './regression-rows.js'
import { SeasonModel } from './season-model.js'
import { studentTwoSided } from './student-t.js'

/** Years of history without which no trend is tried. */
const YEARS_FOR_TREND = 3

/** Mean weeks a year where the calendar sets them. */
const CALENDAR_WEEKS = 365.25 / 7

/** The prediction for the tested period. */
export interface BaselineFit {
  readonly season: SeasonKind
  /** Predicted mean μ, cases a period. */
  readonly mean: number
  /** Dispersion φ, variance over mean, at least 1. */
  readonly dispersion: number
  /** Standard error of ln μ. */
  readonly standardError: number
  /** Whether a trend is part of the prediction. */
  readonly trendKept: boolean
  /** Change of ln μ a period; NaN without trend. */
  readonly trendCoefficient: number
}

/** The two solvers, reused from fit to fit. */
export interface Solvers {
  readonly season: SeasonModel
  readonly harmonic: HarmonicModel
}

/** Fresh solvers. */
export function createSolvers(): Solvers {
  return { season: new SeasonModel(), harmonic: new HarmonicModel() }
}

/**
 * Predicts the tested period from its baseline.
 * @param rows     the baseline, as collectBaseline fills it
 * @param baseline its summary
 * @param series   whose frequency and calendar the waves follow
 * @returns the first model of {@link chooseModels} that converges and predicts; undefined when none does
 */
export function fitBaseline(
  rows: RegressionRows,
  baseline: Baseline,
  series: CountSeries,
  options: FarringtonOptions,
  solvers: Solvers,
): BaselineFit | undefined {
  for (const season of chooseModels(baseline, options)) {
    const configure = (withTrend: boolean) =>
      season === 'season-levels'
        ? configureLevels(rows, solvers, options.noPeriods, withTrend)
        : configureWave(rows, solvers, series, season === 'harmonics' ? 1 : 0, withTrend)
    const fit = fitWithTrendRule(rows, baseline, options, season, configure)
    if (fit) return fit
  }
  return undefined
}

function configureLevels(rows: RegressionRows, { season }: Solvers, levels: number, withTrend: boolean) {
  season.configure(rows, levels, withTrend, levels - 1)
  return season
}

/** A wave a year (or none: then without trend too, since the counts are too few for one). */
function configureWave(
  rows: RegressionRows,
  { harmonic }: Solvers,
  series: CountSeries,
  pairs: 0 | 1,
  withTrend: boolean,
) {
  const calendar = series.frequency === 52 && series.firstDay !== undefined
  const periodsPerYear = calendar ? CALENDAR_WEEKS : series.frequency
  harmonic.configure(rows, { pairs, withTrend: withTrend && pairs > 0, periodsPerYear })
  return harmonic
}

/** Fits with a trend where one is due, and again without where it does not converge or does not hold. */
function fitWithTrendRule(
  rows: RegressionRows,
  baseline: Baseline,
  options: FarringtonOptions,
  season: SeasonKind,
  configure: (withTrend: boolean) => RegressionModel,
): BaselineFit | undefined {
  if (season !== 'intercept' && trendIsDue(baseline, options)) {
    const model = configure(true)
    const fit = fitTwice(rows, model, options)
    if (fit && trendHolds(model, fit, baseline, options)) return predictFrom(model, fit, season, options)
  }
  const model = configure(false)
  const fit = fitTwice(rows, model, options)
  if (!fit || !isUsable(model, season, baseline, options)) return undefined
  return predictFrom(model, fit, season, options)
}

/**
 * A level without rows predicts nothing, and a wave may run away where the baseline never covers its season.
 */
function isUsable(
  model: RegressionModel,
  season: SeasonKind,
  baseline: Baseline,
  { trendCap }: FarringtonOptions,
): boolean {
  const mean = Math.exp(model.predict())
  return season === 'harmonics' ? mean <= trendCap * baseline.largest : Number.isFinite(mean)
}

/**
 * Three years are needed: years asked for as published, years that the history reaches where it may be short.
 */
function trendIsDue(baseline: Baseline, { trend, b, shortHistory }: FarringtonOptions): boolean {
  const years = shortHistory === 'use' ? baseline.yearsReached : b
  return trend && years >= YEARS_FOR_TREND
}

/** A fit, and after reweighting a second one; undefined when one does not converge or no row is to spare. */
function fitTwice(
  rows: RegressionRows,
  model: RegressionModel,
  options: FarringtonOptions,
): QuasiPoissonFit | undefined {
  if (rows.length <= model.columns) return undefined
  rows.priorWeights.fill(1, 0, rows.length)
  const first = fitQuasiPoisson(rows, model)
  if (!first.converged) return undefined
  if (!options.reweight) return { ...first, priorDispersion: first.dispersion }
  reweightOutbreaks(rows, model, Math.max(1, first.dispersion), options.weightsThreshold)
  const second = fitQuasiPoisson(rows, model)
  return second.converged ? second : undefined
}

/** The trend is significant, and its prediction is not beyond what was seen (times the cap). */
function trendHolds(
  model: RegressionModel,
  fit: QuasiPoissonFit,
  baseline: Baseline,
  { pThresholdTrend, trendCap }: FarringtonOptions,
): boolean {
  const standardError = Math.sqrt(model.trendUnscaledVariance() * fit.priorDispersion)
  const p = studentTwoSided(model.trendCoefficient() / standardError, fit.degreesOfFreedom)
  return p < pThresholdTrend && Math.exp(model.predict()) <= trendCap * baseline.largest
}

/**
 * The prediction of a finished fit. R's standard error rests on the dispersion with the rows' own weights,
 * without floor; ours, where it widens the bounds, on φ itself, which is what the theory of the fit gives.
 */
function predictFrom(
  model: RegressionModel,
  fit: QuasiPoissonFit,
  season: SeasonKind,
  { predictionVariance }: FarringtonOptions,
): BaselineFit {
  const trendCoefficient = model.trendCoefficient()
  const dispersion = Math.max(1, fit.dispersion)
  const errorDispersion = predictionVariance ? dispersion : fit.priorDispersion
  return {
    season,
    mean: Math.max(Number.EPSILON, Math.exp(model.predict())),
    dispersion,
    standardError: Math.sqrt(model.unscaledVariance() * errorDispersion),
    trendKept: !Number.isNaN(trendCoefficient),
    trendCoefficient,
  }
}
