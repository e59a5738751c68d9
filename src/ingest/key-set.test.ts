import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeySet } from './key-set.js'

describe('a set of keys', () => {
  it('counts each key that came before, whatever the keys are', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.nat(200).map(String))), (keys) => {
        const set = new KeySet()
        for (const key of keys) set.add(key)
        expect(set.repeated).toBe(keys.length - new Set(keys).size)
      }),
    )
  })

  it('keeps counting while it grows', () => {
    const set = new KeySet()
    for (let key = 0; key < 50_000; key++) set.add(`row-${key % 40_000}`)
    expect(set.repeated).toBe(10_000)
  })
})
