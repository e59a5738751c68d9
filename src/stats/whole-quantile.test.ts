import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { smallestReaching } from './whole-quantile.js'

describe('searching the smallest number that reaches a probability', () => {
  it('finds the same step from any guess', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: -10, max: 2e9 }), (step, guess) => {
        expect(smallestReaching((y) => (y >= step ? 0.9 : 0.1), 0.5, guess)).toBe(step)
      }),
    )
  })

  it('asks about twice the logarithm of how far the guess is off', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 0, max: 1e9 }), (step, guess) => {
        let asked = 0
        const cumulative = (y: number) => {
          asked++
          return y >= step ? 1 : 0
        }
        smallestReaching(cumulative, 0.5, guess)
        expect(asked).toBeLessThanOrEqual(4 + 2 * Math.log2(1 + Math.abs(step - guess)))
      }),
    )
  })

  it('takes a value that falls short by rounding alone as reached', () => {
    expect(smallestReaching((y) => (y >= 3 ? 0.99 - 1e-16 : 0), 0.99, 7)).toBe(3)
  })

  it('gives infinity for certainty', () => {
    expect(smallestReaching(() => 0.5, 1, 0)).toBe(Number.POSITIVE_INFINITY)
  })
})
