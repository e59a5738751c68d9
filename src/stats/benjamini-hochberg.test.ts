import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findQValues } from './benjamini-hochberg.js'

const anyFamily = fc.array(
  fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0.01, 0.02, 0.5, 1, Number.NaN)),
  { maxLength: 60 },
)

/** Straight from the definition: the best of m p(j) / rank(j) over all tests with p(j) >= p. */
function qByDefinition(pValues: readonly number[], p: number): number {
  const made = pValues.filter((other) => !Number.isNaN(other))
  const rank = (value: number) => made.filter((other) => other <= value).length
  return Math.min(
    1,
    ...made.filter((other) => other >= p).map((other) => (made.length * other) / rank(other)),
  )
}

describe('q-values after Benjamini and Hochberg', () => {
  it('are what the definition says, in the order of the input', () => {
    fc.assert(
      fc.property(anyFamily, (pValues) => {
        const qValues = findQValues(pValues)
        pValues.forEach((p, test) => {
          if (Number.isNaN(p)) expect(qValues[test]).toBeNaN()
          else expect(qValues[test]).toBeCloseTo(qByDefinition(pValues, p), 12)
        })
      }),
    )
  })

  it('do not depend on tests that were not made', () => {
    fc.assert(
      fc.property(anyFamily, (pValues) => {
        const made = pValues.filter((p) => !Number.isNaN(p))
        const kept = [...findQValues(pValues)].filter((q) => !Number.isNaN(q))
        expect(kept).toEqual([...findQValues(made)])
      }),
    )
  })

  it('are at least p, at most 1, and equal for equal p', () => {
    fc.assert(
      fc.property(anyFamily, (pValues) => {
        const qValues = findQValues(pValues)
        pValues.forEach((p, test) => {
          if (Number.isNaN(p)) return
          expect(qValues[test]).toBeGreaterThanOrEqual(p - 1e-15)
          expect(qValues[test]).toBeLessThanOrEqual(1)
          expect(qValues[test]).toBe(qValues[pValues.indexOf(p)])
        })
      }),
    )
  })

  it('are right for a small family by hand', () => {
    expect([...findQValues([0.04, 0.01, 0.03, 0.5])].map((q) => Number(q.toFixed(6)))).toEqual([
      0.053333, 0.04, 0.053333, 0.5,
    ])
  })

  it('are empty for an empty family', () => {
    expect([...findQValues([])]).toEqual([])
  })
})
