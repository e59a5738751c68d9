import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  countQuantile,
  fromSizeAndProb,
  probabilityAtLeast,
  probabilityAtMost,
} from './count-distribution.js'

const anyMean = fc.double({ min: 1e-3, max: 3000, noNaN: true })
const anyDispersion = fc.oneof(fc.constant(1), fc.double({ min: 1, max: 60, noNaN: true }))
const anyCount = fc.integer({ min: 0, max: 4000 })

describe('the tails of a count distribution', () => {
  it('add up to 1 at every cut', () => {
    fc.assert(
      fc.property(anyCount, anyMean, anyDispersion, (y, mean, dispersion) => {
        const sum = probabilityAtMost(y, mean, dispersion) + probabilityAtLeast(y + 1, mean, dispersion)
        expect(sum).toBeCloseTo(1, 12)
      }),
    )
  })

  it('never fall below 0 or rise above 1, and move one way as y rises', () => {
    fc.assert(
      fc.property(anyCount, anyMean, anyDispersion, (y, mean, dispersion) => {
        const here = probabilityAtMost(y, mean, dispersion)
        const next = probabilityAtMost(y + 1, mean, dispersion)
        expect(here).toBeGreaterThanOrEqual(0)
        expect(next).toBeGreaterThanOrEqual(here - 1e-14)
        expect(next).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('keep their digits far out: at least y is qʸ for the geometric distribution', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 250 }), fc.integer({ min: 2, max: 20 }), (y, dispersion) => {
        const q = (dispersion - 1) / dispersion
        expect(probabilityAtLeast(y, dispersion - 1, dispersion) / q ** y).toBeCloseTo(1, 11)
      }),
    )
  })

  it.each([
    [100, 10, 1, 5.398589728139581e-63],
    [50, 20, 1, 1.245892607971938e-8],
    [60, 10, 2, 1.1222248225638796e-10],
    [31, 18, 1.6, 0.01761768829568698],
  ])('give P(Y >= %d) at mean %d and dispersion %d', (y, mean, dispersion, known) => {
    expect(probabilityAtLeast(y, mean, dispersion) / known).toBeCloseTo(1, 11)
  })

  it.each([
    [2, 3, 1, 0.42319008112684353],
    [10, 100, 1, 1.137687951695298e-30],
    [3, 40, 5, 1.6060416e-5],
  ])('give P(Y <= %d) at mean %d and dispersion %d', (y, mean, dispersion, known) => {
    expect(probabilityAtMost(y, mean, dispersion) / known).toBeCloseTo(1, 11)
  })

  it('pass into the Poisson distribution without a jump as the dispersion falls to 1', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 8, max: 15 }), (y, digits) => {
        const near = probabilityAtMost(y, 20, 1 + 10 ** -digits)
        expect(Math.abs(near / probabilityAtMost(y, 20, 1) - 1)).toBeLessThan(1e-5)
      }),
    )
  })

  it('are certain at a mean of zero and at an infinite one', () => {
    expect([probabilityAtMost(0, 0, 2), probabilityAtLeast(1, 0, 2)]).toEqual([1, 0])
    expect([probabilityAtMost(9, Infinity, 2), probabilityAtLeast(9, Infinity, 2)]).toEqual([0, 1])
    expect([probabilityAtMost(-1, 5, 2), probabilityAtLeast(0, 5, 2)]).toEqual([0, 1])
  })
})

describe('the quantile of a count', () => {
  const anyProbability = fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true })

  it('is the smallest count that reaches the probability', () => {
    fc.assert(
      fc.property(anyProbability, anyMean, anyDispersion, (probability, mean, dispersion) => {
        const y = countQuantile(probability, mean, dispersion)
        expect(probabilityAtMost(y, mean, dispersion)).toBeGreaterThanOrEqual(probability * (1 - 1e-13))
        expect(probabilityAtMost(y - 1, mean, dispersion)).toBeLessThan(probability)
      }),
    )
  })

  it.each([
    [0.99, 18, 1.6, 32],
    [0.99, 3.5, 1.2, 9],
    [0.99, 240, 9, 360],
    [0.01, 240, 9, 145],
    [0.99, 0.4, 1.8, 4],
    [0.999, 1e5, 40, 106293],
    [0.01, 1e6, 3, 995974],
    [0.99, 0.3, 1, 2],
    [0.01, 100, 1, 77],
    [0.99, 1e6, 1, 1002327],
    [0.999, 1e7, 1, 10009774],
  ])('at %d with mean %d and dispersion %d is %d', (probability, mean, dispersion, known) => {
    expect(countQuantile(probability, mean, dispersion)).toBe(known)
  })

  it('reaches a probability that a step of the distribution meets exactly', () => {
    expect(countQuantile(0.5, 1, 2)).toBe(0)
    expect(countQuantile(0.875, 1, 2)).toBe(2)
  })

  it('takes up without a jump where the exact search gives way to the normal quantile', () => {
    const exact = countQuantile(0.99, 0.999e10, 2)
    const normal = countQuantile(0.99, 1.001e10, 2)
    expect((normal - exact) / (0.002e10 + 2.33 * Math.sqrt(2e10) * 0.001)).toBeCloseTo(1, 3)
  })

  it('is 0 at probability 0 or mean 0, and infinite at probability 1 or an infinite mean', () => {
    expect([countQuantile(0, 5, 2), countQuantile(0.9, 0, 2)]).toEqual([0, 0])
    expect([countQuantile(1, 5, 2), countQuantile(0.9, Infinity, 2)]).toEqual([Infinity, Infinity])
  })
})

describe('size and prob', () => {
  it('name the same distribution as mean and dispersion', () => {
    const { mean, dispersion } = fromSizeAndProb(10, 0.2)
    expect([mean, dispersion]).toEqual([40, 5])
    expect(probabilityAtMost(0, mean, dispersion) / 0.2 ** 10).toBeCloseTo(1, 12)
  })
})
