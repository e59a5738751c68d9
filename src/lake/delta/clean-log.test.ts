import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commitGroup, openGroups, ROOT } from '../../../testkit/grouped-table.js'
import { counting, keysOf, makeLake, type TestLake } from '../../../testkit/lake-fixture.js'
import { timedStore } from '../../../testkit/timed-store.js'
import { parquetCheckpoints } from '../duckdb/checkpoint-file.js'
import type { ObjectStore } from '../store.js'
import { shortenLog } from '../tend-table.js'
import { CHECKPOINT_EVERY_COMMITS } from './checkpoint.js'
import { cleanLog, planCleanLog } from './clean-log.js'
import { checkpointKeys, commitKey, lastCheckpointKey } from './log-files.js'
import { LEAST_RETENTION_MS, RETENTION_MS } from './retention.js'
import { DeltaTable } from './table.js'

const MINUTE = 60_000
const START = Date.parse('2026-01-05T12:00:00.000Z')

let lake: TestLake
let now: number
let store: ObjectStore
beforeEach(async () => {
  lake = await makeLake()
  now = START
  store = timedStore(lake.store, clock)
})
afterEach(() => lake.remove())

const clock = () => new Date(now)
const open = (everyCommits = 2, on = store) =>
  new DeltaTable(on, ROOT, clock, { everyCommits, format: parquetCheckpoints })

/** Commits without files, a minute apart; each moves a position. */
async function commitMany(count: number, stepMs = MINUTE, everyCommits = 2, appId = 'a'): Promise<void> {
  const table = open(everyCommits)
  for (let n = 0; n < count; n++) {
    const base = await table.snapshot()
    const schema = base ? {} : { schema: { columns: [], partitionColumns: [] } }
    const version = (base?.version ?? -1) + 1
    await table.commit(base, { operation: 'WRITE', ...schema, positions: [{ appId, version }] })
    now += stepMs
  }
}

const logFiles = () => keysOf(store, `${ROOT}/_delta_log/`)
const clean = async (youngerThanMs = Number.POSITIVE_INFINITY, versions: number[] = []) =>
  cleanLog(store, await planCleanLog(store, ROOT, { youngerThanMs, versions }, parquetCheckpoints))

describe('cleaning up a log', () => {
  it('leaves the newest checkpoint at or below what must stay readable, and all after it', async () => {
    await commitMany(8)
    expect(await clean(START + 5.5 * MINUTE)).toBe(5) // version 5 was the newest then: the cut is 4
    expect(await logFiles()).toEqual(
      [
        ...[4, 5, 6, 7].map((version) => commitKey(ROOT, version)),
        ...[4, 6].flatMap((version) => checkpointKeys(ROOT, { version, parts: 1 })),
        lastCheckpointKey(ROOT),
      ].sort(),
    )
    for (const version of [4, 5, 6, 7, undefined]) {
      const seen = await open().snapshot(version)
      expect(seen?.positions.get('a')).toBe(version ?? 7)
    }
  })

  it('leaves a version that is cited readable, however old it is', async () => {
    await commitMany(9)
    await clean(Number.POSITIVE_INFINITY, [3])
    expect((await open().snapshot(3))?.version).toBe(3)
    await expect(open().snapshot(1)).rejects.toMatchObject({ code: 'version-vacuumed', facts: { oldest: 2 } })
  })

  it('says of a version below the cut that it is gone, and of one beyond the end that it is not there', async () => {
    await commitMany(7)
    await clean()
    for (const hint of [true, false]) {
      if (!hint) await store.delete(lastCheckpointKey(ROOT))
      await expect(open().snapshot(3)).rejects.toMatchObject({
        code: 'version-vacuumed',
        facts: { version: 3, oldest: 6 },
      })
      expect(await open().snapshot(7)).toBeUndefined()
      expect(await open().commitRecord(3)).toBeUndefined()
      expect((await open().snapshot())?.version).toBe(6)
    }
  })

  it('takes no checkpoint for the cut that does not tell what the log tells', async () => {
    await commitMany(7)
    const [wrong] = checkpointKeys(ROOT, { version: 6, parts: 1 }) as [string]
    const bytes = await store.get(checkpointKeys(ROOT, { version: 2, parts: 1 })[0] as string)
    await store.put(wrong, bytes as Uint8Array)
    await clean()
    const [first] = await logFiles()
    expect(first).toBe(checkpointKeys(ROOT, { version: 4, parts: 1 })[0])
    await store.put(checkpointKeys(ROOT, { version: 4, parts: 1 })[0] as string, new Uint8Array(9))
    expect(await clean()).toBe(0)
  })

  it('leaves a table whose newest version opens also by a hint that names a lower checkpoint', async () => {
    await commitMany(7)
    const low = new TextEncoder().encode('{"version":2,"size":1}')
    for (const version of [0, 1, 3, 4]) await store.delete(commitKey(ROOT, version)) // by another program, in no order
    await store.put(lastCheckpointKey(ROOT), low)
    expect((await open().snapshot())?.positions.get('a')).toBe(6)
  })

  it('does nothing to tables whose old versions the ledger may cite', async () => {
    for (const root of ['raw/calls/portal', 'tidy/calls', 'series/calls', 'quarantine/ingest/calls/portal'])
      expect(await shortenLog(new DeltaTable(store, root), clock)).toBe(0)
  })
})

