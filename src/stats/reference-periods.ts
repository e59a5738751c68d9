import type { CountSeries } from './count-series.js'

const MS_A_DAY = 86_400_000
const DAYS_A_WEEK = 7

/**
 * The periods of earlier years that correspond to a period of a series.
 * By count: exactly `frequency` periods a year back. By the calendar: the same day and month of the earlier
 * year (29 February becomes 1 March where there is none), moved to the nearest day with the weekday of the
 * series.
 * @param series    its counts are not looked at
 * @param index     period to compare, from 0
 * @param yearsBack how many years earlier, 0 or more
 * @returns index of that period, negative when it lies before the series
 * @see checked against surveillance 1.20.3, with and without dates
 */
export function findReference(series: CountSeries, index: number, yearsBack: number): number {
  const { frequency, firstDay } = series
  if (firstDay === undefined || frequency === 12) return index - frequency * yearsBack
  const sameDate = sameDayEarlier(firstDay + DAYS_A_WEEK * index, yearsBack)
  return Math.round((sameDate - firstDay) / DAYS_A_WEEK)
}

/** The same month and day some years earlier; both in days since 1970-01-01. */
function sameDayEarlier(day: number, yearsBack: number): number {
  const date = new Date(day * MS_A_DAY)
  return Date.UTC(date.getUTCFullYear() - yearsBack, date.getUTCMonth(), date.getUTCDate()) / MS_A_DAY
}
