import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, NOON, type TestLake } from '../../../testkit/lake-fixture.js'
import type { Column } from '../../contracts/columns.js'
import { WardbookError } from '../../kernel/errors.js'
import { partitionFolder, toLogPath } from '../keys.js'
import type { Content, ObjectStore } from '../store.js'
import type { LiveFile, Snapshot } from './snapshot.js'
import { type Change, DeltaTable, type NewFile } from './table.js'

const ROOT = 'raw/calls/portal'
const LOG = `${ROOT}/_delta_log`
const PARTITION = 'council_district'
const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'string', metadata: { published: 'ID' } },
  { name: PARTITION, type: 'string' },
]
const SCHEMA: Pick<Change, 'schema'> = { schema: { columns: COLUMNS, partitionColumns: [PARTITION] } }

let lake: TestLake
let store: ObjectStore
let table: DeltaTable
beforeEach(async () => {
  lake = await makeLake()
  store = lake.store
  table = open()
})
afterEach(() => lake.remove())

describe('a Delta table', () => {
  it('does not exist before its first commit', async () => {
    expect(await table.snapshot()).toBeUndefined()
    expect(await table.snapshot(0)).toBeUndefined()
    expect(await table.position('a')).toBe(-1)
    expect(await table.commitRecord(0)).toBeUndefined()
    expect(await table.lastCommitOf('a')).toBeUndefined()
  })

  it('names a path once in a commit: a file that is replaced by itself stays, and is told anew only where it differs', async () => {
    const [same, other] = [part('7', 'same'), part('7', 'other')]
    const base = (await begin([same, other]))!
    const retold = { ...other, tags: { note: 'new' } }
    const removes = [...base.files.values()]
    await table.commit(base, { operation: 'WRITE', removes, adds: [same, retold, part('7', 'c')] })
    const paths = (await actionsOf(1)).flatMap(({ add, remove }) => (add ?? remove)?.path ?? [])
    expect(paths.sort()).toEqual([retold, part('7', 'c')].map(({ key }) => toLogPath(key)).sort())
    const after = await open().snapshot()
    expect([...(after?.files.keys() ?? [])].sort()).toEqual(
      [same, other, part('7', 'c')].map(({ key }) => key).sort(),
    )
    expect(after?.files.get(same.key)?.since).toBe(0)
    expect(after?.files.get(other.key)).toMatchObject({ since: 1, tags: { note: 'new' } })
  })

  it('begins with protocol and schema, one action a line', async () => {
    await begin([part('7', 'a')])
    const actions = await actionsOf(0)
    expect(actions.map((action) => Object.keys(action)[0])).toEqual([
      'commitInfo',
      'protocol',
      'metaData',
      'add',
    ])
    expect(actions[1]).toEqual({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } })
    expect(actions[2]?.metaData).toMatchObject({
      name: ROOT,
      format: { provider: 'parquet', options: {} },
      partitionColumns: [PARTITION],
      createdTime: NOON().getTime(),
    })
    expect(JSON.parse(actions[2]?.metaData.schemaString)).toEqual({
      type: 'struct',
      fields: [
        { name: 'id', type: 'string', nullable: true, metadata: { published: 'ID' } },
        { name: PARTITION, type: 'string', nullable: true, metadata: {} },
      ],
    })
    expect(actions[3]?.add).toMatchObject({
      stats: '{"numRecords":1}',
      dataChange: true,
      tags: { sha256: 'a' },
    })
  })

  it('repeats neither protocol nor schema in later commits', async () => {
    await table.commit(await begin(), { operation: 'WRITE', adds: [part('7', 'a')] })
    expect((await actionsOf(1)).map((action) => Object.keys(action)[0])).toEqual(['commitInfo', 'add'])
  })

  it('keeps its id and its birth when the schema changes', async () => {
    const before = await begin()
    await table.commit(before, { operation: 'SCHEMA', ...SCHEMA })
    const after = (await open().snapshot()) as Snapshot
    expect(after.metaData.id).toBe(before.metaData.id)
    expect(after.metaData.createdTime).toBe(before.metaData.createdTime)
  })

  it('shows each version as it was', async () => {
    const [a, b, c] = [part('7', 'a'), part('8', 'b'), part('7', 'c')]
    const first = await begin([a])
    await table.commit(first, { operation: 'WRITE', adds: [b] })
    const second = await newest()
    await table.commit(second, { operation: 'WRITE', adds: [c], removes: [live(second, a)] })
    for (const reader of [table, open()]) {
      expect(keysIn(await reader.snapshot(0))).toEqual([a.key])
      expect(keysIn(await reader.snapshot(1))).toEqual([a.key, b.key].sort())
      expect(keysIn(await reader.snapshot(2))).toEqual([b.key, c.key].sort())
      expect(keysIn(await reader.snapshot())).toEqual([b.key, c.key].sort())
      expect(await reader.snapshot(3)).toBeUndefined()
    }
    expect((await newest()).files.get(c.key)?.since).toBe(2)
  })

  it('writes into a remove what the file was', async () => {
    const first = await begin([part('Ward 3', 'a')])
    await table.commit(first, { operation: 'WRITE', removes: [...first.files.values()] })
    expect((await actionsOf(1))[1]?.remove).toEqual({
      path: 'council_district%3DWard%25203/part-a.parquet',
      partitionValues: { [PARTITION]: 'Ward 3' },
      extendedFileMetadata: true,
      deletionTimestamp: NOON().getTime(),
      dataChange: true,
      size: 10,
    })
  })

  it('tells what a commit says about itself', async () => {
    await table.commit(await begin(), {
      operation: 'WRITE',
      positions: [{ appId: 'ingest/calls', version: 4 }],
      provenance: { run: 'r1' },
    })
    expect(await table.commitRecord(1)).toMatchObject({
      version: 1,
      timestamp: NOON().getTime(),
      operation: 'WRITE',
      positions: [{ appId: 'ingest/calls', version: 4 }],
      provenance: { run: 'r1' },
    })
  })

  it('keeps the highest position of each writer, in the order in which they moved last', async () => {
    await begin()
    for (const [appId, version] of [
      ['a', 1],
      ['b', 9],
      ['a', 3],
    ] as const) {
      await table.commit(await newest(), { operation: 'MOVE', positions: [{ appId, version }] })
    }
    expect([...(await newest()).positions]).toEqual([
      ['b', 9],
      ['a', 3],
    ])
    expect(await table.position('a')).toBe(3)
    expect(await table.position('c')).toBe(-1)
    expect((await table.lastCommitOf('b'))?.version).toBe(2)
  })

  it('gives all callers of one object the same newest snapshot, also while it grows', async () => {
    await begin()
    const writer = open()
    for (let version = 1; version <= 20; version++) {
      const base = await writer.snapshot()
      const [, ...seen] = await Promise.all([
        writer.commit(base, { operation: 'WRITE', adds: [part(String(version), `${version}`)] }),
        ...Array.from({ length: 4 }, () => table.snapshot()),
      ])
      for (const snapshot of seen) {
        expect(snapshot?.files.size).toBe(snapshot?.version)
        expect([version - 1, version]).toContain(snapshot?.version)
      }
    }
    expect((await newest()).files.size).toBe(20)
  })

  it('does not change a snapshot that was handed out', async () => {
    const first = await begin([part('7', 'a')])
    await table.commit(first, { operation: 'WRITE', adds: [part('8', 'b')] })
    await newest()
    expect(first.files.size).toBe(1)
  })
})

