import type { Day } from '../../kernel/time.js'
import { indexOfDay } from '../city/calendar.js'
import type { PocketCity } from '../city/pocket-city.js'
import { ARCGIS_SERVICE_PATH, startArcgisPortal } from '../portals/arcgis/arcgis-portal.js'
import { startCkanPortal } from '../portals/ckan/ckan-portal.js'
import { startLegistarPortal } from '../portals/legistar/legistar-portal.js'
import { startOpendatasoftPortal } from '../portals/opendatasoft/opendatasoft-portal.js'
import type { RunningPortal } from '../portals/portal-server.js'
import { startSocrataPortal } from '../portals/socrata/socrata-portal.js'
import { type FileForm, type PublishedFile, startFilePortal } from './file-portal.js'
import { COLLISIONS, CRIME, EDITED, MATTERS, PERMITS, VIOLATIONS, WEATHER } from './other-datasets.js'
import type { Publication } from './publication.js'
import { PublishedTable } from './published-table.js'
import { LEGACY_REQUESTS, NEW_REQUESTS } from './service-requests.js'

/** Everything that the pocket city publishes. */
export const PUBLICATIONS: readonly Publication[] = [
  ...LEGACY_REQUESTS,
  NEW_REQUESTS,
  CRIME,
  PERMITS,
  VIOLATIONS,
  ...COLLISIONS,
  WEATHER,
  MATTERS,
]

/** Where the portals of the city listen, by family. */
export interface PortalAddresses {
  readonly socrata: string
  readonly ckan: string
  /** The feature service. */
  readonly arcgis: string
  readonly opendatasoft: string
  /** The API without the client. */
  readonly legistar: string
  readonly files: string
}

/** The portals of a city, on the loopback interface. */
export interface PocketPortals {
  readonly addresses: PortalAddresses
  /** Number of published rows by dataset. */
  rows(): Readonly<Record<string, number>>
  /** Publishes what is known on the evening of a day. */
  publish(asOf: Day): void
  close(): Promise<void>
}

/** The council's name in Legistar's API. */
export const LEGISTAR_CLIENT = 'pocket'
/** Rows a page of the feature service: what its administrators have set. */
const ARCGIS_PAGE_ROWS = 10_000

/** Starts a portal of each family with what the city published until the evening of a day. */
export async function startPocketPortals(city: PocketCity, asOf: Day): Promise<PocketPortals> {
  const tables = new Map(
    PUBLICATIONS.map((publication) => [publication, new PublishedTable(city, publication)]),
  )
  const of = (...publications: readonly Publication[]) =>
    publications
      .map((publication) => tables.get(publication) as PublishedTable)
      .filter(({ rowCount }) => rowCount > 0)
  const publish = (day: Day) => {
    for (const table of tables.values()) table.publish(indexOfDay(day))
  }
  publish(asOf)
  const running = await Promise.all([
    startSocrataPortal(() => of(...LEGACY_REQUESTS)),
    startCkanPortal(() => [
      { ...ckanPackage('requests'), resources: of(NEW_REQUESTS).map((table) => ({ table, holdsAll: true })) },
      { ...ckanPackage('violations'), resources: of(VIOLATIONS).map((table) => ({ table, holdsAll: true })) },
    ]),
    startArcgisPortal(() => of(CRIME), { editDateField: EDITED, maxRecordCount: ARCGIS_PAGE_ROWS }),
    startOpendatasoftPortal(() => of(PERMITS)),
    startLegistarPortal(() => of(MATTERS), { client: LEGISTAR_CLIENT }),
    startFilePortal(() => [...of(...COLLISIONS).map(collisionFile), ...of(WEATHER).map(weatherFile)]),
  ])
  return {
    addresses: addressesOf(running),
    rows: () => rowsByDataset(tables),
    publish,
    close: async () => {
      await Promise.all(running.map((portal) => portal.close()))
    },
  }
}

function addressesOf(running: readonly RunningPortal[]): PortalAddresses {
  const [socrata = '', ckan = '', arcgis = '', opendatasoft = '', legistar = '', files = ''] = running.map(
    ({ url }) => url,
  )
  const api = { arcgis: `${arcgis}${ARCGIS_SERVICE_PATH}`, legistar: `${legistar}/v1` }
  return { socrata, ckan, opendatasoft, files, ...api }
}

function ckanPackage(name: string) {
  return { id: `pocket-city-${name}`, name: `pocket-city-${name}`, title: `Pocket City: ${name}` }
}

/** Until 2023 a clerk's spreadsheet, then compressed, then for programs. */
function collisionFile(table: PublishedTable): PublishedFile {
  const year = Number(table.id.slice(-4))
  const form: FileForm = year < 2024 ? 'csv-semicolon' : year < 2025 ? 'csv.gz' : 'ndjson'
  return { path: collisionPath(year), form, table }
}

/** Path of the collisions of a year. */
export function collisionPath(year: number | '{year}'): string {
  return `/police/collisions-${year}`
}

/** Path of the weather observations. */
export const WEATHER_PATH = '/weather/observations.csv'

function weatherFile(table: PublishedTable): PublishedFile {
  return { path: WEATHER_PATH, form: 'csv', table }
}

function rowsByDataset(tables: ReadonlyMap<Publication, PublishedTable>): Record<string, number> {
  const rows: Record<string, number> = {}
  for (const [{ dataset }, { rowCount }] of tables) rows[dataset] = (rows[dataset] ?? 0) + rowCount
  return rows
}
