import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { counting, makeLake, NOON, type TestLake } from '../../../testkit/lake-fixture.js'
import type { Column } from '../../contracts/columns.js'
import { commitKey } from '../delta/log-files.js'
import type { LiveFile, Snapshot } from '../delta/snapshot.js'
import { DeltaTable } from '../delta/table.js'
import { putPart } from '../parts.js'
import { schemaChange } from '../schema-change.js'
import { type Engine, LEAN, openEngine } from './engine.js'
import { type PlainRow, writeRows } from './rows.js'
import { scanFiles } from './scan.js'

const ROOT = 'raw/calls/portal'
const ID: Column = { name: 'id', type: 'string' }

let lake: TestLake
let folder: string
let engine: Engine
let close: () => void
beforeEach(async () => {
  lake = await makeLake()
  folder = (await lake.store.scratch()).folder
  ;({ engine, close } = await openEngine(LEAN, folder))
})
afterEach(async () => {
  close()
  await lake.remove()
})

/** Values that a folder name, a URL, SQL or CSV could spoil. */
const AWKWARD_DIVISIONS: readonly string[] = [
  '07',
  '7',
  '%20x',
  ' x',
  'Ward 3',
  'unassigned',
  "Côte-d'Or",
  'a/b',
  '..',
  '.',
  'say "no"',
  'two\nlines',
  'a=b&c',
  'null',
  '__HIVE_DEFAULT_PARTITION__',
  '2024-01-01',
  '🏙 中文',
  'x'.repeat(3_000),
]

describe('a part by its division', () => {
  it('survives commit and scan with the true text of any division', async () => {
    for (const [index, division] of AWKWARD_DIVISIONS.entries()) {
      await append([{ id: String(index) }], [ID], division)
    }
    const rows = await scan<{ id: string; council_district: string }>(
      'SELECT * FROM {table} ORDER BY id::INTEGER',
    )
    expect(rows).toEqual(
      AWKWARD_DIVISIONS.map((division, index) => ({ id: String(index), council_district: division })),
    )
  })

  it('is found by the text of its division alone', async () => {
    for (const division of ['07', '7']) await append([{ id: division }], [ID], division)
    expect(await scan("SELECT id FROM {table} WHERE council_district = '7'")).toEqual([{ id: '7' }])
  })

  it('leaves one object when it is made twice from the same rows', async () => {
    const file = async () => writeRows(engine, folder, 'part', [{ id: '1' }], [ID], { council_district: '7' })
    const first = await putPart(
      lake.store,
      ROOT,
      3,
      (await file()) as NonNullable<Awaited<ReturnType<typeof file>>>,
    )
    const again = await putPart(
      lake.store,
      ROOT,
      3,
      (await file()) as NonNullable<Awaited<ReturnType<typeof file>>>,
    )
    expect(again).toEqual(first)
    expect(first.key).toBe(`council_district=7/part-3-${first.sha256.slice(0, 24)}.parquet`)
    const keys: string[] = []
    for await (const { key } of lake.store.list(`${ROOT}/`)) keys.push(key)
    expect(keys).toEqual([`${ROOT}/${first.key}`])
  })
})