describe('a table that is written once a minute', () => {
  it('keeps a log of bounded length, however long it goes on', async () => {
    const lengths: number[] = []
    const hour = 60 * MINUTE
    for (let day = 0; day < 16; day++) {
      await commitMany(24, hour, CHECKPOINT_EVERY_COMMITS)
      await shortenLog(open(), clock)
      lengths.push((await logFiles()).length)
    }
    const keptHours = RETENTION_MS / hour
    const commits = keptHours + CHECKPOINT_EVERY_COMMITS
    const most = commits + Math.ceil(commits / CHECKPOINT_EVERY_COMMITS) + 1 // the hint
    expect(Math.max(...lengths)).toBeLessThanOrEqual(most)
    expect((await open().snapshot())?.version).toBe(16 * 24 - 1)
  })
})

describe('the last commit of a writer', () => {
  const requests = async (work: (table: DeltaTable) => Promise<unknown>): Promise<number> => {
    let gets = 0
    const counted: ObjectStore = {
      ...counting(store),
      get: (key) => {
        gets += 1
        return store.get(key)
      },
    }
    await work(open(2, counted))
    return gets
  }

  it('costs one read more than the newest version, however long the writer has been idle', async () => {
    await commitMany(1, MINUTE, 2, 'idle')
    await commitMany(60, MINUTE, CHECKPOINT_EVERY_COMMITS)
    const opened = await requests((table) => table.snapshot())
    expect(await requests((table) => table.lastCommitOf('idle'))).toBe(opened + 1)
    expect(await requests((table) => table.lastCommitOf('a'))).toBe(opened + 1)
    expect(await requests((table) => table.lastCommitOf('never'))).toBe(opened)
    expect((await open().lastCommitOf('idle'))?.version).toBe(0)
    expect((await open().lastCommitOf('a'))?.version).toBe(60)
  })

  it('is not there any more below the cut', async () => {
    await commitMany(1, MINUTE, 2, 'idle')
    await commitMany(10)
    await clean()
    expect(await open().lastCommitOf('idle')).toBeUndefined()
    expect(await open().position('idle')).toBe(0)
    expect((await open().lastCommitOf('a'))?.version).toBe(10)
  })

  it('is found where a checkpoint of another program does not tell it, or tells it wrong', async () => {
    await commitMany(1, MINUTE, 9, 'idle')
    await commitMany(2, MINUTE, 9)
    await commitMany(1, MINUTE, 9, 'idle') // version 3
    await commitMany(2, MINUTE, 9)
    const actions = ['a', 'idle'].map((appId) => ({
      txn: { appId, version: appId === 'a' ? 5 : 3, lastUpdated: START + (appId === 'a' ? 5 : 3) * MINUTE },
    }))
    const stale = { txn: { appId: 'wardbook.moved/idle', version: 0 } }
    const rest = await new DeltaTable(store, ROOT).snapshot()
    const [protocol, metaData] = [rest?.protocol, rest?.metaData]
    for (const told of [actions, [...actions, stale]]) {
      const [key] = checkpointKeys(ROOT, { version: 5, parts: 1 }) as [string]
      await store.delete(key)
      await parquetCheckpoints.write(store, key, [{ protocol }, { metaData }, ...told])
      expect((await open(9).lastCommitOf('idle'))?.version).toBe(3)
    }
  })
})

describe('a process that slept while the log was cleaned up', () => {
  it('does not commit into the gap', async () => {
    await commitMany(1)
    const asleep = await open().snapshot()
    await commitMany(8)
    await clean()
    await expect(open().commit(asleep, { operation: 'WRITE' })).rejects.toMatchObject({
      code: 'commit-conflict',
      remedy: 'retry',
    })
    expect(await store.get(commitKey(ROOT, 1))).toBeUndefined()
    const base = await open().snapshot()
    expect(await open().commit(base, { operation: 'WRITE' })).toMatchObject({
      outcome: 'committed',
      version: 9,
    })
  })

  it('reads the newest version all the same', async () => {
    await commitMany(1)
    const reader = open()
    await reader.snapshot()
    await commitMany(8)
    await clean()
    now += LEAST_RETENTION_MS
    expect((await reader.snapshot())?.version).toBe(8)
  })

  it('commits on the newest version of a log of which nothing but its checkpoint is left', async () => {
    await commitGroup(openGroups(store), 0)
    await commitGroup(openGroups(store), 1)
    await commitGroup(openGroups(store), 2)
    await clean()
    await store.delete(commitKey(ROOT, 2))
    await commitGroup(openGroups(store), 3)
    expect((await openGroups(store).snapshot())?.version).toBe(3)
  })
})
