import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kindCsv, mappingOfAll } from '../../testkit/kind-rows.js'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { detect, harmonize, ingest, measure, writeFiles } from '../../testkit/test-city.js'
import { CityFile } from '../contracts/city-file.js'
import { KIND_NAMES, KINDS, type KindName, tidyColumns } from '../contracts/kinds.js'
import { addDays } from '../kernel/time.js'
import { evidenceColumns } from './evidence-columns.js'
import { openPublication, type Publication } from './publication.js'
import { createApp } from './server.js'

const CITY = CityFile.parse({
  city: { slug: 'testville', name: 'Testville', timeZone: 'America/New_York' },
  datasets: Object.fromEntries(
    KIND_NAMES.map((kind) => [
      kind,
      {
        ...{ name: `The ${kind}`, kind, partition: { by: 'citywide' }, mapping: mappingOfAll(kind) },
        sources: { portal: { family: 'files', mirror: [`${kind}.csv`] } },
      },
    ]),
  ),
})

/** Three whole weeks from a Monday on, a row a day. */
const FIRST_ON = '2025-12-01'
const DAYS = 21

let lake: TestLake
let publication: Publication
let app: Hono

beforeAll(async () => {
  lake = await makeLake()
  const mirror = await mkdtemp(join(tmpdir(), 'wardbook-mirror-'))
  for (const kind of KIND_NAMES) {
    const { id, category, at } = KINDS[kind]
    const place = {
      address: '1234 N MAIN ST',
      zipcode: '90012',
      lat: '34.05',
      long: '-118.24',
      injured: '77',
    }
    const rows = Array.from({ length: DAYS }, (_none, day) => ({
      ...{ ...place, [id]: `${kind}-${day}`, [category]: 'Some', [at]: `${addDays(FIRST_ON, day)} 23:30:00` },
    }))
    await writeFiles(mirror, { [`${kind}.csv`]: kindCsv(kind, rows) })
    await ingest(lake.store, CITY, { mirror }, kind, 'portal')
    for (const stage of [harmonize, measure, detect]) await stage(lake.store, CITY, {}, kind)
  }
  await rm(mirror, { recursive: true })
  publication = await openPublication(lake.store, CITY)
  app = createApp({ publication })
}, 120_000)

afterAll(async () => {
  await publication.close()
  await lake.remove()
})

const text = async (path: string) => (await app.request(path)).text()

describe.each(KIND_NAMES)('the page of a division with %s', (kind) => {
  const { id, on, metric, category } = KINDS[kind]
  const title = `${metric.charAt(0).toUpperCase()}${metric.slice(1)}`

  it('calls its rows by the noun of their metric, in text, chart and table', async () => {
    const page = (await text(`/d/citywide?dataset=${kind}`)).replaceAll(/<[^>]*>/g, '|')
    expect(page).toContain(`“Some”, ${metric} a week`)
    expect(page).toContain(`Evidence: the ${metric}`)
    expect(page).toContain(`${DAYS} ${metric}.`)
    expect(page).toContain(`Line: ${metric} a week.`)
    expect(page).toContain(`${title} a week from the week of`)
    expect(page).toContain(`|${title}|`)
    expect(await text(`/d/citywide/chart.svg?dataset=${kind}`)).toContain(`“Some” ${metric} a week`)
    if (metric !== 'requests') expect(page).not.toMatch(/requests? (a week|to tell)|the requests\b/i)
  })

  it('publishes its rows with the columns of the kind, days in local time, and no exact place', async () => {
    const [header, ...rows] = (await text(`/d/citywide/rows.csv?dataset=${kind}`)).trimEnd().split('\r\n')
    expect(header?.split(',')).toEqual(evidenceColumns(kind).map(({ name }) => name))
    expect(rows).toHaveLength(DAYS)
    const body = await text(`/d/citywide/rows.json?dataset=${kind}`)
    const shown = (JSON.parse(body) as { rows: Record<string, unknown>[] }).rows
    expect(shown[0]).toMatchObject({ [id]: `${kind}-0`, [on]: FIRST_ON, [category]: 'Some' })
    if ('block' in (shown[0] ?? {})) expect(shown[0]?.block).toBe('1200 block of N MAIN ST')
    expect(body).not.toMatch(/\b1234\b|90012|34\.05|118\.24|"lat"|"long"|77/)
  })

  it('has evidence columns that its table can give', () => {
    const stored = tidyColumns(kind).map(({ name }) => name)
    const columns = evidenceColumns(kind)
    for (const { from } of columns) expect(stored).toContain(from)
    expect(columns.filter(({ isCategory }) => isCategory)).toHaveLength(1)
  })
})

describe('a city that counts several things', () => {
  it('calls them together rows, names each, and says what none of them says', async () => {
    const page = await text('/')
    expect(page).toContain(
      'counts the service requests, crime incidents, building permits, code violations, collisions, weather observations and council matters that Testville publishes',
    )
    expect(page).toContain('<th class="number">Rows</th>')
    const methods = await text('/methods')
    expect(methods).toContain('Permits count what was issued, not what was built.')
    expect(methods).toContain('rows a week.')
  })

  it('names the dataset of each series where a division has several', async () => {
    const page = await text('/d/citywide')
    expect(page).toContain('<th>Dataset</th>')
    for (const kind of KIND_NAMES) expect(page).toContain(`<td>The ${kind}</td>`)
  })

  it('lists kind and metric of each dataset and series for programs', async () => {
    const listed = async (path: string, name: string) =>
      ((await (await app.request(path)).json()) as Record<string, { kind: KindName; metric: string }[]>)[name]
    const truth = KIND_NAMES.map((kind) => `${kind} ${KINDS[kind].metric}`)
    for (const name of ['datasets', 'series']) {
      const found = await listed(`/api/v1/${name}`, name)
      expect(found?.map(({ kind, metric }) => `${kind} ${metric}`).sort(), name).toEqual(truth.toSorted())
    }
  })
})