describe('scanning a table', () => {
  it('reads live files only, though replaced ones still lie there', async () => {
    const table = await append([{ id: 'old' }], [ID], '7')
    const before = (await table.snapshot()) as Snapshot
    await append([{ id: 'new' }], [ID], '7', [...before.files.values()])
    expect(await scan('SELECT id FROM {table}')).toEqual([{ id: 'new' }])
    expect(await scan('SELECT id FROM {table}', before)).toEqual([{ id: 'old' }])
  })

  it('gives no rows, and all columns, of a table without files', async () => {
    const table = await append([], [ID, { name: 'count', type: 'long' }], '7')
    expect((await table.snapshot())?.files.size).toBe(0)
    expect(await scan('SELECT * FROM {table}')).toEqual([])
    expect(
      await scan('SELECT count(id) + count(count) AS n, min(council_district) AS d FROM {table}'),
    ).toEqual([{ n: 0, d: null }])
  })

  it('reads a column that came later as null in older files, also when only older files are asked for', async () => {
    await append([{ id: '1' }], [ID], '7')
    const columns: Column[] = [ID, { name: 'closed_at', type: 'timestamp' }]
    await append([{ id: '2', closed_at: '2026-01-05T12:00:00.000Z' }], columns, '7')
    const newest = await snapshotOf()
    const older = [...newest.files.values()].filter(({ since }) => since === 0)
    expect(await scan('SELECT id, closed_at FROM {table} ORDER BY id')).toEqual([
      { id: '1', closed_at: null },
      { id: '2', closed_at: '2026-01-05T12:00:00.000Z' },
    ])
    expect(await scan('SELECT id, closed_at FROM {table}', newest, older)).toEqual([
      { id: '1', closed_at: null },
    ])
  })

  it("is not misled by a publisher's columns that are called as the engine calls its own", async () => {
    const columns = ['file_index', 'filename', 'file_row_number', '_file'].map(
      (name): Column => ({ name, type: 'string' }),
    )
    for (const division of ['7', '8']) {
      const row = Object.fromEntries(columns.map(({ name }) => [name, `${name} of ${division}`]))
      await append([row], columns, division)
    }
    expect(await scan('SELECT * FROM {table} ORDER BY ALL')).toEqual(
      ['7', '8'].map((division) => ({
        ...Object.fromEntries(columns.map(({ name }) => [name, `${name} of ${division}`])),
        council_district: division,
      })),
    )
  })

  it('names a file that has no value for a partition column', async () => {
    await append([{ id: '1' }], [ID], '7')
    const snapshot = await snapshotOf()
    const files = [...snapshot.files.values()].map((file): LiveFile => ({ ...file, partition: {} }))
    await expect(scanFiles(lake.store, ROOT, snapshot, files)).rejects.toMatchObject({
      code: 'delta-log-broken',
    })
  })

  it('says object-missing when a file that the log names is gone, and keeps nothing staged', async () => {
    for (const division of ['7', '8']) await append([{ id: '1' }], [ID], division)
    const snapshot = await snapshotOf()
    let staged = 0
    const store = {
      ...counting(lake.store),
      stage: async (key: string) => {
        if (staged === 1) return lake.store.stage(`${key}.gone`)
        staged += 1
        const release = async () => {
          staged -= 1
        }
        return { file: key, release }
      },
    }
    await expect(scanFiles(store, ROOT, snapshot)).rejects.toMatchObject({
      code: 'object-missing',
    })
    expect(staged).toBe(0)
  })
})

describe('scanning a table of another writer', () => {
  const NESTED = {
    type: 'struct',
    fields: [
      { name: 'say "no"', type: { type: 'array', elementType: 'short', containsNull: true } },
      { name: 'b', type: { type: 'map', keyType: 'string', valueType: 'decimal(38,10)' } },
    ],
  }
  const TYPES: readonly [name: string, type: unknown, sql: string][] = [
    ['short', 'short', '(-32768)::SMALLINT'],
    ['byte', 'byte', '(-128)::TINYINT'],
    ['float', 'float', '1.5::FLOAT'],
    ['binary', 'binary', "'\\xFF\\x00'::BLOB"],
    ['decimal', 'decimal(38,10)', '1234567890123456789012345678.0123456789::DECIMAL(38, 10)'],
    ['local', 'timestamp_ntz', "TIMESTAMP '2024-03-10 02:30:00.123456'"],
    ['nested', NESTED, `{'say "no"': [1::SMALLINT, NULL], b: MAP {'x': 0.5::DECIMAL(38, 10)}}`],
  ]
  const AS_TEXT: Readonly<Record<string, string>> = {
    short: '-32768',
    byte: '-128',
    float: '1.5',
    binary: '\\xFF\\x00',
    decimal: '1234567890123456789012345678.0123456789',
    local: '2024-03-10 02:30:00.123456',
    nested: `{'say "no"': [1, NULL], 'b': {x=0.5000000000}}`,
  }

  it('reads every type, and as null what an older file lacks', async () => {
    const cells = TYPES.map(([name, , sql]) => `${sql} AS "${name}"`).join(', ')
    const fields = [['id', 'integer'], ...TYPES].map(([name, type]) => ({
      name,
      type,
      nullable: true,
      metadata: {},
    }))
    await foreignTable(fields, [], [`SELECT 1::INTEGER AS id, ${cells}`, 'SELECT 2::INTEGER AS id'])
    const shown = TYPES.map(([name]) => `"${name}"::VARCHAR AS "${name}"`).join(', ')
    const nothing = Object.fromEntries(TYPES.map(([name]) => [name, null]))
    expect(await scan(`SELECT id, ${shown} FROM {table} ORDER BY id`)).toEqual([
      { id: 1, ...AS_TEXT },
      { id: 2, ...nothing },
    ])
  })

  it('reads partition values of every type from their text in the log', async () => {
    const values: readonly [name: string, type: string, text: string, shown: string][] = [
      ['short', 'short', '-7', '-7'],
      ['byte', 'byte', '7', '7'],
      ['float', 'float', '1.5', '1.5'],
      ['binary', 'binary', '\u0001é', '\\x01\\xC3\\xA9'],
      ['decimal', 'decimal(12,5)', '-2342342.23423', '-2342342.23423'],
      ['local', 'timestamp_ntz', '2021-11-18 02:30:00.123456', '2021-11-18 02:30:00.123456'],
    ]
    const fields = [['id', 'integer'], ...values].map(([name, type]) => ({
      name,
      type,
      nullable: true,
      metadata: {},
    }))
    const partition = values.map(([name, , text]): [string, string] => [name, text])
    await foreignTable(fields, partition, ['SELECT 1::INTEGER AS id'])
    const shown = values.map(([name]) => `"${name}"::VARCHAR AS "${name}"`).join(', ')
    expect(await scan(`SELECT ${shown} FROM {table}`)).toEqual([
      Object.fromEntries(values.map(([name, , , text]) => [name, text])),
    ])
  })
})

