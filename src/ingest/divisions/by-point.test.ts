import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, queryTable, rowsOf, type TestLake } from '../../../testkit/lake-fixture.js'
import { findShared, titleWith } from '../../../testkit/shared-folder.js'
import { DATASET, ingest, SOURCE, testCity, writeFiles } from '../../../testkit/test-city.js'
import type { BoundaryVersion, CityFile } from '../../contracts/city-file.js'
import type { PointCounts } from '../../contracts/points.js'
import { PublicationProposal } from '../../contracts/proposal.js'
import { sha256Hex } from '../../kernel/ids.js'
import { tables } from '../../lake/tables.js'
import { publishedEvent } from '../../ledger/events.js'
import { divisionFromColumn } from '../division-rule.js'
import { PointIndex } from './point-index.js'
import { divisionFromPoint } from './point-rule.js'
import { tellPoints } from './tell-points.js'

const RAW = tables.raw(DATASET, SOURCE)

let lake: TestLake
let folder: string

beforeEach(async () => {
  lake = await makeLake()
  folder = await mkdtemp(join(tmpdir(), 'wardbook-points-'))
})
afterEach(async () => {
  await lake.remove()
  await rm(folder, { recursive: true })
})

/** A map of rectangles: west, south, east, north in degrees. */
function mapOf(rectangles: Record<string, readonly [number, number, number, number]>): string {
  const features = Object.entries(rectangles).map(([name, [west, south, east, north]]) => ({
    type: 'Feature',
    properties: { name },
    geometry: {
      type: 'Polygon',
      coordinates: [
        [
          [west, south],
          [east, south],
          [east, north],
          [west, north],
          [west, south],
        ],
      ],
    },
  }))
  return JSON.stringify({ type: 'FeatureCollection', features })
}

/** Two districts side by side; the older map had their border further west. */
const TODAY = mapOf({ '1': [-72, 42, -71, 43], '2': [-71, 42, -70, 43] })
const EARLIER = mapOf({ '1': [-72, 42, -71.5, 43], '2': [-71.5, 42, -70, 43] })

async function boundary(id: string, text: string, validTo?: string): Promise<BoundaryVersion> {
  const file = join(folder, `${id}.geojson`)
  await writeFile(file, text)
  const version = { id, file, property: 'name', values: {}, validFrom: '2013-01-01', sha256: sha256Hex(text) }
  return validTo === undefined ? version : { ...version, validTo }
}

async function cityWith(partition: object, boundaries?: BoundaryVersion[]): Promise<CityFile> {
  const maps = boundaries ?? [await boundary('2013', EARLIER, '2023-01-01'), await boundary('2023', TODAY)]
  return testCity({
    dataset: { partition: { column: 'council_district', by: 'point', ...partition } },
    city: { divisions: { boundaries: maps } },
  })
}

async function read(city: CityFile, files: Record<string, string | Uint8Array>) {
  const mirror = join(folder, 'mirror')
  await rm(mirror, { recursive: true, force: true })
  await writeFiles(mirror, files)
  const told: { message: string; facts: Record<string, unknown> }[] = []
  const result = await ingest(lake.store, city, { mirror, report: (step) => told.push(step) })
  return { ...result, told }
}

async function newestProposal(): Promise<PublicationProposal> {
  const outbox = await rowsOf<{ body: string }>(lake.store, tables.outbox('ingest'))
  const proposals = outbox.map(({ body }) => PublicationProposal.parse(JSON.parse(body)))
  return proposals.toSorted((a, b) => a.snapshot - b.snapshot).at(-1) as PublicationProposal
}

async function divisions(): Promise<Record<string, number>> {
  const sql = 'SELECT council_district AS division, count(*) AS rows FROM {table} GROUP BY 1 ORDER BY 1'
  const rows = await queryTable<{ division: string; rows: number }>(lake.store, RAW, sql)
  return Object.fromEntries(rows.map(({ division, rows: count }) => [division, count]))
}

const POINT = { latitude: 'Lat', longitude: 'Long' }
const rowsInAll = (points: PointCounts) =>
  points.inside + points.outside + points.blank + points.zero + points.unreadable

