import { join } from 'node:path'
import { expect } from 'vitest'
import { refusalOf } from '../../../testkit/failure-of.js'
import { trialTools } from '../../../testkit/portal-trial.js'
import { readWhole, type SourceRead } from '../../../testkit/read-source.js'
import {
  describeRecorded,
  madeUp,
  type Routes,
  readBody,
  readCassette,
  readHttpJson,
  replay,
} from '../../../testkit/recorded.js'
import { findShared } from '../../../testkit/shared-folder.js'
import { SocrataSource as Settings } from '../../contracts/sources/socrata.js'
import type { CatalogEntry } from '../catalog.js'
import { socrataCatalog } from './catalog.js'
import { openSocrataSource } from './socrata-source.js'

const folder = findShared('fixtures', 'portals', 'socrata')
const at = (name: string) => join(folder as string, name)

const NOT_FOUND = ['source-not-found', 'fix-source', expect.any(String)]
const EMPTY = { status: 200, headers: {}, body: '[\n]\n' }
const count = (rows: number) => madeUp([{ count: String(rows) }])

/** Reads a table over recorded answers: its metadata, its count, its rows. */
function read(id: string, routes: Routes, settings: object = {}): Promise<SourceRead> {
  const portal = 'https://portal.example.gov'
  const config = Settings.parse({ family: 'socrata', portal, datasets: [id], read: 'pages', ...settings })
  return readWhole(openSocrataSource('recorded', config, trialTools({}, replay(routes))), { tries: 1 })
}

async function catalogOf(routes: Routes): Promise<readonly CatalogEntry[]> {
  const entries: CatalogEntry[] = []
  const tools = trialTools({}, replay(routes))
  for await (const entry of socrataCatalog('https://portal.example.gov', tools)) entries.push(entry)
  return entries
}

/** Rows as the JSON has them, read by the runtime's own parser: text as it is, anything else as its JSON, a missing key as null. */
function expectRows(rows: SourceRead['rows'], bodies: readonly string[]): void {
  const sent = bodies.flatMap((body) => JSON.parse(body) as Record<string, unknown>[])
  expect(rows).toHaveLength(sent.length)
  for (const [index, row] of rows.entries()) {
    const source = sent[index] as Record<string, unknown>
    expect(Object.keys(source).filter((name) => !(name in row))).toEqual([])
    for (const [name, cell] of Object.entries(row)) {
      const value = source[name]
      if (typeof value === 'object' && value !== null) expect(JSON.parse(cell as string)).toEqual(value)
      else expect(cell).toBe(value === undefined ? null : String(value))
    }
  }
}

const COUNTS_TABLE = madeUp({
  id: 'uczf-rk3c',
  name: 'Bicycle Counts',
  viewType: 'tabular',
  rowsUpdatedAt: 1_745_766_729,
  columns: ['countid', 'id', 'date', 'counts', 'status'].map((fieldName, position) => ({
    fieldName,
    position,
    name: fieldName,
    dataTypeName: fieldName === 'date' ? 'calendar_date' : 'number',
  })),
})
const QUAKES = madeUp({
  id: '4tka-6guv',
  viewType: 'tabular',
  columns: ['magnitude', 'count'].map((fieldName) => ({ fieldName, dataTypeName: 'number' })),
})

const crimes = async () => {
  const [page, rest] = [readBody(at('koop-crimes-page.json')), readBody(at('koop-crimes-first.json'))]
  const result = await read(
    '3k2p-39jp',
    [
      [/api\/views\/3k2p-39jp\.json/, readBody(at('koop-crimes-views.json'))],
      [/count\(\*\)/, readBody(at('koop-crimes-count.json'))],
      [/\$offset=1000/, rest],
      [/resource\/3k2p-39jp\.json/, page],
    ],
    { pageRows: 1_000 },
  )
  expectRows(result.rows, [page.body, rest.body])
  const [offer] = result.publication.offers
  expect(offer).toMatchObject({
    rows: 1_001,
    publishedAt: new Date(1_433_350_568_000).toISOString(),
    facts: { keyColumn: 'cad_cdw_id', license: 'Creative Commons 1.0 Universal', newBackend: false },
  })
  expect(offer?.columns?.map(({ name }) => name)).toContain('incident_location')
  return result
}

