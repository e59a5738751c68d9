import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../lake/store.js'
import { divisionAddress } from './addresses.js'
import {
  addWithdrawal,
  CALM_DIVISION,
  FIXTURE_CITY,
  FIXTURE_DIVISIONS,
  NEWEST_WEEK,
  SECRET_HOUSE,
  writeFixtureLake,
} from './lake.fixture.js'
import { openPublication, type Publication } from './publication.js'
import { createApp, startServer } from './server.js'

let folder: string
let store: ObjectStore
let publication: Publication
let app: Hono

const receiptOf = async (index: number) => ({
  index,
  size: 99,
  leafHash: 'aa'.repeat(32),
  root: 'bb'.repeat(32),
  proof: ['cc'.repeat(32)],
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-serve-'))
  store = await writeFixtureLake(folder)
  publication = await openPublication(store, FIXTURE_CITY, { freshMs: 0 })
  app = createApp({ publication, receiptOf })
})

afterAll(async () => {
  await publication.close()
  await rm(folder, { recursive: true, force: true })
})

const get = (path: string, headers: Record<string, string> = {}) => app.request(path, { headers })
const text = async (path: string) => (await get(path)).text()
const json = async <Body>(path: string) => (await (await get(path)).json()) as Body

interface PageJson {
  readonly findings: Record<string, string | number | null>[]
  readonly rows: { total: number; shown: Record<string, string | null>[] }
}

interface ListJson {
  readonly findings: { index: number; finding: string; sentence: string; state: string }[]
  readonly next: string | null
}

interface SeriesJson {
  readonly series: object[]
  readonly next: string | null
}

/** Cells of a CSV, quotes resolved. */
function parseCsv(csv: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\r\n') rows.push([])
  }
  return rows.slice(0, -1)
}

const unescaped = (html: string) =>
  html.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')

describe('the first page', () => {
  it('shows the largest changes as sentences, largest first', async () => {
    const page = unescaped(await text('/'))
    const { findings } = await json<PageJson>('/index.json')
    expect(findings.length).toBeGreaterThan(3)
    for (const { headline } of findings) expect(page).toContain(headline)
    expect(findings[0]?.severity).toBe('high')
  })

  it('lists every division, says how fresh the data is, and that the city is simulated', async () => {
    const page = await text('/')
    for (const division of FIXTURE_DIVISIONS) expect(unescaped(page)).toContain(divisionAddress(division))
    expect(page).toContain('2021-08-31 06:15 UTC')
    expect(page).toContain('12,345')
    expect(page).toContain('simulated city')
  })

  it('has links that all lead somewhere, however a division is called', async () => {
    const seen = new Set(['/'])
    for (const path of seen) {
      const response = await get(path)
      expect(response.status, path).toBe(200)
      const body = await response.text()
      if (!response.headers.get('Content-Type')?.startsWith('text/html')) continue
      for (const [, raw] of body.matchAll(/(?:href|action)="([^"]*)"/g)) {
        const link = unescaped(raw ?? '').split('#')[0] ?? ''
        if (link.startsWith('/')) seen.add(link)
      }
    }
    expect(seen.size).toBeGreaterThan(60)
  })
})

