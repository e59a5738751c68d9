import { WardbookError } from './errors.js'

/** A calendar day in the city's own time zone, `YYYY-MM-DD`. */
export type Day = string

const DAY_MS = 86_400_000
const THURSDAY_TO_MONDAY_DAYS = 3 // 1970-01-01 was a Thursday

/** Days since 1970-01-01 of a calendar day. @throws WardbookError 'bad-day' (report-bug) when it is no calendar day */
export function dayNumber(day: Day): number {
  const number = Date.parse(`${day}T00:00:00Z`) / DAY_MS
  // The runtime takes 30 February for 2 March: only a day that comes back as it was written is one.
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day) || Number.isNaN(number) || dayOf(number) !== day) {
    throw new WardbookError('bad-day', 'report-bug', `'${day}' is not a calendar day (YYYY-MM-DD)`, { day })
  }
  return number
}

/** The calendar day that lies `number` days after 1970-01-01. */
export function dayOf(number: number): Day {
  return new Date(number * DAY_MS).toISOString().slice(0, 10)
}

/** The day `days` later (earlier when negative). */
export function addDays(day: Day, days: number): Day {
  return dayOf(dayNumber(day) + days)
}

/** Monday of the week that holds the day: weeks run Monday to Sunday, as in ISO 8601. */
export function weekOf(day: Day): Day {
  const number = dayNumber(day)
  const sinceMonday = (((number + THURSDAY_TO_MONDAY_DAYS) % 7) + 7) % 7
  return dayOf(number - sinceMonday)
}

/**
 * The instant at which a local calendar day begins in a time zone, ISO 8601 in UTC: the first at which clocks there show
 * midnight of the day or later. Where clocks skip midnight, the day begins with its first hour that there was.
 */
export function startOfDay(day: Day, timeZone: string): string {
  const midnight = dayNumber(day) * DAY_MS
  const offsets = [midnight - DAY_MS, midnight + DAY_MS].map((at) => offsetMs(at, timeZone))
  const hasBegun = (at: number) => at + offsetMs(at, timeZone) >= midnight
  const begun = midnight - Math.min(...offsets)
  return new Date(firstBetween(midnight - Math.max(...offsets), begun, hasBegun)).toISOString()
}

/** The first whole number from `low` to `high` that passes, where all after the first one do; `high` passes. */
function firstBetween(low: number, high: number, passes: (at: number) => boolean): number {
  if (passes(low)) return low
  let [before, first] = [low, high]
  while (first - before > 1) {
    const middle = Math.floor((before + first) / 2)
    if (passes(middle)) first = middle
    else before = middle
  }
  return first
}

/** How far local time is ahead of UTC at an instant, in milliseconds. */
function offsetMs(at: number, timeZone: string): number {
  const parts = clockOf(timeZone).formatToParts(at)
  const read = (type: string) => Number(parts.find((part) => part.type === type)?.value)
  const local = Date.UTC(
    read('year'),
    read('month') - 1,
    read('day'),
    read('hour'),
    read('minute'),
    read('second'),
  )
  return local - Math.floor(at / 1000) * 1000
}

/** Clocks of time zones: to make one takes fifty times as long as to read it. */
const CLOCKS = new Map<string, Intl.DateTimeFormat>()

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = CLOCKS.get(timeZone)
  if (known !== undefined) return known
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  CLOCKS.set(timeZone, clock)
  return clock
}

/** True when the runtime knows the IANA time zone name. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** Where instants come from; tests pass a fixed one. */
export type Clock = () => Date

export const systemClock: Clock = () => new Date()
