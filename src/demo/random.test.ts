import { describe, expect, it } from 'vitest'
import {
  gammaNumber,
  normalNumber,
  pickWeighted,
  poissonCount,
  runningSums,
  seededRandom,
  seedOf,
} from './random.js'

const DRAWS = 4_000

/** Mean and variance of so many numbers. */
function momentsOf(draw: () => number, draws = DRAWS): { mean: number; variance: number } {
  const numbers = Array.from({ length: draws }, draw)
  const mean = numbers.reduce((sum, one) => sum + one, 0) / draws
  return { mean, variance: numbers.reduce((sum, one) => sum + (one - mean) ** 2, 0) / draws }
}

describe('numbers of a simulation', () => {
  it.each([0.3, 4, 480, 700, 2_500])(
    'has Poisson counts of mean %d with their mean and variance',
    (wanted) => {
      const random = seededRandom(1)
      const { mean, variance } = momentsOf(() => poissonCount(random, wanted))
      expect(Math.abs(mean - wanted)).toBeLessThan(5 * Math.sqrt(wanted / DRAWS))
      expect(variance / wanted).toBeGreaterThan(0.85)
      expect(variance / wanted).toBeLessThan(1.15)
    },
  )

  it('has normal and gamma numbers with their mean and variance', () => {
    const random = seededRandom(2)
    const normal = momentsOf(() => normalNumber(random))
    expect([normal.mean, normal.variance].map(Math.round)).toEqual([0, 1])
    const gamma = momentsOf(() => gammaNumber(random, 8))
    expect(gamma.mean).toBeCloseTo(1, 1)
    expect(gamma.variance * 8).toBeCloseTo(1, 0)
  })

  it('picks each item as often as its weight says', () => {
    const random = seededRandom(3)
    const picked = [0, 0, 0]
    const sums = runningSums([1, 0, 3])
    for (let at = 0; at < DRAWS; at++) {
      const item = pickWeighted(random, sums)
      picked[item] = (picked[item] as number) + 1
    }
    expect(picked[1]).toBe(0)
    expect((picked[2] as number) / DRAWS).toBeCloseTo(0.75, 1)
  })

  it('has a sequence of its own for each part, however parts are cut', () => {
    const seeds = [['ab'], ['a', 'b'], ['ab', ''], ['ab', 0], ['ab', 1], ['', 'ab']].map((parts) =>
      seedOf(1, ...parts),
    )
    expect(new Set([...seeds, seedOf(2, 'ab')]).size).toBe(7)
  })
})
