import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { counting, failingAt, keysOf, makeLake, NOON, type TestLake } from '../../../testkit/lake-fixture.js'
import type { Column } from '../../contracts/columns.js'
import { WardbookError } from '../../kernel/errors.js'
import { parquetCheckpoints } from '../duckdb/checkpoint-file.js'
import type { ObjectStore } from '../store.js'
import type { Action } from './actions.js'
import { CHECKPOINT_EVERY_COMMITS, parseHint, TOMBSTONE_RETENTION_MS } from './checkpoint.js'
import { checkpointKeys, commitKey, lastCheckpointKey } from './log-files.js'
import type { LiveFile, Snapshot } from './snapshot.js'
import { type Change, type CommitResult, DeltaTable, type NewFile } from './table.js'

const ROOT = 'tidy/calls'
const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'string' },
  { name: 'division', type: 'string' },
]
const SCHEMA: Pick<Change, 'schema'> = { schema: { columns: COLUMNS, partitionColumns: ['division'] } }
const HINT = lastCheckpointKey(ROOT)

let lake: TestLake
let store: ObjectStore
beforeEach(async () => {
  lake = await makeLake()
  store = lake.store
})
afterEach(() => lake.remove())

describe('a due commit', () => {
  it(`comes every ${CHECKPOINT_EVERY_COMMITS} versions, and no other writes a checkpoint`, async () => {
    const table = new DeltaTable(store, ROOT, NOON)
    const results: CommitResult[] = []
    for (let n = 0; n <= 2 * CHECKPOINT_EVERY_COMMITS; n++) results.push(await append(table, `f${n}`))
    const written = results.filter(({ checkpoint }) => checkpoint !== undefined)
    expect(written).toEqual([
      { outcome: 'committed', version: 20, checkpoint: { outcome: 'written' } },
      { outcome: 'committed', version: 40, checkpoint: { outcome: 'written' } },
    ])
    expect(await keysOf(store, `${ROOT}/_delta_log/`)).toEqual(
      [
        ...results.map(({ version }) => commitKey(ROOT, version)),
        checkpointKey(20),
        checkpointKey(40),
        HINT,
      ].sort(),
    )
    expect(await hint()).toEqual({ version: 40, size: 2 + 41 })
  })

  it('stores one action a row as the protocol has them, for a reader that shares no code with us', async () => {
    const table = every(2)
    await append(table, 'a')
    await append(table, 'b')
    const base = (await table.snapshot()) as Snapshot
    const removes = [base.files.get(part('a').key) as LiveFile]
    await table.commit(base, { operation: 'WRITE', removes, positions: [{ appId: 'x', version: 7 }] })
    const rows = await foreignRows(checkpointKey(2))
    expect(rows.map((row) => Object.keys(row))).toEqual(
      rows.map(() => ['txn', 'add', 'remove', 'metaData', 'protocol']),
    )
    const at = BigInt(NOON().getTime())
    expect(rows.map(onlyAction)).toEqual([
      { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
      { metaData: expect.objectContaining({ partitionColumns: ['division'], createdTime: at }) },
      { txn: { appId: 'x', version: 7n, lastUpdated: at } },
      { txn: { appId: 'wardbook.moved/x', version: 2n, lastUpdated: at } },
      {
        add: {
          path: 'b.parquet',
          partitionValues: { division: '7' },
          size: 10n,
          modificationTime: at,
          dataChange: false,
          stats: '{"numRecords":1}',
          tags: { sha256: 'b', uncompressedBytes: '10', 'wardbook.since': '1' },
        },
      },
      {
        remove: {
          path: 'a.parquet',
          deletionTimestamp: at,
          dataChange: false,
          extendedFileMetadata: true,
          partitionValues: { division: '7' },
          size: 10n,
        },
      },
    ])
  })

  it('tells of a removed file until its retention is over, also from one checkpoint to the next', async () => {
    let now = NOON().getTime()
    const open = () =>
      new DeltaTable(store, ROOT, () => new Date(now), { everyCommits: 1, format: parquetCheckpoints })
    await append(open(), 'a')
    const base = (await open().snapshot()) as Snapshot
    await open().commit(base, { operation: 'DELETE', removes: [...base.files.values()] })
    now += TOMBSTONE_RETENTION_MS
    await append(open(), 'b')
    now += 1
    const sameObject = open()
    await append(sameObject, 'c')
    const removesAt = async (version: number) =>
      (await foreignRows(checkpointKey(version))).filter(({ remove }) => remove).length
    expect([await removesAt(1), await removesAt(2), await removesAt(3)]).toEqual([1, 1, 0])
  })

  it('stands when its checkpoint cannot be written, and says so; the next one writes one', async () => {
    const failure = new WardbookError('engine-failed', 'report-bug', 'no disk left')
    const format = { ...parquetCheckpoints, write: () => Promise.reject(failure) }
    const table = new DeltaTable(store, ROOT, NOON, { everyCommits: 2, format })
    for (const name of ['a', 'b']) await append(table, name)
    expect(await append(table, 'c')).toEqual({
      outcome: 'committed',
      version: 2,
      checkpoint: { outcome: 'failed', error: failure },
    })
    expect(await keysOf(store, HINT)).toEqual([])
    for (const name of ['d', 'e']) await append(every(2), name)
    expect(await hint()).toMatchObject({ version: 4 })
    expect(filesOf(await every(2).snapshot())).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('leaves a checkpoint that is there already as it is', async () => {
    await overwrite(checkpointKey(2), 'of somebody else')
    await appendMany(every(2), 2)
    expect(await append(every(2), 'late')).toMatchObject({ version: 2, checkpoint: { outcome: 'exists' } })
    expect(new TextDecoder().decode(await store.get(checkpointKey(2)))).toBe('of somebody else')
    await sameAsPlain()
  })

  it('is known as our own, and writes its checkpoint, also when its reply is lost', async () => {
    await appendMany(every(2), 2)
    const on = { ...counting(store), createIfAbsent: losingFirstReply(store) }
    const table = new DeltaTable(on, ROOT, NOON, { everyCommits: 2, format: parquetCheckpoints })
    expect(await append(table, 'late')).toMatchObject({ version: 2, checkpoint: { outcome: 'written' } })
    await sameAsPlain()
  })
})

describe('opening a table with checkpoints', () => {
  it('asks for the hint, the checkpoint, what came after it, and once beyond the end', async () => {
    await appendMany(every(5), 18) // versions 0 to 17, the last checkpoint at 15
    expect(await requestsOf((table) => table.snapshot())).toEqual([
      'get _last_checkpoint',
      'list after 00000000000000000015.json', // while the checkpoint is read
      'stage 00000000000000000015.checkpoint.parquet',
      'get 00000000000000000016.json',
      'get 00000000000000000017.json',
      'get 00000000000000000018.json',
    ])
  })

  it('has at most eight commits on their way at a time, and takes them in order', async () => {
    await appendMany(every(1_000), 40)
    let [most, open] = [0, 0]
    const slow: ObjectStore = {
      ...counting(store),
      get: async (key) => {
        most = Math.max(most, ++open)
        await sleep(key.endsWith('2.json') ? 20 : 1)
        open -= 1
        return store.get(key)
      },
    }
    const table = new DeltaTable(slow, ROOT, NOON, { everyCommits: 1_000, format: parquetCheckpoints })
    expect((await table.snapshot())?.files.size).toBe((await every(1_000).snapshot())?.files.size)
    expect(most).toBe(8)
  })

  it('asks one listing more where there is no hint yet, and needs none at the end then', async () => {
    await appendMany(every(5), 2)
    expect(await requestsOf((table) => table.snapshot())).toEqual([
      'get _last_checkpoint',
      'list after ',
      'get 00000000000000000000.json',
      'get 00000000000000000001.json',
      'get 00000000000000000002.json',
    ])
  })

  it('lists no more than the log before a version that lies back', async () => {
    await appendMany(every(5), 13)
    expect(await requestsOf((table) => table.snapshot(6))).toEqual([
      'get _last_checkpoint',
      'list after ',
      'stage 00000000000000000005.checkpoint.parquet',
      'get 00000000000000000006.json',
    ])
  })

  it('keeps the order of positions and files, and which commit added a file', async () => {
    const table = every(4)
    const moves = [
      ['b', 1],
      ['a', 1],
      ['c', 5],
      ['b', 2],
      ['a', 0],
    ] as const
    for (const [appId, version] of moves) {
      const positions = [{ appId, version }]
      const base = await table.snapshot()
      await table.commit(base, {
        operation: 'MOVE',
        ...(base ? {} : SCHEMA),
        adds: [part(`${base?.version}`)],
        positions,
      })
    }
    const seen = await sameAsPlain(4)
    expect([...(seen?.positions ?? [])]).toEqual([
      ['c', 5],
      ['b', 2],
      ['a', 1],
    ])
    expect([...(seen?.files.values() ?? [])].map(({ since }) => since)).toEqual([0, 1, 2, 3, 4])
  })

  it('opens a log whose early commits are gone, and names what is no longer there', async () => {
    await appendMany(every(4), 7)
    for (let version = 0; version <= 4; version++) await store.delete(commitKey(ROOT, version))
    expect(filesOf(await every(4).snapshot())).toHaveLength(7)
    expect(filesOf(await every(4).snapshot(4))).toHaveLength(5)
    await expect(every(4).snapshot(3)).rejects.toMatchObject({
      code: 'version-vacuumed',
      remedy: 'fix-source',
      facts: { table: ROOT, version: 3, oldest: 4 },
    })
    await store.delete(HINT)
    expect(filesOf(await every(4).snapshot())).toHaveLength(7)
    expect(filesOf(await every(4).snapshot(5))).toHaveLength(6)
    expect(await every(4).snapshot(9)).toBeUndefined()
  })

  it('says why a checkpoint is unusable where the commits that could replace it are gone', async () => {
    await appendMany(every(4), 7)
    await store.delete(commitKey(ROOT, 0))
    await overwrite(checkpointKey(4), 'PAR1 and nothing else')
    await expect(every(4).snapshot()).rejects.toMatchObject({
      code: 'delta-log-gap',
      message: expect.stringContaining('a checkpoint is unusable'),
      cause: expect.objectContaining({ code: 'engine-failed' }),
    })
  })
})

describe('a hint or a checkpoint that is wrong', () => {
  const hints: readonly [string, string][] = [
    ['empty', ''],
    ['torn', '{"version":4,"si'],
    ['of other content', '"4"'],
    ['of a negative version', '{"version":-4,"size":9}'],
    ['naming a checkpoint that was never written', '{"version":5,"size":9}'],
    ['naming a version beyond the end', '{"version":400,"size":9}'],
    ['naming parts that are not there', '{"version":4,"size":9,"parts":3}'],
    ['naming more parts than memory holds', '{"version":4,"size":9,"parts":4000000000}'],
    ['naming an older checkpoint', '{"version":2,"size":4}'],
  ]

  it.each(hints)('misleads nobody: a hint %s', async (_what, text) => {
    await appendMany(every(2), 6)
    await store.put(HINT, new TextEncoder().encode(text))
    for (const version of [undefined, 0, 1, 2, 3, 4, 5]) await sameAsPlain(version)
    expect(await every(2).snapshot(6)).toBeUndefined()
  })

  const garbled: readonly [string, string | ((bytes: Uint8Array) => Uint8Array)][] = [
    ['empty', ''],
    ['no Parquet', 'no Parquet at all'],
    ['torn', (bytes) => bytes.subarray(0, bytes.length - 200)],
    ['without its beginning', (bytes) => bytes.subarray(300)],
    ['with a garbled middle', (bytes) => bytes.map((byte, at) => (at > 40 && at < 400 ? 0x5a : byte))],
  ]

  it.each(garbled)('is passed over: a checkpoint %s', async (_what, change) => {
    await appendMany(every(2), 6)
    const bytes = (await store.get(checkpointKey(4))) as Uint8Array
    await overwrite(checkpointKey(4), typeof change === 'string' ? change : change(bytes))
    for (const version of [undefined, 4, 5]) await sameAsPlain(version)
  })

  it('is passed over: a checkpoint without schema, or of rows that are no actions', async () => {
    await appendMany(every(9), 6)
    await parquetCheckpoints.write(store, checkpointKey(3), [
      { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    ])
    await parquetCheckpoints.write(store, checkpointKey(4), [{ add: { path: '%zz' } } as unknown as Action])
    for (const version of [undefined, 3, 4, 5]) await sameAsPlain(version)
  })

  it('is not taken for a missing one while the store fails', async () => {
    await appendMany(every(2), 3)
    const failure = new WardbookError('store-unavailable', 'retry', 'gone')
    const broken = { ...counting(store), stage: () => Promise.reject(failure) }
    await expect(new DeltaTable(broken, ROOT).snapshot()).rejects.toBe(failure)
  })
})

describe('a checkpoint of another writer', () => {
  it('is read whole when it lies in several files, and ignored when one of them is missing', async () => {
    await appendMany(every(9), 6)
    const actions = [...(await actionsUpTo(3))]
    const keys = checkpointKeys(ROOT, { version: 3, parts: 2 })
    await parquetCheckpoints.write(store, keys[0] as string, actions.slice(0, 3))
    await sameAsPlain()
    await parquetCheckpoints.write(store, keys[1] as string, actions.slice(3))
    for (const hint of [undefined, '{"version":3,"size":6,"parts":2}']) {
      if (hint !== undefined) await store.put(HINT, new TextEncoder().encode(hint))
      for (let version = 0; version <= 3; version++) await store.delete(commitKey(ROOT, version))
      const seen = await every(9).snapshot()
      expect(filesOf(seen)).toEqual(['f0', 'f1', 'f2', 'f3', 'f4', 'f5'])
      expect(seen?.files.get(part('f0').key)?.since).toBe(3)
    }
  })

  it('is refused by name when it is a v2 checkpoint', async () => {
    await appendMany(every(9), 2)
    const named = { code: 'delta-unsupported', message: expect.stringContaining('v2 checkpoints') }
    const uuid = '6374b053-df23-479b-b2cf-c9c550132b49'
    await overwrite(`${ROOT}/_delta_log/${'1'.padStart(20, '0')}.checkpoint.${uuid}.json`, '{}')
    await expect(every(9).snapshot()).rejects.toMatchObject(named)
    expect((await every(9).snapshot(0))?.version).toBe(0)
    await overwrite(HINT, '{"version":1,"size":3,"v2Checkpoint":{"path":"x"}}')
    await expect(every(9).snapshot()).rejects.toMatchObject(named)
    expect((await every(9).snapshot(0))?.version).toBe(0)
  })
})

describe('a writer that is killed at a commit with a checkpoint', () => {
  it.each([false, true])('loses nothing, whichever write was its last (written: %s)', async (done) => {
    for (let fatal = 1; fatal <= 3; fatal++) {
      const root = `tidy/killed-${fatal}`
      const open = (on: ObjectStore) =>
        new DeltaTable(on, root, NOON, { everyCommits: 2, format: parquetCheckpoints })
      await appendMany(open(store), 2)
      const dying = open(failingAt(store, fatal, done))
      await append(dying, 'last').catch(() => undefined)
      const isCommitted = done || fatal > 1
      const files = ['f0', 'f1', ...(isCommitted ? ['last'] : [])]
      for (const on of [store, withoutCheckpoints(store)]) {
        expect(filesOf(await open(on).snapshot()), `write ${fatal}`).toEqual(files)
      }
      await appendMany(open(store), 4, 'g')
      expect(filesOf(await open(store).snapshot())).toEqual([...files, 'g0', 'g1', 'g2', 'g3'])
      await sameAsPlain(undefined, root)
    }
  })
})

describe('any sequence of commits with checkpoints every k', () => {
  const anyStep = fc.record({
    adds: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
    removes: fc.uniqueArray(fc.integer({ min: 0, max: 5 }), { maxLength: 2 }),
    writer: fc.constantFrom('a', 'b', 'c'),
    position: fc.integer({ min: 0, max: 9 }),
  })

  it('gives at every version, with and without hint, what plain replay gives', async () => {
    const anySteps = fc.array(anyStep, { minLength: 2, maxLength: 7 })
    await fc.assert(
      fc.asyncProperty(anySteps, fc.integer({ min: 1, max: 4 }), fc.uuid(), async (steps, k, id) => {
        const root = `tidy/${id}`
        for (const { adds, removes, writer: appId, position } of steps) {
          const writer = every(k, root) // each commit from a new object: it reads what the one before it wrote
          const base = await writer.snapshot()
          const gone = removes.flatMap((n) => base?.files.get(part(`${n}`).key) ?? [])
          const come = adds.filter((n) => !removes.includes(n)).map((n) => part(`${n}`))
          const positions = [{ appId, version: position }]
          await writer.commit(base, {
            operation: 'STEP',
            ...(base ? {} : SCHEMA),
            adds: come,
            removes: gone,
            positions,
          })
        }
        for (let version = 0; version < steps.length; version++) await sameAsPlain(version, root)
        await sameAsPlain(undefined, root)
        await store.delete(lastCheckpointKey(root))
        await sameAsPlain(undefined, root)
      }),
      { numRuns: 8 },
    )
  })
})

function every(everyCommits: number, root = ROOT): DeltaTable {
  return new DeltaTable(store, root, NOON, { everyCommits, format: parquetCheckpoints })
}

function part(name: string): NewFile {
  return {
    key: `${name}.parquet`,
    partition: { division: '7' },
    size: 10,
    rows: 1,
    sha256: name,
    uncompressedBytes: 10,
  }
}

async function append(table: DeltaTable, name: string): Promise<CommitResult> {
  const base = await table.snapshot()
  return table.commit(base, { operation: 'WRITE', ...(base ? {} : SCHEMA), adds: [part(name)] })
}

async function appendMany(table: DeltaTable, count: number, name = 'f'): Promise<void> {
  for (let n = 0; n < count; n++) await append(table, `${name}${n}`)
}

function checkpointKey(version: number): string {
  return checkpointKeys(ROOT, { version, parts: 1 })[0] as string
}

async function hint() {
  return parseHint(new TextDecoder().decode(await store.get(HINT)))
}

async function overwrite(key: string, content: string | Uint8Array): Promise<void> {
  await store.put(key, typeof content === 'string' ? new TextEncoder().encode(content) : content)
}

function filesOf(snapshot: Snapshot | undefined): string[] {
  return [...(snapshot?.files.keys() ?? [])].map((key) => key.replace('.parquet', ''))
}

/** A fresh reader's snapshot, after it was found equal to that of a reader who sees no checkpoints. */
async function sameAsPlain(version?: number, root = ROOT): Promise<Snapshot | undefined> {
  const seen = await new DeltaTable(store, root, NOON).snapshot(version)
  const plain = await new DeltaTable(withoutCheckpoints(store), root, NOON).snapshot(version)
  expect(seen).toBeDefined()
  expect(shown(seen)).toEqual(shown(plain))
  return seen
}

/** A snapshot with its order; whether a file was new data when it was added is told by its commit only. */
function shown(snapshot: Snapshot | undefined) {
  const files = [...(snapshot?.files.entries() ?? [])].map(([key, file]) => [
    key,
    { ...file, action: { ...file.action, dataChange: true } },
  ])
  return { ...snapshot, files, positions: [...(snapshot?.positions ?? [])] }
}

function withoutCheckpoints(seen: ObjectStore): ObjectStore {
  return {
    ...counting(seen),
    get: async (key) => (key.endsWith('_last_checkpoint') ? undefined : seen.get(key)),
    async *list(prefix, startAfter) {
      for await (const info of seen.list(prefix, startAfter)) {
        if (!info.key.includes('.checkpoint.')) yield info
      }
    },
  }
}

/** What a fresh reader asks of the store, file names only. */
async function requestsOf(read: (table: DeltaTable) => Promise<unknown>): Promise<string[]> {
  const requests: string[] = []
  const ask = (verb: string, key: string) => requests.push(`${verb} ${key.slice(key.lastIndexOf('/') + 1)}`)
  const watched: ObjectStore = {
    ...counting(store),
    get: (key) => {
      ask('get', key)
      return store.get(key)
    },
    stage: (key) => {
      ask('stage', key)
      return store.stage(key)
    },
    list: (prefix, startAfter = '') => {
      ask('list after', startAfter)
      return store.list(prefix, startAfter)
    },
  }
  await read(new DeltaTable(watched, ROOT, NOON))
  return requests
}

/** Says 'exists' of the first object that it stores: the reply was lost, and the caller asked again. */
function losingFirstReply(on: ObjectStore): ObjectStore['createIfAbsent'] {
  let isFirst = true
  return async (key, content) => {
    const answer = await on.createIfAbsent(key, content)
    const shown = isFirst ? 'exists' : answer
    isFirst = false
    return shown
  }
}

async function actionsUpTo(version: number): Promise<Action[]> {
  const actions: Action[] = []
  for (let at = 0; at <= version; at++) {
    const text = new TextDecoder().decode(await store.get(commitKey(ROOT, at)))
    actions.push(
      ...text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Action),
    )
  }
  return actions.filter(({ commitInfo }) => commitInfo === undefined)
}

async function foreignRows(key: string): Promise<Record<string, unknown>[]> {
  const { file, release } = await store.stage(key)
  try {
    return await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors })
  } finally {
    await release()
  }
}

/** The one action of a row, without the columns that are null. */
function onlyAction(row: Record<string, unknown>): Record<string, unknown> {
  const present = Object.entries(row).filter(([, action]) => action !== null && action !== undefined)
  expect(present).toHaveLength(1)
  return Object.fromEntries(present)
}
