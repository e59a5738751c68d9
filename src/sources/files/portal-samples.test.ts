import { createReadStream, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findShared, titleWith } from '../../../testkit/shared-folder.js'
import { cellsOf } from './csv-records.js'
import { decompress } from './decompress.js'
import { readCsv } from './read-csv.js'

/** What a sample holds: how it is read, and what must come out. */
interface Sample {
  readonly delimiter?: string
  /** Header name of any column, in place of a division. */
  readonly column: string
  readonly rows: number
  readonly bad?: readonly string[]
  /** Some cells, as [row, column, text]. */
  readonly cells?: readonly (readonly [number, number, string])[]
}

const SAMPLES: Record<string, Sample> = {
  'ascii-notvalid.csv': {
    column: 'A',
    rows: 1,
    cells: [
      [0, 1, 'ssµ'],
      [0, 2, 'ab€'],
    ],
  },
  'blank-headers.csv': { column: 'id', rows: 2, cells: [[0, 1, 'John']] },
  'blank-rows.csv': { column: 'id', rows: 3, cells: [[2, 1, '']] },
  'bom.csv': { column: 'id', rows: 2, cells: [[1, 1, '中国人']] },
  'boston311-head-dog_reports_2019.csv': { column: 'city_council_district', rows: 110 },
  'boston311-head-filtered_2013.csv': { column: 'city_council_district', rows: 299 },
  'compression-explicit.csv.gz': { column: 'id', rows: 2, cells: [[1, 1, '中国人']] },
  'compression-implicit-gz.csv': { column: 'id', rows: 2, cells: [[1, 1, '中国人']] },
  'defective-rows.csv': { column: 'id', rows: 0, bad: ['too-few-columns', 'too-many-columns'] },
  'delimiter.csv': { delimiter: ';', column: 'name', rows: 2, cells: [[1, 1, '中国人']] },
  'doublequote.csv': { column: 'INCISO', rows: 5 },
  'duplicate-headers.csv': { column: 'age', rows: 2, cells: [[0, 4, '001101']] },
  'issue-1009-semicolon.csv': { delimiter: ';', column: 'fieldNameA', rows: 1, cells: [[0, 0, '0123']] },
  'latin1.csv': { column: 'id', rows: 1, bad: ['invalid-utf8'] },
  'leading-zeros.csv': {
    column: 'value',
    rows: 3,
    cells: [
      [0, 0, '01'],
      [2, 0, '00003'],
    ],
  },
  'nyc311-head.csv': { column: 'borough', rows: 249 },
}

/** Samples that this family does not read, each with the reason. */
const NOT_READ: Record<string, string> = {
  'doublequote.csv.zip': 'zip archives come with the formats issue',
  'merged-cells.xlsx': 'workbooks come with the formats issue',
  'multiline-headers.xlsx': 'workbooks come with the formats issue',
}

const folder = findShared('fixtures', 'portals', 'http-files')

describe.skipIf(folder === undefined)(titleWith(folder, 'samples of published files'), () => {
  it('are all either read or listed with the reason why not', () => {
    const files = readdirSync(folder as string).filter((name) => name !== 'SOURCES.md')
    expect(files.sort()).toEqual([...Object.keys(SAMPLES), ...Object.keys(NOT_READ)].sort())
  })

  // latin1.csv: other encodings than UTF-8 come with the encodings issue; until then such a row is set aside, not misread.
  it.each(Object.entries(SAMPLES))(
    'reads %s',
    async (name, { delimiter = ',', column, rows, bad = [], cells = [] }) => {
      const good: string[][] = []
      const faults: string[] = []
      const chunks = decompress(
        createReadStream(join(folder as string, name), { highWaterMark: 1_000 }),
        name,
      )
      await readCsv(
        chunks,
        { delimiter, wanted: [column], isDivision: true, file: name },
        {
          onGood: (buffer, start, end) =>
            void good.push(cellsOf(buffer.toString('utf8', start, end), delimiter)),
          onBad: (row) => void faults.push(row.reason),
        },
      )
      expect(good).toHaveLength(rows)
      expect(faults).toEqual(bad)
      for (const [row, at, text] of cells) expect(good[row]?.[at]).toBe(text)
    },
  )
})
