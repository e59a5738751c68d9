import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyKeptLake, type KeptLake } from '../../testkit/kept-lakes.js'
import { copyLake, counting, failingAt, keysOf, type TestLake } from '../../testkit/lake-fixture.js'
import { recordLake, tableRootsOf } from '../../testkit/lake-record.js'
import { differencesOf, worldOf } from '../../testkit/same-world.js'
import { commitKey } from '../lake/delta/log-files.js'
import { NEW_TABLE_PROPERTIES } from '../lake/delta/properties.js'
import type { LiveFile } from '../lake/delta/snapshot.js'
import { DeltaTable } from '../lake/delta/table.js'
import type { ObjectStore } from '../lake/store.js'
import { migrateLake, planMigration } from './migrate-lake.js'

const TABLES = 11 // of the kept lake of format 1

let lake: KeptLake
let before: unknown[]
beforeEach(async () => {
  lake = await copyKeptLake(1)
  before = await statesOf(lake.store)
})
afterEach(() => lake.remove())

describe('migrating a lake of format 1', () => {
  it('gives every table the properties that protect its history, and then says format 2', async () => {
    const { from, to, steps } = await migrateLake(lake.store)
    expect({ from, to }).toEqual({ from: 1, to: 2 })
    expect(steps).toHaveLength(TABLES + 1)
    expect(steps.at(-1)).toEqual({ kind: 'raise-format', from: 1, to: 2 })
    await expectMigrated(lake.store)
  })

  it('changes no row, file, position or schema, and keeps each version that there was', async () => {
    const world = await worldOf(lake.store)
    const keys = await keysOf(lake.store)
    await migrateLake(lake.store)
    expect(differencesOf(world, await worldOf(lake.store))).toEqual([])
    expect(await statesOf(lake.store)).toEqual(before)
    const added = (await keysOf(lake.store)).filter((key) => !keys.includes(key))
    expect(added.every((key) => /_delta_log\/\d{20}\.json$/.test(key))).toBe(true)
    expect(added).toHaveLength(TABLES)
    const { tables, ledger } = await recordLake(lake.store)
    expect(ledger).toEqual(lake.record.ledger)
    for (const [root, versions] of Object.entries(lake.record.tables))
      expect(tables[root]).toEqual([...versions, versions.at(-1)])
  })

  it('says with dryRun what it would do, and does nothing', async () => {
    const store = counting(lake.store)
    const planned = await migrateLake(store, { dryRun: true })
    expect(store.writes()).toBe(0)
    expect(await migrateLake(lake.store)).toEqual(planned)
  })

  it('has nothing to do the second time', async () => {
    await migrateLake(lake.store)
    const store = counting(lake.store)
    expect(await migrateLake(store)).toEqual({ from: 2, to: 2, steps: [] })
    expect(store.writes()).toBe(0)
  })

  it.each([true, false])(
    'ends in the same lake when it is killed at any write (done: %s) and run again',
    async (done) => {
      const calm = await copyLake(lake)
      const writes = await writesOf(calm)
      await calm.remove()
      expect(writes).toBeGreaterThan(TABLES)
      for (let fatal = 1; fatal <= writes; fatal++) {
        const copy = await copyLake(lake)
        await expect(migrateLake(failingAt(copy.store, fatal, done))).rejects.toThrow()
        await migrateLake(copy.store)
        await expectMigrated(copy.store)
        await copy.remove()
      }
    },
  )

  it('may be run twice at once', async () => {
    await Promise.all([migrateLake(lake.store), migrateLake(lake.store)])
    await expectMigrated(lake.store)
  })

  it('keeps what somebody has set on a table on purpose', async () => {
    const table = new DeltaTable(lake.store, 'findings')
    const properties = { 'delta.logRetentionDuration': 'interval 60 days', 'wardbook.note': 'ours' }
    await table.commit(await table.snapshot(), { operation: 'SET TBLPROPERTIES', properties })
    await migrateLake(lake.store)
    const { metaData } = (await new DeltaTable(lake.store, 'findings').snapshot())!
    expect(metaData.configuration).toEqual({ ...NEW_TABLE_PROPERTIES, ...properties })
  })

  it('leaves the table of another writer as it is', async () => {
    const root = 'features/theirs'
    await lake.store.createIfAbsent(commitKey(root, 0), new TextEncoder().encode(FOREIGN_COMMIT))
    const { steps } = await migrateLake(lake.store)
    expect(steps.some((step) => step.kind === 'protect-table' && step.table.root === root)).toBe(false)
    expect(await keysOf(lake.store, `${root}/`)).toEqual([commitKey(root, 0)])
  })

  it('tells a file again that a commit of format 1 removed and added, as other engines do not see it', async () => {
    const root = 'tidy/requests'
    const { files, version } = (await new DeltaTable(lake.store, root).snapshot())!
    const [{ action, key }] = [...files.values()] as [LiveFile]
    const remove = { path: action.path, dataChange: true, deletionTimestamp: 1 }
    const text = `${JSON.stringify({ remove })}\n${JSON.stringify({ add: action })}\n`
    await lake.store.createIfAbsent(commitKey(root, version + 1), new TextEncoder().encode(text))
    const { steps } = await migrateLake(lake.store)
    expect(steps).toContainEqual(
      expect.objectContaining({ table: { root, owner: 'harmonize' }, restated: 1 }),
    )
    const commit = new TextDecoder().decode(await lake.store.get(commitKey(root, version + 2)))
    const added = commit.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line).add ?? [])))
    expect(added).toEqual([{ ...action, dataChange: false }])
    const table = new DeltaTable(lake.store, root)
    const after = (await table.snapshot())!
    expect([...after.files.keys()].sort()).toEqual([...files.keys()].sort())
    expect(after.files.get(key)?.since).toBe(version + 2)
    expect(await table.ambiguousFiles(after)).toEqual([])
    expect(await table.progressVersion(after)).toBe(version + 1)
  })

  it('keeps what else lake.json says', async () => {
    const text = '{"formatVersion":1,"city":"millbrook","note":"kept"}'
    await lake.store.put('lake.json', new TextEncoder().encode(text))
    await migrateLake(lake.store)
    expect(await lakeFileOf(lake.store)).toEqual({ formatVersion: 2, city: 'millbrook', note: 'kept' })
  })

  it('takes in a table that an earlier release has made meanwhile, when it is run again', async () => {
    await migrateLake(lake.store)
    const root = 'links'
    await lake.store.createIfAbsent(
      commitKey(root, 0),
      new TextEncoder().encode(FOREIGN_COMMIT.replace('{}}}', '{"wardbook.formatVersion":"1"}}}')),
    )
    const { from, steps } = await migrateLake(lake.store)
    expect(from).toBe(2)
    expect(steps).toMatchObject([{ kind: 'protect-table', table: { root, owner: 'correlate' } }])
  })

  it('refuses a lake that a newer release wrote, and changes nothing', async () => {
    await lake.store.put('lake.json', new TextEncoder().encode('{"formatVersion":3,"city":"millbrook"}'))
    const store = counting(lake.store)
    await expect(migrateLake(store)).rejects.toMatchObject({ code: 'lake-newer-format' })
    expect(store.writes()).toBe(0)
  })
})

