import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Column, RAW_COLUMNS, ROW_HASH, SOURCE_PAGE } from '../contracts/columns.js'
import { type Engine, LEAN, openEngine } from '../lake/duckdb/engine.js'
import { rowHashSql } from '../lake/duckdb/row-hash.js'
import { identifier, literal } from '../lake/duckdb/sql.js'
import { readStats } from '../lake/duckdb/stats.js'
import { MAX_STATS_COLUMNS, statsText } from '../lake/stats-text.js'
import { PartFiles } from './part-file.js'
import type { WrittenPart } from './part-totals.js'
import { type PlannedPart, partOf } from './plan-parts.js'
import { finishedRun, type Run, RunFiles } from './run-files.js'
import type { JobLayout } from './write-job.js'

/** Cells of a record: `undefined` is a cell without quotes and without text. */
type Row = readonly (string | undefined)[]

let folder: string
let engine: Engine
let close: () => void
let parts = 0
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-rows-'))
  ;({ engine, close } = await openEngine({ ...LEAN, memoryLimitMb: 1_024 }, folder))
})
afterEach(async () => {
  close()
  await rm(folder, { recursive: true })
})

const quoted = (cell: string | undefined) => (cell === undefined ? '' : `"${cell.replaceAll('"', '""')}"`)

/** Rows of several layouts as the splitter would leave them. */
function runsOf(name: string, stretches: readonly { layout: JobLayout; rows: readonly Row[] }[]): Run[] {
  const files = new RunFiles(folder, name)
  const handles = stretches.map(({ layout, rows }, number) => {
    const { columns, delimiter } = layout
    const handle = files.start(number, Buffer.from([...columns.keys(), columns.length].join(delimiter)))
    for (const [at, row] of rows.entries()) {
      const record = Buffer.from(row.map(quoted).join(delimiter))
      files.append(handle, record, 0, record.length, Buffer.from(`${delimiter}${at % 7}`))
    }
    return handle
  })
  files.finish()
  return handles.map(finishedRun)
}

async function write(
  columns: readonly string[],
  layouts: readonly JobLayout[],
  part: PlannedPart,
  file: string,
) {
  const files = new PartFiles(columns, layouts, 1)
  try {
    return await files.write(part, file)
  } finally {
    files.close()
  }
}

/** The same rows as the engine's own reader of CSV and its own MD5 see them. */
function engineSql(table: readonly string[], file: string, { columns, delimiter, emptyIsNull }: JobLayout) {
  const types = [...columns.map((name) => `${literal(name)}: 'VARCHAR'`), `'page': 'INTEGER'`].join(', ')
  const nulls = emptyIsNull
    ? 'allow_quoted_nulls = false'
    : `force_not_null = [${columns.map(identifier).join(', ')}]`
  const cells = table.map((name) => {
    const cell = columns.includes(name) ? identifier(name) : 'NULL::VARCHAR'
    return `${cell} AS ${identifier(name)}`
  })
  return (
    `SELECT ${cells.join(', ')}, ${rowHashSql(table, new Set(columns))} AS ${ROW_HASH}, page AS ${SOURCE_PAGE} FROM read_csv(${literal(file)}, ` +
    `auto_detect = false, header = true, columns = {${types}}, delim = ${literal(delimiter)}, quote = '"', escape = '"', ${nulls})`
  )
}

/** Writes rows, and compares what the engine reads there with what it reads in the runs themselves. */
async function expectSame(
  columns: readonly string[],
  stretches: readonly { layout: JobLayout; rows: readonly Row[] }[],
  name = `part-${++parts}`,
) {
  const layouts = stretches.map(({ layout }) => layout)
  const runs = runsOf(name, stretches)
  const file = join(folder, `${name}.parquet`)
  const written = await write(columns, layouts, partOf('1', runs), file)
  const inFile = `SELECT * FROM read_parquet(${literal(file)})`
  const inRuns = runs.map((run) => `(${engineSql(columns, run.file, layouts[run.layout] as JobLayout)})`)
  await engine.run(
    `CREATE OR REPLACE TABLE differing AS SELECT * FROM (SELECT row(COLUMNS(*)) AS found FROM (${inFile})) ` +
      `POSITIONAL JOIN (SELECT row(COLUMNS(*)) AS wanted FROM (${inRuns.join(' UNION ALL ')})) WHERE found IS DISTINCT FROM wanted`,
  )
  const differing = await engine.rows(
    'SELECT found::VARCHAR AS found, wanted::VARCHAR AS wanted FROM differing LIMIT 3',
  )
  expect(differing).toEqual([])
  expect(written.rows).toBe(stretches.reduce((sum, { rows }) => sum + rows.length, 0))
  await expectCounted(columns, written, file)
  return { written, file }
}

