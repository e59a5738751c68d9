import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { cityOfWay, type ReadingWay, truthOf, WAYS, type WayName } from '../../testkit/adversary-trial.js'
import { freshLake } from '../../testkit/fresh.js'
import { diesBehind, pagesAsked } from '../../testkit/killed-read.js'
import {
  failingAt,
  keysOf,
  makeLake,
  queryTable,
  type TestLake,
  worldOf,
} from '../../testkit/lake-fixture.js'
import { DATASET, ingest, SOURCE } from '../../testkit/test-city.js'
import type { CityFile } from '../contracts/city-file.js'
import type { RunningPortal } from '../demo/portals/portal-server.js'
import { DeltaTable } from '../lake/delta/table.js'
import { tables } from '../lake/tables.js'

const RAW = tables.raw(DATASET, SOURCE)
const NUMBERS = Array.from({ length: 23 }, (_none, at) => at + 1)

const lake = freshLake()
let portal: RunningPortal | undefined
afterEach(() => portal?.close())

const cityOf = (way: ReadingWay, url: string, drops: readonly string[]) => cityOfWay(way, url, { drops })

/** A run that dies when it has asked for so many pages. */
async function killedRun(way: ReadingWay, city: CityFile, pages = 2): Promise<void> {
  await expect(ingest(lake.store, city, { fetch: diesBehind(pages, way) })).rejects.toThrow()
}

async function rawColumns(of: TestLake = lake): Promise<string[]> {
  return [...((await new DeltaTable(of.store, RAW).snapshot())?.columns ?? [])].map(({ name }) => name)
}

/** Rows as `truthOf` tells them, of some of the way's columns. */
async function rawRows(columns: readonly string[], of: TestLake = lake): Promise<string[]> {
  const listed = columns.map((name) => `"${name}"`).join(', ')
  const rows = await queryTable<Record<string, string>>(of.store, RAW, `SELECT ${listed} FROM {table}`)
  return rows.map((row) => JSON.stringify(columns.map((name) => row[name] ?? null))).sort()
}

/** Objects of the lake that have a text in their names or bytes. */
async function holding(text: string): Promise<string[]> {
  const names = (await readdir(lake.folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  )
  const found: string[] = []
  for (const { parentPath, name } of names) {
    const file = join(parentPath, name)
    if (file.includes(text) || (await readFile(file)).includes(text)) found.push(file)
  }
  return found
}

describe.each([
  ['ArcGIS pages', 'OBJECTID'],
  ['Legistar events', 'EventId'],
  ['Legistar matters', 'MatterId'],
] as [WayName, string][])('the key by which %s are paged, where the city file drops it', (name, key) => {
  const way: ReadingWay = WAYS[name]
  const table = way.table(NUMBERS)
  const columns = way.columns.filter((column) => column !== key)

  it('still pages, and is in no file of rows afterwards', async () => {
    portal = await way.start(() => table)
    await ingest(lake.store, cityOf(way, portal.url, [key]))
    expect(pagesAsked(way, portal.requests).length).toBeGreaterThan(3)
    expect(await rawRows(columns)).toEqual(truthOf({ ...way, columns }, table))
    expect(await rawColumns()).not.toContain(key)
    const holders = await holding(key) // addresses of requests have it: they order by it
    expect(holders.filter((file) => /(raw|quarantine)\/.*\.parquet$/.test(file))).toEqual([])
  })

  it('still pages where it is dropped only after a run was killed', async () => {
    portal = await way.start(() => table)
    await killedRun(way, cityOf(way, portal.url, []))
    await ingest(lake.store, cityOf(way, portal.url, [key]))
    expect(await rawRows(columns)).toEqual(truthOf({ ...way, columns }, table))
    expect(await rawColumns()).not.toContain(key)
  })
})

// Legistar tells no change token, so nothing is kept of a killed read.
describe.each(['Socrata pages', 'CKAN pages', 'ArcGIS pages', 'ArcGIS ranges'] as WayName[])(
  'a column of %s that the city file drops only after a run was killed',
  (name) => {
    const way: ReadingWay = WAYS[name]
    const table = way.table(NUMBERS)
    const [, , dropped = ''] = way.columns
    const columns = way.columns.slice(0, 2)

    it('is cut off the pages that lay in the spool, too, and they are not asked for again', async () => {
      portal = await way.start(() => table)
      await killedRun(way, cityOf(way, portal.url, []))
      const spooled = (await keysOf(lake.store, 'spool/')).filter((key) => /page-\d+\.json$/.test(key))
      const before = portal.requests.length
      await ingest(lake.store, cityOf(way, portal.url, [dropped]))
      expect(await rawRows(columns)).toEqual(truthOf({ ...way, columns }, table))
      expect(await rawColumns()).not.toContain(dropped)
      expect(await holding('request 1')).toEqual([]) // a title
      const again = pagesAsked(way, portal.requests.slice(before))
      const all = pagesAsked(way, portal.requests.slice(0, before))
      expect(again.filter((page) => all.slice(0, spooled.length).includes(page))).toEqual([])
    })
  },
)

describe.each(['Socrata pages', 'CKAN pages', 'ArcGIS pages'] as WayName[])(
  'a column of %s that was dropped before a run was killed',
  (name) => {
    const way: ReadingWay = WAYS[name]
    const table = way.table(NUMBERS)
    const [, , dropped = ''] = way.columns

    it('is in all rows once it is dropped no more', async () => {
      portal = await way.start(() => table)
      await killedRun(way, cityOf(way, portal.url, [dropped]))
      await ingest(lake.store, cityOf(way, portal.url, []))
      expect(await rawRows(way.columns)).toEqual(truthOf(way, table))
    })

    it('is in all rows, too, where it was dropped for one run alone', async () => {
      portal = await way.start(() => table)
      await killedRun(way, cityOf(way, portal.url, []))
      await killedRun(way, cityOf(way, portal.url, [dropped]), 1)
      await ingest(lake.store, cityOf(way, portal.url, []))
      expect(await rawRows(way.columns)).toEqual(truthOf(way, table))
    })
  },
)

describe('a source whose settings change after a run was killed', () => {
  it('is read by the new ones alone', async () => {
    const way: ReadingWay = WAYS['ArcGIS pages']
    const table = way.table(NUMBERS)
    portal = await way.start(() => table)
    await killedRun(way, cityOf(way, portal.url, []))
    const city = cityOfWay(way, portal.url, { where: 'OBJECTID > 9' })
    await ingest(lake.store, city)
    const calm = await makeLake()
    await ingest(calm.store, city)
    expect(await worldOf(lake.store)).toEqual(await worldOf(calm.store))
    await calm.remove()
  })
})

describe('a column that is dropped after a run was killed at any write', () => {
  it('is not in a page whose body was there without its record', async () => {
    const way: ReadingWay = WAYS['CKAN pages']
    const table = way.table(NUMBERS)
    const columns = way.columns.slice(0, 2)
    portal = await way.start(() => table)
    for (let fatal = 1; fatal <= 4; fatal++) {
      const killed = await makeLake()
      const dying = ingest(failingAt(killed.store, fatal, true), cityOf(way, portal.url, []))
      await expect(dying).rejects.toThrow()
      const city = cityOf(way, portal.url, ['title'])
      await expect(ingest(killed.store, city, { fetch: diesBehind(2, way) })).rejects.toThrow()
      await ingest(killed.store, city)
      expect(await rawRows(columns, killed), `write ${fatal}`).toEqual(truthOf({ ...way, columns }, table))
      expect(await rawColumns(killed), `write ${fatal}`).not.toContain('title')
      await killed.remove()
    }
  })
})