describe('the plan of a migration', () => {
  const table = (properties: Record<string, string>) =>
    ({ root: 'tidy/calls', owner: 'harmonize', properties, ambiguous: 0 }) as const

  it('names each table with what it lacks, and the format last', () => {
    expect(planMigration(1, [table({ 'wardbook.formatVersion': '1' })])).toEqual([
      {
        kind: 'protect-table',
        table: { root: 'tidy/calls', owner: 'harmonize' },
        properties: Object.keys(NEW_TABLE_PROPERTIES),
        restated: 0,
      },
      { kind: 'raise-format', from: 1, to: 2 },
    ])
  })

  it('is empty for a lake whose tables have everything', () => {
    expect(planMigration(2, [table(NEW_TABLE_PROPERTIES), table({})])).toEqual([])
  })
})

const FOREIGN_COMMIT = `${JSON.stringify({ protocol: { minReaderVersion: 1, minWriterVersion: 2 } })}
${JSON.stringify({
  metaData: {
    id: 'theirs',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify({
      type: 'struct',
      fields: [{ name: 'a', type: 'string', nullable: true, metadata: {} }],
    }),
    partitionColumns: [],
    configuration: {},
  },
})}
`

async function writesOf({ store }: TestLake): Promise<number> {
  const counted = counting(store)
  await migrateLake(counted)
  return counted.writes()
}

/** Every table has all properties, one version more than it had, and its files; `lake.json` says format 2. */
async function expectMigrated(store: ObjectStore): Promise<void> {
  expect(await lakeFileOf(store)).toEqual({ formatVersion: 2, city: 'millbrook' })
  expect(await statesOf(store)).toEqual(before)
  for (const [root, versions] of Object.entries(lake.record.tables)) {
    const { metaData, version } = (await new DeltaTable(store, root).snapshot())!
    expect(metaData.configuration, root).toEqual(NEW_TABLE_PROPERTIES)
    expect(version, root).toBe(versions.length)
  }
}

async function lakeFileOf(store: ObjectStore): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await store.get('lake.json')))
}

/** Of each table what a migration must not touch. */
async function statesOf(store: ObjectStore): Promise<unknown[]> {
  const states: unknown[] = []
  for (const root of await tableRootsOf(store)) {
    const { fields, partitionColumns, metaData, protocol, files, positions } = (await new DeltaTable(
      store,
      root,
    ).snapshot())!
    const { configuration: _, ...rest } = metaData
    states.push({
      root,
      fields,
      partitionColumns,
      rest,
      protocol,
      files: [...files],
      positions: [...positions],
    })
  }
  return states
}
