import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { inLanes } from './in-lanes.js'

describe('work in lanes', () => {
  it('gives results in the order of the items, and never runs more than the lanes', async () => {
    let [running, most] = [0, 0]
    const work = async (milliseconds: number) => {
      running += 1
      most = Math.max(most, running)
      await delay(milliseconds)
      running -= 1
      return milliseconds * 2
    }
    const given: number[] = []
    for await (const { item, result } of inLanes([30, 1, 20, 1, 1], 2, work)) given.push(item, result)
    expect(given).toEqual([30, 60, 1, 2, 20, 40, 1, 2, 1, 2])
    expect(most).toBe(2)
  })

  it('begins nothing after a failure, and waits for what is under way', async () => {
    const ended: number[] = []
    const work = async (item: number) => {
      if (item === 0) throw new Error('no such part')
      await delay(10)
      ended.push(item)
      return item
    }
    const take = async () => {
      for await (const _ of inLanes([0, 1, 2, 3], 2, work));
    }
    await expect(take()).rejects.toThrow('no such part')
    expect(ended).toEqual([1])
  })
})
