import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WardbookError } from '../kernel/errors.js'
import type { CountSeries } from './count-series.js'
import { findExceedance } from './expected-range.js'
import { createWorkspace, testLatest, testPeriods } from './farrington-flexible.js'
import {
  type FarringtonOptions,
  MONTHLY_PRODUCT_OPTIONS,
  NOUFAILY_OPTIONS,
  PRODUCT_OPTIONS,
} from './farrington-options.js'
import type { TestedPeriod } from './period-result.js'

const YEAR = 52

/** Repeatable numbers in (0, 1), so that a failure can be run again. */
function seededUniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
}

/** A Poisson count by Knuth's product of uniforms. */
function drawPoisson(mean: number, uniform: () => number): number {
  let count = -1
  for (let product = 1; product > Math.exp(-mean); product *= uniform()) count++
  return count
}

/** Weekly Poisson counts with a yearly wave and a trend. */
function simulate(weeks: number, mean: number, seed = 1, wave = 0.3, trendAWeek = 0): number[] {
  const uniform = seededUniform(seed)
  return Array.from({ length: weeks }, (_, week) => {
    const season = wave * Math.cos((2 * Math.PI * week) / YEAR)
    return drawPoisson(mean * Math.exp(season + trendAWeek * (week - weeks)), uniform)
  })
}

const weekly = (counts: ArrayLike<number>): CountSeries => ({ counts, frequency: 52 })

function latest(counts: ArrayLike<number>, options: FarringtonOptions = PRODUCT_OPTIONS): TestedPeriod {
  const result = testLatest(weekly(counts), options)
  if (!result?.tested) throw new Error(`not tested: ${result?.reason}`)
  return result
}

const reasonFor = (counts: ArrayLike<number>, options = PRODUCT_OPTIONS) => {
  const result = testLatest(weekly(counts), options)
  return result?.tested ? 'tested' : result?.reason
}

const anySeed = fc.nat(1e6)
const anyMean = fc.double({ min: 1.5, max: 60, noNaN: true })

