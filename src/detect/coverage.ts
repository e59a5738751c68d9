import { dayNumber } from '../kernel/time.js'

/** A page of a source as seen in the series: its first and last day, and the categories that it has rows of. */
export interface PageSpan {
  readonly page: string
  readonly firstOn: string
  readonly lastOn: string
  readonly categories: readonly string[]
}

/** Days in numbers since 1970-01-01, half-open. */
interface DaySpan {
  readonly from: number
  readonly to: number
}

/** Spans closer than this are one: a yearly file may begin on the first working day. */
const JOINED_GAP_DAYS = 7
const WEEK_DAYS = 7

/**
 * Which weeks the publication covers, by category: a week without rows is a zero only where some page covers it.
 * A page covers the days from its first to its last row, and only the categories that it has any rows of in the whole city:
 * a yearly file that lacks a category says nothing about it.
 * @param weeks Mondays, ascending, without gaps
 * @returns for each category one flag a week: 1 covered on all seven days, 0 not
 */
export function coveredWeeks(pages: readonly PageSpan[], weeks: readonly string[]): Map<string, Uint8Array> {
  const spans = new Map<string, DaySpan[]>()
  for (const page of pages) {
    const span = { from: dayNumber(page.firstOn), to: dayNumber(page.lastOn) + 1 }
    for (const category of page.categories) spans.set(category, [...(spans.get(category) ?? []), span])
  }
  const starts = weeks.map(dayNumber)
  return new Map([...spans].map(([category, list]) => [category, flagsOf(joined(list), starts)]))
}

function joined(spans: readonly DaySpan[]): DaySpan[] {
  const result: DaySpan[] = []
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last !== undefined && span.from - last.to < JOINED_GAP_DAYS) {
      result[result.length - 1] = { from: last.from, to: Math.max(last.to, span.to) }
    } else result.push(span)
  }
  return result
}

function flagsOf(spans: readonly DaySpan[], starts: readonly number[]): Uint8Array {
  return Uint8Array.from(starts, (start) =>
    spans.some(({ from, to }) => from <= start && start + WEEK_DAYS <= to) ? 1 : 0,
  )
}
