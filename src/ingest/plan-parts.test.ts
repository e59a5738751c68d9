import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bucketsFor,
  hasLongRows,
  inLaneOrder,
  partOf,
  planDivisions,
  shareOut,
  sizeOf,
} from './plan-parts.js'
import { groupRowsOf } from './write-sql.js'

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

  it('orders parts for lanes: all of them once, falling but for a start in which each is at most half of the next', () => {
    fc.assert(
      fc.property(fc.array(anyRun), fc.integer({ min: 1, max: 3 }), (runs, lanes) => {
        const parts = runs.map((run, at) => partOf(String(at), [run]))
        const sizes = inLaneOrder(parts, lanes).map(({ bytes }) => bytes)
        expect(inLaneOrder(parts, lanes).toSorted((a, b) => Number(a.division) - Number(b.division))).toEqual(
          parts,
        )
        const largest = sizes.indexOf(Math.max(...sizes))
        expect(largest).toBeLessThanOrEqual(lanes === 1 ? 0 : 3)
        for (let at = 0; at < largest; at++)
          expect(sizes[at]).toBeLessThanOrEqual((sizes[at + 1] as number) / 2)
        for (let at = largest + 2; at < sizes.length; at++)
          expect(sizes[at]).toBeLessThanOrEqual(sizes[at - 1] as number)
      }),
    )
    const ofBytes = [100, 90, 60, 45, 20, 10, 9, 1].map((bytes) =>
      partOf('1', [{ file: '', layout: 0, rows: 1, longest: 1, bytes }]),
    )
    expect(inLaneOrder(ofBytes, 2).map(({ bytes }) => bytes)).toEqual([10, 20, 45, 100, 90, 60, 9, 1])
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

  it('makes row groups of 32,768 rows, and smaller ones where rows are wide', () => {
    expect(groupRowsOf({ rows: 90_000, bytes: 90_000 * 200 })).toBe(32_768)
    expect(groupRowsOf({ rows: 90_000, bytes: 90_000 * 400 })).toBe(32_768)
    expect(groupRowsOf({ rows: 0, bytes: 0 })).toBe(2_048)
    expect(groupRowsOf({ rows: 90_000, bytes: 90_000 * 1_200 })).toBe(12_288)
    expect(groupRowsOf({ rows: 90_000, bytes: 90_000 * 100_000 })).toBe(2_048)
  })
})
