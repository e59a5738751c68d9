import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { collectBaseline } from './baseline.js'
import { type FarringtonOptions, NOUFAILY_OPTIONS } from './farrington-options.js'
import { createRows } from './regression-rows.js'

const series = (counts: readonly number[]) => ({ counts, frequency: 52 as const })

/** [period, level] of every row in the baseline of one period. */
function membersOf(counts: readonly number[], index: number, options: Partial<FarringtonOptions>) {
  const rows = createRows(counts.length)
  const baseline = collectBaseline(rows, series(counts), index, { ...NOUFAILY_OPTIONS, ...options })
  const members = Array.from({ length: rows.length }, (_, row) => [
    index + rows.times[row]!,
    rows.levels[row]!,
  ])
  return { baseline, members }
}

const ones = (length: number) => new Array<number>(length).fill(1)

describe('the baseline of a period', () => {
  it('gives the last level to the windows around the same date and cuts the rest into equal blocks', () => {
    const { members } = membersOf(ones(120), 110, { b: 2, w: 3, noPeriods: 10, pastWeeksNotIncluded: 26 })
    const level = new Map(members as [number, number][])
    expect([3, 9, 55, 61].map((period) => level.get(period))).toEqual([9, 9, 9, 9])
    expect([10, 14, 15, 54].map((period) => level.get(period))).toEqual([0, 0, 1, 8])
    expect(members.length).toBe(110 - 26 - 3)
  })

  it('makes the first blocks one period longer where the gap does not divide', () => {
    const { members } = membersOf(ones(120), 110, { b: 1, w: 3, noPeriods: 8, pastWeeksNotIncluded: 0 })
    const sizes = new Array<number>(8).fill(0)
    for (const [, level] of members) sizes[level!]!++
    expect(sizes).toEqual([7, 7, 7, 6, 6, 6, 6, 7 + 3])
  })

  it('takes the windows alone where there is one level', () => {
    const { members } = membersOf(ones(120), 110, { b: 2, w: 1, noPeriods: 1, pastWeeksNotIncluded: 2 })
    expect(members.map(([period]) => period)).toEqual([5, 6, 7, 57, 58, 59])
  })

  it('holds each period at most once, in order, none of them late, uncovered or before the series', () => {
    const anyCounts = fc.array(fc.oneof(fc.nat(9), fc.constant(Number.NaN)), {
      minLength: 60,
      maxLength: 330,
    })
    const anyShape = fc.record({
      b: fc.integer({ min: 1, max: 6 }),
      w: fc.integer({ min: 0, max: 5 }),
      noPeriods: fc.integer({ min: 1, max: 12 }),
      pastWeeksNotIncluded: fc.integer({ min: 0, max: 30 }),
    })
    fc.assert(
      fc.property(anyCounts, anyShape, (counts, shape) => {
        const index = counts.length - 1
        const { members, baseline } = membersOf(counts, index, shape)
        const periods = members.map(([period]) => period!)
        expect(periods).toEqual([...new Set(periods)].sort((a, b) => a - b))
        for (const [period, level] of members) {
          expect(counts[period!]).not.toBeNaN()
          expect(period).toBeLessThan(index - shape.pastWeeksNotIncluded)
          expect(level).toBeLessThan(shape.noPeriods)
        }
        expect(baseline.periods).toBe(periods.length)
        expect(baseline.cases).toBe(periods.reduce((sum, period) => sum + counts[period]!, 0))
      }),
    )
  })

  it('says how many years it touches and how far it reaches', () => {
    const counts = ones(300)
    counts.fill(Number.NaN, 0, 130)
    const { baseline } = membersOf(counts, 299, {})
    expect(baseline).toMatchObject({ yearsTouched: 4, yearsReached: 3, largest: 1 })
  })

  it('finds the level with the fewest cases, one without rows having none', () => {
    const counts = ones(300)
    expect(membersOf(counts, 299, { b: 3 }).baseline.fewestInLevel).toBe(2 * 5)
    expect(membersOf(counts.fill(Number.NaN, 0, 240), 299, { b: 3 }).baseline.fewestInLevel).toBe(0)
  })
})
