import { CityFile } from '../../contracts/city-file.js'
import { FIRST_DAY } from '../city/calendar.js'
import { DATASETS, type DatasetId } from '../city/catalog.js'
import type { PocketCity } from '../city/pocket-city.js'
import { CITY_ZONE } from './cells.js'
import { CRIME, PERMITS, VIOLATIONS } from './other-datasets.js'
import {
  collisionPath,
  LEGISTAR_CLIENT,
  type PortalAddresses,
  PUBLICATIONS,
  WEATHER_PATH,
} from './pocket-portals.js'
import type { Publication } from './publication.js'
import { NEW_REQUESTS } from './service-requests.js'

const LICENSE = { name: 'CC0, simulated data' }
const FIRST_YEAR = Number(FIRST_DAY.slice(0, 4))
const BY_POINT = { by: 'point', point: { latitude: 'latitude', longitude: 'longitude' } } as const

/** Where each dataset is published, and how its rows are told their districts: what one would write for a real city. */
function portalsOf(at: PortalAddresses): Readonly<Record<DatasetId, { partition: object; sources: object }>> {
  return {
    'service-requests': {
      partition: { ...BY_POINT, from: 'ward', values: numbered('Ward ') },
      sources: {
        legacy: {
          ...{
            family: 'socrata',
            portal: at.socrata,
            find: { name: 'Service Requests {year}', from: FIRST_YEAR, through: 2026 },
          },
        },
        'new-system': { family: 'ckan', portal: at.ckan, resources: [NEW_REQUESTS.id] },
      },
    },
    'crime-incidents': {
      partition: { from: 'COUNCIL_DIST' },
      sources: { incidents: { family: 'arcgis', service: at.arcgis, layers: [CRIME.name], geometry: false } },
    },
    'building-permits': {
      partition: { by: 'point', point: { latitude: 'lat', longitude: 'lon' } },
      sources: { permits: { family: 'opendatasoft', portal: at.opendatasoft, datasets: [PERMITS.id] } },
    },
    'code-violations': {
      partition: { from: 'district', values: numbered('District ') },
      sources: { citations: { family: 'ckan', portal: at.ckan, resources: [VIOLATIONS.id] } },
    },
    collisions: {
      partition: { by: 'point', point: { latitude: 'y', longitude: 'x' } },
      sources: {
        yearly: {
          family: 'files',
          find: { name: `${at.files}${collisionPath('{year}')}`, from: FIRST_YEAR, through: 2026 },
        },
      },
    },
    weather: {
      partition: { by: 'citywide' },
      sources: { observers: { family: 'files', urls: [`${at.files}${WEATHER_PATH}`] } },
    },
    'council-matters': {
      partition: { by: 'citywide' },
      sources: {
        matters: { family: 'legistar', api: at.legistar, client: LEGISTAR_CLIENT, records: 'matters' },
      },
    },
  }
}

/** `Ward 3` is 3. */
function numbered(prefix: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: 10 }, (_none, at) => [`${prefix}${at + 1}`, String(at + 1)]))
}

/**
 * The city file of the pocket city, as one would write it for a real one.
 * @param mapFiles the GeoJSON file of each map, by id
 */
export function pocketCityFile(
  city: PocketCity,
  at: PortalAddresses,
  mapFiles: Readonly<Record<string, string>>,
): CityFile {
  const [, today] = city.maps
  return CityFile.parse({
    city: { slug: 'pocket', name: 'Pocket City', timeZone: CITY_ZONE, simulated: true },
    divisions: {
      label: 'District',
      members: Object.fromEntries(today.divisions.map(({ value }) => [value, {}])),
      boundaries: city.maps.map(({ id, validFrom, validTo }) => ({
        ...{ id, file: mapFiles[id], property: 'district', validFrom },
        ...(validTo === undefined ? {} : { validTo }),
      })),
    },
    datasets: Object.fromEntries(
      DATASETS.map(({ id, name, kind }) => [
        id,
        { name, kind, license: LICENSE, key: keyOf(id), mapping: mappingOf(id), ...portalsOf(at)[id] },
      ]),
    ),
  })
}

function publicationsOf(dataset: DatasetId): Publication[] {
  return PUBLICATIONS.filter((publication) => publication.dataset === dataset)
}

function keyOf(dataset: DatasetId): string | undefined {
  return publicationsOf(dataset)[0]?.keyColumn
}

/** The columns of all its publications by field, the newest first; times with all forms that they come in. */
function mappingOf(dataset: DatasetId): Record<string, unknown> {
  const publications = publicationsOf(dataset).reverse()
  const formats = mostUsed(publications.flatMap((publication) => publication.formats))
  const columns = new Map<string, Set<string>>()
  for (const { field, name } of publications.flatMap((publication) => publication.columns)) {
    if (field !== undefined) columns.set(field, (columns.get(field) ?? new Set()).add(name))
  }
  const timeZone = publications[0]?.timeZone ?? CITY_ZONE
  return Object.fromEntries(
    [...columns].map(([field, names]) => {
      const from = names.size === 1 ? [...names][0] : [...names]
      return [
        field,
        field.endsWith('_at') ? { from, formats, ...(timeZone === CITY_ZONE ? {} : { timeZone }) } : from,
      ]
    }),
  )
}

/** Each once, the most frequent first: what is tried first should fit. */
function mostUsed(formats: readonly string[]): string[] {
  const count = (form: string) => formats.filter((other) => other === form).length
  return [...new Set(formats)].sort((a, b) => count(b) - count(a))
}