describe('two writers of one table', () => {
  it('both commit when they write different divisions: the loser takes the next number', async () => {
    const base = await begin([part('7', 'a'), part('8', 'b')])
    const rewrite = (division: string, old: string, name: string) =>
      open().commit(base, {
        operation: 'WRITE',
        adds: [part(division, name)],
        removes: [live(base, part(division, old))],
      })
    expect(await rewrite('7', 'a', 'c')).toEqual({ outcome: 'committed', version: 1 })
    expect(await rewrite('8', 'b', 'd')).toEqual({ outcome: 'committed', version: 2 })
    expect(keysIn(await newest())).toEqual([part('7', 'c').key, part('8', 'd').key])
  })

  it('both append to one division', async () => {
    const base = await begin()
    for (const name of ['a', 'b']) await open().commit(base, { operation: 'APPEND', adds: [part('7', name)] })
    expect((await newest()).files.size).toBe(2)
  })

  it('conflict when both replace the same file', async () => {
    const base = await begin([part('7', 'a')])
    const replace = (name: string): Change => ({
      operation: 'WRITE',
      adds: [part('7', name)],
      removes: [live(base, part('7', 'a'))],
    })
    await open().commit(base, replace('b'))
    await expect(open().commit(base, replace('c'))).rejects.toMatchObject({
      code: 'commit-conflict',
      remedy: 'retry',
      facts: { table: ROOT, version: 1 },
    })
    expect(keysIn(await newest())).toEqual([part('7', 'b').key])
  })

  it('conflict when one only removes what the other removes', async () => {
    const base = await begin([part('7', 'a')])
    const change = { operation: 'DELETE', removes: [...base.files.values()] }
    await open().commit(base, change)
    await expect(open().commit(base, change)).rejects.toMatchObject({ code: 'commit-conflict' })
  })

  it('conflict when one adds to a division that the other rewrites', async () => {
    const base = await begin([part('7', 'a')])
    await open().commit(base, { operation: 'APPEND', adds: [part('7', 'late')] })
    const rewrite = { operation: 'WRITE', adds: [part('7', 'b')], removes: [...base.files.values()] }
    await expect(open().commit(base, rewrite)).rejects.toMatchObject({ code: 'commit-conflict' })
  })

  it('conflict when the winner changed the schema, or made the table', async () => {
    const first: Change = { operation: 'CREATE', ...SCHEMA }
    await open().commit(undefined, first)
    await expect(open().commit(undefined, first)).rejects.toMatchObject({ code: 'commit-conflict' })
    const base = await newest()
    await open().commit(base, { operation: 'SCHEMA', ...SCHEMA })
    const append = { operation: 'APPEND', adds: [part('7', 'a')] }
    await expect(open().commit(base, append)).rejects.toMatchObject({ code: 'commit-conflict' })
  })

  it('leave one commit when both do the same work: the second is superseded', async () => {
    const base = await begin()
    const change = { operation: 'WRITE', adds: [part('7', 'a')], positions: [{ appId: 'x', version: 5 }] }
    expect(await open().commit(base, change)).toEqual({ outcome: 'committed', version: 1 })
    expect(await open().commit(base, change)).toEqual({ outcome: 'superseded', version: 1 })
    const older = { ...change, positions: [{ appId: 'x', version: 4 }] }
    expect((await open().commit(base, older)).outcome).toBe('superseded')
    expect((await newest()).version).toBe(1)
  })

  it('both commit when the winner has not come as far', async () => {
    const base = await begin()
    for (const version of [5, 6]) {
      const change = { operation: 'WRITE', positions: [{ appId: 'x', version }] }
      expect((await open().commit(base, change)).outcome).toBe('committed')
    }
    expect((await newest()).positions.get('x')).toBe(6)
  })

  it('lose nothing when many commit at once', async () => {
    const base = await begin()
    const names = Array.from({ length: 24 }, (_, index) => `p${index}`)
    const results = await Promise.all(
      names.map((name) => open().commit(base, { operation: 'APPEND', adds: [part(name, name)] })),
    )
    expect(results.map(({ version }) => version).sort((a, b) => a - b)).toEqual(
      names.map((_, index) => index + 1),
    )
    expect((await newest()).files.size).toBe(names.length)
  })
})