describe('testing a week against its own past', () => {
  it('brackets the expected count, and alarms exactly above the upper bound', () => {
    fc.assert(
      fc.property(anySeed, anyMean, fc.nat(150), (seed, mean, observed) => {
        const result = latest([...simulate(320, mean, seed), observed])
        expect(result.lower).toBeGreaterThanOrEqual(0)
        expect(result.lower).toBeLessThanOrEqual(Math.ceil(result.expected))
        expect(result.upper).toBeGreaterThanOrEqual(Math.floor(result.expected))
        expect(result.alarm).toBe(observed > result.upper && result.enoughRecentCases)
        expect(Number.isInteger(result.upper) && Number.isInteger(result.lower)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('gives a count above the upper bound a tail below alpha, and one below the lower bound too', () => {
    fc.assert(
      fc.property(anySeed, anyMean, (seed, mean) => {
        const history = simulate(320, mean, seed)
        const { upper, lower } = latest([...history, 0])
        expect(latest([...history, upper + 1]).pUpper).toBeLessThanOrEqual(PRODUCT_OPTIONS.alpha)
        expect(latest([...history, upper]).pUpper).toBeGreaterThan(PRODUCT_OPTIONS.alpha)
        if (lower > 0) {
          expect(latest([...history, lower - 1]).pLower).toBeLessThan(PRODUCT_OPTIONS.alpha)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('does not look at the tested week nor at the weeks left out when it says what is expected', () => {
    const history = simulate(320, 20, 5)
    const quiet = latest(history)
    const loud = latest([...history.slice(0, -26), ...new Array<number>(26).fill(900)])
    expect(loud).toMatchObject({ expected: quiet.expected, upper: quiet.upper, lower: quiet.lower })
    expect(loud.alarm).toBe(true)
  })

  it('gives the same for a range as week by week, and whatever was tested before', () => {
    fc.assert(
      fc.property(anySeed, anySeed, (seed, otherSeed) => {
        const series = weekly(simulate(300, 8, seed))
        const workspace = createWorkspace()
        testPeriods(weekly(simulate(400, 0.7, otherSeed)), 250, 400, PRODUCT_OPTIONS, workspace)
        const range = testPeriods(series, 280, 300, PRODUCT_OPTIONS, workspace)
        const single = range.map(({ index }) => testPeriods(series, index, index + 1, PRODUCT_OPTIONS)[0])
        expect(range).toEqual(single)
      }),
      { numRuns: 10 },
    )
  })

  it('exceeds its bound about as often as alpha says in weeks where nothing happened', () => {
    let tested = 0
    let above = 0
    for (let seed = 1; seed <= 60; seed++) {
      for (const result of testPeriods(weekly(simulate(340, 12, seed)), 300, 340, PRODUCT_OPTIONS)) {
        if (!result.tested) continue
        tested++
        if (result.observed > result.upper) above++
      }
    }
    expect(tested).toBe(2400)
    expect(above / tested).toBeGreaterThan(0.003)
    expect(above / tested).toBeLessThan(0.015)
  })

  it('loses little of its view to an outbreak in the past', () => {
    const history = simulate(340, 20, 9)
    const outbreak = history.map((count, week) => (week >= 180 && week < 184 ? count + 60 : count))
    const { expected } = latest(history)
    const once = { ...PRODUCT_OPTIONS, reweight: false }
    const reweighted = Math.abs(latest(outbreak).expected - expected)
    expect(reweighted).toBeLessThanOrEqual(Math.abs(latest(outbreak, once).expected - expected))
    expect(latest(outbreak).upper).toBeLessThan(latest(outbreak, once).upper)
  })

  it('raises no alarm with fewer than five cases in four weeks', () => {
    const quiet = simulate(320, 2, 3).map((count, week) => (week > 315 ? 0 : count))
    const result = latest([...quiet.slice(0, -1), 4], { ...PRODUCT_OPTIONS, alpha: 0.49 })
    expect(result.observed).toBeGreaterThan(result.upper)
    expect(result).toMatchObject({ alarm: false, enoughRecentCases: false })
  })

  it('gives no result outside the series', () => {
    expect(testPeriods(weekly([1, 2, 3]), 5, 9, PRODUCT_OPTIONS)).toEqual([])
    expect(testLatest(weekly([]), PRODUCT_OPTIONS)).toBeUndefined()
  })
})

describe('weeks that the source did not cover', () => {
  const holes = (counts: readonly number[], from: number, to: number) =>
    counts.map((count, week) => (week >= from && week < to ? Number.NaN : count))

  it('are not tested', () => {
    expect(reasonFor([...simulate(320, 9), Number.NaN])).toBe('not-covered')
  })

  it('are left out of the baseline, which is never taken for a drop', () => {
    const history = simulate(320, 30, 2)
    const gap = latest(holes(history, 200, 240))
    expect(gap.baselinePeriods).toBe(latest(history).baselinePeriods - 40)
    expect(gap.expected / latest(history).expected).toBeGreaterThan(0.8)
    expect(gap.lower).toBeGreaterThan(10)
  })

  it('mean the same before the series as a series that starts later', () => {
    fc.assert(
      fc.property(anySeed, fc.integer({ min: 131, max: 260 }), fc.nat(200), (seed, weeks, missing) => {
        const counts = simulate(weeks, 6, seed)
        const { index: _, ...short } = latest(counts)
        const { index: __, ...padded } = latest([...new Array<number>(missing).fill(Number.NaN), ...counts])
        expect(padded).toEqual(short)
      }),
      { numRuns: 30 },
    )
  })

  it('leave the history too short below two covered years, beside the weeks left out', () => {
    expect(reasonFor(simulate(104 + 26, 9))).toBe('history-too-short')
    expect(reasonFor(simulate(104 + 27, 9))).toBe('tested')
    expect(reasonFor(holes(simulate(320, 9), 60, 230))).toBe('history-too-short')
  })

  it('leave the history too short where all covered weeks lie in one year', () => {
    const oneYear = holes(simulate(320, 9), 0, 320 - YEAR)
    expect(reasonFor(oneYear, { ...PRODUCT_OPTIONS, minBaselineWeeks: 10 })).toBe('history-too-short')
  })

  it('leave nothing to compare with as published where they take every window around the date', () => {
    const history = simulate(320, 9, 3)
    for (let year = 1; year <= 5; year++) history.fill(Number.NaN, 316 - YEAR * year, 323 - YEAR * year)
    expect(reasonFor(history, NOUFAILY_OPTIONS)).toBe('no-fit')
    expect(latest(history).season).toBe('harmonics')
  })

  it('do not let a wave run away in a season that was never covered', () => {
    fc.assert(
      fc.property(anySeed, fc.nat(YEAR), (seed, phase) => {
        const history = simulate(320, 0.8, seed).map((count, week) =>
          week < 319 && (week + phase) % YEAR < 24 ? Number.NaN : count,
        )
        const result = latest(history)
        const largest = Math.max(...history.slice(0, -26).filter((count) => count >= 0))
        expect(result.expected).toBeLessThanOrEqual(1.5 * largest)
      }),
      { numRuns: 50 },
    )
  })

  it('leave the history too short as published where the b years are not all there', () => {
    expect(reasonFor(simulate(5 * YEAR + 3, 9), NOUFAILY_OPTIONS)).toBe('history-too-short')
    expect(reasonFor(simulate(5 * YEAR + 4, 9), NOUFAILY_OPTIONS)).toBe('tested')
  })
})

describe('series with few cases', () => {
  it('have one wave a year in place of levels below one case a week', () => {
    expect(latest(simulate(320, 0.7)).season).toBe('harmonics')
    expect(latest(simulate(320, 3)).season).toBe('season-levels')
  })

  it('have one wave a year where a level has fewer than five cases', () => {
    const seasonal = simulate(320, 6).map((count, week) =>
      week % YEAR >= 12 && week % YEAR <= 20 ? 0 : count,
    )
    expect(latest(seasonal).season).toBe('harmonics')
  })

  it('have the mean alone below 0.3 cases a week, and no trend then', () => {
    const result = latest(Array.from({ length: 320 }, (_, week) => (week % 4 === 0 ? 1 : 0)))
    expect(result).toMatchObject({ season: 'intercept', trendKept: false })
    expect(result.trendCoefficient).toBeNaN()
  })

  it('are not tested below 0.2 cases a week', () => {
    expect(reasonFor(simulate(320, 0.1))).toBe('too-few-cases')
    expect(reasonFor(new Array<number>(320).fill(0))).toBe('too-few-cases')
  })

  it('give finite bounds and a mean that no single case exceeds', () => {
    fc.assert(
      fc.property(anySeed, fc.double({ min: 0.2, max: 1.2, noNaN: true }), (seed, mean) => {
        for (const result of testPeriods(weekly(simulate(300, mean, seed)), 290, 300, PRODUCT_OPTIONS)) {
          if (!result.tested) continue
          expect(result.upper).toBeGreaterThanOrEqual(1)
          expect(result.upper).toBeLessThan(40)
          expect(result.lower).toBe(0)
        }
      }),
      { numRuns: 20 },
    )
  })
})

describe('the trend', () => {
  const growing = simulate(320, 40, 6, 0.1, 0.004)

  it('is followed, in units of a week', () => {
    const result = latest(growing)
    expect(result.trendKept).toBe(true)
    expect(result.trendCoefficient).toBeGreaterThan(0.003)
    expect(result.trendCoefficient).toBeLessThan(0.005)
  })

  it('is dropped where its prediction is beyond the cap', () => {
    const steep = simulate(320, 400, 6, 0, 0.02)
    const capped = (trendCap: number) => latest(steep, { ...PRODUCT_OPTIONS, trendCap })
    expect(capped(1).trendKept).toBe(false)
    expect(capped(3).trendKept).toBe(true)
  })

  it('is not tried with less than three years of history', () => {
    expect(latest(growing.slice(-150)).trendKept).toBe(false)
    expect(latest(growing.slice(-160)).trendKept).toBe(true)
  })

  it('is dropped where it is not significant', () => {
    const flat = simulate(320, 20, 12)
    expect(latest(flat, { ...PRODUCT_OPTIONS, pThresholdTrend: 1e-6 }).trendKept).toBe(false)
  })
})

describe('the bounds', () => {
  const history = simulate(320, 15, 8)

  it('widen by the uncertainty of the mean where that is asked for', () => {
    fc.assert(
      fc.property(anySeed, anyMean, (seed, mean) => {
        const counts = simulate(200, mean, seed)
        const wide = latest(counts)
        const narrow = latest(counts, { ...PRODUCT_OPTIONS, predictionVariance: false })
        expect(wide.expected).toBe(narrow.expected)
        expect(wide.upper).toBeGreaterThanOrEqual(narrow.upper)
        expect(wide.lower).toBeLessThanOrEqual(narrow.lower)
      }),
      { numRuns: 30 },
    )
  })

  it('move apart as alpha falls', () => {
    const [loose, strict] = [0.05, 0.001].map((alpha) => latest(history, { ...PRODUCT_OPTIONS, alpha }))
    expect(strict!.upper).toBeGreaterThan(loose!.upper)
    expect(strict!.lower).toBeLessThan(loose!.lower)
  })

  it('build on the upper limit of the mean for muan only', () => {
    const by = (thresholdMethod: FarringtonOptions['thresholdMethod']) =>
      latest(history, { ...NOUFAILY_OPTIONS, thresholdMethod })
    expect(by('muan').mu0).toBeGreaterThan(by('muan').expected)
    expect(by('nbPlugin').mu0).toBe(by('nbPlugin').expected)
    expect(by('delta').upper % 1).not.toBe(0)
  })

  it('are one away from the mean in units of exceedance', () => {
    const { observed, expected, upper } = latest(history)
    expect(findExceedance(upper, expected, upper)).toBe(1)
    expect(findExceedance(expected, expected, upper)).toBe(0)
    expect(findExceedance(observed, expected, upper)).toBeLessThan(1)
  })
})

describe('monthly counts', () => {
  it('are tested against the same months of earlier years', () => {
    const counts = Array.from(
      { length: 72 },
      (_, month) => 40 + 20 * (month % 12 === 11 ? 1 : 0) + (month % 5),
    )
    const december = testLatest(
      { counts, frequency: 12 },
      { ...MONTHLY_PRODUCT_OPTIONS, w: 0, noPeriods: 12 },
    )
    expect(december?.tested && december.expected).toBeGreaterThan(55)
    expect(testLatest({ counts: counts.slice(0, 25), frequency: 12 }, MONTHLY_PRODUCT_OPTIONS)).toMatchObject(
      {
        reason: 'history-too-short',
      },
    )
  })
})

describe('input that breaks the contract', () => {
  const codeOf = (attempt: () => unknown) => {
    try {
      attempt()
    } catch (error) {
      return error instanceof WardbookError ? [error.code, error.remedy] : error
    }
    return undefined
  }

  it('is refused with the place of the count', () => {
    for (const count of [-1, 0.5, Number.POSITIVE_INFINITY]) {
      const attempt = () => testLatest(weekly([3, count, 4]), PRODUCT_OPTIONS)
      expect(codeOf(attempt)).toEqual(['count-not-whole', 'report-bug'])
      expect(attempt).toThrow(`Entry 1 of a count series is ${count}`)
    }
  })

  it('is refused with the rule for the option', () => {
    const broken: Partial<FarringtonOptions>[] = [
      { alpha: 0 },
      { alpha: 0.5 },
      { b: 0 },
      { w: -1 },
      { noPeriods: 1.5 },
      { pastWeeksNotIncluded: -2 },
      { weightsThreshold: 0 },
      { trendCap: 0 },
    ]
    for (const option of broken) {
      const attempt = () => testLatest(weekly([1]), { ...PRODUCT_OPTIONS, ...option })
      expect(codeOf(attempt)).toEqual(['farrington-option', 'fix-config'])
      expect(attempt).toThrow(new RegExp(`^${Object.keys(option)[0]} must`))
    }
  })
})
