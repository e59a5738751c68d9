import { type Day, dayNumber, dayOf } from '../../kernel/time.js'
import type { CategoryPlan, WeekShape } from './catalog.js'

/** First day of the city's history; it is a Monday. */
export const FIRST_DAY: Day = '2021-07-05'
/** The last day that has been published when the city is met for the first time; it is a Sunday. */
export const MET_ON: Day = '2026-06-28'
/** The last day that can be simulated. */
export const LAST_DAY: Day = '2029-06-24'

/** Days that can be simulated. */
export const DAYS = dayNumber(LAST_DAY) - dayNumber(FIRST_DAY) + 1

const FIRST_NUMBER = dayNumber(FIRST_DAY)

/** Number of a day in the simulation, from 0. */
export function indexOfDay(day: Day): number {
  return dayNumber(day) - FIRST_NUMBER
}

/** The day with this number in the simulation. */
export function dayAt(index: number): Day {
  return dayOf(FIRST_NUMBER + index)
}

const WEEK_SHAPES: Readonly<Record<WeekShape, readonly number[]>> = {
  office: [1.28, 1.24, 1.2, 1.18, 1.1, 0.56, 0.44],
  street: [0.98, 0.98, 1, 1.02, 1.14, 1.04, 0.84],
  night: [0.84, 0.84, 0.88, 0.92, 1.14, 1.28, 1.1],
  even: [1, 1, 1, 1, 1, 1, 1],
}

/** What a holiday does to a day: offices are closed, nights are loud. */
const HOLIDAY_SHARE: Readonly<Record<WeekShape, number>> = { office: 0.3, street: 0.75, night: 1.35, even: 1 }
/** The day after a holiday gets part of what was left. */
const DAY_AFTER_SHARE: Readonly<Record<WeekShape, number>> = { office: 1.3, street: 1, night: 1, even: 1 }

const FIXED_HOLIDAYS = new Set(['01-01', '06-19', '07-04', '11-11', '12-24', '12-25'])

/** True for a holiday of the city: fixed days, and those that fall on a Monday or Thursday of a month. */
export function isHoliday(index: number): boolean {
  const [, month = 0, date = 0] = dayAt(index).split('-').map(Number)
  if (FIXED_HOLIDAYS.has(dayAt(index).slice(5))) return true
  const weekday = index % 7
  const ordinal = Math.ceil(date / 7)
  if (weekday === 3) return month === 11 && ordinal === 4
  if (weekday !== 0) return false
  return (month === 1 && ordinal === 3) || (month === 5 && date > 24) || (month === 9 && ordinal === 1)
}

/** What every day of the simulation is: kept, since all categories ask. */
const CALENDAR = Array.from({ length: DAYS }, (_none, index) => ({
  dayOfYear: dayNumber(dayAt(index)) - dayNumber(`${dayAt(index).slice(0, 4)}-01-01`),
  isHoliday: isHoliday(index),
}))

/** The usual mean of a category on a day, as a share of its mean day: week, year, holidays, trend. */
export function usualShare(plan: CategoryPlan, index: number): number {
  const dayOfYear = CALENDAR[index]?.dayOfYear ?? 0
  const season = 1 + plan.season * Math.cos((2 * Math.PI * (dayOfYear - plan.crest)) / 365.25)
  const growth = 1 + plan.trend * (index / 365.25)
  const week = WEEK_SHAPES[plan.week][index % 7] as number
  return week * season * growth * holidayShare(plan.week, index)
}

function holidayShare(week: WeekShape, index: number): number {
  if (CALENDAR[index]?.isHoliday) return HOLIDAY_SHARE[week]
  return CALENDAR[index - 1]?.isHoliday ? DAY_AFTER_SHARE[week] : 1
}
