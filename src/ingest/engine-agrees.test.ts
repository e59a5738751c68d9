import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  anyStyle,
  anyTable,
  type CsvTable,
  csvOf,
  DIVISION_COLUMN,
  PLAIN_STYLE,
} from '../../testkit/csv-tables.js'
import { makeLake, queryTable, rowsOf } from '../../testkit/lake-fixture.js'
import { DATASET, ingest, SOURCE, testCity, writeFiles } from '../../testkit/test-city.js'
import { DeltaTable } from '../lake/delta/table.js'
import { tables } from '../lake/tables.js'
import { planColumns } from './plan-columns.js'

const RAW = tables.raw(DATASET, SOURCE)

/** Ingests one file and gives its rows back as cells, in the order of its columns. */
async function roundTrip(bytes: Uint8Array, header: readonly string[], delimiter = ','): Promise<string[][]> {
  const lake = await makeLake()
  const mirror = await mkdtemp(join(tmpdir(), 'wardbook-mirror-'))
  try {
    await writeFiles(mirror, { 'a.csv': bytes })
    const city = testCity({ source: { delimiter }, dataset: { quarantine: { policy: 'fail' } } })
    await ingest(lake.store, city, { mirror })
    const { pages } = planColumns([header], 'council_district')
    const rows = await rowsOf<Record<string, string>>(lake.store, RAW, '_row_hash, id')
    return rows.map((row) => (pages[0] ?? []).map((name) => row[name] as string))
  } finally {
    await lake.remove()
    await rm(mirror, { recursive: true })
  }
}

const asBag = (rows: readonly (readonly string[])[]) => rows.map((row) => JSON.stringify(row)).sort()

const TABLE: CsvTable = {
  header: ['id', 'Note', DIVISION_COLUMN],
  rows: [
    ['1', 'a "quoted"\nnote, with all', '7'],
    ['2', '', '07'],
    ['3', ' blank ', ''],
  ],
}

describe('the engine', () => {
  it('stores exactly the cells that the scan read, of any table in any style', async () => {
    await fc.assert(
      fc.asyncProperty(anyTable, anyStyle, fc.boolean(), async (table, style, zipped) => {
        const bytes = csvOf(table, style)
        const found = await roundTrip(zipped ? gzipSync(bytes) : bytes, table.header, style.delimiter)
        expect(asBag(found)).toEqual(asBag(table.rows))
      }),
      { numRuns: 15 },
    )
  }, 300_000)

  it.each([
    [
      'gzip of several members',
      Buffer.concat([csvOf(TABLE).subarray(0, 30), csvOf(TABLE).subarray(30)].map((half) => gzipSync(half))),
    ],
    [
      'gzip with a file name in its header',
      withHeaderField(gzipSync(csvOf(TABLE)), 0x08, Buffer.from('a.csv\0')),
    ],
    [
      'gzip with an extra field, as block compression writes',
      withHeaderField(gzipSync(csvOf(TABLE)), 0x04, Buffer.from('\x04\0BC\0\0')),
    ],
    ['gzip with a comment', withHeaderField(gzipSync(csvOf(TABLE)), 0x10, Buffer.from('made today\0'))],
    ['gzip followed by zeros', Buffer.concat([gzipSync(csvOf(TABLE)), Buffer.alloc(512)])],
    ['gzip with a byte order mark inside', gzipSync(csvOf(TABLE, { ...PLAIN_STYLE, byteOrderMark: true }))],
    ['CRLF with line breaks in cells', csvOf(TABLE, { ...PLAIN_STYLE, lineEnd: '\r\n' })],
    ['no line end at the end', csvOf(TABLE, { ...PLAIN_STYLE, finalLineEnd: false })],
    ['mixed line ends', Buffer.from(csvOf(TABLE).toString().replace('\n', '\r\n'))],
  ])('stores the rows of %s', async (_what, bytes) => {
    expect(asBag(await roundTrip(bytes, TABLE.header))).toEqual(asBag(TABLE.rows))
  })

  it('stores headers with line breaks, quotes and blanks', async () => {
    const table = { ...TABLE, header: ['id', 'Note\n(of the "caller")\tor \x07 not', DIVISION_COLUMN] }
    expect(asBag(await roundTrip(csvOf(table), table.header))).toEqual(asBag(table.rows))
  })
})

/** A gzip file with an optional header field, after its fixed ten bytes. @see RFC 1952 */
function withHeaderField(zipped: Buffer, flag: number, field: Buffer): Buffer {
  const fixed = Buffer.from(zipped.subarray(0, 10))
  fixed[3] = flag
  const length = flag === 0x04 ? Buffer.from([field.length, 0]) : Buffer.alloc(0)
  return Buffer.concat([fixed, length, field, zipped.subarray(10)])
}

