import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WardbookError } from '../kernel/errors.js'
import { regularizedBeta } from './beta-function.js'
import { regularizedGammaLower, regularizedGammaUpper } from './gamma-function.js'

const anyShape = fc.double({ min: 1e-2, max: 1e4, noNaN: true })

describe('the regularized incomplete gamma functions', () => {
  it('add up to 1', () => {
    fc.assert(
      fc.property(anyShape, fc.double({ min: 0, max: 2e4, noNaN: true }), (a, x) => {
        expect(regularizedGammaLower(a, x) + regularizedGammaUpper(a, x)).toBeCloseTo(1, 13)
      }),
    )
  })

  it('are the exponential distribution for shape 1, in both tails', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 600, noNaN: true }), (x) => {
        expect(regularizedGammaUpper(1, x) / Math.exp(-x)).toBeCloseTo(1, 12)
        expect(regularizedGammaLower(1, x) / -Math.expm1(-x)).toBeCloseTo(1, 12)
      }),
    )
  })

  it('name the values when the shape is beyond what they can settle', () => {
    const attempt = () => regularizedGammaLower(1e13, 1e13)
    expect(attempt).toThrow(WardbookError)
    expect(attempt).toThrow(/did not settle/)
  })
})

describe('the regularized incomplete beta function', () => {
  const anyShare = fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true })

  it('is the other tail with its arguments exchanged', () => {
    fc.assert(
      fc.property(anyShare, anyShape, anyShape, (x, a, b) => {
        const y = 1 - x
        expect(regularizedBeta(x, y, a, b) + regularizedBeta(y, x, b, a)).toBeCloseTo(1, 12)
      }),
    )
  })

  it('is xᵃ for b = 1, however small', () => {
    fc.assert(
      fc.property(anyShare, fc.double({ min: 0.01, max: 40, noNaN: true }), (x, a) => {
        expect(regularizedBeta(x, 1 - x, a, 1) / x ** a).toBeCloseTo(1, 11)
      }),
    )
  })

  it('is 0 and 1 at the ends', () => {
    expect(regularizedBeta(0, 1, 2, 3)).toBe(0)
    expect(regularizedBeta(1, 0, 2, 3)).toBe(1)
  })
})
