import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bucketsFor, hasLongRows, planDivisions, shareOut, sizeOf } from './plan-parts.js'

const anyRun = fc.record({
  file: fc.constant('a.csv'),
  layout: fc.constant(0),
  rows: fc.nat(2_000_000),
  bytes: fc.nat(2 ** 30),
  longest: fc.nat(1_000),
})
const anyDivisions = fc.array(
  fc.record({ division: fc.string(), runs: fc.array(anyRun, { minLength: 1, maxLength: 3 }) }),
)
const BUDGET = { maxRows: 1_000_000, maxUncompressedBytes: 2 ** 28 }

describe('planning parts', () => {
  it('takes a division as it is exactly when it keeps both budgets (and its rows are not long)', () => {
    fc.assert(
      fc.property(anyDivisions, (divisions) => {
        const { parts, tooLarge } = planDivisions(divisions, BUDGET)
        expect(parts.length + tooLarge.length).toBe(divisions.length)
        for (const { rows, bytes } of parts) {
          expect(rows).toBeLessThanOrEqual(BUDGET.maxRows)
          expect(bytes).toBeLessThanOrEqual(BUDGET.maxUncompressedBytes)
        }
        for (const { runs } of tooLarge.filter(({ runs }) => !hasLongRows(sizeOf(runs)))) {
          const rows = runs.reduce((sum, run) => sum + run.rows, 0)
          const bytes = runs.reduce((sum, run) => sum + run.bytes, 0)
          expect(rows > BUDGET.maxRows || bytes > BUDGET.maxUncompressedBytes).toBe(true)
          expect(bucketsFor({ rows, bytes }, BUDGET) * BUDGET.maxRows).toBeGreaterThan(rows)
          expect(bucketsFor({ rows, bytes }, BUDGET) * BUDGET.maxUncompressedBytes).toBeGreaterThan(bytes)
        }
      }),
    )
  })

  it('shares all work out, and no worker has more than the fair share and one piece', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000)), fc.integer({ min: 1, max: 4 }), (work, workers) => {
        const shares = shareOut(work, workers, (one) => one)
        expect(shares.flat().sort()).toEqual([...work].sort())
        const sum = (share: readonly number[]) => share.reduce((total, one) => total + one, 0)
        for (const share of shares)
          expect(sum(share)).toBeLessThanOrEqual(sum(work) / workers + Math.max(...work))
      }),
    )
  })
})