describe('a commit whose reply is lost', () => {
  const change: Change = { operation: 'WRITE', adds: [part('7', 'a')] }

  it('is known as our own when the store then says that it exists', async () => {
    const base = await begin()
    expect(await open(losing('exists')).commit(base, change)).toEqual({ outcome: 'committed', version: 1 })
    expect((await newest()).version).toBe(1)
  })

  it('is known as our own when the store then fails', async () => {
    const base = await begin()
    expect(await open(losing('throws')).commit(base, change)).toEqual({ outcome: 'committed', version: 1 })
    expect((await newest()).version).toBe(1)
  })

  it('stays the error it was when nothing was stored', async () => {
    const base = await begin()
    const failure = new WardbookError('store-unavailable', 'retry', 'gone')
    const broken = { ...bound(store), createIfAbsent: () => Promise.reject(failure) }
    await expect(open(broken).commit(base, change)).rejects.toBe(failure)
    expect((await newest()).version).toBe(0)
  })

  it('stays the error it was when asking again would not help', async () => {
    const base = await begin()
    const failure = new WardbookError('outside-prefix', 'report-bug', 'not yours')
    const broken = { ...bound(store), createIfAbsent: () => Promise.reject(failure) }
    await expect(open(broken).commit(base, change)).rejects.toBe(failure)
  })

  it('never skips a number: a commit that exists and cannot be read stops the writer', async () => {
    const base = await begin()
    const blind = {
      ...bound(store),
      createIfAbsent: async () => 'exists' as const,
      get: async () => undefined,
    }
    await expect(open(blind).commit(base, change)).rejects.toMatchObject({
      code: 'object-missing',
      remedy: 'retry',
    })
  })
})

