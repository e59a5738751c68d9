import { pick, type Random, seededRandom, seedOf, wholeNumber } from '../random.js'
import type { CityMap } from './maps.js'
import type { Place, Precincts } from './precincts.js'

/** One side of a street between two corners: where something happens. */
export interface Block {
  /** '1200' of '1200 Mill Street'. */
  readonly hundred: number
  readonly street: string
  readonly zipcode: string
  readonly neighborhood: string
  readonly latitude: string
  readonly longitude: string
  /** Division by map, in the order of the maps. */
  readonly divisions: readonly [before: string, after: string]
}

/** The blocks of a city, by the division that they lie in today; the same block comes several times where more happens. */
export type BlocksByDivision = ReadonlyMap<string, readonly Block[]>

const BLOCKS_A_PRECINCT = 14
/** A few blocks have so many times the cases of others. */
const MOST_SHARES = 9
const NEIGHBORHOODS = [
  'Alder Hill',
  'Bridgeport',
  'Canal Row',
  'Depot Flats',
  'Eastgate',
  'Foundry',
  'Garden Park',
  'Harbor Side',
  'Ironworks',
  'Junction',
  'Kiln Yards',
  'Lakeview',
  'Millbrook',
  'Northfield',
] as const
const STREETS = [
  'Alder Street',
  'Birch Street',
  'Canal Street',
  'Depot Avenue',
  'Elm Street',
  'Foundry Lane',
  'Garden Avenue',
  'Harbor Road',
  'Peña Street',
  'Juniper Street',
  'Kiln Road',
  'Linden Avenue',
  'Mill Street',
  'North Avenue',
  'Orchard Street',
  'Prospect Avenue',
  'Quarry Road',
  'River Street',
  'Station Road',
  'Union Avenue',
] as const
/** Zip codes are of a range that no post office uses. */
const FIRST_ZIPCODE = 99_901
const DEGREE_DECIMALS = 6

/** Blocks of every precinct. */
export function makeBlocks(
  seed: number,
  precincts: Precincts,
  [before, after]: readonly [CityMap, CityMap],
): BlocksByDivision {
  const random = seededRandom(seedOf(seed, 'blocks'))
  const hearts = NEIGHBORHOODS.map(() => precincts.center[wholeNumber(random, 0, precincts.count)] as Place)
  const found = new Map<string, Block[]>()
  for (let precinct = 0; precinct < precincts.count; precinct++) {
    const divisions = [before.divisionOf[precinct] as string, after.divisionOf[precinct] as string] as const
    const near = nearestOf(hearts, precincts.center[precinct] as Place)
    for (let at = 0; at < BLOCKS_A_PRECINCT; at++) {
      const block = blockAt(precincts.pointIn(precinct, random), near, divisions, random)
      const list = found.get(block.divisions[1]) ?? []
      found.set(block.divisions[1], list)
      for (let share = Math.ceil(MOST_SHARES * random() ** 4); share > 0; share--) list.push(block)
    }
  }
  return found
}

function nearestOf(hearts: readonly Place[], [x, y]: Place): number {
  const distances = hearts.map(([u, v]) => Math.hypot(x - u, y - v))
  return distances.indexOf(Math.min(...distances))
}

function blockAt(
  [longitude, latitude]: Place,
  near: number,
  divisions: readonly [string, string],
  random: Random,
): Block {
  return {
    hundred: 100 * wholeNumber(random, 1, 40),
    street: pick(random, STREETS),
    zipcode: String(FIRST_ZIPCODE + (near % 7)),
    neighborhood: NEIGHBORHOODS[near] as string,
    latitude: latitude.toFixed(DEGREE_DECIMALS),
    longitude: longitude.toFixed(DEGREE_DECIMALS),
    divisions,
  }
}
