import { addDays } from '../kernel/time.js'

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** A calendar day in words: '18 July 2021'. The year is always said: data may be old, and the page is permanent. */
export function dayText(day: string): string {
  const { date, month, year } = partsOf(day)
  return `${date} ${month} ${year}`
}

/**
 * The half-open span [from, to) by its first and last day, saying month and year once where they are the same:
 * 'From 18 July to 28 August 2021', 'In the week from 19 to 25 July 2021'.
 */
export function spanText(from: string, to: string): string {
  if (addDays(from, 1) >= to) return `On ${dayText(from)}`
  const opening = addDays(from, 7) === to ? 'In the week from' : 'From'
  return `${opening} ${rangeText(from, to)}`
}

/** The half-open span [from, to) without an opening: '18 July to 28 August 2021'. */
export function rangeText(from: string, to: string): string {
  const last = addDays(to, -1)
  return last <= from ? dayText(from) : `${startText(from, last)} to ${dayText(last)}`
}

function startText(from: string, last: string): string {
  const [start, end] = [partsOf(from), partsOf(last)]
  if (start.year !== end.year) return dayText(from)
  return start.month === end.month ? String(start.date) : `${start.date} ${start.month}`
}

function partsOf(day: string): { date: number; month: string; year: number } {
  const [year, month, date] = day.split('-').map(Number)
  return { date: date ?? 1, month: MONTHS[(month ?? 1) - 1] ?? '', year: year ?? 0 }
}
