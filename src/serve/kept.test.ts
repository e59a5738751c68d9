import { describe, expect, it } from 'vitest'
import { Kept } from './kept.js'

describe('keeping what was made', () => {
  it('makes once for callers at the same time', async () => {
    const kept = new Kept<number>(2)
    let made = 0
    const make = async () => ++made
    expect(await Promise.all([kept.get('a', make), kept.get('a', make)])).toEqual([1, 1])
  })

  it('lets go of what was used longest ago', async () => {
    const kept = new Kept<string>(2)
    const made: string[] = []
    const ask = (key: string) => kept.get(key, async () => key + made.push(key))
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) await ask(key)
    expect(made).toEqual(['a', 'b', 'c', 'b'])
  })

  it('does not keep what is heavier than everything together', async () => {
    const kept = new Kept<number>(10, (weight) => weight)
    await kept.get('small', async () => 1)
    await kept.get('huge', async () => 11)
    expect(await kept.get('small', async () => 2)).toBe(1)
    expect(await kept.get('huge', async () => 3)).toBe(3)
  })

  it('does not keep a failure', async () => {
    const kept = new Kept<number>(2)
    await expect(kept.get('a', async () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await kept.get('a', async () => 5)).toBe(5)
  })
})
