import { type Day, dayNumber } from '../../kernel/time.js'
import type { Delay, Share } from './score-shape.js'

const DAY_MS = 86_400_000
const DECIMALS = 4
const ROUNDING = 1e-9 // 0.9 of some counts is a hair above a whole number

/** A part of a whole, to four decimals. */
export function shareOf(part: number, whole: number): Share {
  return { part, whole, share: whole === 0 ? null : rounded(part / whole) }
}

export function rounded(value: number): number {
  return Number(value.toFixed(DECIMALS))
}

/** How long after an event's first day the first finding of it happened and could be known, in whole days. */
export interface DelayOfOne {
  readonly happened: number
  readonly knowable: number
}

/** Whole days from the beginning of a day to an instant; clocks that are ahead of or behind UTC do not count as a day. */
export function daysUntil(day: Day, instant: string): number {
  return Math.round(Date.parse(instant) / DAY_MS - dayNumber(day))
}

/** The delays of several events in two figures; null of none. */
export function delayOf(delays: readonly DelayOfOne[]): Delay | null {
  if (delays.length === 0) return null
  const figures = (days: readonly number[]) => ({
    median: nearestRank(days, 0.5),
    ninetieth: nearestRank(days, 0.9),
  })
  return {
    happened: figures(delays.map(({ happened }) => happened)),
    knowable: figures(delays.map(({ knowable }) => knowable)),
  }
}

/** The smallest value that at least this share of the values does not exceed. @param values at least one */
export function nearestRank(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length - ROUNDING) - 1)] as number
}
