import { ARCGIS_SERVICE_PATH, startArcgisPortal } from '../src/demo/portals/arcgis/arcgis-portal.js'
import { startCkanPortal } from '../src/demo/portals/ckan/ckan-portal.js'
import { startLegistarPortal } from '../src/demo/portals/legistar/legistar-portal.js'
import { startOpendatasoftPortal } from '../src/demo/portals/opendatasoft/opendatasoft-portal.js'
import type { RunningPortal } from '../src/demo/portals/portal-server.js'
import type { PortalCell, PortalTable } from '../src/demo/portals/portal-table.js'
import { startSocrataPortal } from '../src/demo/portals/socrata/socrata-portal.js'
import { CITY_ZONE } from '../src/demo/publish/cells.js'
import { type FileForm, startFilePortal } from '../src/demo/publish/file-portal.js'
import { EDITED } from '../src/demo/publish/other-datasets.js'
import type { Publication } from '../src/demo/publish/publication.js'
import { startOfDay } from '../src/kernel/time.js'

/** How publishers of one portal family write a table, and what one writes into a city file to read it. */
export interface FamilyPortal {
  readonly name: string
  /** Id of a table, as the family wants it. */
  readonly id: string
  /** Names of columns, as the family wants them. */
  column(name: string): string
  /** An instant, as the family's publishers write it; the second text is the same by the city's clocks, `2024-01-31T08:15:00`. */
  time(instant: string, local: string): string
  /** The setting of a time in a mapping. */
  readonly reads: { readonly formats: readonly string[]; readonly timeZone?: string }
  start(tables: () => readonly PortalTable[]): Promise<RunningPortal>
  source(url: string): object
}

const AS_IT_IS = (name: string) => name
const LOWER = (name: string) => name.toLowerCase()
const LOCAL_ISO = { formats: ['%Y-%m-%dT%H:%M:%S'] }

const SOCRATA: FamilyPortal = {
  ...{ name: 'Socrata', id: 'pckt-0001', column: LOWER, reads: { formats: ['%Y-%m-%dT%H:%M:%S.%g'] } },
  time: (_instant, local) => `${local}.000`,
  start: (tables) => startSocrataPortal(tables),
  source: (portal) => ({ family: 'socrata', portal, datasets: ['pckt-0001'] }),
}

const CKAN: FamilyPortal = {
  ...{ name: 'CKAN', id: 'pocket-table', column: AS_IT_IS, reads: LOCAL_ISO },
  time: (_instant, local) => local,
  start: (tables) =>
    startCkanPortal(() => [
      {
        ...{ id: 'pocket', name: 'pocket', title: 'Pocket' },
        resources: tables().map((table) => ({ table, holdsAll: true })),
      },
    ]),
  source: (portal) => ({ family: 'ckan', portal, resources: ['pocket-table'] }),
}

const ARCGIS: FamilyPortal = {
  ...{ name: 'ArcGIS', id: 'pocket-table', column: AS_IT_IS, reads: { formats: ['epoch-ms'] } },
  time: (instant) => instant,
  start: (tables) => {
    const isDated = tables().every(({ columns }) => columns.some(({ name }) => name === EDITED))
    return startArcgisPortal(tables, isDated ? { editDateField: EDITED } : {})
  },
  source: (url) => ({
    ...{ family: 'arcgis', service: `${url}${ARCGIS_SERVICE_PATH}`, layers: [0], geometry: false },
  }),
}

const OPENDATASOFT: FamilyPortal = {
  ...{ name: 'OpenDataSoft', id: 'pocket-table', column: LOWER, reads: { formats: ['%Y-%m-%dT%H:%M:%S%z'] } },
  time: (instant) => instant,
  start: (tables) => startOpendatasoftPortal(tables),
  source: (portal) => ({ family: 'opendatasoft', portal, datasets: ['pocket-table'], timeZone: CITY_ZONE }),
}

/** It has no other records than a council's. */
export const LEGISTAR: FamilyPortal = {
  ...{ name: 'Legistar', id: 'matters', column: AS_IT_IS, reads: LOCAL_ISO },
  time: (_instant, local) => local,
  start: (tables) => startLegistarPortal(tables, { client: 'pocket' }),
  source: (url) => ({ family: 'legistar', api: `${url}/v1`, client: 'pocket', records: 'matters' }),
}

function files(form: FileForm, reads: FamilyPortal['reads'], time: FamilyPortal['time']): FamilyPortal {
  return {
    ...{ name: `plain files (${form})`, id: 'pocket-table', column: AS_IT_IS, reads, time },
    start: (tables) => startFilePortal(() => tables().map((table) => ({ path: '/table', form, table }))),
    source: (url) => ({ family: 'files', urls: [`${url}/table`] }),
  }
}

/** Each with times in a form of its own: what clerks write, what programs write, and in UTC. */
const FILES: readonly FamilyPortal[] = [
  files('csv-semicolon', { formats: ['%m/%d/%Y %I:%M:%S %p'] }, (_instant, local) => americanText(local)),
  files('csv.gz', { formats: ['%Y-%m-%d %H:%M:%S'] }, (_instant, local) => local.replace('T', ' ')),
  files('ndjson', { formats: ['%Y-%m-%dT%H:%M:%SZ'], timeZone: 'UTC' }, (instant) => instant),
]

/** Families that publish tables of any kind. */
export const FAMILIES: readonly FamilyPortal[] = [SOCRATA, CKAN, ARCGIS, OPENDATASOFT, ...FILES]

/** `01/31/2024 08:15:00 AM`. */
function americanText(local: string): string {
  const [, year, month, day, hour, rest] = /^(\d+)-(\d+)-(\d+)T(\d+)(:.+)$/.exec(local) ?? []
  const half = Number(hour) % 12 === 0 ? 12 : Number(hour) % 12
  return `${month}/${day}/${year} ${String(half).padStart(2, '0')}${rest} ${Number(hour) < 12 ? 'AM' : 'PM'}`
}

const CLOCK = new Intl.DateTimeFormat('sv-SE', {
  timeZone: CITY_ZONE,
  dateStyle: 'short',
  timeStyle: 'medium',
})

/** What the city's clocks show at an instant: `2024-01-31T08:15:00`. */
export function localText(instant: string): string {
  return CLOCK.format(Date.parse(instant)).replace(' ', 'T')
}

/** The instant of a time as the city's publications have it: of UTC, or the midnight that begins a local day. */
export function instantOf(cell: string): string {
  const instant = cell.endsWith('Z') ? cell : startOfDay(cell.slice(0, 10), CITY_ZONE)
  return `${instant.slice(0, 19)}Z`
}

/** A publication as a family has it: its names, and times that are mapped in its form. */
export function publicationOf(family: FamilyPortal, publication: Publication): Publication {
  const timeOf = (cell: PortalCell) => {
    const instant = cell === null ? null : instantOf(cell)
    return instant === null ? null : family.time(instant, localText(instant))
  }
  return {
    ...publication,
    id: family.id,
    keyColumn: family.column(publication.keyColumn),
    columns: publication.columns.map((column) => ({
      ...column,
      name: column.name === EDITED ? EDITED : family.column(column.name),
      ...(column.field?.endsWith('_at') ? { cell: (one) => timeOf(column.cell(one)) } : {}),
    })),
  }
}

/** The mapping that one writes for a publication of a family. */
export function mappingOf(family: FamilyPortal, { columns }: Publication): Record<string, unknown> {
  return Object.fromEntries(
    columns.flatMap(({ field, name }) => {
      if (field === undefined) return []
      return [[field, field.endsWith('_at') ? { from: name, ...family.reads } : name]]
    }),
  )
}
