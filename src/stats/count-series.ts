import { WardbookError } from '../kernel/errors.js'

/** Periods a year: weeks or months. */
export type Frequency = 52 | 12

/** A series of counts, one entry a week or a month, oldest first, no entry left out. */
export interface CountSeries {
  /** Whole cases in each period; NaN where the source did not cover the period. */
  readonly counts: ArrayLike<number>
  /** 52 for weeks, 12 for months. */
  readonly frequency: Frequency
  /**
   * First day of the first week, in days since 1970-01-01. Weeks of earlier years are then matched by the
   * calendar; without it a year is 52 weeks exactly. Months need none.
   */
  readonly firstDay?: number
}

/**
 * Refuses counts that are negative, fractional or infinite.
 * @throws WardbookError 'count-not-whole' (report-bug) with the first such entry: the measure stage must not
 *        make them
 */
export function checkCounts({ counts }: CountSeries): void {
  for (let index = 0; index < counts.length; index++) {
    const count = counts[index]!
    if (Number.isNaN(count) || (count >= 0 && Number.isInteger(count))) continue
    const message = `Entry ${index} of a count series is ${count}; it must be a whole number >= 0 or NaN`
    throw new WardbookError('count-not-whole', 'report-bug', message, { index, count })
  }
}
