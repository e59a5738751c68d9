import type { Day } from '../../kernel/time.js'
import { FIRST_DAY } from '../city/calendar.js'
import { DATASETS } from '../city/catalog.js'
import type { CityMap } from '../city/maps.js'
import type { PocketCity } from '../city/pocket-city.js'
import type { TrueMapping, Truth } from '../truth.js'
import { PUBLICATIONS } from './pocket-portals.js'
import type { Publication } from './publication.js'

/** What is true of a city on the evening of a day. @param rows published rows by dataset */
export function trueCity(city: PocketCity, asOf: Day, rows: Readonly<Record<string, number>>): Truth {
  return {
    ...{ city: 'pocket', seed: city.seed, size: city.size, from: FIRST_DAY, asOf },
    maps: city.maps.map(trueMap),
    datasets: DATASETS.map(({ id, kind, categories }) => ({
      ...{ id, kind, rows: rows[id] ?? 0 },
      categories: categories.map(({ name, department }) => ({ name, department })),
    })),
    events: [...city.events],
    mappings: trueMappings(),
  }
}

function trueMap({ id, validFrom, validTo, divisions }: CityMap): Truth['maps'][number] {
  return {
    ...{ id, validFrom, validTo: validTo ?? null },
    divisions: divisions.map(({ value, population, neighbors }) => ({
      value,
      population,
      neighbors: [...neighbors],
    })),
  }
}

/** One entry a table: tables of a source differ by year. */
function trueMappings(): TrueMapping[] {
  return PUBLICATIONS.map((publication) => ({
    ...{ dataset: publication.dataset, source: publication.source, timeZone: publication.timeZone },
    formats: [...publication.formats],
    columns: columnsByField(publication),
    labels: labelsByName(publication),
  }))
}

function columnsByField({ columns }: Publication): Record<string, string> {
  return Object.fromEntries(
    columns.flatMap(({ field, name }) => (field === undefined ? [] : [[field, name]])),
  )
}

function labelsByName({ dataset, labels }: Publication): Record<string, string> {
  const own = DATASETS.find(({ id }) => id === dataset)?.categories ?? []
  return Object.fromEntries(labels.map((label, at) => [label, own[at]?.name ?? label]))
}

/** The boundaries of a map as GeoJSON in degrees, with the population of each district. */
export function geoJsonOf({ id, divisions }: CityMap): string {
  const rounded = (degrees: number) => Number(degrees.toFixed(7))
  const features = divisions.map(({ value, population, rings }) => ({
    type: 'Feature',
    properties: { district: value, population, map: id },
    geometry: {
      type: 'Polygon',
      coordinates: rings.map((ring) => ring.map(([x, y]) => [rounded(x), rounded(y)])),
    },
  }))
  return `${JSON.stringify({ type: 'FeatureCollection', features })}\n`
}