/** A table as another writer leaves it: one file a query, all of one partition. */
async function foreignTable(
  fields: readonly object[],
  partition: readonly (readonly [string, string])[],
  queries: readonly string[],
): Promise<void> {
  const adds: object[] = []
  for (const [index, query] of queries.entries()) {
    const file = `${folder}/${index}.parquet`
    await engine.run(`COPY (${query}) TO '${file}' (FORMAT parquet)`)
    await lake.store.createIfAbsent(`${ROOT}/${index}.parquet`, { file })
    const partitionValues = Object.fromEntries(partition)
    adds.push({
      add: { path: `${index}.parquet`, partitionValues, size: 1, modificationTime: 1, dataChange: true },
    })
  }
  const metaData = {
    id: 'foreign',
    format: { provider: 'parquet', options: {} },
    schemaString: JSON.stringify({ type: 'struct', fields }),
    partitionColumns: partition.map(([name]) => name),
    configuration: {},
  }
  const actions = [{ protocol: { minReaderVersion: 1, minWriterVersion: 2 } }, { metaData }, ...adds]
  const text = actions.map((action) => JSON.stringify(action)).join('\n')
  await lake.store.createIfAbsent(commitKey(ROOT, 0), new TextEncoder().encode(text))
}

/** Commits rows of one division, in place of other files. */
async function append(
  rows: readonly PlainRow[],
  columns: readonly Column[],
  division: string,
  removes: readonly LiveFile[] = [],
): Promise<DeltaTable> {
  const table = new DeltaTable(lake.store, ROOT, NOON)
  const base = await table.snapshot()
  const partition = { council_district: division }
  const finished = await writeRows(engine, folder, 'rows', rows, columns, partition)
  await table.commit(base, {
    operation: 'WRITE',
    ...schemaChange(base, columns, ['council_district']),
    adds:
      finished === undefined ? [] : [await putPart(lake.store, ROOT, (base?.version ?? -1) + 1, finished)],
    removes,
  })
  return table
}

async function snapshotOf(): Promise<Snapshot> {
  return (await new DeltaTable(lake.store, ROOT).snapshot()) as Snapshot
}

async function scan<Row>(sql: string, version?: Snapshot, files?: readonly LiveFile[]): Promise<Row[]> {
  const { sql: table, release } = await scanFiles(lake.store, ROOT, version ?? (await snapshotOf()), files)
  try {
    return await engine.rows<Row>(sql.replaceAll('{table}', () => table))
  } finally {
    await release()
  }
}
