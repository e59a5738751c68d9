import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reweightOutbreaks } from './anscombe-weights.js'
import { HarmonicModel } from './harmonic-model.js'
import { fitQuasiPoisson } from './quasi-poisson.js'
import { appendRow, createRows, type RegressionRows } from './regression-rows.js'
import { SeasonModel } from './season-model.js'

const LEVELS = 4

/** Weekly counts on four levels with a mild trend; every level has cases. */
const anyRows = fc
  .array(fc.integer({ min: 0, max: 60 }), { minLength: 24, maxLength: 120 })
  .map((counts) => rowsOf(counts.map((count, week) => (week < LEVELS ? count + 1 : count))))

function rowsOf(counts: readonly number[], levels = LEVELS): RegressionRows {
  const rows = createRows(counts.length)
  counts.forEach((count, week) => {
    appendRow(rows, count, week - counts.length, week % levels)
  })
  return rows
}

function sumOver(rows: RegressionRows, value: (row: number) => number): number {
  let sum = 0
  for (let row = 0; row < rows.length; row++) sum += value(row)
  return sum
}

const caseTotal = (rows: RegressionRows) => sumOver(rows, (row) => rows.counts[row]!)

describe('fitting season levels and a trend', () => {
  it('leaves residuals that sum to zero in every level and along time', () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const model = new SeasonModel()
        model.configure(rows, LEVELS, true, 0)
        const fit = fitQuasiPoisson(rows, model)
        const residual = (row: number) => rows.counts[row]! - rows.means[row]!
        expect(fit.converged).toBe(true)
        for (let level = 0; level < LEVELS; level++) {
          const sum = sumOver(rows, (row) => (rows.levels[row] === level ? residual(row) : 0))
          expect(Math.abs(sum)).toBeLessThan(1e-3 * (1 + caseTotal(rows)))
        }
        const moment = sumOver(rows, (row) => residual(row) * rows.times[row]!)
        expect(Math.abs(moment)).toBeLessThan(1e-3 * (1 + caseTotal(rows)) * rows.length)
      }),
    )
  })

  it('fits the mean of each level where there is no trend', () => {
    const rows = rowsOf([1, 4, 3, 8], 2)
    const model = new SeasonModel()
    model.configure(rows, 2, false, 1)
    const fit = fitQuasiPoisson(rows, model)
    expect(Math.exp(model.predict())).toBeCloseTo(6, 8)
    expect(model.unscaledVariance()).toBeCloseTo(1 / 12, 6)
    expect(fit.dispersion).toBeCloseTo((2 * (1 / 2) + 2 * (4 / 6)) / 2, 4)
    expect(fit.degreesOfFreedom).toBe(2)
  })

  it('finds a trend that the counts follow exactly, in units of a period', () => {
    const rows = rowsOf(
      Array.from({ length: 40 }, (_, week) => 1000 * 1.03 ** week),
      1,
    )
    const model = new SeasonModel()
    model.configure(rows, 1, true, 0)
    fitQuasiPoisson(rows, model)
    expect(model.trendCoefficient()).toBeCloseTo(Math.log(1.03), 10)
    expect(Math.exp(model.predict())).toBeCloseTo(1000 * 1.03 ** 40, 5)
  })

  it('has leverages that sum to the number of columns', () => {
    fc.assert(
      fc.property(anyRows, fc.boolean(), (rows, withTrend) => {
        const model = new SeasonModel()
        model.configure(rows, LEVELS, withTrend, 0)
        fitQuasiPoisson(rows, model)
        model.findLeverages(rows)
        expect(sumOver(rows, (row) => rows.leverages[row]!)).toBeCloseTo(model.columns, 8)
      }),
    )
  })

  it('does not count a level without rows as a column', () => {
    const rows = rowsOf([3, 5, 4, 6, 2, 7], 2)
    const model = new SeasonModel()
    model.configure(rows, 5, true, 1)
    expect(model.columns).toBe(3)
    expect(fitQuasiPoisson(rows, model).converged).toBe(true)
  })

  it('does not converge where time does not vary within a level', () => {
    const rows = rowsOf([3, 5, 4], 3)
    const model = new SeasonModel()
    model.configure(rows, 3, true, 0)
    expect(fitQuasiPoisson(rows, model).converged).toBe(false)
  })

  it('is the same whichever fits came before, so that memory can be reused', () => {
    fc.assert(
      fc.property(anyRows, anyRows, (rows, other) => {
        const used = new SeasonModel()
        used.configure(other, LEVELS, true, 0)
        fitQuasiPoisson(other, used)
        used.configure(rows, LEVELS, true, 0)
        const again = fitQuasiPoisson(rows, used)
        const fresh = new SeasonModel()
        fresh.configure(rows, LEVELS, true, 0)
        expect(fitQuasiPoisson(rows, fresh)).toEqual(again)
        expect(fresh.predict()).toBe(used.predict())
      }),
    )
  })

  it('counts a row of weight 2 as two rows', () => {
    const counts = [4, 7, 9, 3, 8, 12, 6, 5]
    const weighted = rowsOf(counts, 2)
    weighted.priorWeights[5] = 2
    const doubled = rowsOf(counts, 2)
    const twice = createRows(9)
    for (let row = 0; row < 8; row++) {
      appendRow(twice, counts[row]!, doubled.times[row]!, doubled.levels[row]!)
    }
    appendRow(twice, counts[5]!, doubled.times[5]!, doubled.levels[5]!)
    const predictions = [weighted, twice].map((rows) => {
      const model = new SeasonModel()
      model.configure(rows, 2, true, 0)
      fitQuasiPoisson(rows, model)
      return model.predict()
    })
    expect(predictions[0]).toBeCloseTo(predictions[1]!, 8)
  })
})

