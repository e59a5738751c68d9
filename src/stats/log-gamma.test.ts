import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { logGamma, stirlingError } from './log-gamma.js'

describe('the logarithm of the gamma function', () => {
  it.each([
    [0.5, 0.5723649429247001],
    [1, 0],
    [2, 0],
    [100, 359.1342053695754],
    [1e-5, 11.512919692895826],
    [12345.678, 103959.91990554606],
  ])('is right at %d', (x, known) => {
    expect(Math.abs(logGamma(x) - known)).toBeLessThan(1e-14 * Math.max(2, Math.abs(known)))
  })

  it('grows by ln x from x to x + 1', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (x) => {
        const step = logGamma(x + 1) - logGamma(x)
        expect(Math.abs(step - Math.log(x))).toBeLessThan(4e-15 * Math.max(20, logGamma(x + 1)))
      }),
    )
  })
})

describe('the error of the formula of Stirling', () => {
  it('lies between its first two partial sums', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e7, noNaN: true }), (x) => {
        expect(stirlingError(x)).toBeLessThanOrEqual(1 / (12 * x) + 1e-14)
        expect(stirlingError(x)).toBeGreaterThanOrEqual(1 / (12 * x) - 1 / (360 * x ** 3) - 1e-14)
      }),
    )
  })
})
