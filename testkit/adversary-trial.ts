import type { CityFile } from '../src/contracts/city-file.js'
import { type Misbehave, startArcgisPortal } from '../src/demo/portals/arcgis/arcgis-portal.js'
import { type ArcgisMisbehavior, SERVER_10_1 } from '../src/demo/portals/arcgis/variant.js'
import { startCkanPortal } from '../src/demo/portals/ckan/ckan-portal.js'
import { startLegistarPortal } from '../src/demo/portals/legistar/legistar-portal.js'
import { startOpendatasoftPortal } from '../src/demo/portals/opendatasoft/opendatasoft-portal.js'
import type { PortalHooks, RunningPortal } from '../src/demo/portals/portal-server.js'
import type { PortalCell, PortalTable } from '../src/demo/portals/portal-table.js'
import { startSocrataPortal } from '../src/demo/portals/socrata/socrata-portal.js'
import { isArcgisPage } from './arcgis-trial.js'
import { type AsksForRows, asksForRows } from './portal-faults.js'
import { trialTable } from './portal-trial.js'
import { testCity } from './test-city.js'

/** One way in which a family reads a table, over the family's portal on this machine. */
export interface ReadingWay {
  /** Portal over a table that may change between requests. @param misbehave ArcGIS only */
  start(table: () => PortalTable, hooks?: PortalHooks, misbehave?: Misbehave): Promise<RunningPortal>
  /** The source of the city file. */
  source(url: string): object
  /** A table of service requests by number, as the family wants it. */
  table(numbers: readonly number[], about?: Partial<PortalTable>): PortalTable
  readonly asks: AsksForRows
  /** Columns of the raw table to compare, the division's first. */
  readonly columns: readonly string[]
}

/** Rows an answer, where a read has pages. */
export const PAGE_ROWS = 7

const ID = 'abcd-1234'
const COLUMNS = ['district', 'number', 'title'] as const

function requestsTable(numbers: readonly number[], about: Partial<PortalTable> = {}): PortalTable {
  const types = { number: 'text', district: 'text', title: 'text' } as const
  const rows = numbers.map((number) => [String(number), districtOf(number), titleOf(number)])
  return trialTable(types, rows, { id: ID, keyColumn: 'number', ...about })
}

function districtOf(number: number): string {
  return `0${(number % 3) + 1}`
}

function titleOf(number: number): string {
  return number % 5 === 0 ? `two\nlines, ${number}` : `request ${number}`
}

function councilTable(route: 'events' | 'matters', prefix: string) {
  return (numbers: readonly number[], about: Partial<PortalTable> = {}): PortalTable => {
    const types = {
      [`${prefix}Id`]: 'number',
      [`${prefix}BodyName`]: 'text',
      [`${prefix}Name`]: 'text',
    } as const
    const rows: PortalCell[][] = numbers.map((number) => [
      String(number),
      districtOf(number),
      titleOf(number),
    ])
    return trialTable(types, rows, { ...about, id: route })
  }
}

function socrata(read: 'pages' | 'export', api: 'soda2' | 'soda3' = 'soda2'): ReadingWay {
  return {
    start: (table, hooks) => startSocrataPortal(() => [table()], {}, hooks),
    source: (portal) => ({ family: 'socrata', portal, datasets: [ID], read, api, pageRows: PAGE_ROWS }),
    table: requestsTable,
    asks: asksForRows,
    columns: COLUMNS,
  }
}

function ckan(read: 'pages' | 'dump' | 'file', nextPage = false): ReadingWay {
  const packageOf = (table: PortalTable) => ({
    ...{ id: 'package-1', name: 'requests', title: 'Requests' },
    resources: [{ table }],
  })
  return {
    start: (table, hooks) => startCkanPortal(() => [packageOf(table())], { nextPage }, hooks),
    source: (portal) => ({ family: 'ckan', portal, resources: [ID], read, pageRows: PAGE_ROWS }),
    table: requestsTable,
    // A file is also asked for its first byte, which describes it.
    asks: (request) => asksForRows(request) && request.headers.range !== 'bytes=0-0',
    columns: COLUMNS,
  }
}

function arcgis(variant: object): ReadingWay {
  return {
    start: (table, hooks, misbehave) => startArcgisPortal(() => [table()], variant, hooks, misbehave),
    source: (url) => ({
      family: 'arcgis',
      service: `${url}/arcgis/rest/services/Requests/FeatureServer`,
      pageRows: PAGE_ROWS,
    }),
    table: requestsTable,
    asks: isArcgisPage,
    columns: COLUMNS,
  }
}

function opendatasoft(): ReadingWay {
  return {
    start: (table, hooks) => startOpendatasoftPortal(() => [table()], {}, hooks),
    source: (portal) => ({ family: 'opendatasoft', portal, datasets: [ID] }),
    table: requestsTable,
    asks: ({ path }) => path.includes('/exports/'),
    columns: COLUMNS,
  }
}

function legistar(records: 'events' | 'matters', prefix: string): ReadingWay {
  return {
    start: (table, hooks) => startLegistarPortal(() => [table()], { client: 'pocket' }, hooks),
    source: (url) => ({
      ...{ family: 'legistar', api: `${url}/v1`, client: 'pocket', records, pageRows: PAGE_ROWS },
    }),
    table: councilTable(records, prefix),
    asks: ({ query }) => query.get('$top') === String(PAGE_ROWS),
    columns: [`${prefix}BodyName`, `${prefix}Id`, `${prefix}Name`],
  }
}

/** Every way by name. */
export const WAYS = {
  'Socrata pages': socrata('pages'),
  'Socrata pages, SODA 3': socrata('pages', 'soda3'),
  'Socrata export': socrata('export'),
  'CKAN pages': ckan('pages'),
  'CKAN pages by filter': ckan('pages', true),
  'CKAN dump': ckan('dump'),
  'CKAN file': ckan('file'),
  'ArcGIS pages': arcgis({}),
  'ArcGIS ranges': arcgis(SERVER_10_1),
  'OpenDataSoft export': opendatasoft(),
  'Legistar events': legistar('events', 'Event'),
  'Legistar matters': legistar('matters', 'Matter'),
} satisfies Readonly<Record<string, ReadingWay>>
export type WayName = keyof typeof WAYS

/** A city whose one source is read in this way, and divided by the way's first column. @param settings of the source, @param dataset of the dataset */
export function cityOfWay(
  way: ReadingWay,
  url: string,
  settings: object = {},
  dataset: object = {},
): CityFile {
  const partition = { column: 'council_district', from: way.columns[0] }
  return testCity({ source: { ...way.source(url), ...settings }, dataset: { partition, ...dataset } })
}

/** The rows of a table as the raw table has to have them: lines to be compared as a bag. */
export function truthOf({ columns }: ReadingWay, table: PortalTable): string[] {
  const places = columns.map((name) => table.columns.findIndex((column) => column.name === name))
  const rows = Array.from({ length: table.rowCount }, (_none, index) => table.row(index))
  return rows.map((row) => JSON.stringify(places.map((at) => row[at] ?? null))).sort()
}

/** What an ArcGIS server does on its pages, or to questions with a parameter. */
export function onQueries(what: ArcgisMisbehavior, parameter?: string): Misbehave {
  return (request) => {
    const asked = new URLSearchParams([...request.query, ...new URLSearchParams(request.body)])
    const isMeant = parameter === undefined ? isArcgisPage(request) : asked.has(parameter)
    return isMeant ? what : undefined
  }
}
