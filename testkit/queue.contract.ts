import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FilesArrived, TableCommitted } from '../src/contracts/message.js'
import { type Remedy, WardbookError } from '../src/kernel/errors.js'
import type { Queue, Topic } from '../src/queue/queue.js'

/** An empty queue to test, fresh for each promise. Waits between tries should be short or none. */
export interface OpenedQueue {
  readonly queue: Queue
  /** Deliveries of one message before it becomes a dead letter. */
  readonly maxTries: number
  close(): Promise<void>
}

type Promised = (opened: OpenedQueue) => Promise<void>

const LASTING: readonly Remedy[] = ['fix-config', 'fix-source', 'shrink', 'report-bug']

/** Every promise of src/queue/queue.ts, by its title. */
const PROMISES = {
  'delivers each message to the handler of its topic, whole': async ({ queue }) => {
    const harmonized = handled(queue, 'harmonize')
    const measured = handled(queue, 'measure')
    await queue.send('harmonize', committed('a'))
    await queue.send('measure', committed('b', 7))
    expect(await queue.drain()).toEqual([])
    expect(new Set(harmonized.map(({ dataset }) => dataset))).toEqual(new Set(['a']))
    expect(measured).toContainEqual(committed('b', 7))
  },
  'delivers the message that files arrived, whole, and keeps sources apart': async ({ queue }) => {
    const seen: FilesArrived[] = []
    queue.listen('ingest', async (message) => void seen.push(message))
    const arrived = (source: string): FilesArrived => ({ v: 1, kind: 'files.arrived', dataset: 'a', source })
    for (const source of ['x', 'y', 'x']) await queue.send('ingest', arrived(source))
    expect(await queue.drain()).toEqual([])
    expect(new Set(seen.map(({ source }) => source))).toEqual(new Set(['x', 'y']))
    expect(seen).toContainEqual(arrived('x'))
  },
  'delivers every message at least once, however many wait': async ({ queue }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }), async (versions) => {
        const seen = handled(queue, 'detect')
        for (const version of versions) await queue.send('detect', committed('a', version))
        expect(await queue.drain()).toEqual([])
        expect(new Set(seen.map(({ version }) => version))).toEqual(new Set(versions))
      }),
      { numRuns: 10 },
    )
  },
  'keeps a message that comes before anybody listens': async ({ queue }) => {
    await queue.send('ledger', committed('a'))
    const seen = handled(queue, 'ledger')
    await queue.drain()
    expect(seen).toContainEqual(committed('a'))
  },
  'makes one of equal messages that wait, in whatever order their members stand': async ({ queue }) => {
    const seen = handled(queue, 'measure')
    const { v, ...rest } = committed('a')
    for (const message of [committed('a'), committed('a'), { ...rest, v }])
      await queue.send('measure', message)
    await queue.drain()
    expect(seen).toEqual([committed('a')])
  },
  'keeps equal messages of two topics apart': async ({ queue }) => {
    const seen = [handled(queue, 'measure'), handled(queue, 'detect')]
    for (const topic of ['measure', 'detect'] as const) await queue.send(topic, committed('a'))
    await queue.drain()
    expect(seen.map(({ length }) => length)).toEqual([1, 1])
  },
  'delivers a message again that is sent while its equal is worked on': async ({ queue }) => {
    let deliveries = 0
    queue.listen('measure', async (message) => {
      deliveries += 1
      if (deliveries === 1) await queue.send('measure', message)
    })
    await queue.send('measure', committed('a'))
    await queue.drain()
    expect(deliveries).toBeGreaterThanOrEqual(2)
  },
  'redelivers a message whose error says retry, until it is worked off': async ({ queue, maxTries }) => {
    const failures = maxTries - 1
    let deliveries = 0
    queue.listen('measure', async () => {
      deliveries += 1
      if (deliveries <= failures) throw failing('retry')
    })
    await queue.send('measure', committed('a'))
    expect(await queue.drain()).toEqual([])
    expect(deliveries).toBe(maxTries)
  },
  'makes a dead letter of a message that fails too often, with the error and its tries': async (opened) => {
    const { queue, maxTries } = opened
    const seen = handled(queue, 'measure', () => failing('retry'))
    await queue.send('measure', committed('a'))
    const dead = await queue.drain()
    expect(dead).toMatchObject([
      { topic: 'measure', message: committed('a'), tries: maxTries, error: { code: 'test-retry' } },
    ])
    expect(seen).toHaveLength(maxTries)
  },
  'makes a dead letter at once of a message whose error says anything but retry': async ({ queue }) => {
    for (const remedy of LASTING) {
      const seen = handled(queue, 'measure', () => failing(remedy))
      await queue.send('measure', committed('a'))
      expect(await queue.drain(), remedy).toMatchObject([{ tries: 1, error: { remedy } }])
      expect(seen, remedy).toHaveLength(1)
    }
  },
  'takes an error that nobody foresaw for a bug, and keeps it as the cause': async ({ queue }) => {
    const cause = new TypeError('no such property')
    handled(queue, 'measure', () => cause)
    await queue.send('measure', committed('a'))
    const [letter] = await queue.drain()
    expect(letter).toMatchObject({ tries: 1, error: { code: 'unforeseen', remedy: 'report-bug' } })
    expect(letter?.error.cause ?? letter?.error.message).toSatisfy((kept) =>
      String(kept).includes('no such property'),
    )
  },
  'makes a dead letter of a message that nobody listens to': async ({ queue }) => {
    await queue.send('detect', committed('a'))
    expect(await queue.drain()).toMatchObject([{ topic: 'detect', error: { code: 'nobody-listens' } }])
  },
  'goes on with other messages after a dead letter': async ({ queue }) => {
    const seen: string[] = []
    queue.listen('measure', async ({ dataset }) => {
      if (dataset === 'broken') throw failing('fix-source')
      seen.push(dataset)
    })
    for (const dataset of ['a', 'broken', 'b']) await queue.send('measure', committed(dataset))
    expect(await queue.drain()).toHaveLength(1)
    expect(new Set(seen)).toEqual(new Set(['a', 'b']))
  },
  'tells each dead letter once': async ({ queue }) => {
    handled(queue, 'measure', () => failing('fix-config'))
    await queue.send('measure', committed('a'))
    const told = await Promise.all([queue.drain(), queue.drain()])
    expect(told.flat()).toHaveLength(1)
    expect(await queue.drain()).toEqual([])
  },
  'drains what handlers send too, to the end of the chain': async ({ queue }) => {
    const chain: Topic[] = ['harmonize', 'measure', 'detect', 'ledger']
    const order: Topic[] = []
    for (const [index, topic] of chain.entries()) {
      queue.listen(topic, async (message) => {
        order.push(topic)
        const next = chain[index + 1]
        if (next !== undefined) await queue.send(next, message)
      })
    }
    await queue.send('harmonize', committed('a'))
    await queue.drain()
    expect(order.filter((topic, index) => topic !== order[index - 1])).toEqual(chain)
  },
  'runs one handler of a topic at a time, whoever drains': async ({ queue }) => {
    let running = 0
    let most = 0
    queue.listen('measure', async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
    })
    for (let version = 0; version < 10; version++) await queue.send('measure', committed('a', version))
    await Promise.all([queue.drain(), queue.drain(), queue.drain()])
    expect(most).toBe(1)
  },
  'lets every drain wait for all that was sent before it': async ({ queue }) => {
    const seen = handled(queue, 'measure')
    // Drains begin at every stage of another's end: none may return while its own message waits.
    const drains = Array.from({ length: 30 }, async (_, turn) => {
      for (let tick = 0; tick < turn; tick++) await undefined
      await queue.send('measure', committed('a', turn))
      await queue.drain()
      expect(seen.map(({ version }) => version)).toContain(turn)
    })
    await Promise.all(drains)
  },
  'returns at once when nothing waits, and works again afterwards': async ({ queue }) => {
    expect(await queue.drain()).toEqual([])
    const seen = handled(queue, 'measure')
    await queue.send('measure', committed('a'))
    await queue.drain()
    expect(seen).toHaveLength(1)
  },
  'uses the handler that was named last': async ({ queue }) => {
    const first = handled(queue, 'measure')
    const second = handled(queue, 'measure')
    await queue.send('measure', committed('a'))
    await queue.drain()
    expect([first.length, second.length]).toEqual([0, 1])
  },
} satisfies Record<string, Promised>

