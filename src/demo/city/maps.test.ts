import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { geoJsonOf } from '../publish/true-city.js'
import { seededRandom } from '../random.js'
import { makeBlocks } from './blocks.js'
import { type CityMap, makeMaps, REDISTRICTED_ON } from './maps.js'
import { makePrecincts, type Place, type Precincts } from './precincts.js'

const someSeed = fc.integer()
const SOME = { numRuns: 12 }
/** Seeds of cities in which one division is shut in by its neighbors at first. */
const SHUT_IN = [-1_358_018_245, 1_565_591_046]

/** Calls for both maps of some cities. */
function ofMaps(check: (map: CityMap, precincts: Precincts) => void): void {
  fc.assert(
    fc.property(someSeed, (seed) => {
      const precincts = makePrecincts(seed)
      for (const map of makeMaps(seed, precincts)) check(map, precincts)
    }),
    SOME,
  )
}

type Ring = readonly Place[]

/** The polygons of the map as a reader of its GeoJSON has them. */
function polygonsOf(map: CityMap): { readonly division: string; readonly rings: readonly Ring[] }[] {
  const { features } = JSON.parse(geoJsonOf(map)) as {
    features: { properties: { district: string }; geometry: { coordinates: Place[][] } }[]
  }
  return features.map(({ properties, geometry }) => ({
    division: properties.district,
    rings: geometry.coordinates,
  }))
}

/** @see Shimrat 1962: a point lies inside when a ray from it crosses the rings an odd number of times */
function isInside([x, y]: Place, rings: readonly Ring[]): boolean {
  let inside = false
  for (const ring of rings) {
    for (let at = 1; at < ring.length; at++) {
      const [[u, v], [s, t]] = [ring[at - 1] as Place, ring[at] as Place]
      if (v > y !== t > y && x < u + ((y - v) / (t - v)) * (s - u)) inside = !inside
    }
  }
  return inside
}

/** Twice the area on the left of a ring. */
function areaOf(ring: Ring): number {
  return ring.slice(1).reduce((sum, [x, y], at) => {
    const [u, v] = ring[at] as Place
    return sum + u * y - x * v
  }, 0)
}

/** Borders that only one polygon has, sorted. @throws when two polygons have a border in the same direction: they overlap */
function outlineOf(map: CityMap): string[] {
  const borders = new Set<string>()
  for (const { rings } of polygonsOf(map)) {
    for (const ring of rings) {
      for (let at = 1; at < ring.length; at++) {
        const border = `${ring[at - 1]} ${ring[at]}`
        if (borders.has(border)) throw new Error(`two polygons lie on one side of ${border}`)
        borders.add(border)
      }
    }
  }
  return [...borders].filter((border) => !borders.has(border.split(' ').reverse().join(' '))).sort()
}

