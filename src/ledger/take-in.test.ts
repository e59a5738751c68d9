import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { DeltaTable } from '../lake/delta/table.js'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import { scanFiles } from '../lake/duckdb/scan.js'
import { openLocalStore } from '../lake/local/local-store.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'
import { takeInProposals } from './take-in.js'
import {
  anyEvent,
  CITY,
  claimOf,
  collect,
  completeRun,
  faultyStore,
  makeLake,
  NOON,
  openLog,
  propose,
  proposeFinding,
  publication,
  slowedStore,
  type WriteFault,
} from './test-lake.js'
import { verifyLog } from './verify.js'

let lake: Awaited<ReturnType<typeof makeLake>>
beforeEach(async () => {
  lake = await makeLake()
})
afterEach(() => lake.remove())

async function takeIn(store: ObjectStore, clock = NOON) {
  const log = await openLog(store, { clock })
  return takeInProposals({ store: scopeTo('ledger', store), city: CITY, clock, log })
}

/** Each event as `state id-of-what-it-supersedes reason observed`. */
async function history(store: ObjectStore) {
  const events = await collect((await openLog(store)).events())
  const numbers = new Map(events.map(({ event, index }) => [event.id, index]))
  return events.map(({ event }) => {
    const observed = (event.data.claim as { observed?: number } | undefined)?.observed ?? '-'
    const what = `${event.type.split('.').at(-1)} ${event.windowfrom ?? '-'} ${observed}`
    return event.supersedes ? `${what} after ${numbers.get(String(event.supersedes))}: ${event.reason}` : what
  })
}

async function findingsRows(store: ObjectStore) {
  const snapshot = (await new DeltaTable(store, tables.findings()).snapshot())!
  const scan = await scanFiles(store, tables.findings(), snapshot)
  const scratch = await store.scratch()
  const rows = await withEngine(LEAN, scratch.folder, (engine) =>
    engine.rows<Record<string, unknown>>(`SELECT * FROM ${scan.sql} ORDER BY "index"`),
  )
  await scratch.remove()
  return { snapshot, rows }
}

/** All that a reader can see of a lake's ledger, and every object that lies there. */
async function worldOf(store: ObjectStore) {
  const log = await openLog(store)
  const { snapshot, rows } = await findingsRows(store)
  const parts = (await collect(store.list('findings/')))
    .map(({ key }) => key)
    .filter((key) => key.endsWith('.parquet'))
  return {
    root: log.root,
    events: await collect(log.events()),
    rows,
    live: [...snapshot.files.keys()].sort(),
    stored: parts.map((key) => key.slice('findings/'.length)),
    positions: Object.fromEntries(snapshot.positions),
  }
}

const potholes = proposeFinding()
const secondWeek = (observed: number, state: 'ongoing' | 'ended' = 'ongoing') =>
  proposeFinding({ state, windowFrom: '2025-03-10', claim: claimOf('2025-03-10', observed) })
const elsewhere = proposeFinding({ division: '9' })