/** The title of a promise. */
export type QueuePromise = keyof typeof PROMISES

/**
 * Runs every promise of the queue port against an adapter.
 * @param open   opens an empty queue
 * @param cannot promises that the adapter cannot keep, each with the reason, which the report shows
 */
export function describeQueue(
  name: string,
  open: () => Promise<OpenedQueue>,
  cannot: Partial<Record<QueuePromise, string>> = {},
): void {
  describe(`${name} as a queue`, () => {
    let opened: OpenedQueue
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(() => opened.close())

    for (const [promise, keep] of Object.entries(PROMISES) as [QueuePromise, Promised][]) {
      const reason = cannot[promise]
      if (reason === undefined) it(promise, () => keep(opened))
      else it.skip(`${promise} (cannot: ${reason})`, () => {})
    }
  })
}

/** A message about a dataset's table. */
export function committed(dataset: string, version = 0): TableCommitted {
  return { v: 1, kind: 'table.committed', from: 'ingest', dataset, table: `raw/${dataset}/portal`, version }
}

/** Listens, and keeps what comes; with an error, each delivery fails. */
function handled(queue: Queue, topic: Exclude<Topic, 'ingest'>, errorOf?: () => Error): TableCommitted[] {
  const seen: TableCommitted[] = []
  queue.listen(topic, async (message) => {
    seen.push(message)
    if (errorOf !== undefined) throw errorOf()
  })
  return seen
}

function failing(remedy: Remedy): WardbookError {
  return new WardbookError(`test-${remedy}`, remedy, `a handler that fails with ${remedy}`)
}
