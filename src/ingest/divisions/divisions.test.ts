import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findShared, titleWith } from '../../../testkit/shared-folder.js'
import { type Boundary, type Position, readBoundaries } from './boundaries.js'
import { PointIndex } from './point-index.js'
import { readLocation, readPoint } from './read-point.js'

const square = (x: number, y: number, size = 1): Position[] => [
  [x, y],
  [x + size, y],
  [x + size, y + size],
  [x, y + size],
  [x, y],
]

/** Counts edges east of the point, one after the other. */
function insideSlowly({ rings }: Boundary, [x, y]: Position): boolean {
  let inside = false
  for (const ring of rings) {
    for (const [at, one] of ring.entries()) {
      const other = ring[(at + 1) % ring.length] as Position
      const [[x1, y1], [x2, y2]] = one[1] < other[1] ? [one, other] : [other, one] // both edges of a border round alike
      if (y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1)) inside = !inside
    }
  }
  return inside
}

describe('the index of points', () => {
  it('puts every point of a tiling into exactly one division, corners and edges too', () => {
    const tiles = [0, 1, 2].flatMap((x) =>
      [0, 1, 2].map((y): Boundary => ({ division: `${x}${y}`, rings: [square(x, y)] })),
    )
    const index = new PointIndex(tiles)
    for (let x = 0; x < 3; x += 0.25) {
      for (let y = 0; y < 3; y += 0.25) expect(index.find(x, y)).toBe(`${Math.floor(x)}${Math.floor(y)}`)
    }
    expect([
      index.find(-0.01, 1),
      index.find(3.01, 1),
      index.find(1, 3.2),
      index.find(Number.NaN, 1),
    ]).toEqual(Array(4).fill(undefined))
  })

  it('leaves holes out, and gives them to who lies in them', () => {
    const index = new PointIndex([
      { division: 'ring', rings: [square(0, 0, 4), square(1, 1, 2)] },
      { division: 'hole', rings: [square(1, 1, 2)] },
    ])
    expect([index.find(0.5, 0.5), index.find(2, 2), index.find(3.5, 2)]).toEqual(['ring', 'hole', 'ring'])
  })

  it('agrees with counting every edge, for any polygon', () => {
    // On a grid, as boundaries are published: between two neighbouring doubles the crossing of a ray is rounded, and either answer is right.
    const coordinate = fc.integer({ min: -5_000_000, max: 5_000_000 }).map((at) => at / 1_000_000)
    const position = fc.tuple(coordinate, coordinate)
    const ring = fc.array(position, { minLength: 4, maxLength: 40 })
    fc.assert(
      fc.property(
        fc.array(ring, { minLength: 1, maxLength: 4 }),
        fc.array(position, { minLength: 1 }),
        (rings, points) => {
          const boundary = { division: 'a', rings }
          const index = new PointIndex([boundary])
          for (const point of points) expect(index.find(...point) === 'a').toBe(insideSlowly(boundary, point))
        },
      ),
    )
  })
})

describe('boundaries', () => {
  const feature = (properties: object, coordinates: unknown, type = 'Polygon') =>
    JSON.stringify({
      type: 'FeatureCollection',
      features: [{ type: 'Feature', properties, geometry: { type, coordinates } }],
    })

  it('take their name from a property, as text, and by the meaning that is given', () => {
    const text = feature({ DISTRICT: 7 }, [square(0, 0)])
    expect(readBoundaries(text, 'DISTRICT', {}, 'a')[0]?.division).toBe('7')
    expect(readBoundaries(text, 'DISTRICT', { '7': 'Seven' }, 'a')[0]?.division).toBe('Seven')
  })

  it.each([
    ['no JSON', '{', /no GeoJSON/],
    ['a point', feature({ d: 1 }, [0, 0], 'Point'), /no GeoJSON/],
    ['another property', feature({ name: 'x' }, [square(0, 0)]), /no property 'd'; it has name/],
    ['meters', feature({ d: 1 }, [square(-7_900_000, 5_200_000, 1_000)]), /no degrees/],
  ])('with %s are refused', (_what, text, message) => {
    expect(() => readBoundaries(text, 'd', {}, 'districts.geojson')).toThrow(message)
  })
})

describe('the point of a row', () => {
  it.each([
    ['42.35', '-71.06', { kind: 'point', latitude: 42.35, longitude: -71.06 }],
    [' 42.35 ', '-7.106e1', { kind: 'point', latitude: 42.35, longitude: -71.06 }],
    ['', '-71.06', { kind: 'blank' }],
    ['NaN', 'NaN', { kind: 'blank' }],
    ['0', '0.0', { kind: 'zero' }],
    ['42,35', '-71', { kind: 'unreadable' }],
    ['4680000', '-7900000', { kind: 'unreadable' }],
  ])('latitude %j, longitude %j is %j', (latitude, longitude, point) => {
    expect(readPoint(latitude, longitude)).toEqual(point)
  })

  const point = { kind: 'point', latitude: 42.35, longitude: -71.06 }
  it.each([
    ['(42.35, -71.06)', point],
    ['POINT (-71.06 42.35)', point],
    ['{"type":"Point","coordinates":[-71.06,42.35]}', point],
    ['{"latitude":"42.35","longitude":"-71.06","human_address":"{}"}', point],
    ['{"x":-71.06,"y":42.35}', point],
    ['{"x":null,"y":null}', { kind: 'blank' }],
    ['', { kind: 'blank' }],
    ['{"rings":[]}', { kind: 'unreadable' }],
    ['{broken', { kind: 'unreadable' }],
    ['somewhere', { kind: 'unreadable' }],
  ])('location %j is %j', (cell, expected) => expect(readLocation(cell)).toEqual(expected))
})

const boston = findShared('data', 'boston', 'districts', 'CityCouncilDistricts_2024.derived-wgs84.geojson')
const angeles = findShared('data', 'los-angeles', 'la-city-council-districts-2012.json.gz')

describe.skipIf(boston === undefined || angeles === undefined)(
  titleWith(boston, 'published boundaries'),
  () => {
    it('are read, and points near a vertex are found as by counting every edge', () => {
      const sets = [
        readBoundaries(readFileSync(boston as string, 'utf8'), 'DISTRICT', {}, 'boston'),
        readBoundaries(gunzipSync(readFileSync(angeles as string)).toString(), 'name', {}, 'angeles'),
      ]
      expect(sets.map((boundaries) => boundaries.length)).toEqual([9, 15])
      for (const boundaries of sets) {
        const index = new PointIndex(boundaries)
        const vertices = boundaries.flatMap(({ rings }) => rings.flat()).filter((_, at) => at % 7 === 0)
        for (const [x, y] of vertices) {
          const near: Position = [x + 0.0003, y - 0.0002]
          expect(index.find(...near)).toBe(
            boundaries.find((boundary) => insideSlowly(boundary, near))?.division,
          )
        }
      }
    })
  },
)