describe('the maps of the city', () => {
  it('have nine divisions, then ten, each in force until the next', () => {
    fc.assert(
      fc.property(someSeed, (seed) => {
        const [before, after] = makeMaps(seed, makePrecincts(seed))
        expect([before, after].map(({ divisions }) => divisions.map(({ value }) => value))).toEqual([
          Array.from({ length: 9 }, (_none, at) => `${at + 1}`),
          Array.from({ length: 10 }, (_none, at) => `${at + 1}`),
        ])
        expect([before.validTo, after.validFrom, after.validTo]).toEqual([
          REDISTRICTED_ON,
          REDISTRICTED_ON,
          undefined,
        ])
        expect(before.divisionOf).not.toEqual(after.divisionOf)
      }),
      SOME,
    )
  })

  it('have divisions in one piece, with every precinct in one of them', () => {
    ofMaps(({ divisions, divisionOf }, { count, neighbors }) => {
      expect(divisionOf).toHaveLength(count)
      for (const { value } of divisions) {
        const own = divisionOf.flatMap((held, at) => (held === value ? [at] : []))
        const reached = new Set(own.slice(0, 1))
        for (const at of reached)
          for (const other of neighbors[at] as number[]) if (divisionOf[other] === value) reached.add(other)
        expect(reached.size).toBe(own.length)
      }
    })
  })

  it('have at most three times the people of another in a division, and all people of the city in all', () => {
    ofMaps(({ divisions }, precincts) => {
      const populations = divisions.map(({ population }) => population)
      expect(Math.max(...populations) / Math.min(...populations)).toBeLessThanOrEqual(3)
      const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0)
      expect(sum(populations)).toBe(sum(precincts.population))
    })
  })

  it('begin elsewhere where a division would be shut in', () => {
    for (const seed of SHUT_IN) {
      for (const { divisions } of makeMaps(seed, makePrecincts(seed))) {
        const populations = divisions.map(({ population }) => population)
        expect(Math.max(...populations) / Math.min(...populations)).toBeLessThanOrEqual(3)
      }
    }
  })

  it('name neighbors both ways, ascending, never a division itself', () => {
    ofMaps(({ divisions }) => {
      const of = new Map(divisions.map(({ value, neighbors }) => [value, neighbors]))
      for (const { value, neighbors } of divisions) {
        expect(neighbors.length).toBeGreaterThan(0)
        expect(neighbors).toEqual([...new Set(neighbors)].sort((a, b) => Number(a) - Number(b)))
        expect(neighbors.filter((other) => other === value || !of.get(other)?.includes(value))).toEqual([])
      }
    })
  })

  it('have closed rings, the outer one counter-clockwise, holes clockwise', () => {
    ofMaps((map) => {
      for (const { rings } of polygonsOf(map)) {
        const [outer, ...holes] = rings as [Ring, ...Ring[]]
        for (const ring of rings) expect(ring.at(-1)).toEqual(ring[0])
        expect(areaOf(outer)).toBeGreaterThan(0)
        expect(holes.filter((hole) => areaOf(hole) >= 0)).toEqual([])
      }
    })
  })

  it('cover the same city before and after, and no place twice', () => {
    fc.assert(
      fc.property(someSeed, (seed) => {
        const precincts = makePrecincts(seed)
        const [before, after] = makeMaps(seed, precincts)
        expect(outlineOf(before)).toEqual(outlineOf(after))
        const areas = [before, after].map((map) =>
          polygonsOf(map).reduce(
            (sum, { rings }) => sum + rings.reduce((all, ring) => all + areaOf(ring), 0),
            0,
          ),
        ) as [number, number]
        expect(areas[0] / areas[1]).toBeCloseTo(1, 9)
        const random = seededRandom(seed)
        for (let precinct = 0; precinct < precincts.count; precinct++) {
          const point = precincts.pointIn(precinct, random)
          for (const map of [before, after])
            expect(
              polygonsOf(map).flatMap(({ division, rings }) => (isInside(point, rings) ? [division] : [])),
            ).toEqual([map.divisionOf[precinct]])
        }
      }),
      { numRuns: 3 },
    )
  })

  it('hold every block in the division that it says, also in the digits that are published', () => {
    fc.assert(
      fc.property(someSeed, (seed) => {
        const precincts = makePrecincts(seed)
        const maps = makeMaps(seed, precincts)
        const polygons = maps.map(polygonsOf)
        const blocks = new Set([...makeBlocks(seed, precincts, maps).values()].flat())
        for (const { longitude, latitude, divisions } of blocks) {
          const point: Place = [Number(longitude), Number(latitude)]
          const found = polygons.map((map) =>
            map.filter(({ rings }) => isInside(point, rings)).map(({ division }) => division),
          )
          if (found.join() !== divisions.join())
            expect({ point, found }).toEqual({ point, found: divisions.map((one) => [one]) })
        }
      }),
      { numRuns: 4 },
    )
  })

  it('have blocks in every division of today', () => {
    const precincts = makePrecincts(1)
    const maps = makeMaps(1, precincts)
    expect([...makeBlocks(1, precincts, maps).keys()].sort()).toEqual(
      maps[1].divisions.map(({ value }) => value).sort(),
    )
  })
})
