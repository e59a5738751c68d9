import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foreignSql } from '../../../testkit/hive-folder.js'
import { literal } from '../../lake/duckdb/sql.js'
import { divisionOf, foldersOf, kindOfFile } from './hive-path.js'

const AWKWARD = [
  '%20x',
  '07',
  '7',
  'Ward 3',
  'unassigned',
  'Côte-d’Or',
  'a/b',
  '50%',
  '%',
  '%zz',
  'a=b',
  '東',
  "O'Hare",
  '"q"',
  '#1 & more?',
  '-',
  '~',
  'a+b',
  'null',
]
/** What may stand in a cell: any text but NUL, which files cannot have in their names either. */
const anyValue = fc
  .oneof(fc.constantFrom(...AWKWARD), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }))
  .filter((text) => !text.includes('\0') && text.trim() !== '' && text !== '.' && text !== '..')

describe('the value of a hive folder', () => {
  it('is what the writer meant, for every text that a writer encodes', () => {
    fc.assert(
      fc.property(anyValue, anyValue, (value, year) => {
        const path = `year=${encodeURIComponent(year)}/ward=${encodeURIComponent(value)}/a=b.parquet`
        expect(foldersOf(path)).toEqual([
          { key: 'year', value: year },
          { key: 'ward', value },
        ])
      }),
    )
  })

  it('stands for itself where it is no encoding, and for nothing where the writer had nothing', () => {
    const publishedIn = (written: string) => foldersOf(`ward=${written}/a.parquet`)[0]?.value
    expect(['Ward 3', '50%', '%zz', '%FF', 'a=b', '%C3%B4%FF'].map(publishedIn)).toEqual([
      'Ward 3',
      '50%',
      '%zz',
      '%FF',
      'a=b',
      '%C3%B4%FF',
    ])
    expect(['__HIVE_DEFAULT_PARTITION__', '', 'unassigned'].map(publishedIn)).toEqual([
      null,
      null,
      'unassigned',
    ])
  })

  it('comes back from folders that another engine wrote', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-hive-'))
    try {
      const values = [...AWKWARD.map((text) => `(${literal(text)})`), '(NULL)'].join(', ')
      await foreignSql(
        folder,
        `COPY (SELECT v AS ward, 1 AS x FROM (VALUES ${values}) t(v)) TO ${literal(join(folder, 'out'))} (FORMAT parquet, PARTITION_BY (ward))`,
      )
      const names = (await readdir(join(folder, 'out'))).map(
        (name) => foldersOf(`${name}/data_0.parquet`)[0]?.value,
      )
      expect(new Set(names)).toEqual(new Set([...AWKWARD, null]))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('the division of a published value', () => {
  it('is the text without outer blanks, a mapped one, or unassigned', () => {
    const values = { '5.0': '5', '0': 'unassigned', constructor: 'x' }
    const pairs = [
      ['07', '07'],
      [' 7\t', '7'],
      ['5.0', '5'],
      ['0', 'unassigned'],
      ['', 'unassigned'],
      [' ', 'unassigned'],
      [null, 'unassigned'],
      ['toString', 'toString'],
      ['\u00a07', '\u00a07'],
    ] as const
    for (const [published, division] of pairs)
      expect(divisionOf(published, values), String(published)).toBe(division)
  })
})

describe('a file below a hive folder', () => {
  it.each([
    ['ward=7/a.parquet', 'data'],
    ['ward=7/part-0.snappy.PARQUET', 'data'],
    ['_ward=7/a.parquet', 'data'],
    ['_SUCCESS', 'hidden'],
    ['_temporary/ward=7/a.parquet', 'hidden'],
    ['ward=7/.a.parquet.crc', 'hidden'],
    ['_delta_log/00000000000000000000.json', 'hidden'],
    ['ward=7/a.csv', 'other'],
  ])('%s is %s', (path, kind) => {
    expect(kindOfFile(path)).toBe(kind)
  })
})