describe('the row hash', () => {
  const rowHashes = async (text: string) => {
    const lake = await makeLake()
    const mirror = await mkdtemp(join(tmpdir(), 'wardbook-mirror-'))
    try {
      await writeFiles(mirror, { 'a.csv': text })
      await ingest(lake.store, testCity(), { mirror })
      const rows = await queryTable<{ hash: string }>(
        lake.store,
        RAW,
        'SELECT _row_hash::VARCHAR AS hash FROM {table} ORDER BY id',
      )
      return rows.map(({ hash }) => hash)
    } finally {
      await lake.remove()
      await rm(mirror, { recursive: true })
    }
  }

  it('has its golden values, which may never change (docs/adr/0002)', async () => {
    expect(await rowHashes('id,District,Note\n1,7,\n2,07,"é ""x""\nnext"\n,,\n')).toEqual(GOLDEN)
  })

  it('is 63 bits of the MD5 of the cells in the order of the column names', async () => {
    const [hash] = await rowHashes('id,District,Note\n1,7,x\n')
    const digest = createHash('md5').update('7\x1f1\x1fx\x1f').digest()
    expect(hash).toBe(String(digest.readBigUInt64LE(8) >> 1n))
  })

  it('does not change with the order of the columns, and does when cells are shifted', async () => {
    const [hash] = await rowHashes('id,District,Note\n1,7,x\n')
    expect(await rowHashes('Note,id,District\nx,1,7\n')).toEqual([hash])
    expect(await rowHashes('NOTE,ID,DISTRICT\nx,1,7\n')).toEqual([hash])
    for (const shifted of ['7,1,x', '1,x,7', '17,,x', '1,7x,', ',17,x', '1,7, x']) {
      expect(await rowHashes(`id,District,Note\n${shifted}\n`)).not.toEqual([hash])
    }
  })
})

const GOLDEN = ['7168682836702414142', '3565340588076136322', '6495628793560591499']

describe('planning columns', () => {
  const anyHeader = fc.array(
    fc.oneof(
      fc.constantFrom('a', 'A', ' a ', 'a#2', '#2', '', '_row_hash', 'council_district', 'a b', 'a,b'),
      fc.string({ maxLength: 4 }),
    ),
    { minLength: 1, maxLength: 8 },
  )

  it('gives every column of a page a column of its own, also for the engine, which knows no case', () => {
    fc.assert(
      fc.property(fc.array(anyHeader, { minLength: 1, maxLength: 4 }), (headers) => {
        const { columns, pages } = planColumns(headers, 'council_district')
        const names = [
          'council_district',
          '_row_hash',
          '_source_page',
          ...columns.map(({ name }) => name.toLowerCase()),
        ]
        expect(new Set(names).size).toBe(names.length)
        for (const [at, page] of pages.entries()) {
          expect(page).toHaveLength(headers[at]?.length ?? 0)
          expect(new Set(page).size).toBe(page.length)
        }
      }),
    )
  })

  it('uses names that every engine reads', () => {
    fc.assert(
      fc.property(anyHeader, (header) => {
        const { columns } = planColumns([header], 'council_district')
        for (const { name } of columns) expect(name).toMatch(/^[^\p{Cc} ,;{}()="]+$/u)
      }),
    )
  })

  it('gives the same header the same columns when the table has them already', () => {
    fc.assert(
      fc.property(fc.array(anyHeader, { minLength: 1, maxLength: 3 }), (headers) => {
        const first = planColumns(headers, 'council_district')
        expect(planColumns(headers, 'council_district', first.columns)).toEqual(first)
      }),
    )
  })

  it('keeps the published header cell', async () => {
    const { columns } = planColumns([['Service Request ID', 'Council_District', '']], 'council_district')
    expect(columns.map(({ name, metadata }) => [name, metadata?.published])).toEqual([
      ['Service_Request_ID', 'Service Request ID'],
      ['Council_District_published', 'Council_District'],
      ['_column_3', ''],
    ])
  })
})

describe('a raw table', () => {
  it('says of each column how the publisher calls it', async () => {
    const lake = await makeLake()
    const mirror = await mkdtemp(join(tmpdir(), 'wardbook-mirror-'))
    await writeFiles(mirror, { 'a.csv': 'id,council_district,Opened At\n1,7,x\n' })
    await ingest(lake.store, testCity({ dataset: { partition: {} } }), { mirror })
    const snapshot = await new DeltaTable(lake.store, RAW).snapshot()
    expect(snapshot?.columns.map(({ name, metadata }) => [name, metadata?.published])).toEqual([
      ['id', 'id'],
      ['council_district_published', 'council_district'],
      ['Opened_At', 'Opened At'],
      ['_row_hash', undefined],
      ['_source_page', undefined],
      ['council_district', undefined],
    ])
    await lake.remove()
    await rm(mirror, { recursive: true })
  })
})
