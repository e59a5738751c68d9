import { createReadStream, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { joinChunks } from '../../../testkit/chunks.js'
import { readDecoded } from '../../../testkit/page-body.js'
import { readPlainCsv } from '../../../testkit/plain-csv.js'
import { findShared, titleWith } from '../../../testkit/shared-folder.js'
import { decodePage } from '../decode/decode-page.js'
import type { FileFormat } from '../page-format.js'
import { readCsv } from './read-csv.js'

/** What a sample holds: the settings it needs, and what must come out. */
interface Sample {
  readonly format?: Partial<FileFormat>
  readonly delimiter?: string
  readonly columns: readonly string[] | number
  /** A column with short values in place of a division, default the last. */
  readonly by?: string
  /** All rows, or their number. */
  readonly rows: readonly (readonly (string | null)[])[] | number
  /** Reasons of rows that are set aside. */
  readonly bad?: readonly string[]
  /** Some cells, as [row, column, text]. */
  readonly cells?: readonly (readonly [number, string, string | null])[]
}

const LANGUAGES = [
  ['1', 'english'],
  ['2', '中国人'],
]

const SAMPLES: Record<string, Sample> = {
  'ascii-notvalid.csv': { columns: ['A', 'B', 'C'], rows: [['1', 'ssµ', 'ab€']] },
  'blank-headers.csv': {
    columns: ['id', '', 'age'],
    rows: [
      ['1101', 'John', '30'],
      ['1102', 'Julie', '26'],
    ],
  },
  'blank-rows.csv': {
    columns: ['id', 'name', 'age'],
    rows: [
      ['1101', 'John', '30'],
      ['1102', 'Julie', '26'],
      [null, null, null],
    ],
  },
  'bom.csv': { columns: ['id', 'name'], rows: LANGUAGES },
  'boston311-head-dog_reports_2019.csv': {
    columns: 32,
    by: 'ward',
    rows: 110,
    cells: [[0, 'ward', 'Ward 22']],
  },
  'boston311-head-filtered_2013.csv': { columns: 30, rows: 299 },
  'compression-explicit.csv.gz': { columns: ['id', 'name'], rows: LANGUAGES },
  'compression-implicit-gz.csv': { columns: ['id', 'name'], rows: LANGUAGES },
  'defective-rows.csv': {
    columns: ['id', 'name', 'age'],
    rows: 0,
    bad: ['too-few-columns', 'too-many-columns'],
  },
  'delimiter.csv': { delimiter: ';', columns: ['id', 'name'], rows: LANGUAGES },
  'doublequote.csv': { columns: 17, rows: 5 },
  'doublequote.csv.zip': { columns: 17, rows: 5 },
  'duplicate-headers.csv': {
    columns: ['id', 'name', 'id', 'age', 'id'],
    rows: [
      ['1101', 'John', '0', '30', '001101'],
      ['1102', 'Julie', '0', '26', '001102'],
    ],
  },
  'issue-1009-semicolon.csv': {
    delimiter: ';',
    columns: ['fieldNameA', 'fieldNameB'],
    rows: [['0123', 'c']],
  },
  'latin1.csv': {
    columns: ['id', 'name'],
    rows: [
      ['1', 'english'],
      ['2', '©'],
    ],
  },
  'leading-zeros.csv': { columns: ['value'], rows: [['01'], ['002'], ['00003']] },
  'merged-cells.xlsx': { columns: ['data'], rows: [] },
  'multiline-headers.xlsx': {
    format: { headerRows: 5 },
    columns: [
      'Region',
      'Caloric contribution (%)',
      'Cumulative impact of changes on cost of food basket from previous quarter',
      'Cumulative impact of changes on cost of food basket from baseline (%)',
    ],
    rows: [['A', 'B', 'C', 'D']],
  },
  'nyc311-head.csv': { columns: 44, rows: 249 },
}

const folder = findShared('fixtures', 'portals', 'http-files')

let scratch: string
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wardbook-samples-'))
})
afterEach(() => rm(scratch, { recursive: true }))

describe.skipIf(folder === undefined)(titleWith(folder, 'samples of published files'), () => {
  const decode = (name: string, format: Partial<FileFormat> = {}) => {
    const file = join(folder as string, name)
    const body = { name, file, open: () => createReadStream(file, { highWaterMark: 1_000 }) }
    return decodePage(body, { kind: 'file', ...format }, scratch)
  }

  it('are all listed here', () => {
    const files = readdirSync(folder as string).filter((name) => name !== 'SOURCES.md')
    expect(files.sort()).toEqual(Object.keys(SAMPLES).sort())
  })

  it.each(Object.entries(SAMPLES))(
    'reads %s',
    async (name, { format, delimiter = ',', columns, by, rows, bad = [], cells = [] }) => {
      const page = await decode(name, format)
      expect(page.delimiter).toBe(delimiter)
      expect(typeof columns === 'number' ? page.columns.length : page.columns).toEqual(columns)
      const good: (readonly (string | null)[])[] = []
      const faults: string[] = []
      const reading = {
        ...{ delimiter, isDivision: true, file: name },
        wanted: [by ?? (page.columns.at(-1) as string)],
      }
      await readCsv(page.open(), reading, {
        onGood: (buffer, start, end) =>
          void good.push(readPlainCsv(buffer.toString('utf8', start, end), delimiter)[0] ?? []),
        onBad: (row) => void faults.push(row.reason),
      })
      expect(faults).toEqual(bad)
      expect(typeof rows === 'number' ? good.length : good).toEqual(rows)
      for (const [row, column, text] of cells) expect(good[row]?.[page.columns.indexOf(column)]).toBe(text)
    },
  )

  it('reads the same from the zip as from the file in it', async () => {
    const [zipped, plain] = [await decode('doublequote.csv.zip'), await decode('doublequote.csv')]
    expect(await joinChunks(zipped.open())).toEqual(await joinChunks(plain.open()))
    expect((await readDecoded(plain)).rows.flat().some((cell) => cell?.includes('"'))).toBe(true)
  })
})
