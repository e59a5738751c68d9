import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testedWeek, untestedWeek } from '../../testkit/test-periods.js'
import type { DetectConfig } from '../contracts/city-file.js'
import type { PeriodResult } from '../stats/period-result.js'
import { effectRatio, judgeWeeks } from './judge-weeks.js'

const CONFIG: DetectConfig = { alpha: 0.01, falseDiscoveryRate: 0.1, minExcess: 5, minRatio: 1.3 }
const seriesOf = (...results: PeriodResult[][]) =>
  results.map((list, at) => ({ division: '7', category: `Type ${at}`, results: list }))
const RISE = { observed: 40, expected: 10, upper: 18, pUpper: 1e-6 }

/** Whether one week of one series is outside. */
function isOutside(over: object, config: Partial<DetectConfig> = {}): boolean | undefined {
  const { verdicts } = judgeWeeks(seriesOf([testedWeek(0, { ...RISE, ...over })]), 1, {
    ...CONFIG,
    ...config,
  })
  return verdicts[0]?.[0]?.outside
}

describe('judging weeks', () => {
  it('takes all tests of one week as one family, whatever the other weeks hold', () => {
    const quiet = testedWeek(0, { pUpper: 0.75 })
    const { verdicts, sizes } = judgeWeeks(
      seriesOf(
        [testedWeek(0, { pUpper: 0.01 }), untestedWeek(1), testedWeek(2, { pUpper: 0.01 })],
        [quiet, untestedWeek(1), untestedWeek(2)],
        [quiet, testedWeek(1), untestedWeek(2)],
      ),
      3,
      CONFIG,
    )
    expect(sizes).toEqual([3, 1, 1])
    expect(verdicts.map((list) => list[0]?.qValue)).toEqual([0.03, 0.75, 0.75])
    expect(verdicts[0]?.[2]?.qValue).toBe(0.01)
    expect(verdicts[0]?.[1]).toBeUndefined()
  })

  it('gives a week the same verdicts when weeks are added behind it', () => {
    const anyWeek = fc.option(fc.double({ min: 0, max: 1, noNaN: true }))
    fc.assert(
      fc.property(
        fc.array(fc.array(anyWeek, { minLength: 8, maxLength: 8 }), { minLength: 1, maxLength: 5 }),
        (table) => {
          const at = (weeks: number) =>
            judgeWeeks(
              seriesOf(
                ...table.map((list) =>
                  list
                    .slice(0, weeks)
                    .map((p, week) => (p === null ? untestedWeek(week) : testedWeek(week, { pUpper: p }))),
                ),
              ),
              weeks,
              CONFIG,
            )
          const all = at(8)
          const known = at(5)
          expect(known.sizes).toEqual(all.sizes.slice(0, 5))
          expect(known.verdicts).toEqual(all.verdicts.map((list) => list.slice(0, 5)))
        },
      ),
    )
  })

  it('asks for a clear q-value, the limit, enough cases, a least excess and a least ratio, all of them', () => {
    expect(isOutside({})).toBe(true)
    expect(isOutside({ pUpper: 0.1 })).toBe(true)
    expect(isOutside({ pUpper: 0.101 })).toBe(false)
    expect(isOutside({ upper: 40 })).toBe(false)
    expect(isOutside({ upper: 39 })).toBe(true)
    expect(isOutside({ enoughRecentCases: false })).toBe(false)
    expect(isOutside({ observed: 15, expected: 10, upper: 14 })).toBe(true)
    expect(isOutside({ observed: 14, expected: 10, upper: 13 })).toBe(false)
    expect(isOutside({ observed: 130, expected: 100, upper: 120 })).toBe(true)
    expect(isOutside({ observed: 129, expected: 100, upper: 120 })).toBe(false)
    expect(isOutside({}, { minRatio: 5 })).toBe(false)
    expect(isOutside({}, { minExcess: 31 })).toBe(false)
  })

  it('does not make a giant ratio of almost nothing', () => {
    expect(effectRatio(5, 0)).toBe(50)
    expect(effectRatio(5, 0.05)).toBe(50)
    expect(effectRatio(5, 10)).toBe(0.5)
  })
})
