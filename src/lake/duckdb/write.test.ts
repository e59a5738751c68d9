import { readFile, rm } from 'node:fs/promises'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../../testkit/lake-fixture.js'
import type { Column } from '../../contracts/columns.js'
import type { FinishedFile } from '../parts.js'
import { type Engine, LEAN, openEngine } from './engine.js'
import { type PlainRow, writeRows } from './rows.js'
import { ROW_GROUP_ROWS } from './sql.js'
import { measureParquet, writeParquet } from './write.js'

const COLUMNS: readonly Column[] = [
  { name: 'text', type: 'string' },
  { name: 'hash', type: 'long' },
  { name: 'page', type: 'integer' },
  { name: 'ratio', type: 'double' },
  { name: 'outside', type: 'boolean' },
  { name: 'day', type: 'date' },
  { name: 'at', type: 'timestamp' },
]
const ROWS: readonly PlainRow[] = [
  {
    text: 'Ward "3", Côte-d’Or 🏙\n%20',
    hash: '9223372036854775807',
    page: 2_147_483_647,
    ratio: 0.1,
    outside: true,
    day: '2024-02-29',
    at: '2024-03-10T06:59:59.123Z',
  },
  {
    text: '',
    hash: -1,
    page: -1,
    ratio: 5e-324,
    outside: false,
    day: '1969-12-31',
    at: '1969-12-31T23:59:59Z',
  },
  { text: null, hash: null, page: null, ratio: null, outside: null, day: null, at: null },
]

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

describe('a Parquet file of ours, read by a reader that shares no code with the writer', () => {
  it('has every row and value: text, 64-bit integers, numbers, days, UTC instants and nulls', async () => {
    const { file, rows } = await written(ROWS)
    expect(rows).toBe(3)
    expect(await readForeign(file)).toEqual([
      {
        text: 'Ward "3", Côte-d’Or 🏙\n%20',
        hash: 9_223_372_036_854_775_807n,
        page: 2_147_483_647,
        ratio: 0.1,
        outside: true,
        day: new Date('2024-02-29T00:00:00Z'),
        at: new Date('2024-03-10T06:59:59.123Z'),
      },
      {
        text: '',
        hash: -1n,
        page: -1,
        ratio: 5e-324,
        outside: false,
        day: new Date('1969-12-31T00:00:00Z'),
        at: new Date('1969-12-31T23:59:59Z'),
      },
      { text: null, hash: null, page: null, ratio: null, outside: null, day: null, at: null },
    ])
  })

  it('says in its schema that instants are UTC microseconds and days are days', async () => {
    const { schema } = await parquetMetadataAsync(await asyncBufferFromFile((await written(ROWS)).file))
    expect(schema.find(({ name }) => name === 'at')?.logical_type).toEqual({
      type: 'TIMESTAMP',
      isAdjustedToUTC: true,
      unit: 'MICROS',
    })
    expect(schema.find(({ name }) => name === 'day')?.logical_type?.type ?? 'DATE').toBe('DATE')
    expect(schema.slice(1).map(({ name, type }) => [name, type])).toEqual([
      ['text', 'BYTE_ARRAY'],
      ['hash', 'INT64'],
      ['page', 'INT32'],
      ['ratio', 'DOUBLE'],
      ['outside', 'BOOLEAN'],
      ['day', 'INT32'],
      ['at', 'INT64'],
    ])
  })

  it('is compressed with zstd, in row groups of a bounded size', async () => {
    const rows = Array.from({ length: ROW_GROUP_ROWS + 1 }, (_, index) => ({ text: String(index) }))
    const { file } = await written(rows, [{ name: 'text', type: 'string' }])
    const metadata = await parquetMetadataAsync(await asyncBufferFromFile(file))
    const groups = metadata.row_groups.map((group) => Number(group.num_rows))
    expect(groups.reduce((sum, count) => sum + count)).toBe(rows.length)
    expect(Math.max(...groups)).toBeLessThanOrEqual(ROW_GROUP_ROWS)
    expect(metadata.row_groups[0]?.columns[0]?.meta_data?.codec).toBe('ZSTD')
    expect(await readForeign(file)).toEqual(rows)
  })
})

describe('writing a Parquet file', () => {
  it('keeps the order of rows and columns', async () => {
    const columns = [...COLUMNS].reverse()
    const { file } = await written([...ROWS].reverse(), columns)
    const [first] = await readForeign(file)
    expect(Object.keys(first as object)).toEqual(columns.map(({ name }) => name))
    expect(first).toMatchObject({ text: null })
  })

  it('gives the same bytes for the same rows', async () => {
    const bytes: Buffer[] = []
    for (let run = 0; run < 2; run++) {
      const { file } = await written(ROWS)
      bytes.push(await readFile(file))
      await rm(file)
    }
    expect(bytes[0]?.equals(bytes[1] as Buffer)).toBe(true)
  })

  it('makes no file of no rows', async () => {
    expect(await writeRows(engine, folder, 'none', [], COLUMNS, {})).toBeUndefined()
    expect(
      await writeParquet(
        engine,
        folder,
        'none',
        'SELECT 1 AS text WHERE false',
        COLUMNS.slice(0, 1),
        {},
        '1',
      ),
    ).toBe(undefined)
  })

  it('counts bytes of text in UTF-8 and eight for every other cell', async () => {
    const { file, uncompressedBytes } = await written(ROWS)
    const textBytes = ROWS.reduce(
      (sum, { text }) => sum + Buffer.byteLength((text as string | null) ?? ''),
      0,
    )
    expect(uncompressedBytes).toBe(textBytes + ROWS.length * (COLUMNS.length - 1) * 8)
    expect(await measureParquet(engine, file, COLUMNS)).toEqual({ rows: 3, bytes: uncompressedBytes })
  })

  it('fails with the statement when a value does not fit its column', async () => {
    const rows = [{ page: 'not a number' }]
    await expect(
      writeRows(engine, folder, 'bad', rows, [{ name: 'page', type: 'integer' }], {}),
    ).rejects.toMatchObject({
      code: 'engine-failed',
      facts: { sql: expect.stringContaining('COPY') },
    })
  })
})

async function written(rows: readonly PlainRow[], columns = COLUMNS): Promise<FinishedFile> {
  return (await writeRows(engine, folder, 'part', rows, columns, { division: '7' })) as FinishedFile
}

async function readForeign(file: string): Promise<Record<string, unknown>[]> {
  return parquetReadObjects({ file: await asyncBufferFromFile(file), compressors })
}