describe('fitting harmonics', () => {
  it('equals one season level where there are no waves', () => {
    fc.assert(
      fc.property(anyRows, fc.boolean(), (rows, withTrend) => {
        for (let row = 0; row < rows.length; row++) rows.levels[row] = 0
        const levels = new SeasonModel()
        levels.configure(rows, 1, withTrend, 0)
        const expected = fitQuasiPoisson(rows, levels)
        const dense = new HarmonicModel()
        dense.configure(rows, { pairs: 0, withTrend, periodsPerYear: 52 })
        const fit = fitQuasiPoisson(rows, dense)
        expect(fit.dispersion).toBeCloseTo(expected.dispersion, 8)
        expect(dense.predict()).toBeCloseTo(levels.predict(), 8)
        expect(dense.unscaledVariance() / levels.unscaledVariance()).toBeCloseTo(1, 8)
        if (!withTrend) return
        expect(dense.trendCoefficient()).toBeCloseTo(levels.trendCoefficient(), 9)
        expect(dense.trendUnscaledVariance() / levels.trendUnscaledVariance()).toBeCloseTo(1, 8)
      }),
    )
  })

  it('finds a wave and a trend that the counts follow exactly', () => {
    const mean = (time: number) =>
      500 * Math.exp(0.4 * Math.cos((2 * Math.PI * (time - 9)) / 52) + 0.002 * time)
    const rows = rowsOf(Array.from({ length: 156 }, (_, week) => mean(week - 156)))
    const model = new HarmonicModel()
    model.configure(rows, { pairs: 1, withTrend: true, periodsPerYear: 52 })
    fitQuasiPoisson(rows, model)
    expect(Math.exp(model.predict())).toBeCloseTo(mean(0), 6)
    expect(model.trendCoefficient()).toBeCloseTo(0.002, 10)
  })

  it('has leverages that sum to the number of columns', () => {
    fc.assert(
      fc.property(anyRows, fc.integer({ min: 0, max: 2 }), (rows, pairs) => {
        const model = new HarmonicModel()
        model.configure(rows, { pairs, withTrend: true, periodsPerYear: 20 })
        fitQuasiPoisson(rows, model)
        model.findLeverages(rows)
        expect(sumOver(rows, (row) => rows.leverages[row]!)).toBeCloseTo(model.columns, 7)
      }),
    )
  })

  it('does not converge where its columns depend on one another', () => {
    const rows = rowsOf([3, 5, 4, 6, 8, 2, 4, 4])
    const model = new HarmonicModel()
    model.configure(rows, { pairs: 1, withTrend: false, periodsPerYear: 2 })
    expect(fitQuasiPoisson(rows, model).converged).toBe(false)
  })
})

describe('reweighting past outbreaks', () => {
  const fitted = (counts: readonly number[]) => {
    const rows = rowsOf(counts, 1)
    const model = new SeasonModel()
    model.configure(rows, 1, false, 0)
    const { dispersion } = fitQuasiPoisson(rows, model)
    reweightOutbreaks(rows, model, Math.max(1, dispersion), 2.58)
    return rows
  }

  it('keeps the sum of the weights at the number of rows', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 5, maxLength: 80 }), (counts) => {
        const rows = fitted([1, ...counts])
        expect(sumOver(rows, (row) => rows.priorWeights[row]!)).toBeCloseTo(rows.length, 9)
      }),
    )
  })

  it('takes weight from a week far above the mean, and from no other', () => {
    const rows = fitted([...Array.from({ length: 30 }, (_, week) => 9 + (week % 3)), 60])
    const ordinary = rows.priorWeights[0]!
    expect(rows.priorWeights[30]!).toBeLessThan(0.2 * ordinary)
    for (let row = 0; row < 30; row++) expect(rows.priorWeights[row]).toBe(ordinary)
  })

  it('takes no weight from a week far below the mean', () => {
    const rows = fitted([...Array.from({ length: 30 }, (_, week) => 59 + (week % 3)), 0])
    expect(rows.priorWeights[30]).toBe(rows.priorWeights[0])
  })
})
