import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { daysUntil, delayOf, nearestRank, shareOf } from './figures.js'

describe('delays in days', () => {
  it.each([
    ['in Chicago, where the week ends at six in UTC', '2025-03-10T06:00:00Z', 7],
    ['in Paris, where it ends the evening before', '2025-03-09T23:00:00Z', 7],
    ['in UTC', '2025-03-10T00:00:00Z', 7],
    ['on the first day itself', '2025-03-03T06:00:00Z', 0],
  ])('are whole %s', (_where, instant, days) => {
    expect(daysUntil('2025-03-03', instant)).toBe(days)
  })

  it('are summed up by the middle and by nine of ten, in days that occurred', () => {
    const delays = [3, 1, 2, 10].map((days) => ({ happened: days, knowable: days + 2 }))
    expect(delayOf(delays)).toEqual({
      happened: { median: 2, ninetieth: 10 },
      knowable: { median: 4, ninetieth: 12 },
    })
    expect(delayOf([])).toBeNull()
  })
})

describe('the nearest rank', () => {
  it('is the smallest value that the share of all does not exceed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 100 }),
        (values, percent) => {
          const rank = nearestRank(values, percent / 100)
          const enough = (limit: number) =>
            values.filter((value) => value <= limit).length * 100 >= percent * values.length
          expect(enough(rank)).toBe(true)
          expect(values.filter((value) => value < rank).some(enough)).toBe(false)
        },
      ),
    )
  })
})

describe('a share', () => {
  it('of nothing is none', () => {
    expect(shareOf(0, 0)).toEqual({ part: 0, whole: 0, share: null })
    expect(shareOf(1, 3)).toEqual({ part: 1, whole: 3, share: 0.3333 })
  })
})
