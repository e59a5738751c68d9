/**
 * The rows of one regression and everything computed a row at a time, in arrays that every fit reuses:
 * backtests fit some million regressions, and none allocates. Only the first `length` entries of each array
 * mean anything.
 */
export interface RegressionRows {
  /** Rows in use. */
  length: number
  /** Rows that fit in the arrays. */
  readonly capacity: number
  /** Observed counts y, not negative. */
  readonly counts: Float64Array
  /**
   * Time of the row in periods (weeks or months), counted from the point to predict, so negative in the past.
   */
  readonly times: Float64Array
  /** Season level of the row, from 0. */
  readonly levels: Uint8Array
  /**
   * Weights ω that the caller gives the rows: all 1, or the reweighting of past outbreaks; sum about
   * `length`.
   */
  readonly priorWeights: Float64Array
  /** Linear predictor η, on the log scale. */
  readonly predictors: Float64Array
  /** Fitted mean μ = exp(η). */
  readonly means: Float64Array
  /** Working weights W = ω μ of the last solve, with the μ from before it. */
  readonly workingWeights: Float64Array
  /** Working response z = η + (y - μ) / μ of the last solve. */
  readonly workingResponses: Float64Array
  /** y ln y - y, the part of the deviance that no fit changes. */
  readonly saturatedTerms: Float64Array
  /** Diagonal of the hat matrix, once the model has computed it. */
  readonly leverages: Float64Array
}

/** Most season levels a row can name, by the width of the array. */
export const MAX_LEVELS = 256

/** Rows for regressions of up to `capacity` observations; about 75 bytes a row. */
export function createRows(capacity: number): RegressionRows {
  const column = () => new Float64Array(capacity)
  return {
    length: 0,
    capacity,
    counts: column(),
    times: column(),
    levels: new Uint8Array(capacity),
    priorWeights: column().fill(1),
    predictors: column(),
    means: column(),
    workingWeights: column(),
    workingResponses: column(),
    saturatedTerms: column(),
    leverages: column(),
  }
}

/**
 * Adds one observation; the caller keeps within the capacity.
 * @param rows  the rows so far; set `length` to 0 to start afresh
 * @param count y, not negative
 * @param time  periods from the point to predict
 * @param level season level, from 0
 */
export function appendRow(rows: RegressionRows, count: number, time: number, level: number): void {
  const row = rows.length++
  rows.counts[row] = count
  rows.times[row] = time
  rows.levels[row] = level
}
