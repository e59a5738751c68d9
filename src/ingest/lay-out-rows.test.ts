import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import { rowHashSql } from '../lake/duckdb/row-hash.js'
import { identifier, literal } from '../lake/duckdb/sql.js'
import { layOutRows } from './lay-out-rows.js'
import { partOf } from './plan-parts.js'
import { finishedRun, RunFiles } from './run-files.js'
import type { JobLayout } from './write-job.js'

const COLUMNS = ['b', 'A', 'missing', 'c']

/** Cells of three columns: `undefined` is a cell without quotes and without text. */
type Row = readonly (string | undefined)[]

/** Lays rows out, and gives back what the engine reads there and what it reads in the run itself. */
async function bothReadings(rows: readonly Row[], emptyIsNull: boolean, delimiter = ',') {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-rows-'))
  try {
    const layout: JobLayout = { columns: ['A', 'b', 'c'], delimiter, emptyIsNull }
    const files = new RunFiles(folder, 'run')
    const run = files.start(0, Buffer.from([0, 1, 2, 3].join(delimiter)))
    for (const [at, row] of rows.entries()) {
      const record = Buffer.from(row.map(quoted).join(delimiter))
      files.append(run, record, 0, record.length, Buffer.from(`${delimiter}${at % 7}`))
    }
    files.finish()
    const file = join(folder, 'rows.parquet')
    const part = partOf('1', [finishedRun(run)])
    const counted = layOutRows(COLUMNS, [layout], part, file)
    return await withEngine(LEAN, folder, async (engine) => ({
      counted,
      laidOut: await engine.rows(`SELECT * FROM read_parquet(${literal(file)})`),
      asCsv: await engine.rows(engineSql(part.runs[0]?.file as string, layout)),
    }))
  } finally {
    await rm(folder, { recursive: true })
  }
}

const quoted = (cell: string | undefined) => (cell === undefined ? '' : `"${cell.replaceAll('"', '""')}"`)

/** The same rows as the engine's own reader of CSV and its own MD5 see them. */
function engineSql(file: string, { columns, delimiter, emptyIsNull }: JobLayout): string {
  const types = [...columns.map((name) => `${literal(name)}: 'VARCHAR'`), `'page': 'INTEGER'`].join(', ')
  const nulls = emptyIsNull
    ? 'allow_quoted_nulls = false'
    : `force_not_null = [${columns.map(identifier).join(', ')}]`
  const cells = COLUMNS.map((name, at) => {
    const cell = columns.includes(name) ? identifier(name) : 'NULL::VARCHAR'
    return `${cell} AS ${identifier(String(at))}`
  })
  return (
    `SELECT ${cells.join(', ')}, ${rowHashSql(COLUMNS, new Set(columns))} AS "4", page AS "5" FROM read_csv(${literal(file)}, ` +
    `auto_detect = false, header = true, columns = {${types}}, delim = ${literal(delimiter)}, quote = '"', escape = '"', ${nulls})`
  )
}

describe('rows that are laid out for the engine', () => {
  const cell = fc.oneof(
    fc.constantFrom('', ' ', '"', '""', ',', '\n', '\r\n', 'é', '日本', 'a"b""c', 'x'.repeat(64)),
    fc.string({ unit: 'grapheme', maxLength: 90 }).map((text) => text.replaceAll('\0', '')),
  )
  const row = fc.tuple(fc.option(cell, { nil: undefined }), fc.option(cell, { nil: undefined }), cell)

  it('are what its own reader of CSV makes of them, cell by cell, with the same nulls and hashes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        fc.constantFrom(',', ';', '\t', '|'),
        async (rows, emptyIsNull, delimiter) => {
          const { counted, laidOut, asCsv } = await bothReadings(rows, emptyIsNull, delimiter)
          expect(counted).toBe(rows.length)
          expect(laidOut).toEqual(asCsv)
        },
      ),
      { numRuns: 25 },
    )
  }, 300_000)

  it('are the same over many groups, and where one row is longer than a block', async () => {
    const rows = Array.from(
      { length: 9_000 },
      (_row, at): Row => [
        `${at}`,
        at % 3 ? `cell "${at}"` : undefined,
        at === 5_000 ? 'long "text"\n'.repeat(110_000) : 'x'.repeat(at % 200),
      ],
    )
    for (const emptyIsNull of [true, false]) {
      const { counted, laidOut, asCsv } = await bothReadings(rows, emptyIsNull)
      expect(counted).toBe(rows.length)
      expect(laidOut).toEqual(asCsv)
    }
  }, 60_000)
})
