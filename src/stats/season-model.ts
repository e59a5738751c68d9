import type { RegressionModel } from './quasi-poisson.js'
import { MAX_LEVELS, type RegressionRows } from './regression-rows.js'

/** A trend whose spread within the levels is below this share of its spread overall is not identified. */
const ALIASED = 1e-11

/**
 * Season levels and an optional linear trend: log μ = level + trend * time.
 * X'WX is then an arrow (a diagonal of levels, bordered by time), so that a solve is one pass over the rows:
 * level means come out of within-level sums, the trend out of time's weighted covariance within the levels.
 * One instance serves any number of fits; `configure` comes before each.
 */
export class SeasonModel implements RegressionModel {
  columns = 0
  private levelCount = 0
  private withTrend = false
  private predictedLevel = 0
  private predictedTime = 0
  private slope = 0
  private timeSpread = 0
  private readonly weightSums = new Float64Array(MAX_LEVELS)
  private readonly timeMeans = new Float64Array(MAX_LEVELS)
  private readonly responseMeans = new Float64Array(MAX_LEVELS)

  /**
   * @param rows           rows whose levels are to be counted: a level without rows takes no column
   * @param levelCount     season levels, named 0 to levelCount - 1 in the rows
   * @param withTrend      whether time is a column
   * @param predictedLevel level of the point to predict, which must have rows
   * @param predictedTime  time of the point to predict
   */
  configure(
    rows: RegressionRows,
    levelCount: number,
    withTrend: boolean,
    predictedLevel: number,
    predictedTime = 0,
  ): void {
    this.levelCount = levelCount
    this.withTrend = withTrend
    this.predictedLevel = predictedLevel
    this.predictedTime = predictedTime
    this.weightSums.fill(0, 0, levelCount)
    for (let row = 0; row < rows.length; row++) this.weightSums[rows.levels[row]!]! += 1
    this.columns = (withTrend ? 1 : 0) + this.countUsedLevels()
  }

  private countUsedLevels(): number {
    let used = 0
    for (let level = 0; level < this.levelCount; level++) if (this.weightSums[level]! > 0) used++
    return used
  }

  solve(rows: RegressionRows): boolean {
    this.averageLevels(rows)
    this.slope = 0
    if (this.withTrend && !this.findSlope(rows)) return false
    const { levels, times, predictors, length } = rows
    for (let row = 0; row < length; row++) {
      const level = levels[row]!
      predictors[row] = this.responseMeans[level]! + this.slope * (times[row]! - this.timeMeans[level]!)
    }
    return true
  }

  /** Weighted means of time and response within each level. */
  private averageLevels(rows: RegressionRows): void {
    const { weightSums, timeMeans, responseMeans, levelCount } = this
    const { levels, times, workingWeights, workingResponses, length } = rows
    weightSums.fill(0, 0, levelCount)
    timeMeans.fill(0, 0, levelCount)
    responseMeans.fill(0, 0, levelCount)
    for (let row = 0; row < length; row++) {
      const level = levels[row]!
      const weight = workingWeights[row]!
      weightSums[level]! += weight
      timeMeans[level]! += weight * times[row]!
      responseMeans[level]! += weight * workingResponses[row]!
    }
    for (let level = 0; level < levelCount; level++) {
      const sum = weightSums[level]!
      timeMeans[level]! /= sum
      responseMeans[level]! /= sum
    }
  }

  /** Slope of the response on time within the levels; false when time hardly varies within any level. */
  private findSlope(rows: RegressionRows): boolean {
    const { levels, times, workingWeights, workingResponses, length } = rows
    let spread = 0
    let covariance = 0
    let overall = 0
    for (let row = 0; row < length; row++) {
      const level = levels[row]!
      const weight = workingWeights[row]!
      const time = times[row]!
      const centered = time - this.timeMeans[level]!
      spread += weight * centered * centered
      covariance += weight * centered * (workingResponses[row]! - this.responseMeans[level]!)
      overall += weight * time * time
    }
    this.timeSpread = spread
    this.slope = covariance / spread
    return spread > ALIASED * overall
  }

  findLeverages(rows: RegressionRows): void {
    const { levels, times, workingWeights, leverages, length } = rows
    for (let row = 0; row < length; row++) {
      leverages[row] = workingWeights[row]! * this.varianceAt(levels[row]!, times[row]!)
    }
  }

  /** x' (X'WX)⁻¹ x for a level and a time. */
  private varianceAt(level: number, time: number): number {
    const ofLevel = 1 / this.weightSums[level]!
    if (!this.withTrend) return ofLevel
    const distance = time - this.timeMeans[level]!
    return ofLevel + (distance * distance) / this.timeSpread
  }

  predict(): number {
    const level = this.predictedLevel
    return this.responseMeans[level]! + this.slope * (this.predictedTime - this.timeMeans[level]!)
  }

  unscaledVariance(): number {
    return this.varianceAt(this.predictedLevel, this.predictedTime)
  }

  trendCoefficient(): number {
    return this.withTrend ? this.slope : Number.NaN
  }

  trendUnscaledVariance(): number {
    return this.withTrend ? 1 / this.timeSpread : Number.NaN
  }
}