const schools = async () => {
  const page = readBody(at('koop-schools-page.json'))
  const rows = (JSON.parse(page.body) as unknown[]).length
  const result = await read('gza6-uqxz', [
    [/api\/views/, readBody(at('koop-schools-view.json'))],
    [/count\(\*\)/, count(rows)],
    [/resource/, page],
  ])
  expectRows(result.rows, [page.body])
  // It is shown as a map and has rows of its own; nothing tells when they changed.
  expect(result.publication.offers[0]).toMatchObject({ rows })
  expect(result.publication.offers[0]?.changeToken).toBeUndefined()
}

const allTypes = async (api: 'soda2' | 'soda3') => {
  const views = readHttpJson(at('views-2asz-g9qq.http.json')).answer
  const soda2 = readHttpJson(at('soda2-all-types.http.json')).answer
  const [page, behind] = ['soda3-all-types-page1.http.json', 'soda3-all-types-page-b.http.json'].map(
    (name) => readHttpJson(at(name)).answer,
  ) as [typeof soda2, typeof soda2]
  const routes: Routes = [
    [/api\/views\/2asz-g9qq\.json/, views],
    [/count\(\*\)/, count(1)],
    [/resource\/2asz-g9qq\.json/, soda2],
    [/POST .*\/api\/v3\/views\/2asz-g9qq\/query\.json/, page, behind],
  ]
  const settings = { api, pageRows: 1 } // the page is full, so that the one behind it is asked for
  const result = await read(
    '2asz-g9qq',
    api === 'soda2' ? [...routes.slice(0, 2), [/offset=1/, EMPTY], ...routes.slice(2)] : routes,
    settings,
  )
  expectRows(result.rows, [api === 'soda2' ? soda2.body : page.body])
  const types = Object.fromEntries(
    result.publication.offers[0]?.columns?.map(({ name, type }) => [name, type]) ?? [],
  )
  expect(types).toMatchObject({
    money_column: 'number',
    date_time_column: 'calendar_date',
    date_time_with_timezone_column: 'date',
    location_column: 'location',
    website_url_column: 'url',
    checkbox_column: 'checkbox',
    photo_column: 'photo',
    document: 'document',
  })
  expect(result.pages[0]).toHaveLength(2)
  return result
}

