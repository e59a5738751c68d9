import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LedgerEvent } from '../contracts/event.js'
import { scopeTo } from '../lake/prefixes.js'
import { Log } from './log.js'
import { LogReader } from './log-reader.js'
import { LIMITS } from './segment.js'
import { anyEvent, collect, faultyStore, makeLake, ORIGIN, openLog, slowedStore } from './test-lake.js'
import { verifyLog } from './verify.js'

let lake: Awaited<ReturnType<typeof makeLake>>
beforeEach(async () => {
  lake = await makeLake()
})
afterEach(() => lake.remove())

const idsOf = async (log: Log | LogReader) => (await collect(log.events())).map(({ event }) => event.id)
const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => anyEvent(from + i))

describe('opening a log', () => {
  it('creates it once and finds it again with all its events', async () => {
    await (await openLog(lake.store)).append(numbered(0, 3))
    const again = await openLog(lake.store)
    expect(again.size).toBe(3)
    expect(await idsOf(again)).toEqual(['event-0', 'event-1', 'event-2'])
  })

  it('refuses the log of another origin', async () => {
    await openLog(lake.store)
    const opening = openLog(lake.store, { origin: 'wardbook/elsewhere/main' })
    await expect(opening).rejects.toMatchObject({ code: 'ledger-other-origin', remedy: 'fix-config' })
  })

  it('refuses a newer format, and a file that describes no log', async () => {
    await openLog(lake.store)
    const file = join(lake.folder, 'ledger/main/log.0.json')
    const content = JSON.parse(await readFile(file, 'utf8'))
    await writeFile(file, JSON.stringify({ ...content, formatVersion: 2 }))
    await expect(openLog(lake.store)).rejects.toMatchObject({ code: 'ledger-newer-format' })
    await writeFile(file, '{')
    await expect(openLog(lake.store)).rejects.toMatchObject({ code: 'ledger-file-broken' })
  })

  it('lets serve read it, but not create it', async () => {
    const serve = scopeTo('serve', lake.store)
    expect(await LogReader.open(serve)).toBeUndefined()
    await (await openLog(lake.store)).append(numbered(0, 2))
    const reader = (await LogReader.open(serve))!
    expect(await idsOf(reader)).toEqual(['event-0', 'event-1'])
    await expect(Log.open({ store: serve, origin: ORIGIN, log: 'other' })).rejects.toMatchObject({
      code: 'outside-prefix',
    })
  })
})

describe('appending', () => {
  it('gives each event its index and says which were new', async () => {
    const log = await openLog(lake.store)
    expect(await log.append(numbered(0, 2))).toEqual([
      { index: 0, outcome: 'created' },
      { index: 1, outcome: 'created' },
    ])
    expect(await log.append([anyEvent(1), anyEvent(2), anyEvent(2)])).toEqual([
      { index: 1, outcome: 'duplicate' },
      { index: 2, outcome: 'created' },
      { index: 2, outcome: 'duplicate' },
    ])
  })

  it('writes nothing when there is nothing new', async () => {
    const log = await openLog(lake.store)
    await log.append(numbered(0, 2))
    const { size, root } = log
    await log.append([])
    await log.append(numbered(0, 2))
    expect(log).toMatchObject({ size, root })
    expect(await verifyLog({ store: lake.store })).toEqual({ size, root, segments: 1 })
  })

  it('is harmless when repeated, reordered, by another writer, with other evidence or knownat', async () => {
    await (await openLog(lake.store)).append(numbered(0, 5))
    const { data, ...rest } = anyEvent(3)
    const rerun = {
      ...rest,
      knownat: '2026-06-01T00:00:00.000Z',
      recordedtime: '2031-01-01T00:00:00.000Z',
      data: { claim: data.claim, evidence: { sql: 'another' } },
    } as unknown as LedgerEvent
    const other = await openLog(lake.store)
    const outcomes = await other.append([...numbered(0, 5).reverse(), rerun])
    expect(outcomes.every(({ outcome }) => outcome === 'duplicate')).toBe(true)
    expect(outcomes.map(({ index }) => index)).toEqual([4, 3, 2, 1, 0, 3])
  })

  it('refuses an id that is taken by another claim, and then writes nothing', async () => {
    const log = await openLog(lake.store)
    await log.append([anyEvent(0)])
    const conflict = { code: 'event-id-conflict', facts: { id: 'event-0' } }
    await expect(log.append([anyEvent(1), anyEvent(0, 99)])).rejects.toMatchObject(conflict)
    await expect(log.append([anyEvent(7), anyEvent(7, 99)])).rejects.toMatchObject({ code: conflict.code })
    expect(log.size).toBe(1)
    expect((await log.append([anyEvent(1)]))[0]).toEqual({ index: 1, outcome: 'created' })
  })

  it('refuses what is no event, with the reason', async () => {
    const log = await openLog(lake.store)
    const wrong = [
      { ...anyEvent(0), time: 'yesterday' },
      { ...anyEvent(0), Upper: 'x' },
      { ...anyEvent(0), nested: {} },
    ]
    for (const event of wrong as unknown as LedgerEvent[]) {
      await expect(log.append([event])).rejects.toMatchObject({ code: 'schema-violation' })
    }
    const large = { ...anyEvent(0), data: { text: 'x'.repeat(70_000) } } as LedgerEvent
    await expect(log.append([large])).rejects.toMatchObject({ code: 'event-too-large' })
    expect(log.size).toBe(0)
  })

  it('splits a long list into segments of at most 4,096 events and 4 MiB', async () => {
    const log = await openLog(lake.store)
    const heavy = (n: number) =>
      ({ ...anyEvent(n), data: { text: `${n}`.padEnd(60_000, 'x') } }) as LedgerEvent
    await log.append(Array.from({ length: 80 }, (_, n) => heavy(n)))
    expect((await verifyLog({ store: lake.store })).segments).toBe(2)
    await log.append(numbered(100, 100 + LIMITS.segmentEvents + 1))
    expect(await verifyLog({ store: lake.store })).toMatchObject({ size: 80 + 4_097, segments: 4 })
    expect((await collect(log.events(78, 82))).map(({ index }) => index)).toEqual([78, 79, 80, 81])
  })

  it('records times that never go back, whatever the clock does', async () => {
    const times = [
      '2026-01-05T12:00:00.000Z',
      '2026-01-04T12:00:00.000Z',
      '2026-01-05T12:00:00.001Z',
      '1999-01-01T00:00:00.000Z',
    ]
    for (const [n, at] of times.entries()) {
      await (await openLog(lake.store, { clock: () => new Date(at) })).append([anyEvent(n)])
    }
    const recorded = (await collect((await openLog(lake.store)).events())).map(
      ({ event }) => event.recordedtime,
    )
    expect(recorded).toEqual([times[0], times[0], times[2], times[2]])
  })
})

