import { describe, expect, it } from 'vitest'
import { committed, describeQueue } from '../../../testkit/queue.contract.js'
import { WardbookError } from '../../kernel/errors.js'
import { createEmbeddedQueue } from './embedded-queue.js'

const MAX_TRIES = 5

describeQueue('the queue within one process', async () => ({
  queue: createEmbeddedQueue({ wait: async () => {} }),
  maxTries: MAX_TRIES,
  close: async () => {},
}))

describeQueue('the queue within one process, in two lanes', async () => ({
  queue: createEmbeddedQueue({ wait: async () => {}, lanes: 2 }),
  maxTries: MAX_TRIES,
  close: async () => {},
}))

describe('the queue within one process', () => {
  it('works on two topics at a time in two lanes, on one topic never', async () => {
    const queue = createEmbeddedQueue({ lanes: 2 })
    const seen: string[] = []
    const handle = async ({ dataset }: { dataset: string }) => {
      seen.push(`${dataset} begins`)
      await new Promise((resolve) => setTimeout(resolve, dataset === 'a' ? 20 : 5))
      seen.push(`${dataset} ends`)
    }
    queue.listen('measure', handle)
    queue.listen('detect', handle)
    await queue.send('measure', committed('a'))
    await queue.send('measure', committed('b'))
    await queue.send('detect', committed('c'))
    expect(await queue.drain()).toEqual([])
    expect(seen).toEqual(['a begins', 'c begins', 'c ends', 'a ends', 'b begins', 'b ends'])
  })

  it('waits twice as long after each failed try, and not at all for other remedies', async () => {
    const waits: number[] = []
    const queue = createEmbeddedQueue({ wait: async (ms) => waits.push(ms) })
    queue.listen('measure', async ({ dataset }) => {
      throw new WardbookError('failed', dataset === 'slow' ? 'retry' : 'fix-source', 'failed')
    })
    await queue.send('measure', committed('wrong'))
    expect([await queue.drain(), waits]).toMatchObject([[{ tries: 1 }], []])
    await queue.send('measure', committed('slow'))
    await queue.drain()
    expect(waits).toEqual([50, 100, 200, 400])
  })

  it('works messages off in the order in which they came', async () => {
    const queue = createEmbeddedQueue()
    const seen: string[] = []
    queue.listen('measure', async ({ dataset }) => void seen.push(dataset))
    queue.listen('detect', async ({ dataset }) => void seen.push(dataset))
    await queue.send('measure', committed('a'))
    await queue.send('detect', committed('b'))
    await queue.send('measure', committed('c'))
    await queue.drain()
    expect(seen).toEqual(['a', 'b', 'c'])
  })
})
