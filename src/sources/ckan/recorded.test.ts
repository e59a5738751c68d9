import { join } from 'node:path'
import { expect } from 'vitest'
import { refusalOf } from '../../../testkit/failure-of.js'
import { trialTools } from '../../../testkit/portal-trial.js'
import { readWhole, type SourceRead } from '../../../testkit/read-source.js'
import {
  describeRecorded,
  madeUp,
  type RecordedAnswer,
  type Routes,
  readCassette,
  replay,
} from '../../../testkit/recorded.js'
import { findShared } from '../../../testkit/shared-folder.js'
import { CkanSource as Settings } from '../../contracts/sources/ckan.js'
import { sha256Hex } from '../../kernel/ids.js'
import type { CatalogEntry } from '../catalog.js'
import type { Source } from '../source.js'
import { CkanApi } from './api.js'
import { ckanCatalog } from './catalog.js'
import { openCkanSource } from './ckan-source.js'
import { Package } from './resource.js'

const folder = findShared('fixtures', 'portals', 'ckan')
const PORTAL = 'https://portal.example.gov'

/** The nth recorded answer whose address fits. */
function recorded(file: string, pattern: RegExp, nth = 0): RecordedAnswer {
  const fits = readCassette(join(folder as string, file)).filter(({ method, url }) =>
    pattern.test(`${method} ${url}`),
  )
  const answer = fits.at(nth)?.answer
  if (answer === undefined) throw new Error(`${file} has no answer to ${pattern}`)
  return answer
}

/** `resource_show` as it follows from a recorded `package_show`: the same object, in an envelope of its own. */
function resourceOf(packageAnswer: RecordedAnswer, id: string): RecordedAnswer {
  const { result } = JSON.parse(packageAnswer.body) as { result: { resources: { id: string }[] } }
  return madeUp({ success: true, result: result.resources.find((resource) => resource.id === id) })
}

function open(routes: Routes, settings: object): Source {
  const config = Settings.parse({ family: 'ckan', portal: PORTAL, ...settings })
  return openCkanSource('recorded', config, trialTools({}, replay(routes)))
}

async function catalogOf(routes: Routes): Promise<readonly CatalogEntry[]> {
  const entries: CatalogEntry[] = []
  for await (const entry of ckanCatalog(PORTAL, trialTools({}, replay(routes)))) entries.push(entry)
  return entries
}

/** Reads a recorded datastore. It was recorded without a list of fields, so `_id` comes along and is shown behind the others. */
async function readStore(file: string, id: string, pages: readonly RecordedAnswer[]): Promise<SourceRead> {
  const packageAnswer = recorded(file, /package_show/, -2)
  const described = recorded(file, new RegExp(`GET .*limit=0&resource_id=${id}`), -1)
  return readWhole(
    open(
      [
        [/resource_show/, resourceOf(packageWith(file, id) ?? packageAnswer, id)],
        [/datastore_search.*[?&]limit=0/, described],
        [/datastore_search/, ...pages],
      ],
      { resources: [id], read: 'pages' },
    ),
  )
}

/** The recorded package that lists the resource. */
function packageWith(file: string, id: string): RecordedAnswer | undefined {
  return readCassette(join(folder as string, file))
    .filter(({ url, answer }) => url.includes('package_show') && answer.body.includes(`"id": "${id}"`))
    .at(0)?.answer
}

