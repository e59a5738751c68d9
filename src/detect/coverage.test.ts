import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addDays } from '../kernel/time.js'
import { coveredWeeks, type PageSpan } from './coverage.js'

const FIRST_MONDAY = '2024-01-01'
const weeksFrom = (count: number) => Array.from({ length: count }, (_, at) => addDays(FIRST_MONDAY, at * 7))
const page = (firstOn: string, lastOn: string, categories = ['Noise']): PageSpan => ({
  page: firstOn,
  firstOn,
  lastOn,
  categories,
})
const flags = (pages: readonly PageSpan[], weeks: number, category = 'Noise') =>
  [...(coveredWeeks(pages, weeksFrom(weeks)).get(category) ?? [])].join('')

describe('coverage', () => {
  it('holds for weeks that a page covers on all seven days', () => {
    expect(flags([page('2024-01-01', '2024-01-14')], 3)).toBe('110')
    expect(flags([page('2024-01-02', '2024-01-13')], 3)).toBe('000')
  })

  it('does not hold in a year that is missing between two files', () => {
    const weeks = 53 * 3
    const covered = flags([page('2024-01-01', '2024-12-29'), page('2026-01-05', '2026-12-27')], weeks)
    expect(covered).toBe(`${'1'.repeat(52)}${'0'.repeat(53)}${'1'.repeat(51)}000`)
  })

  it('does not hold for a category that a page has no row of at all', () => {
    const pages = [page('2024-01-01', '2024-01-14', ['Noise', 'Pothole']), page('2024-01-15', '2024-01-28')]
    expect(flags(pages, 4, 'Pothole')).toBe('1100')
    expect(flags(pages, 4, 'Noise')).toBe('1111')
    expect(flags(pages, 4, 'Tree')).toBe('')
  })

  it('joins files that leave less than a week between them', () => {
    expect(flags([page('2024-01-01', '2024-01-12'), page('2024-01-16', '2024-01-28')], 4)).toBe('1111')
    expect(flags([page('2024-01-01', '2024-01-07'), page('2024-01-15', '2024-01-28')], 4)).toBe('1011')
  })

  it('does not depend on the order of the pages, and holds only where each day has a page or a short gap', () => {
    const span = fc
      .tuple(fc.nat(80), fc.nat(30))
      .map(([from, length]) => page(addDays(FIRST_MONDAY, from), addDays(FIRST_MONDAY, from + length)))
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 6 }), (pages) => {
        const covered = flags(pages, 17)
        expect(flags(pages.toReversed(), 17)).toBe(covered)
        for (const [at, week] of weeksFrom(17).entries()) {
          const near = (day: string) =>
            pages.some(({ firstOn, lastOn }) => firstOn <= addDays(day, 7) && day <= addDays(lastOn, 7))
          const days = Array.from({ length: 7 }, (_, day) => addDays(week, day))
          const inOnePage = pages.some(({ firstOn, lastOn }) => firstOn <= week && addDays(week, 6) <= lastOn)
          if (inOnePage) expect(covered[at]).toBe('1')
          if (covered[at] === '1') expect(days.every(near)).toBe(true)
        }
      }),
    )
  })
})