describe('a broken log', () => {
  it('is told from an empty one when its first commit is gone', async () => {
    await table.commit(await begin(), { operation: 'WRITE', adds: [part('7', 'a')] })
    await store.delete(`${LOG}/${name(0)}`)
    const gap = { code: 'delta-log-gap', remedy: 'fix-source', message: expect.stringContaining(name(1)) }
    await expect(open().snapshot()).rejects.toMatchObject(gap)
    await expect(open().snapshot(1)).rejects.toMatchObject(gap)
  })

  it('is told from a shorter one when a commit in between is gone', async () => {
    await begin()
    for (const key of ['a', 'b'])
      await table.commit(await newest(), { operation: 'WRITE', adds: [part('7', key)] })
    await store.delete(`${LOG}/${name(1)}`)
    await expect(open().snapshot()).rejects.toMatchObject({ code: 'delta-log-gap', facts: { version: 1 } })
    await expect(open().snapshot(2)).rejects.toMatchObject({ code: 'delta-log-gap' })
    expect((await open().snapshot(0))?.version).toBe(0)
  })

  it('is not seen where commits came after the log was listed', async () => {
    const base = await begin()
    const late = bound(store)
    let looks = 0
    late.get = async (key) => {
      const found = await store.get(key)
      if (key.endsWith(name(1)) && looks++ === 0) {
        for (const key of ['a', 'b'])
          await open().commit(base, { operation: 'WRITE', adds: [part('7', key)] })
      }
      return found
    }
    expect((await open(late).snapshot())?.version).toBe(0)
    expect((await open(late).snapshot())?.version).toBe(2)
  })

  it('is named with table, version and line', async () => {
    const base = await begin()
    const lines = [
      'no JSON',
      '{"add":{"path":"a"}}',
      '{"add":{"path":"%zz","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}',
      '{"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"stats":"{"}}',
    ]
    for (const line of lines) {
      const log = { ...bound(store), get: brokenCommit(line) }
      await expect(open(log).snapshot(), line).rejects.toMatchObject({
        code: 'delta-log-broken',
        remedy: 'fix-source',
        facts: { table: ROOT, version: 1, line: 2 },
      })
    }
    expect(base.version).toBe(0)
  })

  it('is named when it has no schema, or one that is none', async () => {
    await rawCommit(0, [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }])
    await expect(open().snapshot()).rejects.toMatchObject({ code: 'delta-log-broken' })
    for (const schemaString of ['{', '[]', '{"type":"array"}']) {
      await store.delete(`${LOG}/${name(0)}`)
      await rawCommit(0, tableActions({ schemaString }))
      await expect(open().snapshot(), schemaString).rejects.toMatchObject({ code: 'delta-log-broken' })
    }
  })

  it('leads nobody out of the lake', async () => {
    const path = '../../../../etc/passwd'
    const add = { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }
    await rawCommit(0, [...tableActions({}), { add }])
    const [file] = [...((await open().snapshot()) as Snapshot).files.values()]
    await expect(store.stage(`${ROOT}/${file?.key}`)).rejects.toMatchObject({ code: 'bad-key' })
  })
})

