import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planParts } from './parts-plan.js'
import { DEFAULT_PART_BYTES, MAX_OBJECT_BYTES, MAX_PARTS, MAX_PUT_BYTES } from './settings.js'

describe('cutting a file into parts', () => {
  it('leaves no byte out and none twice, in parts of one size but the last', () => {
    const anySize = fc.integer({ min: 1, max: 2_000_000 })
    fc.assert(
      fc.property(anySize, fc.integer({ min: 1, max: 70_000 }), (size, wantedBytes) => {
        const { partBytes, parts } = planParts(size, wantedBytes)
        expect(parts.map(({ number }) => number)).toEqual(parts.map((_, index) => index + 1))
        expect(parts[0]?.from).toBe(0)
        expect(parts.at(-1)?.to).toBe(size)
        for (const [index, { from, to }] of parts.entries()) {
          expect(from).toBe(parts[index - 1]?.to ?? 0)
          expect(to - from).toBe(index === parts.length - 1 ? size - from : partBytes)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('takes the parts that are wanted while 10,000 suffice, and larger ones beyond', () => {
    const enough = MAX_PARTS * DEFAULT_PART_BYTES
    expect(planParts(enough, DEFAULT_PART_BYTES).partBytes).toBe(DEFAULT_PART_BYTES)
    const { partBytes, parts } = planParts(enough + 1, DEFAULT_PART_BYTES)
    expect([partBytes, parts.length <= MAX_PARTS]).toEqual([DEFAULT_PART_BYTES + 1, true])
  })

  it('has parts that a service takes for the largest object there is', () => {
    const { partBytes, parts } = planParts(MAX_OBJECT_BYTES, DEFAULT_PART_BYTES)
    expect([parts.length, partBytes < MAX_PUT_BYTES]).toEqual([MAX_PARTS, true])
  })
})