describe("a division's page", () => {
  it.each(FIXTURE_DIVISIONS)(
    'of %s has CSV that equals the list shown and JSON that equals CSV',
    async (division) => {
      const { findings } = await json<PageJson>(divisionAddress(division, {}, 'json'))
      const [header, ...rows] = parseCsv(await text(divisionAddress(division, {}, 'csv')))
      const plain = rows.map((row) =>
        Object.fromEntries(row.map((cell, index) => [header?.[index], cell.replace(/^'(?=[=+@-])/, '')])),
      )
      expect(plain).toEqual(
        findings.map((line) =>
          Object.fromEntries(Object.entries(line).map(([name, cell]) => [name, String(cell)])),
        ),
      )
      const page = unescaped(await text(divisionAddress(division)))
      for (const { headline } of findings) expect(page).toContain(headline)
    },
  )

  it('shows the rows that its finding counted, and no more', async () => {
    const { findings, rows } = await json<PageJson>('/d/07.json')
    expect(rows.total).toBe(findings[0]?.observed)
    const page = await text('/d/07')
    for (const row of rows.shown) expect(page).toContain(`>${row.service_request_id}</td>`)
    expect(rows.shown).toHaveLength(25)
  })

  it('draws the series asked for', async () => {
    const page = unescaped(await text('/d/07?series=calls%2Frequests%2FLED%2520Streetlight'))
    expect(page).toContain('“LED Streetlight”, requests a week')
    expect(await text('/d/07/chart.svg?series=calls%2Frequests%2FGraffiti')).toContain(
      '“Graffiti” requests a week',
    )
  })

  it('says so when nothing was found, and leads to the latest finding there is', async () => {
    const page = await text(divisionAddress(CALM_DIVISION))
    expect(page).toMatch(/4\s(?:series were checked|series)/)
    expect(page).toContain('The latest finding there is')
    expect(page).toMatch(/href="\/f\/[0-9a-f]{32}"/)
  })

  it('does not say that nothing was found when the choice of severity hides it', async () => {
    expect(await text(`${divisionAddress('Ward 3')}?severity=low`)).toContain('of another severity')
  })

  it('finds old findings in all weeks', async () => {
    const { findings } = await json<PageJson>(`${divisionAddress(CALM_DIVISION, { since: 'all' }, 'json')}`)
    expect(findings).toHaveLength(1)
  })

  it('that does not exist is 404 and names the nearest', async () => {
    const response = await get('/d/7')
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('href="/d/07"')
  })
})

describe("a finding's page", () => {
  it('says category and division once at its top, and in the way to it which finding this is', async () => {
    const { findings } = await json<PageJson>('/index.json')
    const page = unescaped(await text(String(findings[0]?.address)))
    const top = page.slice(page.indexOf('<main'), page.indexOf('</h1>')).replaceAll(/<[^>]*>/g, ' ')
    expect(top.split(`“${findings[0]?.category}”`)).toHaveLength(2)
    expect(top).toContain('/ Finding, 19 July to 29 August 2021')
  })

  it('shows sentence, history, evidence and receipt', async () => {
    const [finding] = (await json<PageJson>('/index.json')).findings
    const page = unescaped(await text(String(finding?.address)))
    expect(page).toContain(finding?.sentence)
    for (const part of [
      'ongoing',
      'farrington-flexible/1',
      'bb'.repeat(32),
      'SELECT count(*)',
      'dispersion 1.4',
    ]) {
      expect(page).toContain(part)
    }
  })

  it('gives all evidence rows as CSV, as many as were counted', async () => {
    const [finding] = (await json<PageJson>('/index.json')).findings
    const [, ...rows] = parseCsv(await text(`${finding?.address}/rows.csv`))
    expect(rows).toHaveLength(Number(finding?.observed))
    const { rows: shown } = await json<PageJson>(`${finding?.address}.json`)
    expect(rows.slice(0, 25).map((row) => row[2])).toEqual(shown.shown.map((row) => row.service_request_id))
  })

  it('stays when the finding is withdrawn, says so, and leaves the lists', async () => {
    const before = (await json<PageJson>('/d/07.json')).findings
    const graffiti = before.find(({ category }) => category === 'Graffiti')
    await addWithdrawal(store, String(graffiti?.finding), '07')
    expect(await text(String(graffiti?.address))).toContain('This finding was withdrawn.')
    expect((await json<PageJson>('/d/07.json')).findings).toHaveLength(before.length - 1)
  })
})

describe('privacy', () => {
  it('shows no house number, coordinate or postcode of a row in any form', async () => {
    const [finding] = (await json<PageJson>('/index.json')).findings
    for (const path of ['/d/07', '/d/07.json', String(finding?.address), `${finding?.address}/rows.csv`]) {
      const body = await text(path)
      expect(body).toContain('1200 block of N MAIN ST')
      expect(body).not.toMatch(new RegExp(`\\b${SECRET_HOUSE}\\b|34\\.05|118\\.24|90012|APT 5`))
    }
  })
})

describe('the API', () => {
  it('lists events in ledger order, page by page, until next is null', async () => {
    const all = await json<ListJson>('/api/v1/findings?limit=1000')
    const indexes: number[] = []
    for (let path: string | null = '/api/v1/findings?limit=3'; path !== null; ) {
      const response: Response = await get(path)
      const { findings, next } = (await response.json()) as ListJson
      indexes.push(...findings.map(({ index }) => index))
      const link = response.headers.get('Link')
      expect(link === null).toBe(next === null)
      path = link ? (/<([^>]+)>; rel="next"/.exec(link)?.[1] ?? null) : null
    }
    expect(indexes).toEqual(all.findings.map(({ index }) => index))
    expect(indexes).toEqual([...indexes].sort((a, b) => a - b))
  })

  it('filters by division, state and day', async () => {
    const { findings } = await json<ListJson>(
      `/api/v1/findings?division=Ward%203&state=new&since=${NEWEST_WEEK}`,
    )
    expect(findings).toEqual([])
    const { findings: early } = await json<ListJson>('/api/v1/findings?division=Ward%203&state=new')
    expect(early.map(({ state }) => state)).toEqual(['new'])
  })

  it('lists every series that detection knows, page by page, in one order', async () => {
    const all = await json<SeriesJson>('/api/v1/series?limit=1000')
    expect(all.next).toBeNull()
    expect(all.series).toHaveLength(FIXTURE_DIVISIONS.length * 4)
    const paged: object[] = []
    for (let path: string | null = '/api/v1/series?limit=3'; path !== null; ) {
      const response: Response = await get(path)
      const { series, next } = (await response.json()) as SeriesJson
      paged.push(...series)
      const link = response.headers.get('Link')
      expect(link === null).toBe(next === null)
      path = link ? (/<([^>]+)>; rel="next"/.exec(link)?.[1] ?? null) : null
    }
    expect(paged).toEqual(all.series)
  })

  it('says of a series how many weeks were looked at, tested and outside, and filters', async () => {
    const { series } = await json<SeriesJson>(
      '/api/v1/series?dataset=calls&division=Ward%203&category=Illegal+Dumping',
    )
    expect(series).toEqual([
      {
        ...{ dataset: 'calls', kind: 'service-requests', metric: 'requests' },
        ...{ division: 'Ward 3', category: 'Illegal Dumping' },
        ...{ weeks: 130, weeks_tested: 129, weeks_outside: 6 },
        ...{ oldest_week: '2019-03-04', oldest_tested_week: '2019-03-04', newest_week: NEWEST_WEEK },
      },
    ])
    expect((await json<SeriesJson>('/api/v1/series?dataset=none')).series).toEqual([])
  })

  it('lists the datasets with what they count and how far they reach', async () => {
    const { datasets } = await json<{ datasets: object[] }>('/api/v1/datasets')
    const { divisions } = await json<{ divisions: { rows: number }[] }>('/api/v1/divisions')
    expect(datasets).toEqual([
      {
        ...{ id: 'calls', name: '311 service requests', kind: 'service-requests', metric: 'requests' },
        rows: divisions.reduce((sum, { rows }) => sum + rows, 0),
        ...{ divisions: FIXTURE_DIVISIONS.length, categories: 4 },
        ...{ oldest_week: '2019-03-04', newest_week: NEWEST_WEEK, license: 'CC0-1.0' },
        ...{ partition_column: 'council_district', tidy_version: 0 },
      },
    ])
  })

  it('gives one event whole, with its receipt', async () => {
    const body = await json<{ event: { type: string }; receipt: { size: number } }>('/api/v1/events/0')
    expect(body.event.type).toBe('org.wardbook.finding.new')
    expect(body.receipt.size).toBe(99)
  })

  it.each([
    ['/api/v1/findings?limit=1001', 400, 'bad-query'],
    ['/api/v1/findings?colour=red', 400, 'bad-query'],
    ['/api/v1/findings?since=soon', 400, 'bad-query'],
    ['/api/v1/series?colour=red', 400, 'bad-query'],
    ['/api/v1/series?cursor=12', 400, 'bad-query'],
    ['/api/v1/series?limit=0', 400, 'bad-query'],
    ['/api/v1/datasets?dataset=calls', 400, 'bad-query'],
    ['/d/07.csv?utm=1', 400, 'bad-query'],
    ['/d/07.json?since=3w', 400, 'bad-query'],
    ['/d/none.json', 404, 'not-found'],
    ['/f/none.csv', 404, 'not-found'],
    ['/api/v1/events/123456', 404, 'not-found'],
    ['/api/v2', 404, 'not-found'],
  ])('answers %s with a problem', async (path, status, code) => {
    const response = await get(path)
    expect(response.status).toBe(status)
    expect(response.headers.get('Content-Type')).toMatch('application/problem+json')
    expect(await response.json()).toMatchObject({ status, code })
  })

  it('ignores foreign parameters on pages, but not wrong values', async () => {
    expect((await get('/d/07?utm_source=mail')).status).toBe(200)
    const wrong = await get('/d/07?since=soon')
    expect(wrong.status).toBe(400)
    expect(await wrong.text()).toContain('bad-query')
  })
})

describe('every answer', () => {
  it('has a strong ETag and costs nothing when nothing changed', async () => {
    for (const path of [
      '/',
      '/d/07.csv',
      '/d/07/chart.svg',
      '/api/v1/findings',
      '/api/v1/series',
      '/api/v1/datasets',
    ]) {
      const etag = (await get(path)).headers.get('ETag') ?? ''
      expect(etag).toMatch(/^"[0-9a-f]+"$/)
      const again = await get(path, { 'If-None-Match': `W/"x", ${etag}` })
      expect([again.status, await again.text()]).toEqual([304, ''])
      expect((await get(path, { 'If-None-Match': '"x"' })).status).toBe(200)
    }
  })

  it('may be read from any page, loads nothing from elsewhere, and is what it says it is', async () => {
    for (const path of ['/', '/methods', '/d/07.csv', '/nowhere']) {
      const { headers } = await get(path)
      expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(headers.get('Content-Security-Policy')).toMatch(/^default-src 'none'/)
      expect(headers.get('Content-Security-Policy')).not.toMatch(/https?:|\*/)
    }
  })

  it('answers HEAD like GET, without content', async () => {
    const head = await app.request('/d/07', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect(head.headers.get('ETag')).toBe((await get('/d/07')).headers.get('ETag'))
  })

  it('is the same for many callers at once', async () => {
    const bodies = await Promise.all(Array.from({ length: 20 }, () => text('/d/Ward%203?since=52w')))
    expect(new Set(bodies).size).toBe(1)
  })

  it('keeps pages small and without scripts', async () => {
    const page = await text('/d/07')
    expect(page.length).toBeLessThan(60_000)
    expect(page).not.toContain('<script')
    expect(page).not.toMatch(/NaN|undefined|Infinity/)
  })
})

describe('a server', () => {
  it('listens on this machine and closes', async () => {
    const server = await startServer({ app, port: 0 })
    const response = await fetch(`${server.url}/d/Ward%203`)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('Ward 3')
    await server.close()
    await expect(fetch(server.url)).rejects.toThrow()
  })
})

describe('a lake without data', () => {
  it('still has pages that say so', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'wardbook-empty-'))
    const { openLocalStore } = await import('../lake/local/local-store.js')
    const bare = await openPublication(await openLocalStore(empty), FIXTURE_CITY)
    const site = createApp({ publication: bare })
    for (const path of [
      '/',
      '/d/07',
      '/index.csv',
      '/d/07.json',
      '/methods',
      '/api/v1/findings',
      '/api/v1/divisions',
      '/api/v1/series',
      '/api/v1/datasets',
    ]) {
      expect((await site.request(path)).status, path).toBe(200)
    }
    expect(await (await site.request('/')).text()).toContain('There is no data yet')
    await bare.close()
    await rm(empty, { recursive: true, force: true })
  })
})