/** What was counted while the file was written is what the engine finds in the file. */
async function expectCounted(columns: readonly string[], written: WrittenPart, file: string) {
  const stored = [...columns.map((name): Column => ({ name, type: 'string' })), ...RAW_COLUMNS]
  const known = written.columns.map((column, at) => ({ ...(stored[at] as Column), ...column }))
  expect(statsText(written.rows, known.slice(0, MAX_STATS_COLUMNS))).toBe(
    await readStats(engine, file, written.rows, stored),
  )
  const pages = await engine.rows(
    `SELECT ${SOURCE_PAGE} AS page, count(*) AS rows, sum(${ROW_HASH}::HUGEINT)::VARCHAR AS hashes ` +
      `FROM read_parquet(${literal(file)}) GROUP BY 1 ORDER BY 1`,
  )
  expect(written.pages.map((page) => ({ ...page, hashes: String(page.hashes) }))).toEqual(pages)
  const bounds = columns.map((name) => `min(${identifier(name)}) AS ${identifier(name)}`)
  const [least] = await engine.rows(`SELECT ${bounds.join(', ')} FROM read_parquet(${literal(file)})`)
  const short = (text: unknown) => (typeof text === 'string' ? [...text].slice(0, 60).join('') : null)
  expect(columns.map((_name, at) => short(written.columns[at]?.least))).toEqual(
    columns.map((name) => short((least as Record<string, unknown>)[name])),
  )
}

async function groupsOf(file: string) {
  return engine.rows<{ rows: number; encodings: string }>(
    'SELECT any_value(row_group_num_rows) AS rows, ' +
      `string_agg(split_part(encodings, ',', 1), ' ' ORDER BY column_id) AS encodings FROM parquet_metadata(${literal(file)}) ` +
      'GROUP BY row_group_id ORDER BY row_group_id',
  )
}

const COLUMNS = ['b', 'A', 'missing', 'c']