describe('taking in proposals', () => {
  it('makes an event of each finding and publication, and none of families and runs', async () => {
    await propose(lake.store, 'ingest', [publication(1)])
    const family = {
      kind: 'family',
      id: 'f',
      dataset: 'requests',
      metric: 'count',
      week: '2025-03-03',
    } as const
    await propose(lake.store, 'detect', [
      { ...family, size: 4, outside: 1 },
      potholes,
      elsewhere,
      completeRun('r1'),
    ])
    const taken = await takeIn(lake.store)
    expect(taken).toMatchObject({ appended: 3, duplicates: 0, size: 3, version: 1 })
    expect(await history(lake.store)).toEqual(['published - -', 'new 2025-03-03 30', 'new 2025-03-03 30'])
    expect(await verifyLog({ store: lake.store, view: true })).toMatchObject({ size: 3, root: taken.root })
  })

  it('shows each event as a row of its division, in index order, with the event itself', async () => {
    await propose(lake.store, 'ingest', [publication(1)])
    await propose(lake.store, 'detect', [potholes, elsewhere])
    await takeIn(lake.store)
    const { rows, snapshot } = await findingsRows(lake.store)
    expect(rows.map(({ index, division }) => [index, division])).toEqual([
      [0, 'citywide'],
      [1, '7'],
      [2, '9'],
    ])
    expect(rows[1]).toMatchObject({
      event_id: potholes.id,
      finding: potholes.finding,
      state: 'new',
      category: 'Pothole',
      effect_ratio: potholes.claim.ratio,
      q_value: 0.02,
      recordedtime: NOON().toISOString(),
    })
    expect(JSON.parse(String(rows[1]!.event))).toMatchObject({
      id: potholes.id,
      data: { claim: potholes.claim },
    })
    expect(Object.fromEntries(snapshot.positions)).toMatchObject({
      'ledger/main': 3,
      'ledger/outbox/ingest': 0,
      'ledger/outbox/detect': 0,
    })
  })

  it('writes nothing, and makes no table, while there is nothing new', async () => {
    const writes: string[] = []
    const watched = faultyStore(lake.store, (_, key) => {
      writes.push(key)
      return 'none'
    })
    expect(await takeIn(watched)).toMatchObject({ appended: 0, size: 0, version: -1 })
    await propose(lake.store, 'detect', [potholes])
    await takeIn(watched)
    writes.length = 0
    expect(await takeIn(watched)).toMatchObject({ appended: 0, duplicates: 0, size: 1, version: 0 })
    expect(writes).toEqual([])
  })

  it('keeps the order of more proposals than it holds in memory at once', async () => {
    const many = Array.from({ length: 2_345 }, (_, n) =>
      proposeFinding({ division: `d${n % 7}`, onset: anyEvent(n).onset as string }),
    )
    await propose(lake.store, 'detect', many)
    expect(await takeIn(lake.store)).toMatchObject({ appended: 2_345, duplicates: 0 })
    const events = await collect((await openLog(lake.store)).events())
    expect(events.map(({ event }) => event.id)).toEqual(many.map(({ id }) => id))
  })

  it('shows events that came into the log by another way', async () => {
    await (await openLog(lake.store)).append([anyEvent(1)])
    expect(await takeIn(lake.store)).toMatchObject({ appended: 0, size: 1, version: 0 })
    expect((await findingsRows(lake.store)).rows.length).toBe(1)
  })

  it('refuses a row that is no proposal, and a commit that contradicts itself', async () => {
    await propose(lake.store, 'detect', [{ kind: 'finding', id: 'x' } as never])
    await expect(takeIn(lake.store)).rejects.toMatchObject({ code: 'proposal-broken', facts: { row: 0 } })
    const other = await makeLake()
    await propose(other.store, 'detect', [proposeFinding({}, 30), proposeFinding({}, 31)])
    await expect(takeIn(other.store)).rejects.toMatchObject({ code: 'outbox-contradiction' })
    await other.remove()
  })
})

describe('a run that proposes again', () => {
  it('adds nothing while its claims are the same', async () => {
    for (const id of ['r1', 'r2'])
      await propose(lake.store, 'detect', [potholes, secondWeek(31), completeRun(id)])
    expect(await takeIn(lake.store)).toMatchObject({ appended: 2, duplicates: 2, size: 2 })
  })

  it('supersedes a claim that changed, and a claim that changed back', async () => {
    for (const observed of [30, 33, 30, 30])
      await propose(lake.store, 'detect', [proposeFinding({}, observed)])
    await takeIn(lake.store)
    expect(await history(lake.store)).toEqual([
      'new 2025-03-03 30',
      'new 2025-03-03 33 after 0: claim-changed',
      'new 2025-03-03 30 after 1: claim-changed',
    ])
  })

  it('withdraws what a complete run no longer proposes, once, as known at its publication', async () => {
    await propose(lake.store, 'ingest', [publication(1), publication(2)])
    await propose(lake.store, 'detect', [potholes, secondWeek(31), elsewhere, completeRun('r1', 1)])
    await propose(lake.store, 'detect', [elsewhere, completeRun('r2', 2)])
    await propose(lake.store, 'detect', [elsewhere, completeRun('r3', 2)])
    expect(await takeIn(lake.store)).toMatchObject({ appended: 6, duplicates: 2 })
    expect((await history(lake.store)).slice(2)).toEqual([
      'new 2025-03-03 30',
      'ongoing 2025-03-10 31',
      'new 2025-03-03 30',
      'withdrawn 2025-03-10 31 after 3: not-proposed',
    ])
    const [withdrawn] = await collect((await openLog(lake.store)).events(5))
    expect(withdrawn?.event).toMatchObject({ knownat: publication(2).knownAt, subject: potholes.finding })
  })

  it('publishes a withdrawn finding again when it comes back, and can withdraw it again', async () => {
    const without = [elsewhere, completeRun('r2')]
    const withIt = [potholes, elsewhere, completeRun('r1')]
    for (const proposals of [withIt, without, withIt, withIt, without, withIt]) {
      await propose(lake.store, 'detect', proposals)
    }
    await takeIn(lake.store)
    expect(await history(lake.store)).toEqual([
      'new 2025-03-03 30',
      'new 2025-03-03 30',
      'withdrawn 2025-03-03 30 after 0: not-proposed',
      'new 2025-03-03 30 after 2: proposed-again',
      'withdrawn 2025-03-03 30 after 3: not-proposed',
      'new 2025-03-03 30 after 4: proposed-again',
    ])
    expect((await verifyLog({ store: lake.store, view: true })).size).toBe(6)
  })

  it('withdraws nothing of other datasets, metrics or spans, nor without a span', async () => {
    await propose(lake.store, 'detect', [potholes, completeRun('r1')])
    const others = [
      completeRun('a', 1, { dataset: 'permits' }),
      completeRun('b', 1, { metric: 'days-to-close' }),
      completeRun('c', 1, { from: '2025-03-10' }),
      completeRun('d', 1, { to: '2025-03-03' }),
      completeRun('e', 1, { from: null, to: null }),
    ]
    for (const run of others) await propose(lake.store, 'detect', [run])
    expect(await takeIn(lake.store)).toMatchObject({ appended: 1, size: 1 })
  })
})

