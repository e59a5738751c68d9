import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalQuantile, normalUpperTail } from './normal.js'

describe('the upper tail of the normal distribution', () => {
  it.each([
    [0, 0.5],
    [3, 0.0013498980316300946],
    [10, 7.619853024160525e-24],
  ])('is right at %d, also far out', (z, known) => {
    expect(normalUpperTail(z) / known).toBeCloseTo(1, 13)
  })

  it('is symmetric', () => {
    fc.assert(
      fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (z) => {
        expect(normalUpperTail(z) + normalUpperTail(-z)).toBeCloseTo(1, 14)
      }),
    )
  })
})

describe('the quantile of the normal distribution', () => {
  it.each([
    [0.975, 1.9599639845400543],
    [0.99, 2.326347874040841],
    [0.999, 3.0902323061678136],
  ])('is right at %d', (probability, known) => {
    expect(normalQuantile(probability)).toBeCloseTo(known, 13)
    expect(normalQuantile(1 - probability)).toBeCloseTo(-known, 12)
  })

  it('undoes the tail', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 35, noNaN: true }), (z) => {
        expect(-normalQuantile(normalUpperTail(z)) / z).toBeCloseTo(1, 12)
      }),
    )
  })

  it('is infinite at 0 and 1', () => {
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY)
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY)
  })
})