describe('a table of another writer', () => {
  it('is refused by the name of what it needs, before a byte of data is read', async () => {
    const needs: [string, object, object][] = [
      ['reader version 2', { minReaderVersion: 2, minWriterVersion: 5 }, {}],
      ['reader version 99', { minReaderVersion: 99, minWriterVersion: 7, readerFeatures: [] }, {}],
      ['reader version 3', { minReaderVersion: 3, minWriterVersion: 7 }, {}],
      ['feature deletionVectors', features('deletionVectors'), {}],
      ['feature aFeatureOfTomorrow', features('aFeatureOfTomorrow'), {}],
      ['format orc', {}, { format: { provider: 'orc' } }],
      ['column mapping', {}, { configuration: { 'delta.columnMapping.mode': 'name' } }],
      ['column mapping', {}, { configuration: { 'delta.columnMapping.mode': 'id' } }],
      ['column price has type decimal(39,2)', {}, { schemaString: schemaOf('price', 'decimal(39,2)') }],
      ['column price has type decimal(4,5)', {}, { schemaString: schemaOf('price', 'decimal(4,5)') }],
      ['column any has type variant', {}, { schemaString: schemaOf('any', 'variant') }],
      ['column tags has type {"type":"array"', {}, { schemaString: schemaOf('tags', { type: 'array' }) }],
    ]
    for (const [reason, protocol, metaData] of needs) {
      await store.delete(`${LOG}/${name(0)}`)
      await rawCommit(0, tableActions(metaData, protocol))
      await expect(open().snapshot(), reason).rejects.toMatchObject({
        code: 'delta-unsupported',
        remedy: 'fix-source',
        message: expect.stringContaining(reason),
      })
    }
  })

  it('is read when it lists its features and has none', async () => {
    await rawCommit(0, tableActions({}, features()))
    expect((await open().snapshot())?.version).toBe(0)
  })

  it('is read when it says null where we leave out, and has actions that we do not know', async () => {
    const add = {
      path: 'a',
      partitionValues: {},
      size: 1,
      modificationTime: 1,
      dataChange: true,
      stats: null,
      tags: null,
    }
    await rawCommit(0, [
      ...tableActions({ name: null, description: null, createdTime: null }),
      { add: { ...add, deletionVector: null } },
      { domainMetadata: { domain: 'x', configuration: '', removed: false } },
      { cdc: { path: 'b', partitionValues: {}, size: 1, dataChange: false } },
    ])
    expect(keysIn(await open().snapshot())).toEqual(['a'])
  })

  it('is not written when it asks more of a writer than we do', async () => {
    const asked: [string, object, object, boolean][] = [
      [
        'writer version 7',
        { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['rowTracking'] },
        {},
        false,
      ],
      ['writer version 3', { minReaderVersion: 1, minWriterVersion: 3 }, {}, false],
      ['delta.appendOnly', {}, { configuration: { 'delta.appendOnly': 'true' } }, true],
      [
        'delta.invariants',
        {},
        { schemaString: schemaOf('id', 'string', { 'delta.invariants': 'id > 0' }) },
        false,
      ],
      [
        'column price of a type that is only read',
        {},
        { schemaString: schemaOf('price', 'decimal(10,2)') },
        false,
      ],
    ]
    for (const [reason, protocol, metaData, removes] of asked) {
      await store.delete(`${LOG}/${name(0)}`)
      await rawCommit(0, tableActions(metaData, protocol))
      const base = (await open().snapshot()) as Snapshot
      const file = { action: { path: 'a' }, partition: {}, size: 1 } as unknown as LiveFile
      const change = { operation: 'WRITE', ...(removes ? { removes: [file] } : { adds: [part('7', 'a')] }) }
      await expect(open().commit(base, change), reason).rejects.toMatchObject({
        code: 'delta-unsupported',
        message: expect.stringContaining(reason),
      })
    }
    await store.delete(`${LOG}/${name(0)}`)
    await rawCommit(0, tableActions({ configuration: { 'delta.appendOnly': 'true' } }))
    const append = { operation: 'APPEND', adds: [part('7', 'a')] }
    expect((await open().commit(await open().snapshot(), append)).outcome).toBe('committed')
  })
})

describe('any sequence of commits', () => {
  /** One step: which of a few files to add and which of the live ones to remove, and a position. */
  const anyStep = fc.record({
    adds: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
    removes: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 3 }),
    writer: fc.constantFrom('a', 'b'),
    position: fc.integer({ min: 0, max: 20 }),
  })

  it('replays to the files and positions that a plain model holds, at every version', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 1, maxLength: 12 }), fc.uuid(), async (steps, id) => {
        const root = `raw/model/${id}`
        const writer = new DeltaTable(store, root, NOON)
        const model = { files: new Set<string>(), positions: new Map<string, number>() }
        const history: { files: string[]; positions: [string, number][] }[] = []
        for (const { adds, removes, writer: appId, position } of steps) {
          const base = await writer.snapshot()
          const gone = removes.map((n) => part(`d${n % 3}`, `${n}`).key).filter((key) => model.files.has(key))
          const come = adds.map((n) => part(`d${n % 3}`, `${n}`)).filter(({ key }) => !gone.includes(key))
          await writer.commit(base, {
            operation: 'STEP',
            ...(base === undefined ? SCHEMA : {}),
            adds: come,
            removes: gone.map((key) => base?.files.get(key) as LiveFile),
            positions: [{ appId, version: position }],
          })
          for (const key of gone) model.files.delete(key)
          for (const { key } of come) model.files.add(key)
          model.positions.set(appId, Math.max(position, model.positions.get(appId) ?? -1))
          history.push({ files: [...model.files].sort(), positions: [...model.positions].sort() })
        }
        const reader = new DeltaTable(store, root)
        expect((await reader.snapshot())?.version).toBe(steps.length - 1)
        for (const [version, { files, positions }] of history.entries()) {
          const seen = await reader.snapshot(version)
          expect(keysIn(seen)).toEqual(files)
          expect([...(seen?.positions ?? [])].sort()).toEqual(positions)
        }
      }),
      { numRuns: 25 },
    )
  })
})

