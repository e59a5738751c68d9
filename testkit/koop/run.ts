import { deepStrictEqual } from 'node:assert'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArcgisSource } from '../../src/contracts/sources/arcgis.js'
import { openArcgisSource } from '../../src/sources/arcgis/arcgis-source.js'
import { httpClient, systemEffects } from '../../src/sources/http/client.js'
import type { Offer } from '../../src/sources/source.js'
import { readWhole, type SourceRow } from '../read-source.js'
import { startStrictKoop } from './strict-koop.js'

/**
 * `npm run koop`: a GeoServices server nobody here wrote publishes 5,000 features; our source reads them with pages, as ranges of ids, from a list
 * of ids and by a search, and must give the same rows and values each time, none twice. Ends with `N passed, N failed`.
 */
const FEATURES = 5_000
const MAX_RECORD_COUNT = 1_000
const WHERE = 'OBJECTID > 1200 AND OBJECTID <= 3900'

interface Feature {
  readonly properties: {
    OBJECTID: number
    NUMBER: string
    NOTE: string | null
    AMOUNT: number
    OPENED: string
  }
  readonly geometry: { readonly coordinates: readonly [number, number] }
}

const features: readonly Feature[] = Array.from({ length: FEATURES }, (_none, at) => ({
  type: 'Feature',
  properties: {
    OBJECTID: at + 1,
    NUMBER: `R-${String(at).padStart(6, '0')}`,
    NOTE: at % 7 === 0 ? null : `"quoted", Côte-d’Or ${at} 東`,
    AMOUNT: at / 8,
    OPENED: new Date(Date.UTC(2024, 0, 1) + at * 3_600_000).toISOString(),
  },
  geometry: { type: 'Point', coordinates: [-77 - at / 100_000, 38.9] },
}))

/** What must come out: dates as milliseconds since 1970, as ArcGIS has them. */
function expectedRow({ properties, geometry }: Feature): SourceRow {
  const { OBJECTID, NUMBER, NOTE, AMOUNT, OPENED } = properties
  const [x, y] = geometry.coordinates
  return {
    ...{
      OBJECTID: String(OBJECTID),
      NUMBER,
      NOTE,
      AMOUNT: String(AMOUNT),
      OPENED: String(Date.parse(OPENED)),
    },
    geometry: JSON.stringify({ x, y }),
  }
}

/** What older servers do not say or do not do; the server itself stays as it is. */
interface Older {
  /** Capabilities that the layer's metadata does not name. */
  readonly without?: readonly string[]
  /** Questions that are answered with an error. */
  readonly refuses?: readonly string[]
}

function olderFetch({ without = [], refuses = [] }: Older): typeof fetch {
  return async (address, init) => {
    const { pathname, searchParams } = new URL(String(address))
    if (refuses.some((name) => searchParams.has(name)))
      return new Response('{"error":{"code":400,"message":"Unable to complete operation.","details":[]}}')
    const response = await fetch(address, init)
    if (!/FeatureServer\/\d+$/.test(pathname)) return response
    const layer = (await response.json()) as Record<string, unknown> & {
      advancedQueryCapabilities?: Record<string, unknown>
    }
    for (const name of without) {
      delete layer[name]
      delete layer.advancedQueryCapabilities?.[name]
    }
    return Response.json(layer)
  }
}

async function read(services: string, older: Older, settings: object) {
  const http = httpClient(systemEffects(olderFetch(older)))
  const config = ArcgisSource.parse({
    family: 'arcgis',
    service: `${services}/requests/FeatureServer`,
    layers: [0],
    ...settings,
  })
  const { rows, publication } = await readWhole(openArcgisSource('koop', config, { http, env: {} }))
  return { rows, offer: publication.offers[0] as Offer }
}

const NO_PAGES = ['supportsPagination']
const NO_STATISTICS = [...NO_PAGES, 'supportsStatistics']

const TRIALS: readonly (readonly [string, Older, object, string])[] = [
  ['pages of 1,000', {}, {}, 'pages'],
  ['pages of 333', {}, { pageRows: 333 }, 'pages'],
  ['pages under a condition', {}, { where: WHERE }, 'pages'],
  ['ranges of ids', { without: NO_PAGES }, {}, 'ranges'],
  ['ranges of ids under a condition', { without: NO_PAGES }, { where: WHERE, pageRows: 700 }, 'ranges'],
  ['chunks of the list of ids', { without: NO_STATISTICS }, {}, 'ids'],
  ['ranges of ids by search', { without: NO_STATISTICS, refuses: ['returnIdsOnly'] }, {}, 'ranges'],
  [
    'ranges of ids by search, uncounted',
    { without: NO_STATISTICS, refuses: ['returnIdsOnly', 'returnCountOnly'] },
    {},
    'ranges',
  ],
]

function check(settings: object, { rows, offer }: Awaited<ReturnType<typeof read>>, strategy: string): void {
  const isIn = ({ properties: { OBJECTID } }: Feature) =>
    !('where' in settings) || (OBJECTID > 1_200 && OBJECTID <= 3_900)
  const byId = (a: SourceRow, b: SourceRow) => Number(a.OBJECTID) - Number(b.OBJECTID)
  deepStrictEqual((offer.plan as { strategy: string }).strategy, strategy)
  deepStrictEqual(
    rows.toSorted(byId).map((row) => ({ ...row })),
    features.filter(isIn).map(expectedRow),
  )
  if (offer.rows !== undefined) deepStrictEqual(rows.length, offer.rows)
}

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-koop-'))
  const metadata = { name: 'requests', idField: 'OBJECTID', maxRecordCount: MAX_RECORD_COUNT }
  await writeFile(
    join(folder, 'requests.geojson'),
    JSON.stringify({ type: 'FeatureCollection', metadata, features }),
  )
  const { services, server } = await startStrictKoop(folder, MAX_RECORD_COUNT)
  let [passed, failed] = [0, 0]
  try {
    for (const [title, older, settings, strategy] of TRIALS) {
      const failure = await read(services, older, settings)
        .then((outcome) => check(settings, outcome, strategy))
        .catch((thrown: unknown) => String(thrown).slice(0, 2_000))
      process.stdout.write(
        `${failure === undefined ? 'exact' : 'WRONG'}  ${title}${failure === undefined ? '' : `: ${failure}`}\n`,
      )
      if (failure === undefined) passed += 1
      else failed += 1
    }
  } finally {
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  }
  process.stdout.write(`koop: ${passed} passed, ${failed} failed\n`)
  return failed === 0 && passed === TRIALS.length ? 0 : 1
}

process.exit(await main())
