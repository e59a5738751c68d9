import type { CitySize } from './catalog.js'
import { makePocketCity, type PocketCity } from './pocket-city.js'

const MADE = new Map<string, PocketCity>()

/** A city for tests that change nothing of it; each is made once in a file. */
export function cityOf(seed: number, size: CitySize = 'S'): PocketCity {
  const name = `${seed} ${size}`
  const city = MADE.get(name) ?? makePocketCity(seed, size)
  MADE.set(name, city)
  return city
}
