import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BOSTON_MIRROR, loadBoston } from '../../testkit/boston.js'
import { keysOf, makeLake, queryTable, type TestLake } from '../../testkit/lake-fixture.js'
import { titleWith } from '../../testkit/shared-folder.js'
import { ingest } from '../../testkit/test-city.js'
import type { CityFile } from '../contracts/city-file.js'
import { tables } from '../lake/tables.js'

const mirror = BOSTON_MIRROR

/** Rows of each yearly file, and those whose district is `0`, one blank or nothing, as counted beside the data. */
const BY_YEAR: Record<string, { readonly rows: number; readonly unassigned?: number }> = {
  '2019_reports': { rows: 3_508 },
  '2020_reports': { rows: 3_239, unassigned: 2 + 1 + 1 },
  '2021_reports': { rows: 4_106, unassigned: 3 + 4 + 0 },
  filtered_2013: { rows: 3_095, unassigned: 12 + 18 + 2 },
  filtered_2014: { rows: 5_268, unassigned: 7 + 15 + 1 },
  filtered_2015: { rows: 6_221, unassigned: 14 + 2 + 0 },
  filtered_2016: { rows: 7_494, unassigned: 8 + 4 + 4 },
  filtered_2017: { rows: 7_760, unassigned: 6 + 19 + 1 },
  filtered_2019: { rows: 8_928, unassigned: 4 + 17 + 1 },
}

/** Rows of the older publication of 2015 by district, as counted beside the data: `0.0` and nothing are unassigned. */
const BY_TYPE: Record<string, number> = {
  '1': 17_471,
  '2': 16_271,
  '3': 9_376,
  '4': 9_315,
  '5': 10_139,
  '6': 13_905,
  '7': 11_920,
  '8': 12_751,
  '9': 8_916,
  unassigned: 10_857 + 224,
}
const BY_TYPE_ROWS = 121_145
const BY_TYPE_FILES = 158

interface RunRow {
  readonly page: number
  readonly url: string
  readonly rows_in: number
  readonly rows_quarantined: number
}

describe.skipIf(mirror === undefined)(titleWith(mirror, "Boston's published files"), () => {
  let lake: TestLake
  let city: CityFile

  beforeAll(async () => {
    lake = await makeLake()
    city = await loadBoston()
    const options = { mirror: mirror as string }
    await ingest(lake.store, city, options, 'service-requests', 'by-year')
    await ingest(lake.store, city, options, 'service-requests-2015', 'by-type')
  })
  afterAll(() => lake.remove())

  const runsOf = (dataset: string) =>
    queryTable<RunRow>(
      lake.store,
      tables.runs('ingest'),
      `SELECT * FROM {table} WHERE dataset = '${dataset}' ORDER BY page`,
    )
  const divisionsOf = async (table: string, where = 'true') => {
    const sql = `SELECT city_council_district AS division, count(*) AS rows FROM {table} WHERE ${where} GROUP BY 1 ORDER BY 1`
    const rows = await queryTable<{ division: string; rows: number }>(lake.store, table, sql)
    return Object.fromEntries(rows.map(({ division, rows: count }) => [division, count]))
  }

  it('have, file by file, the rows that were counted beside the data', async () => {
    const runs = await runsOf('service-requests')
    const counted = Object.fromEntries(runs.map(({ url, rows_in }) => [nameOf(url), rows_in]))
    expect(counted).toEqual(
      Object.fromEntries(Object.entries(BY_YEAR).map(([name, { rows }]) => [name, rows])),
    )
    const older = await runsOf('service-requests-2015')
    expect(older).toHaveLength(BY_TYPE_FILES)
    expect(older.reduce((sum, { rows_in }) => sum + rows_in, 0)).toBe(BY_TYPE_ROWS)
    expect(Math.min(...older.map(({ rows_in }) => rows_in))).toBe(6)
    expect(Math.max(...older.map(({ rows_in }) => rows_in))).toBe(7_956)
  })

  it('lose no row: each stands in the table or in quarantine', async () => {
    for (const [dataset, source] of [
      ['service-requests', 'by-year'],
      ['service-requests-2015', 'by-type'],
    ] as const) {
      const runs = await runsOf(dataset)
      const good = await queryTable<{ page: number; rows: number }>(
        lake.store,
        tables.raw(dataset, source),
        'SELECT _source_page AS page, count(*) AS rows FROM {table} GROUP BY 1 ORDER BY 1',
      )
      expect(good).toEqual(runs.map((run) => ({ page: run.page, rows: run.rows_in - run.rows_quarantined })))
      expect(runs.reduce((sum, run) => sum + run.rows_quarantined, 0)).toBe(0)
    }
  })

  it('put the three spellings of no district into unassigned', async () => {
    const table = tables.raw('service-requests', 'by-year')
    const runs = await runsOf('service-requests')
    for (const { page, url } of runs) {
      const divisions = await divisionsOf(table, `_source_page = ${page}`)
      const expected = BY_YEAR[nameOf(url)]?.unassigned
      if (expected !== undefined) expect([url, divisions.unassigned]).toEqual([url, expected])
    }
    expect(Object.keys(await divisionsOf(table))).toEqual([...'123456789', 'unassigned'])
  })

  it('keep decimal districts of the older publication under their plain value', async () => {
    expect(await divisionsOf(tables.raw('service-requests-2015', 'by-type'))).toEqual(BY_TYPE)
  })

  it('commit nothing when they are read again', async () => {
    const before = await keysOf(lake.store)
    const again = await ingest(lake.store, city, { mirror: mirror as string }, 'service-requests', 'by-year')
    expect(again.verdict).toBe('unchanged')
    expect(await keysOf(lake.store)).toEqual(before)
  })
})

function nameOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1).replace(/\.csv(\.gz)?$/, '')
}