const AWKWARD = `id,District,Type,Opened,Lat,Long
1,1,Noise,2026-01-01,42.5,-71.75
2,1,Noise,2026-01-01,42.5,-70.5
3,2,Noise,2026-01-01,42.5,-71.25
4,,Noise,2026-01-01,"42.5","-70.25"
5,1,Noise,2026-01-01,,
6,1,Noise,2026-01-01,0,0.0
7,1,Noise,2026-01-01,50,-71
8,1,Noise,2026-01-01,-71.5,42.5
9,1,Noise,2026-01-01,"42,5",-71.75
10,1,Noise,2026-01-01,4680000,-7900000
11,2,Noise,2026-01-01,NaN,-71.75
`

describe('rows that are divided by their points', () => {
  it('are counted apart where they have no point inside, and none is lost', async () => {
    const { rows, told } = await read(await cityWith({ point: POINT }), { 'a.csv': AWKWARD })
    expect(await divisions()).toEqual({ '1': 2, '2': 2, unassigned: 7 })
    const { points } = await newestProposal()
    expect(points).toEqual({
      ...{ boundary: '2023', sha256: sha256Hex(TODAY) },
      ...{ inside: 4, outside: 2, blank: 2, zero: 1, unreadable: 2 },
    })
    expect(rowsInAll(points as PointCounts)).toBe(rows)
    expect(told.at(-1)?.facts.points).toEqual(points)
    expect(told.at(-1)?.message).toContain('by point on boundaries 2023: 4 inside, 2 outside, 2 blank')
  })

  it('are compared with the published division where one is named, pair by pair', async () => {
    await read(await cityWith({ point: POINT, from: 'District' }), { 'a.csv': AWKWARD })
    const { points } = await newestProposal()
    expect(points).toMatchObject({ compared: 3, differing: 2 })
    expect(points?.pairs).toEqual([
      { from: '1', to: '2', rows: 1 },
      { from: '2', to: '1', rows: 1 },
    ])
  })

  it('need no column with a division', async () => {
    const file = 'id,Type,Opened,Lat,Long\n1,Noise,2026-01-01,42.5,-71.5\n'
    await read(await cityWith({ point: POINT }), { 'a.csv': file })
    expect(await divisions()).toEqual({ '1': 1 })
  })

  it('may have it in one cell, however long: equal cells count as often as they stand there', async () => {
    const location =
      '"{""type"":""Point"",""coordinates"":[-71.5,42.5],""note"":""so long that it is no division""}"'
    const file = `id,Type,Opened,Place\n1,Noise,2026-01-01,${location}\n2,Noise,2026-01-01,${location}\n3,Noise,2026-01-01,\n4,Noise,2026-01-01,\n`
    const { quarantined } = await read(await cityWith({ point: { location: 'Place' } }), { 'a.csv': file })
    expect(quarantined).toBe(0)
    expect(await divisions()).toEqual({ '1': 2, unassigned: 2 })
    expect((await newestProposal()).points).toMatchObject({ inside: 2, blank: 2 })
  })

  it('follow the boundary version that is named; with another the table is made again, and equal bytes then commit nothing', async () => {
    const files = { 'a.csv': AWKWARD }
    await read(await cityWith({ point: POINT }), files)
    expect((await read(await cityWith({ point: POINT }), files)).verdict).toBe('unchanged')
    const earlier = await read(await cityWith({ point: POINT, boundary: '2013' }), files)
    expect(earlier).toMatchObject({ verdict: 'committed', snapshot: 1 })
    expect(await divisions()).toEqual({ '1': 1, '2': 3, unassigned: 7 })
    expect((await newestProposal()).changes).toMatchObject({ added: 0, removed: 0, moved: 1 })
  })

  it('are told to the ledger with their share', async () => {
    await read(await cityWith({ point: POINT, from: 'District' }), { 'a.csv': AWKWARD })
    const proposal = await newestProposal()
    expect(publishedEvent(proposal, 'testville').data.points).toEqual(proposal.points)
  })

  it('are refused when the map is another than the one that was checked', async () => {
    const city = await cityWith({ point: POINT })
    await writeFile(join(folder, '2023.geojson'), EARLIER)
    await expect(read(city, { 'a.csv': AWKWARD })).rejects.toMatchObject({
      code: 'boundaries-unusable',
      message: expect.stringContaining(sha256Hex(TODAY)),
    })
  })
})

