import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../../testkit/lake-fixture.js'
import { missingProperties, NEW_TABLE_PROPERTIES } from './properties.js'
import { DeltaTable, type NewFile } from './table.js'

const ROOT = 'tidy/calls'
const SCHEMA = { columns: [{ name: 'division', type: 'string' as const }], partitionColumns: ['division'] }

let lake: TestLake
let table: DeltaTable
beforeEach(async () => {
  lake = await makeLake()
  table = new DeltaTable(lake.store, ROOT)
  await table.commit(undefined, { operation: 'CREATE', schema: SCHEMA })
})
afterEach(() => lake.remove())

describe('the properties of a table', () => {
  it('tell other engines to keep commits and files for a hundred years, in words that Delta takes', async () => {
    expect((await table.snapshot())?.metaData.configuration).toEqual({
      'delta.checkpointInterval': '20',
      'delta.enableExpiredLogCleanup': 'false',
      'delta.logRetentionDuration': 'interval 36500 days',
      'delta.deletedFileRetentionDuration': 'interval 36500 days',
      'wardbook.formatVersion': '2',
    })
  })

  it('are set one by one, and the rest of the table stays', async () => {
    const before = (await table.snapshot())!
    await table.commit(before, { operation: 'SET TBLPROPERTIES', properties: { 'wardbook.note': 'kept' } })
    const after = (await new DeltaTable(lake.store, ROOT).snapshot())!
    expect(after.metaData).toEqual({
      ...before.metaData,
      configuration: { ...NEW_TABLE_PROPERTIES, 'wardbook.note': 'kept' },
    })
    expect(after.protocol).toEqual(before.protocol)
  })

  it('stay when the columns change', async () => {
    await table.commit(await table.snapshot(), { operation: 'SET TBLPROPERTIES', properties: { mine: '1' } })
    const columns = [{ name: 'id', type: 'long' as const }, ...SCHEMA.columns]
    await table.commit(await table.snapshot(), { operation: 'WRITE', schema: { ...SCHEMA, columns } })
    const { metaData, columns: now } = (await table.snapshot())!
    expect(now.map(({ name }) => name)).toEqual(['id', 'division'])
    expect(metaData.configuration).toEqual({ ...NEW_TABLE_PROPERTIES, mine: '1' })
  })

  it('conflict with those that another has set meanwhile: they are planned again', async () => {
    const base = (await table.snapshot())!
    const change = { operation: 'SET TBLPROPERTIES', properties: { mine: '1' } }
    await new DeltaTable(lake.store, ROOT).commit(base, change)
    await expect(table.commit(base, change)).rejects.toMatchObject({ code: 'commit-conflict' })
  })

  it('go beside a commit of rows that was faster', async () => {
    const base = (await table.snapshot())!
    await new DeltaTable(lake.store, ROOT).commit(base, { operation: 'WRITE', adds: [file('a')] })
    const change = { operation: 'SET TBLPROPERTIES', properties: { mine: '1' } }
    expect(await table.commit(base, change)).toMatchObject({ outcome: 'committed', version: 2 })
    expect((await table.snapshot())?.files.size).toBe(1)
  })
})

describe('what a table lacks of the newest format', () => {
  it('is everything for format 1, and what nobody has set on purpose', () => {
    expect(missingProperties({ 'wardbook.formatVersion': '1' })).toEqual(NEW_TABLE_PROPERTIES)
    const { 'delta.logRetentionDuration': _, ...rest } = NEW_TABLE_PROPERTIES
    const set = { 'wardbook.formatVersion': '1', 'delta.logRetentionDuration': 'interval 60 days' }
    expect(missingProperties(set)).toEqual(rest)
  })

  it('is nothing for a table of the newest format, whatever was set there since, and for one of another writer', () => {
    expect(missingProperties(NEW_TABLE_PROPERTIES)).toBeUndefined()
    expect(missingProperties({ 'wardbook.formatVersion': '2' })).toBeUndefined()
    expect(missingProperties({ 'delta.appendOnly': 'true' })).toBeUndefined()
  })
})

describe('the version that brought something last', () => {
  it('moves with rows and with positions', async () => {
    await table.commit(await table.snapshot(), { operation: 'WRITE', adds: [file('a')] })
    expect(await progress()).toBe(1)
    const positions = [{ appId: 'x', version: 3 }]
    await table.commit(await table.snapshot(), { operation: 'MOVE', positions })
    expect(await progress()).toBe(2)
  })

  it('does not move with properties alone', async () => {
    await table.commit(await table.snapshot(), { operation: 'WRITE', adds: [file('a')] })
    for (const mine of ['1', '2'])
      await table.commit(await table.snapshot(), { operation: 'SET TBLPROPERTIES', properties: { mine } })
    expect((await table.snapshot())?.version).toBe(3)
    expect(await progress()).toBe(1)
  })

  it('is 0 for a table that never had a row', async () => {
    await table.commit(await table.snapshot(), { operation: 'SET TBLPROPERTIES', properties: { mine: '1' } })
    expect(await progress()).toBe(0)
  })
})

async function progress(): Promise<number> {
  const reader = new DeltaTable(lake.store, ROOT)
  return reader.progressVersion((await reader.snapshot())!)
}

function file(name: string): NewFile {
  const key = `division=7/${name}.parquet`
  return { key, partition: { division: '7' }, size: 1, rows: 1, sha256: key, uncompressedBytes: 1 }
}
