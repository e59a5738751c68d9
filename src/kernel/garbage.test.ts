import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { giveBackMemory } from './garbage.js'

/** Bytes that were read, of which nobody holds but a weak reference. */
function leaveBehind(mib: number): WeakRef<Buffer>[] {
  return Array.from({ length: mib }, () => new WeakRef(Buffer.alloc(2 ** 20, 1)))
}

describe('memory that is given back', () => {
  it('is that of bytes which nobody holds any more', async () => {
    const left = leaveBehind(20)
    expect(left.filter((one) => one.deref() !== undefined)).toHaveLength(20)
    await nextTurn() // weak references are held to the end of the turn
    giveBackMemory()
    expect(left.filter((one) => one.deref() !== undefined)).toEqual([])
  })
})