describe('several writers on one folder', () => {
  it('lose nothing and double nothing, however they interleave', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 4 }), async (scheduler, batches) => {
        const own = await makeLake()
        try {
          const slowed = () => slowedStore(own.store, () => scheduler.schedule(Promise.resolve()))
          const writers = [openLog(slowed()), openLog(slowed())]
          const work = writers.map(async (opening, w) => {
            const log = await opening
            const outcomes: (readonly [string, number, string])[] = []
            for (let batch = 0; batch < batches; batch++) {
              // Events 0..2 of each batch come from both writers, the others from one only.
              const events = [...numbered(batch * 3, batch * 3 + 3), anyEvent(100 + w * 50 + batch)]
              const appended = await log.append(events)
              for (const [i, { index, outcome }] of appended.entries())
                outcomes.push([events[i]!.id, index, outcome])
            }
            return outcomes
          })
          const outcomes = (await scheduler.waitFor(Promise.all(work))).flat()
          const ids = await idsOf(await openLog(own.store))
          expect(new Set(ids).size).toBe(ids.length)
          expect(ids.length).toBe(batches * 5)
          for (const [id, index] of outcomes) expect(ids[index]).toBe(id)
          expect(outcomes.filter(([, , outcome]) => outcome === 'created').length).toBe(ids.length)
          await verifyLog({ store: own.store })
        } finally {
          await own.remove()
        }
      }),
      { numRuns: 15 },
    )
  })

  it('see each other by following', async () => {
    const [a, b] = [await openLog(lake.store), await openLog(lake.store)]
    await a.append(numbered(0, 3))
    expect(b.size).toBe(0)
    expect(await b.follow()).toBe(3)
    expect(b.root).toBe(a.root)
    expect((await b.append([anyEvent(3)]))[0]).toEqual({ index: 3, outcome: 'created' })
  })
})

describe('a store that fails', () => {
  it('has its lost reply recognized by the nonce', async () => {
    const store = faultyStore(lake.store, (_, key) => (key.includes('/seg/') ? 'reply-lost' : 'none'))
    const log = await openLog(store)
    expect(await log.append(numbered(0, 2))).toEqual([
      { index: 0, outcome: 'created' },
      { index: 1, outcome: 'created' },
    ])
    expect((await verifyLog({ store: lake.store })).size).toBe(2)
  })

  it.each(['fails-before', 'fails-after'] as const)(
    'stops the log (%s); a repeat after opening it again is exact',
    async (fault) => {
      const store = faultyStore(lake.store, (_, key) => (key.includes('/seg/') ? fault : 'none'))
      const log = await openLog(store)
      await expect(log.append(numbered(0, 3))).rejects.toMatchObject({
        code: 'outcome-unknown',
        remedy: 'retry',
      })
      await expect(log.append([anyEvent(9)])).rejects.toMatchObject({ code: 'outcome-unknown' })
      const again = await openLog(lake.store)
      const outcome = fault === 'fails-after' ? 'duplicate' : 'created'
      expect(await again.append(numbered(0, 3))).toEqual([0, 1, 2].map((index) => ({ index, outcome })))
    },
  )
})
