import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { packParts, type Sized } from './pack-parts.js'

const anyPiece: fc.Arbitrary<Sized> = fc.record({ rows: fc.nat(120), bytes: fc.nat(1_200) })
const BUDGET = { maxRows: 100, maxUncompressedBytes: 1_000 }

const sizeOf = (pack: readonly Sized[]) => ({
  rows: pack.reduce((sum, { rows }) => sum + rows, 0),
  bytes: pack.reduce((sum, { bytes }) => sum + bytes, 0),
})
const fits = (pack: readonly Sized[]) =>
  sizeOf(pack).rows <= BUDGET.maxRows && sizeOf(pack).bytes <= BUDGET.maxUncompressedBytes

describe('packing pieces of work for one worker each', () => {
  it('keeps every piece once, in its order', () => {
    fc.assert(
      fc.property(fc.array(anyPiece), (pieces) => {
        expect(packParts(pieces, BUDGET).flat()).toEqual(pieces)
      }),
    )
  })

  it('gives no worker more than one budget, except a single piece that is larger', () => {
    fc.assert(
      fc.property(fc.array(anyPiece), (pieces) => {
        for (const pack of packParts(pieces, BUDGET)) expect(pack.length === 1 || fits(pack)).toBe(true)
      }),
    )
  })

  it('starts no worker before the last one is full', () => {
    fc.assert(
      fc.property(fc.array(anyPiece), (pieces) => {
        const packs = packParts(pieces, BUDGET)
        for (const [index, pack] of packs.slice(0, -1).entries()) {
          expect(fits([...pack, packs[index + 1]?.[0] as Sized])).toBe(false)
        }
      }),
    )
  })

  it('makes no pack of nothing', () => {
    expect(packParts([], BUDGET)).toEqual([])
  })
})