describe('a crash', () => {
  let prepared: Awaited<ReturnType<typeof makeLake>>
  let wanted: Awaited<ReturnType<typeof worldOf>>
  let writes = 0

  beforeAll(async () => {
    prepared = await makeLake()
    await propose(prepared.store, 'ingest', [publication(1)])
    await propose(prepared.store, 'detect', [potholes, secondWeek(31), elsewhere, completeRun('r1')])
    await propose(prepared.store, 'detect', [proposeFinding({}, 33), secondWeek(31), completeRun('r2')])
    await propose(prepared.store, 'detect', [potholes, secondWeek(31), elsewhere, completeRun('r3')])
    wanted = await inCopy(async (store) => {
      await takeIn(
        faultyStore(store, (write) => {
          writes = write + 1
          return 'none'
        }),
      )
      return worldOf(store)
    })
  })
  afterAll(() => prepared.remove())

  async function inCopy<Result>(work: (store: ObjectStore) => Promise<Result>): Promise<Result> {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-crash-'))
    try {
      await cp(prepared.folder, folder, { recursive: true })
      return await work(await openLocalStore(folder))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  it.each(['fails-before', 'fails-after', 'reply-lost'] satisfies WriteFault[])(
    'at any write (%s) leaves the same world after the next run',
    async (fault) => {
      expect(wanted.events.length).toBe(8)
      expect(writes).toBeGreaterThan(12)
      for (let at = 0; at < writes; at++) {
        const world = await inCopy(async (store) => {
          const broken = faultyStore(store, (write) => (write === at ? fault : 'none'))
          const first = await takeIn(broken).catch((error: Error) => error)
          if (fault !== 'reply-lost') expect(first, `write ${at}`).toBeInstanceOf(Error)
          await takeIn(store)
          return worldOf(store)
        })
        expect(world, `write ${at}`).toEqual(wanted)
      }
    },
  )

  it('between two takers that run side by side changes nothing either', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const world = await inCopy(async (store) => {
        const pauses = pauseBySeed(seed)
        const takers = [takeIn(slowedStore(store, pauses)), takeIn(slowedStore(store, pauses))]
        for (const { status, ...rest } of await Promise.allSettled(takers)) {
          // The loser of a race for the table's first commit is told to come again.
          if (status === 'rejected') expect(rest).toMatchObject({ reason: { remedy: 'retry' } })
        }
        await takeIn(store)
        await verifyLog({ store, view: true })
        return worldOf(store)
      })
      expect(
        world.events.map(({ event }) => event),
        `seed ${seed}`,
      ).toEqual(wanted.events.map(({ event }) => event))
      expect(world.rows).toEqual(wanted.rows)
    }
  })
})

describe('the view of the log', () => {
  it('is refused when the log is shorter than what it shows', async () => {
    await propose(lake.store, 'detect', [potholes])
    await takeIn(lake.store)
    await lake.store.delete('ledger/main/seg/x000/x000/x000/000')
    await propose(lake.store, 'detect', [potholes])
    await expect(takeIn(lake.store)).rejects.toMatchObject({ code: 'ledger-shorter-than-view' })
    await expect(verifyLog({ store: lake.store, view: true })).rejects.toMatchObject({
      code: 'ledger-view-differs',
    })
  })

  it('is found to differ when somebody else writes there', async () => {
    await propose(lake.store, 'detect', [potholes, elsewhere])
    await takeIn(lake.store)
    const table = new DeltaTable(lake.store, tables.findings())
    const snapshot = (await table.snapshot())!
    await table.commit(snapshot, { operation: 'DELETE', removes: [...snapshot.files.values()].slice(0, 1) })
    await expect(verifyLog({ store: lake.store, view: true })).rejects.toMatchObject({
      code: 'ledger-view-differs',
    })
    expect((await verifyLog({ store: lake.store })).size).toBe(2)
  })
})

/** Waits between 0 and 3 milliseconds, in an order that the seed decides. */
function pauseBySeed(seed: number): () => Promise<void> {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return new Promise((resolve) => setTimeout(resolve, state % 4))
  }
}
