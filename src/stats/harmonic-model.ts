import type { RegressionModel } from './quasi-poisson.js'
import type { RegressionRows } from './regression-rows.js'

/** Most columns: intercept, two harmonic pairs, trend. */
const MAX_COLUMNS = 6

/**
 * A pivot below this share of the intercept's means that the columns, all of like size, are not independent.
 */
const ALIASED = 1e-11

/** What a harmonic model contains. */
export interface HarmonicTerms {
  /** Yearly sine and cosine pairs: 0 leaves the intercept alone, 1 is one wave a year; at most 2. */
  readonly pairs: number
  /** Whether time is a column. */
  readonly withTrend: boolean
  /** Periods a year: 52, 12, or 365.25 / 7 where weeks follow the calendar. */
  readonly periodsPerYear: number
}

/**
 * A small dense regression: intercept, yearly harmonics and an optional linear trend, six columns at most.
 * For series whose counts are too few to fill season levels. Times count from the point to predict, which is
 * 0. One instance serves any number of fits; `configure` comes before each.
 */
export class HarmonicModel implements RegressionModel {
  columns = 1
  private terms: HarmonicTerms = { pairs: 0, withTrend: false, periodsPerYear: 52 }
  private design = new Float64Array(0)
  private readonly moments = new Float64Array(MAX_COLUMNS)
  private readonly coefficients = new Float64Array(MAX_COLUMNS)
  private readonly scratch = new Float64Array(MAX_COLUMNS)
  /** X'WX, and after a solve its Cholesky factor L, in rows of MAX_COLUMNS. */
  private readonly factor = new Float64Array(MAX_COLUMNS * MAX_COLUMNS)

  /**
   * @param rows  rows whose times make the columns
   * @param terms what the model contains
   */
  configure(rows: RegressionRows, terms: HarmonicTerms): void {
    this.terms = terms
    this.columns = 1 + 2 * terms.pairs + (terms.withTrend ? 1 : 0)
    const needed = rows.capacity * MAX_COLUMNS
    if (this.design.length < needed) this.design = new Float64Array(needed)
    for (let row = 0; row < rows.length; row++) {
      this.writeColumns(this.design, row * MAX_COLUMNS, rows.times[row]!)
    }
  }

  /** The columns of one time. Time is in years, so that all columns are of like size. */
  private writeColumns(target: Float64Array, at: number, time: number): void {
    const { pairs, withTrend, periodsPerYear } = this.terms
    const years = time / periodsPerYear
    target[at] = 1
    for (let pair = 1; pair <= pairs; pair++) {
      target[at + 2 * pair - 1] = Math.cos(2 * Math.PI * pair * years)
      target[at + 2 * pair] = Math.sin(2 * Math.PI * pair * years)
    }
    if (withTrend) target[at + 2 * pairs + 1] = years
  }

  solve(rows: RegressionRows): boolean {
    this.formNormalEquations(rows)
    if (!this.factorize()) return false
    this.coefficients.set(this.moments)
    this.substituteForward(this.coefficients)
    this.substituteBack(this.coefficients)
    for (let row = 0; row < rows.length; row++) {
      let predictor = 0
      for (let column = 0; column < this.columns; column++) {
        predictor += this.design[row * MAX_COLUMNS + column]! * this.coefficients[column]!
      }
      rows.predictors[row] = predictor
    }
    return true
  }

  /** X'WX (lower triangle) and X'Wz. */
  private formNormalEquations(rows: RegressionRows): void {
    const { design, factor, moments, columns } = this
    factor.fill(0)
    moments.fill(0)
    for (let row = 0; row < rows.length; row++) {
      const at = row * MAX_COLUMNS
      for (let i = 0; i < columns; i++) {
        const weighted = rows.workingWeights[row]! * design[at + i]!
        moments[i]! += weighted * rows.workingResponses[row]!
        for (let j = 0; j <= i; j++) factor[i * MAX_COLUMNS + j]! += weighted * design[at + j]!
      }
    }
  }

  /** Cholesky factor in place; false when a column depends on those before it. */
  private factorize(): boolean {
    const { factor, columns } = this
    const smallest = ALIASED * factor[0]!
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = factor[i * MAX_COLUMNS + j]!
        for (let k = 0; k < j; k++) sum -= factor[i * MAX_COLUMNS + k]! * factor[j * MAX_COLUMNS + k]!
        if (i === j && !(sum > smallest)) return false
        factor[i * MAX_COLUMNS + j] = i === j ? Math.sqrt(sum) : sum / factor[j * MAX_COLUMNS + j]!
      }
    }
    return true
  }

  /** Solves L v = v in place. */
  private substituteForward(vector: Float64Array): void {
    for (let i = 0; i < this.columns; i++) {
      let sum = vector[i]!
      for (let k = 0; k < i; k++) sum -= this.factor[i * MAX_COLUMNS + k]! * vector[k]!
      vector[i] = sum / this.factor[i * MAX_COLUMNS + i]!
    }
  }

  /** Solves L' v = v in place. */
  private substituteBack(vector: Float64Array): void {
    for (let i = this.columns - 1; i >= 0; i--) {
      let sum = vector[i]!
      for (let k = i + 1; k < this.columns; k++) sum -= this.factor[k * MAX_COLUMNS + i]! * vector[k]!
      vector[i] = sum / this.factor[i * MAX_COLUMNS + i]!
    }
  }

  findLeverages(rows: RegressionRows): void {
    for (let row = 0; row < rows.length; row++) {
      const at = row * MAX_COLUMNS
      for (let column = 0; column < this.columns; column++) this.scratch[column] = this.design[at + column]!
      rows.leverages[row] = rows.workingWeights[row]! * this.varianceOfScratch()
    }
  }

  /** x' (X'WX)⁻¹ x = |L⁻¹ x|² for the columns in `scratch`, which are overwritten. */
  private varianceOfScratch(): number {
    this.substituteForward(this.scratch)
    let sum = 0
    for (let column = 0; column < this.columns; column++) sum += this.scratch[column]! ** 2
    return sum
  }

  predict(): number {
    this.writeColumns(this.scratch, 0, 0)
    let predictor = 0
    for (let column = 0; column < this.columns; column++) {
      predictor += this.scratch[column]! * this.coefficients[column]!
    }
    return predictor
  }

  unscaledVariance(): number {
    this.writeColumns(this.scratch, 0, 0)
    return this.varianceOfScratch()
  }

  trendCoefficient(): number {
    const { withTrend, periodsPerYear } = this.terms
    return withTrend ? this.coefficients[this.columns - 1]! / periodsPerYear : Number.NaN
  }

  trendUnscaledVariance(): number {
    if (!this.terms.withTrend) return Number.NaN
    this.scratch.fill(0)
    this.scratch[this.columns - 1] = 1
    return this.varianceOfScratch() / this.terms.periodsPerYear ** 2
  }
}