const CASES: Readonly<Record<string, () => Promise<unknown>>> = {
  'discovery-us.json': async () => {
    const nothing = madeUp({ results: [], resultSetSize: 20 })
    const entries = await catalogOf([
      [/offset=10/, nothing],
      [/api\/catalog\/v1/, readBody(at('discovery-us.json'))],
    ])
    expect(entries).toHaveLength(10)
    expect(entries[0]).toMatchObject({
      id: '6iiy-9s97',
      name: 'CTA - Ridership - Daily Boarding Totals',
      updatedAt: '2025-06-30T18:44:33.000Z',
      link: 'https://data.cityofchicago.org/d/6iiy-9s97',
    })
    expect(entries[0]?.columns[2]).toEqual({ name: 'service_date', type: 'Calendar date' })
  },
  'koop-crimes-count.json': crimes,
  'koop-crimes-first.json': async () => {
    const { rows } = await crimes()
    expect(rows.at(-1)).toMatchObject({ cad_event_number: '10000246357', district_sector: 'M' })
  },
  'koop-crimes-page.json': crimes,
  'koop-crimes-views.json': crimes,
  'koop-missing-count.json': async () => {
    for (const status of [404, 200]) {
      const routes: Routes = [
        [/api\/views/, COUNTS_TABLE],
        [/count\(\*\)/, readBody(at('koop-missing-count.json'), status)],
      ]
      expect(await refusalOf(read('uczf-rk3c', routes))).toMatchObject(NOT_FOUND)
    }
  },
  'koop-missing-first.json': async () => {
    for (const status of [404, 200]) {
      const routes: Routes = [
        [/api\/views/, COUNTS_TABLE],
        [/count\(\*\)/, count(7)],
        [/resource/, readBody(at('koop-missing-first.json'), status)],
      ]
      expect(await refusalOf(read('uczf-rk3c', routes))).toMatchObject(NOT_FOUND)
    }
  },
  'koop-missing-views.json': async () => {
    const routes: Routes = [[/api\/views/, readBody(at('koop-missing-views.json'), 404)]]
    const [code, remedy, message] = await refusalOf(read('uczf-rk3c', routes))
    expect([code, remedy]).toEqual(['source-not-found', 'fix-source'])
    expect(message).toMatch(/Cannot find view with id missing/)
  },
  'koop-schools-page.json': schools,
  'koop-schools-view.json': schools,
  'soda2-all-types.http.json': async () => {
    const { rows, pages } = await allTypes('soda2')
    expect(rows[0]).toMatchObject({
      number_column: '42',
      checkbox_column: 'true',
      website_url_column: '{"url":"http://www.socrata.com","description":"Socrata"}',
      ':@computed_region_k83t_ady5': '18379', // came although it was not asked for: shown, never lost
    })
    expect(rows[0]?.location_column).toMatch(/^\{"latitude":"47\.5982815480005","longitude":"-122\.334/)
    expect(pages[0]?.[0]).toMatchObject({
      lastModified: 'Mon, 16 Sep 2019 23:13:03 GMT',
      requestId: '7d07ce3695ccac42857b5597524cc19c',
      headers: { 'x-soda2-data-out-of-date': 'false' },
    })
  },
  'soda3-all-types-page-b.http.json': async () => {
    const { pages } = await allTypes('soda3')
    expect(pages[0]?.[1]).toMatchObject({ signals: { rows: 0 }, status: 200 })
  },
  'soda3-all-types-page1.http.json': async () => {
    const { rows } = await allTypes('soda3')
    // The same place as numbers, in the characters that were sent.
    expect(rows[0]?.location_column).toMatch(
      /^\{"latitude":47\.5982815480005,"longitude":-122\.33477954499972,/,
    )
  },
  'soda3-empty-page.http.json': async () => {
    const { answer } = readHttpJson(at('soda3-empty-page.http.json'))
    const routes: Routes = [
      [/api\/views\/4tka/, QUAKES],
      [/count\(\*\)/, count(0)],
      [/query\.json/, answer],
    ]
    const result = await read('4tka-6guv', routes, { api: 'soda3' })
    expect([result.rows, result.finished]).toEqual([[], true])
    expect(result.pages[0]?.[0]?.etag).toBe('W/"HE4ucGfHlfAqRJqhdv9O0YqnLF7jkkyr870jcivafBQ"')
  },
  'sodapy-403.json': async () => {
    const routes: Routes = [[/api\/views/, readBody(at('sodapy-403.json'), 403)]]
    const [code, remedy, message] = await refusalOf(read('uczf-rk3c', routes))
    expect([code, remedy]).toEqual(['portal-refused', 'fix-config'])
    expect(message).toMatch(/You must be logged in.*SOCRATA_APP_TOKEN/)
  },
  'sodapy-discovery.yaml': async () => {
    const [exchange] = readCassette(at('sodapy-discovery.yaml'))
    const nothing = madeUp({ results: [], resultSetSize: 8 })
    const entries = await catalogOf([
      [/offset=0/, exchange?.answer ?? EMPTY],
      [/api\/catalog\/v1/, nothing],
    ])
    expect(entries).toHaveLength(7)
    expect(entries[0]).toMatchObject({
      id: '8wbx-tsch',
      name: 'For Hire Vehicles (FHV) - Active',
      kind: 'dataset',
    })
    for (const { columns } of entries) for (const { name, type } of columns) expect(name && type).toBeTruthy()
  },
  'sodapy-get-all.yaml': async () => {
    const bodies = readCassette(at('sodapy-get-all.yaml')).map(({ answer }) => answer)
    const routes: Routes = [
      [/api\/views/, COUNTS_TABLE],
      [/count\(\*\)/, count(2_000)],
      [/offset=2000/, EMPTY],
      [/offset=1000/, bodies[1] ?? EMPTY],
      [/resource/, bodies[0] ?? EMPTY],
    ]
    const { rows, pages } = await read('uczf-rk3c', routes, { pageRows: 1_000 })
    expectRows(
      rows,
      bodies.map(({ body }) => body),
    )
    expect(pages[0]?.map(({ request }) => new URL(request.url).searchParams.get('$order'))).toEqual([
      ':id',
      ':id',
      ':id',
    ])
  },
  'sodapy-get-csv.yaml': async () => {
    const [exchange] = readCassette(at('sodapy-get-csv.yaml'))
    const body = exchange?.answer.body ?? ''
    const routes: Routes = [
      [/api\/views/, COUNTS_TABLE],
      [/count\(\*\)/, count(1_000)],
      [/resource\/uczf-rk3c\.csv/, exchange?.answer ?? EMPTY],
    ]
    const { rows } = await read('uczf-rk3c', routes, { read: 'export' })
    const lines = body
      .trim()
      .split('\n')
      .map((line) => line.slice(1, -1).split('","'))
    expect(rows.map((row) => Object.values(row))).toEqual(lines.slice(1))
    expect(Object.keys(rows[0] ?? {})).toEqual(['countid', 'id', 'date', 'counts', 'status'])
    expect(rows).toHaveLength(1_000)
  },
  'sodapy-get-missing.yaml': async () => {
    const [exchange] = readCassette(at('sodapy-get-missing.yaml'))
    const routes: Routes = [
      [/api\/views/, COUNTS_TABLE],
      [/resource/, exchange?.answer ?? EMPTY],
    ]
    expect(await refusalOf(read('uczf-rk3c', routes))).toMatchObject(NOT_FOUND)
  },
  'sodapy-get.yaml': async () => {
    const [exchange] = readCassette(at('sodapy-get.yaml'))
    const routes: Routes = [
      [/api\/views/, COUNTS_TABLE],
      [/count\(\*\)/, count(1_000)],
      [/resource/, exchange?.answer ?? EMPTY],
    ]
    const { rows, pages } = await read('uczf-rk3c', routes)
    expectRows(rows, [exchange?.answer.body ?? ''])
    expect(pages[0]?.[0]).toMatchObject({
      lastModified: 'Sun, 27 Apr 2025 15:12:09 GMT',
      requestId: 'fd9a4477d4eb14b6f7b1f3326a060eb7',
      headers: { 'x-soda2-truth-last-modified': 'Sun, 27 Apr 2025 15:12:09 GMT' },
    })
  },
  'sodapy-metadata-missing.yaml': async () => {
    const [exchange] = readCassette(at('sodapy-metadata-missing.yaml'))
    const routes: Routes = [[/api\/views/, exchange?.answer ?? EMPTY]]
    expect(await refusalOf(read('uczf-rk3c', routes))).toMatchObject(NOT_FOUND)
  },
  'views-2asz-g9qq.http.json': async () => {
    const { publication } = await allTypes('soda2')
    expect(publication.offers[0]?.columns).toHaveLength(17) // without the computed region
    expect(publication.offers[0]?.facts).toMatchObject({ computedRegions: 1, newBackend: true })
  },
}

describeRecorded('Socrata portals', folder, CASES)