function open(on: ObjectStore = store): DeltaTable {
  return new DeltaTable(on, ROOT, NOON)
}

async function begin(adds: readonly NewFile[] = []): Promise<Snapshot> {
  await table.commit(undefined, { operation: 'CREATE', ...SCHEMA, adds })
  return newest()
}

async function newest(): Promise<Snapshot> {
  return (await table.snapshot()) as Snapshot
}

/** A part's entry in the log; these tests never read the file itself. */
function part(division: string, sha256: string): NewFile {
  const key = `${partitionFolder(PARTITION, division)}/part-${sha256}.parquet`
  return { key, partition: { [PARTITION]: division }, size: 10, rows: 1, sha256, uncompressedBytes: 10 }
}

function live(snapshot: Snapshot, { key }: NewFile): LiveFile {
  return snapshot.files.get(key) as LiveFile
}

function keysIn(snapshot: Snapshot | undefined): string[] {
  return [...(snapshot?.files.keys() ?? [])].sort()
}

function name(version: number): string {
  return `${String(version).padStart(20, '0')}.json`
}

// biome-ignore lint/suspicious/noExplicitAny: actions as a foreign reader sees them, not as our types say
async function actionsOf(version: number): Promise<Record<string, any>[]> {
  const text = new TextDecoder().decode(await store.get(`${LOG}/${name(version)}`))
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** A commit as another writer may have left it. */
async function rawCommit(version: number, actions: readonly object[]): Promise<void> {
  const text = actions.map((action) => `${JSON.stringify(action)}\n`).join('')
  await store.createIfAbsent(`${LOG}/${name(version)}`, new TextEncoder().encode(text))
}

function tableActions(metaData: object, protocol: object = {}): object[] {
  return [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2, ...protocol } },
    {
      metaData: {
        id: 'foreign',
        format: { provider: 'parquet', options: {} },
        schemaString: schemaOf('id', 'string'),
        partitionColumns: [],
        configuration: {},
        ...metaData,
      },
    },
  ]
}

function features(...names: string[]): object {
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: names, writerFeatures: names }
}

function schemaOf(name: string, type: unknown, metadata: object = {}): string {
  return JSON.stringify({ type: 'struct', fields: [{ name, type, nullable: true, metadata }] })
}

/** Commit 1 reads as a good line, then this one. */
function brokenCommit(line: string): ObjectStore['get'] {
  return async (key) => {
    if (key !== `${LOG}/${name(1)}`) return store.get(key)
    return new TextEncoder().encode(`{"commitInfo":{}}\n${line}\n`)
  }
}

/** A store that stores, and whose answer then goes wrong. */
function losing(reply: 'exists' | 'throws'): ObjectStore {
  return {
    ...bound(store),
    async createIfAbsent(key: string, content: Content) {
      await store.createIfAbsent(key, content)
      if (reply === 'exists') return 'exists'
      throw new WardbookError('store-unavailable', 'retry', 'the connection broke')
    },
  }
}

function bound(store: ObjectStore): ObjectStore {
  return {
    address: store.address,
    get: (key) => store.get(key),
    getRange: (key, from, to) => store.getRange(key, from, to),
    stat: (key) => store.stat(key),
    createIfAbsent: (key, content) => store.createIfAbsent(key, content),
    put: (key, bytes) => store.put(key, bytes),
    list: (prefix, startAfter) => store.list(prefix, startAfter),
    delete: (key) => store.delete(key),
    stage: (key) => store.stage(key),
    scratch: () => store.scratch(),
  }
}