describe('rows of a part in its file', () => {
  const cell = fc.oneof(
    fc.constantFrom('', ' ', '"', '""', ',', '\n', '\r\n', 'é', '日本', 'a"b""c', 'x'.repeat(64)),
    fc.string({ unit: 'grapheme', maxLength: 90 }).map((text) => text.replaceAll('\0', '')),
  )
  const row = fc.tuple(fc.option(cell, { nil: undefined }), fc.option(cell, { nil: undefined }), cell)
  const delimiter = fc.constantFrom(',', ';', '\t', '|')
  const layoutOf = fc.record({
    columns: fc.constantFrom(['A', 'b', 'c'], ['b', 'other', 'A'], ['c', 'A', 'missing']),
    delimiter,
    emptyIsNull: fc.boolean(),
  })
  const stretch = fc.record({ layout: layoutOf, rows: fc.array(row, { minLength: 1, maxLength: 30 }) })

  it('are what its own reader of CSV makes of them, cell by cell, with the same nulls and hashes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stretch, { minLength: 1, maxLength: 3 }), async (stretches) => {
        await expectSame(COLUMNS, stretches)
      }),
      { numRuns: 60 },
    )
  }, 300_000)

  it('are the same over many groups, and where one row is longer than what is read at a time', async () => {
    const rows = Array.from(
      { length: 9_000 },
      (_row, at): Row => [
        `${at}`,
        at % 3 ? `cell "${at}"` : undefined,
        at === 5_000 ? 'long "text"\n'.repeat(110_000) : 'x'.repeat(at % 200),
      ],
    )
    for (const emptyIsNull of [true, false])
      await expectSame(COLUMNS, [
        { layout: { columns: ['A', 'b', 'c'], delimiter: ',', emptyIsNull }, rows },
        { layout: { columns: ['c', 'A', 'b'], delimiter: ';', emptyIsNull: !emptyIsNull }, rows },
      ])
  }, 60_000)

  it('keep all values whether few, repeated in a row, or more than a dictionary takes, early or late', async () => {
    const kinds: readonly ((at: number) => string | undefined)[] = [
      (at) => `id-${at}`,
      (at) => `kind ${(at * 7) % 5}`,
      () => 'always the same',
      (at) => (at % 11 === 0 ? undefined : ''),
      (at) => (at % 2 ? 'odd' : `"${at % 12_000}" quoted`),
      (at) => (at % 2 ? 'odd' : `${at} late`),
      (at) => `block ${Math.floor(at / 1_000)}`,
      () => undefined,
      (at) => (at < 40_000 ? undefined : `${at % 3}`),
      (at) => `${'long text '.repeat(at % 13)}${at % 4}`,
    ]
    const columns = kinds.map((_kind, at) => `k${at}`)
    const rows = Array.from({ length: 70_000 }, (_row, at) => kinds.map((kind) => kind(at)))
    const layout: JobLayout = { columns, delimiter: ',', emptyIsNull: true }
    const { file } = await expectSame(columns, [
      { layout, rows: rows.slice(0, 20_000) },
      {
        layout: { ...layout, columns: columns.toReversed() },
        rows: rows.slice(20_000).map((one) => one.toReversed()),
      },
    ])
    const groups = await groupsOf(file)
    expect(groups.map((group) => group.rows)).toEqual([32_768, 32_768, 4_464])
    expect(groups[0]?.encodings).toMatch(/^DELTA_LENGTH_BYTE_ARRAY RLE_DICTIONARY RLE_DICTIONARY/)
    expect(groups[0]?.encodings.split(' ')[5]).toBe('DELTA_LENGTH_BYTE_ARRAY') // its dictionary was given up late
    expect(groups[0]?.encodings.split(' ')[4]).toBe('RLE_DICTIONARY')
  }, 60_000)

  it('come in smaller groups where rows are wide, by their text and by their cells', async () => {
    const long: Row[] = Array.from({ length: 5_000 }, (_row, at) => [
      `${at}`,
      at % 1_000 < 2 ? 'xz'[at % 1_000] : 'y'.repeat(6_000),
      'z',
    ])
    const { file } = await expectSame(COLUMNS, [
      { layout: { columns: ['A', 'b', 'c'], delimiter: ',', emptyIsNull: false }, rows: long },
    ])
    const groups = await groupsOf(file)
    expect(groups.length).toBe(2)
    const columns = Array.from({ length: 1_000 }, (_column, at) => `w${at}`)
    const wide: Row[] = Array.from({ length: 2_500 }, (_row, at) =>
      columns.map((_name, c) => `${(at * c) % 10}`),
    )
    const written = await expectSame(columns, [
      { layout: { columns, delimiter: ',', emptyIsNull: false }, rows: wide },
    ])
    expect((await groupsOf(written.file)).map(({ rows }) => rows)).toEqual([2_095, 405])
  }, 120_000)

  it('give the same bytes whatever part was written before', async () => {
    const layout: JobLayout = { columns: ['A', 'b', 'c'], delimiter: ',', emptyIsNull: true }
    const rows = Array.from(
      { length: 3_000 },
      (_row, at): Row => [`${at}`, `${at % 9}`, at % 4 ? 'c' : undefined],
    )
    const large = partOf('1', runsOf('large', [{ layout, rows: [...rows, ...rows, ...rows] }]))
    const small = partOf('2', runsOf('small', [{ layout, rows: rows.slice(7) }]))
    const alone = join(folder, 'alone.parquet')
    await write(COLUMNS, [layout], small, alone)
    const files = new PartFiles(COLUMNS, [layout], 1)
    await files.write(large, join(folder, 'large.parquet'))
    await files.write(small, join(folder, 'after.parquet'))
    files.close()
    expect(await readFile(join(folder, 'after.parquet'))).toEqual(await readFile(alone))
  })
})
