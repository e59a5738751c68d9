import type { CityFile } from '../contracts/city-file.js'
import type { Day } from '../kernel/time.js'
import type { CitySize } from './city/catalog.js'
import type { PocketCity } from './city/pocket-city.js'
import { pocketCityFile } from './publish/city-file.js'
import type { PocketPortals } from './publish/pocket-portals.js'
import { geoJsonOf, trueCity } from './publish/true-city.js'
import type { Truth } from './truth.js'

/** Which city, and until which evening it has been published. */
export interface CityChoice {
  readonly seed: number
  readonly size: CitySize
  readonly asOf: Day
}

/** Everything that belongs to a published city, as plain data. */
export interface PublishedCity {
  readonly cityFile: CityFile
  /** GeoJSON of each map, by the path that the city file names. */
  readonly maps: Readonly<Record<string, string>>
  readonly truth: Truth
}

/** Describes a city whose portals run. */
export function describeCity(city: PocketCity, portals: PocketPortals, asOf: Day): PublishedCity {
  const paths = Object.fromEntries(city.maps.map(({ id }) => [id, `maps/${id}.geojson`]))
  return {
    cityFile: pocketCityFile(city, portals.addresses, paths),
    maps: Object.fromEntries(city.maps.map((map) => [paths[map.id] as string, geoJsonOf(map)])),
    truth: trueCity(city, asOf, portals.rows()),
  }
}
