import { FIRST_DAY, indexOfDay, LAST_DAY } from '../city/calendar.js'

/** The days of one calendar year, as a publisher with a table a year has them. */
export interface PublishedYear {
  readonly year: number
  /** Numbers of the simulation, half-open. */
  readonly from: number
  readonly to: number
  /** The last day on which the table of the year still changes. */
  readonly closedOn: number
}

/** Days after the end of a year until its table stands still. */
const CLOSED_AFTER_DAYS = 90

/** All years that can be simulated. @param through last year; default: the last of the simulation */
export function publishedYears(through = Number(LAST_DAY.slice(0, 4))): PublishedYear[] {
  const first = Number(FIRST_DAY.slice(0, 4))
  return Array.from({ length: through - first + 1 }, (_none, at) => {
    const year = first + at
    const to = indexOfDay(`${year + 1}-01-01`)
    return { year, from: Math.max(0, indexOfDay(`${year}-01-01`)), to, closedOn: to + CLOSED_AFTER_DAYS }
  })
}
