import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readPlainCsv } from '../../../testkit/plain-csv.js'
import { LEAN, withEngine } from './engine.js'
import { writeParquetAsText } from './parquet-text.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-parquet-text-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function textOf(select: string) {
  const [parquet, csv] = [join(folder, "it's.parquet"), join(folder, 'out.csv')]
  return withEngine(LEAN, folder, async (engine) => {
    await engine.run(`COPY (${select}) TO '${parquet.replaceAll("'", "''")}' (FORMAT parquet)`)
    const told = await writeParquetAsText(engine, parquet, csv)
    const [columns, ...rows] = readPlainCsv(await readFile(csv, 'utf8'))
    return { told, columns, rows }
  })
}

describe('Parquet as text', () => {
  it('keeps every digit, tells null from empty, and writes nested cells as JSON', async () => {
    const { told, columns, rows } =
      await textOf(`SELECT 9007199254740993 AS "id", 1.10::DECIMAL(20,2) AS cost, '' AS empty, NULL::INT AS "none",
      'a,"b"' || chr(10) AS "text", DATE '2020-01-31' AS day, TIMESTAMP '2020-01-31 12:00:00.5' AS at, TRUE AS yes,
      '\\x01\\xFF'::BLOB AS bytes, [1, 2] AS list, {'x': 'y'} AS pair`)
    expect(columns).toEqual([
      'id',
      'cost',
      'empty',
      'none',
      'text',
      'day',
      'at',
      'yes',
      'bytes',
      'list',
      'pair',
    ])
    const cells = [
      '9007199254740993',
      '1.10',
      '',
      null,
      'a,"b"\n',
      '2020-01-31',
      '2020-01-31 12:00:00.5',
      'true',
      '01ff',
      '[1,2]',
      '{"x":"y"}',
    ]
    expect(rows).toEqual([cells])
    expect([told.rows, told.columns, Object.values(told.lastRow ?? {})]).toEqual([1, columns, cells])
  })

  it('keeps the order of the file', async () => {
    const { told, rows } = await textOf('SELECT range AS id FROM range(50000) ORDER BY hash(range)')
    const { rows: again } = await textOf('SELECT range AS id FROM range(50000) ORDER BY hash(range)')
    expect(again).toEqual(rows)
    expect([told.rows, told.lastRow?.id]).toEqual([50_000, rows.at(-1)?.[0]])
  })

  it('keeps a row of one column without a value, as an empty text', async () => {
    const { told, columns } = await textOf('SELECT unnest([1, NULL, 3]) AS id')
    expect([told.rows, columns, await readFile(join(folder, 'out.csv'), 'utf8')]).toEqual([
      3,
      ['id'],
      '"id"\n"1"\n""\n"3"\n',
    ])
  })

  it('has its names also without rows', async () => {
    const { told, columns } = await textOf("SELECT 1 AS id, 'x' AS name WHERE false")
    expect([told.rows, told.lastRow, columns]).toEqual([0, undefined, ['id', 'name']])
  })
})
