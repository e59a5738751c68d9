import type { Day } from '../../kernel/time.js'
import { seededRandom, seedOf } from '../random.js'
import type { Place, Precincts } from './precincts.js'
import { ringsAround } from './rings.js'

/** A division as one map draws it. */
export interface MappedDivision {
  readonly value: string
  readonly population: number
  /** Divisions that share a border, ascending. */
  readonly neighbors: readonly string[]
  /** Rings of its polygon: the outer one counter-clockwise, then holes, clockwise; the first corner is repeated at the end. */
  readonly rings: readonly (readonly Place[])[]
}

/** The divisions as they were in force for some years. */
export interface CityMap {
  readonly id: string
  readonly validFrom: Day
  /** The day after the last; undefined: in force. */
  readonly validTo: Day | undefined
  readonly divisions: readonly MappedDivision[]
  /** The division's value by precinct. */
  readonly divisionOf: readonly string[]
}

/** Divisions before and after the redistricting, and the day that it came into force. */
const DIVISIONS_BEFORE = 9
const DIVISIONS_AFTER = 10
export const REDISTRICTED_ON: Day = '2024-01-01'

/** A division has at most so many times the people of another. */
const MOST_UNEVEN = 3

/** Both maps of a city. The second has one division more, and gives every division other borders. */
export function makeMaps(seed: number, precincts: Precincts): readonly [before: CityMap, after: CityMap] {
  const { before, after } = grownEvenly(seed, precincts)
  return [
    mapOf(precincts, before, { id: '2014', validFrom: '2014-01-01', validTo: REDISTRICTED_ON }),
    mapOf(precincts, after, { id: '2024', validFrom: REDISTRICTED_ON, validTo: undefined }),
  ]
}

/** One time in a thousand a division is shut in before it has grown: then all begin elsewhere. */
function grownEvenly(seed: number, precincts: Precincts): { before: number[]; after: number[] } {
  for (let tries = 0; ; tries++) {
    const starts = startsOf(tries === 0 ? seedOf(seed, 'starts') : seedOf(seed, 'starts', tries), precincts)
    const before = grown(precincts, starts.slice(0, DIVISIONS_BEFORE))
    const after = grown(precincts, starts.slice(0, DIVISIONS_AFTER))
    if (isEven(precincts, before) && isEven(precincts, after)) return { before, after }
  }
}

function isEven({ population }: Precincts, owner: readonly number[]): boolean {
  const people = new Map<number, number>()
  owner.forEach((division, at) => {
    people.set(division, (people.get(division) ?? 0) + (population[at] as number))
  })
  return Math.max(...people.values()) <= MOST_UNEVEN * Math.min(...people.values())
}

/** Precincts far from each other, one a division. */
function startsOf(seed: number, { count, center }: Precincts): number[] {
  const random = seededRandom(seed)
  const starts = [Math.floor(random() * count)]
  while (starts.length < DIVISIONS_AFTER) {
    const distances = center.map((place) =>
      Math.min(...starts.map((at) => distance(place, center[at] as Place))),
    )
    starts.push(distances.indexOf(Math.max(...distances)))
  }
  return starts
}

function distance([x, y]: Place, [u, v]: Place): number {
  return Math.hypot((x - u) * 0.75, y - v) // a degree of longitude is shorter here
}

/** The division with the fewest people takes the nearest precinct at its border, until none is left: each is in one piece, most of them with about as many people. */
function grown({ count, population, neighbors, center }: Precincts, starts: readonly number[]): number[] {
  const owner = new Array<number>(count).fill(-1)
  const people = starts.map((start, division) => {
    owner[start] = division
    return population[start] as number
  })
  for (let left = count - starts.length; left > 0; ) {
    const order = people
      .map((_sum, division) => division)
      .sort((a, b) => (people[a] as number) - (people[b] as number))
    for (const division of order) {
      const start = center[starts[division] as number] as Place
      const free = owner.flatMap((held, at) =>
        held === division ? (neighbors[at] as number[]).filter((other) => owner[other] === -1) : [],
      )
      if (free.length === 0) continue
      const next = free.reduce((best, at) =>
        distance(center[at] as Place, start) < distance(center[best] as Place, start) ? at : best,
      )
      owner[next] = division
      people[division] = (people[division] as number) + (population[next] as number)
      left -= 1
      break
    }
  }
  return owner
}

function mapOf(
  precincts: Precincts,
  owner: readonly number[],
  about: Pick<CityMap, 'id' | 'validFrom' | 'validTo'>,
): CityMap {
  const nameOf = (division: number) => String(division + 1)
  const divisions = [...new Set(owner)].sort((a, b) => a - b)
  return {
    ...about,
    divisionOf: owner.map(nameOf),
    divisions: divisions.map((division) => {
      const own = owner.flatMap((held, at) => (held === division ? [at] : []))
      const beside = own.flatMap((at) =>
        (precincts.neighbors[at] as number[]).map((other) => owner[other] as number),
      )
      return {
        value: nameOf(division),
        population: own.reduce((sum, at) => sum + (precincts.population[at] as number), 0),
        neighbors: [...new Set(beside)]
          .filter((other) => other !== division)
          .sort((a, b) => a - b)
          .map(nameOf),
        rings: ringsAround(own.map((at) => precincts.corners(at))),
      }
    }),
  }
}
