import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { studentTwoSided } from './student-t.js'

const anyStatistic = fc.double({ min: -1e6, max: 1e6, noNaN: true })

describe("the two-sided p-value of Student's t", () => {
  it('is 1 - 2/π arctan |t| with one degree of freedom', () => {
    fc.assert(
      fc.property(anyStatistic, (t) => {
        expect(studentTwoSided(t, 1)).toBeCloseTo((2 / Math.PI) * Math.atan2(1, Math.abs(t)), 12)
      }),
    )
  })

  it('is 1 - |t| / √(2 + t²) with two', () => {
    fc.assert(
      fc.property(fc.double({ min: -50, max: 50, noNaN: true }), (t) => {
        expect(studentTwoSided(t, 2)).toBeCloseTo(1 - Math.abs(t) / Math.sqrt(2 + t * t), 12)
      }),
    )
  })

  it.each([
    [2.228, 10, 0.05001177181711138],
    [8, 224, 6.641580157456129e-14],
  ])('is right for t = %d with %d degrees of freedom', (t, degrees, known) => {
    expect(studentTwoSided(t, degrees) / known).toBeCloseTo(1, 11)
  })

  it('falls as t moves away from zero', () => {
    fc.assert(
      fc.property(anyStatistic, fc.integer({ min: 1, max: 500 }), (t, degrees) => {
        expect(studentTwoSided(t * 1.1, degrees)).toBeLessThanOrEqual(studentTwoSided(t, degrees) + 1e-15)
      }),
    )
  })

  it('is 1 at zero, 0 at infinity and not a number where t is none', () => {
    expect(studentTwoSided(0, 7)).toBe(1)
    expect(studentTwoSided(Number.POSITIVE_INFINITY, 7)).toBe(0)
    expect(studentTwoSided(Number.NaN, 7)).toBeNaN()
  })
})