const CASES: Readonly<Record<string, () => Promise<unknown>>> = {
  'test_ckan_adapter_catalog_read_packages_by_invalid_group.yaml': async () => {
    const answer = recorded(
      'test_ckan_adapter_catalog_read_packages_by_invalid_group.yaml',
      /group_package_show/,
    )
    const api = new CkanApi(
      trialTools({}, replay([[/group_package_show/, answer]])).http,
      PORTAL,
      undefined,
      'CKAN_API_TOKEN',
    )
    const [code, remedy, message] = await refusalOf(
      api.action('group_package_show', { id: 'agricultura' }, Package),
    )
    expect([code, remedy]).toEqual(['source-not-found', 'fix-source'])
    expect(message).toMatch(/Não encontrado/)
  },
  'test_ckan_adapter_catalog_read_packages_by_organization.yaml': async () => {
    const answer = recorded('test_ckan_adapter_catalog_read_packages_by_organization.yaml', /package_search/)
    const entries = await catalogOf([[/package_search/, answer]])
    expect(entries.length).toBeGreaterThan(6)
    expect(entries[0]).toMatchObject({
      id: 'd840d3ad-e3d6-4518-a65f-c2d7326042bf',
      kind: 'CSV',
      updatedAt: '2022-09-15T17:48:42.958Z',
    })
    expect(entries[0]?.name).toMatch(/Dados Abertos do Catálogo da Indústria Espacial Brasileira - CSV$/)
  },
  'test_ckan_adapter_catalog_search_with_results_offset.yaml': async () => {
    const answer = recorded('test_ckan_adapter_catalog_search_with_results_offset.yaml', /package_search/)
    const { count, results } = (JSON.parse(answer.body) as { result: { count: number; results: unknown[] } })
      .result
    const last = madeUp({ success: true, result: { count, results: [] } })
    const entries = await catalogOf([
      [new RegExp(`start=${results.length}$|start=${results.length} `), last],
      [/package_search/, answer],
    ])
    expect([count, results.length]).toEqual([554, 10])
    expect(entries.find(({ id }) => id === 'ac64ba57-bac8-4969-9248-cb9c9b76415d')).toMatchObject({
      kind: 'CSV',
      updatedAt: '2022-04-26T17:17:00.614Z',
    })
  },
  'test_ckan_adapter_read.yaml': async () => {
    const answer = recorded('test_ckan_adapter_read.yaml', /package_show/)
    const file = { status: 206, headers: { etag: '"1"' }, body: 'P' }
    const source = open(
      [
        [/package_show/, answer],
        [
          /datastore_search/,
          { ...madeUp('Bad request - Action name not known: datastore_search'), status: 400 },
        ],
        [/download-de-dados/, file],
      ],
      {
        package: 'bolsa-familia-pagamentos',
        find: { name: 'Pagamentos - Outubro/{year}', from: 2019, through: 2022 },
      },
    )
    const { offers, missing } = await source.describe()
    expect(offers.map(({ plan }) => plan)).toContainEqual({
      read: 'file',
      url: 'https://www.portaltransparencia.gov.br/download-de-dados/bolsa-familia-pagamentos/202110',
    })
    expect(missing).toContain('Pagamentos - Outubro/2022')
  },
  'test_ckan_adapter_read_data.yaml': async () => {
    const name = 'test_ckan_adapter_read_data.yaml'
    const id = '5de110e5-6ef9-4282-9866-9201a0014dea'
    const file = recorded(name, /download\/___/)
    const routes: Routes = [
      [/resource_show/, resourceOf(recorded(name, /package_show/), id)],
      [/download\/___/, file],
    ]
    const source = open(routes, { portal: 'http://localhost:5000', resources: [id] })
    const [offer] = (await source.describe()).offers
    // Its datastore is active, and says itself that it does not hold all rows: the file is the whole.
    expect(offer?.plan).toMatchObject({ read: 'file' })
    const request = source.nextPage(offer as NonNullable<typeof offer>, [])
    const answer = await source.fetch(request as NonNullable<typeof request>)
    const chunks: Uint8Array[] = []
    for await (const chunk of answer.bytes) chunks.push(chunk)
    expect(sha256Hex(Buffer.concat(chunks))).toBe(sha256Hex(file.body))
    expect(answer.etag).toBe('"1675064854.7332783-143-436277424"')
  },
  'test_ckan_adapter_read_invalid_url.yaml': async () => {
    const answer = recorded('test_ckan_adapter_read_invalid_url.yaml', /package_show/)
    const settings = { package: 'no-dataset', find: { name: 'Requests {year}', from: 2020 } }
    const [code, remedy] = await refusalOf(open([[/package_show/, answer]], settings).describe())
    expect([code, remedy]).toEqual(['source-not-found', 'fix-source'])
  },
  'test_ckan_parser.yaml': async () => {
    const name = 'test_ckan_parser.yaml'
    const id = '711069ae-b409-4584-843a-3d6f5a47e129'
    const [page, behind] = [recorded(name, /include_total=False/), recorded(name, /offset=100/)]
    const { rows, publication } = await readStore(name, id, [page, behind])
    expect(rows).toEqual([
      { id: '1', name: 'english' },
      { id: '2', name: '中国人' },
    ])
    expect(publication.offers[0]).toMatchObject({
      rows: 2,
      columns: [
        { name: 'id', type: 'int4' },
        { name: 'name', type: 'text' },
      ],
    })
    // Made through the interface: nothing tells when it changed.
    expect(publication.offers[0]?.changeToken).toBeUndefined()
  },
  'test_ckan_storage_not_existent_error.yaml': async () => {
    const answer = recorded('test_ckan_storage_not_existent_error.yaml', /package_show/)
    const settings = { package: 'frictionless', find: { name: 'bad {year}', from: 2020 } }
    const [code, remedy] = await refusalOf(open([[/package_show/, answer]], settings).describe())
    expect([code, remedy]).toEqual(['source-empty-list', 'fix-config'])
  },
  'test_ckan_storage_types.yaml': async () => {
    const name = 'test_ckan_storage_types.yaml'
    const id = '66cac6ef-c56d-41ae-b245-c381f50d15e9'
    const [page, behind] = [
      recorded(name, new RegExp(`GET .*resource_id=${id}&include_total=False`)),
      recorded(name, /offset=100/),
    ]
    const { rows, publication } = await readStore(name, id, [page, behind])
    expect(rows).toEqual([
      {
        any: '中国人',
        array: '["Mike","John"]',
        boolean: 'true',
        date: '2015-01-01',
        date_year: '2015',
        datetime: '2015-01-01T03:00:00',
        duration: 'P1Y1M',
        geojson: '{"type": "Point", "coordinates": [33, 33.33]}',
        geopoint: '30,70',
        integer: '1',
        number: '7',
        object: '{"chars": 560}',
        string: 'english',
        time: '03:00:00',
        year: '2015',
        yearmonth: '2015-01',
      },
    ])
    const types = publication.offers[0]?.columns?.map(({ type }) => type)
    expect(new Set(types)).toEqual(
      new Set(['text', '_text', 'bool', 'timestamp', 'json', 'int4', 'float8', 'time']),
    )
  },
}

describeRecorded('CKAN portals', folder, CASES)