describe('the counts of a rule', () => {
  const index = new PointIndex([
    {
      division: 'a',
      rings: [
        [
          [0, 10],
          [10, 10],
          [10, 20],
          [0, 20],
          [0, 10],
        ],
      ],
    },
  ])
  const map = { id: 'today', sha256: 'f'.repeat(64), index }
  const cell = fc.oneof(
    fc.constantFrom('', ' ', '0', '5', '15', '90.1', 'x', '1,5', 'null', '1e400'),
    fc.double({ min: -30, max: 30, noNaN: true }).map(String),
  )

  it('add up to the rows, whatever they hold', () => {
    const row = fc.tuple(cell, cell, fc.constantFrom('a', 'b', ''))
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const rule = divisionFromPoint(map, POINT, divisionFromColumn({ column: 'District', values: {} }))
        const found = rows.map((cells) => rule.of(cells))
        const points = rule.counted()
        expect(rowsInAll(points)).toBe(rows.length)
        expect(points.inside).toBe(found.filter((division) => division === 'a').length)
        expect(points.pairs?.reduce((sum, pair) => sum + pair.rows, 0)).toBe(points.differing)
      }),
    )
  })

  it('list the twenty most frequent pairs, and count all', () => {
    const rule = divisionFromPoint(map, POINT, divisionFromColumn({ column: 'District', values: {} }))
    for (let value = 1; value <= 30; value++)
      for (let row = 0; row < value; row++) rule.of(['15', '5', `old ${value}`])
    const { pairs = [], differing, compared } = rule.counted()
    expect([pairs.length, differing, compared]).toEqual([20, 465, 465])
    expect(pairs[0]).toEqual({ from: 'old 30', to: 'a', rows: 30 })
    expect(tellPoints(rule.counted())).toContain('differs in 465 of 465 (100.0 %)')
  })
})

const violations = findShared('data', 'boston', 'violations', 'tmp7t_tskec.csv.gz')
const requests = findShared('data', 'boston', '311', 'by-year')
const districts = findShared('data', 'boston', 'districts', 'CityCouncilDistricts_2024.derived-wgs84.geojson')

describe.skipIf(violations === undefined || requests === undefined || districts === undefined)(
  titleWith(districts, "Boston's files on the map of 2024"),
  () => {
    const readBoston = async (partition: object, file: string) => {
      const map = await boundary('2024', await readFile(districts as string, 'utf8'))
      const city = await cityWith(partition, [{ ...map, property: 'DISTRICT' }])
      const { rows } = await read(city, { 'a.csv': gunzipSync(await readFile(file)) })
      const { points } = await newestProposal()
      return { rows, points: points as PointCounts }
    }

    it('divide the violations, which have no district: 0.6 % have no point', async () => {
      const point = { latitude: 'latitude', longitude: 'longitude' }
      const { rows, points } = await readBoston({ point }, violations as string)
      expect(rows).toBe(16_280)
      expect(rowsInAll(points)).toBe(rows)
      expect((points.blank + points.zero + points.unreadable) / rows).toBeCloseTo(0.006, 3)
      expect(points.outside / rows).toBeLessThan(0.01)
      expect(Object.keys(await divisions())).toEqual([...'123456789', 'unassigned'])
    })

    it('divide them alike by the cell that holds both coordinates', async () => {
      const by = async (point: object) => (await readBoston({ point }, violations as string)).points
      const two = await by({ latitude: 'latitude', longitude: 'longitude' })
      expect(await by({ location: 'location' })).toMatchObject({ inside: two.inside, outside: two.outside })
    })

    it.each([
      ['filtered_2013', 0.11],
      ['filtered_2019', 0.15],
      ['2021_reports', 0.15],
    ])('differ from the printed district of %s in about %d of the rows', async (name, share) => {
      const partition = {
        ...{ point: { latitude: 'latitude', longitude: 'longitude' }, from: 'city_council_district' },
        values: { '0': 'unassigned' },
      }
      const { rows, points } = await readBoston(partition, join(requests as string, `${name}.csv.gz`))
      expect(rowsInAll(points)).toBe(rows)
      expect(points.compared).toBeGreaterThan(0.98 * rows)
      const measured = (points.differing as number) / (points.compared as number)
      expect(Math.abs(measured - share)).toBeLessThan(0.02)
    })
  },
)
