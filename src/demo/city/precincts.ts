import { Delaunay, type Voronoi } from 'd3-delaunay'
import { type Random, seededRandom, seedOf } from '../random.js'

/** A point in degrees (WGS 84): longitude, latitude. */
export type Place = readonly [longitude: number, latitude: number]

/** The smallest areas of the city: each belongs to one division of each map, so that maps share their borders exactly. */
export interface Precincts {
  readonly count: number
  readonly population: readonly number[]
  /** Precincts that share a border, by precinct. */
  readonly neighbors: readonly (readonly number[])[]
  readonly center: readonly Place[]
  /** Corners of a precinct's polygon, the first not repeated. */
  corners(precinct: number): readonly Place[]
  /** A point inside a precinct. */
  pointIn(precinct: number, random: Random): Place
}

/** The city lies around this point of no real city. */
const CENTER: Place = [-90.02, 41.03]
/** Half of its width and height in degrees: about 13 by 11 km. */
const REACH: Place = [0.078, 0.05]
const CITY_PRECINCTS = 180
/** Precincts of other towns, all around: they give the city its border. */
const OUTER_PRECINCTS = 90
const SMALLEST_POPULATION = 900
const LARGEST_POPULATION = 3_400
/** How often points are moved to the middle of their cells. @see Lloyd 1982 */
const SMOOTHINGS = 2

/** The precincts of a seed's city: cells of a Voronoi diagram, larger outside than in the middle. */
export function makePrecincts(seed: number): Precincts {
  const random = seededRandom(seedOf(seed, 'precincts'))
  const outer = Array.from({ length: OUTER_PRECINCTS }, () => outsideOf(random))
  let inner = Array.from({ length: CITY_PRECINCTS }, () => insideOf(random))
  for (let round = 0; round < SMOOTHINGS; round++) inner = smoothed(inner, outer)
  const sites = [...inner, ...outer]
  const delaunay = Delaunay.from(sites as unknown as Delaunay.Point[])
  const voronoi = diagramOf(delaunay)
  const population = inner.map(
    () => SMALLEST_POPULATION + Math.round(random() * (LARGEST_POPULATION - SMALLEST_POPULATION)),
  )
  return {
    count: CITY_PRECINCTS,
    population,
    neighbors: inner.map((_site, at) => [...voronoi.neighbors(at)].filter((other) => other < CITY_PRECINCTS)),
    center: inner,
    corners: (precinct) => cornersOf(voronoi, precinct),
    pointIn: (precinct, ofPoint) =>
      pointWithin(cornersOf(voronoi, precinct), inner[precinct] as Place, ofPoint),
  }
}

/** A point of an ellipse, denser towards the middle. */
function insideOf(random: Random): Place {
  const [angle, radius] = [2 * Math.PI * random(), random() ** 0.62]
  return placed(angle, radius * 0.98)
}

function outsideOf(random: Random): Place {
  return placed(2 * Math.PI * random(), 1.08 + 0.5 * random())
}

function placed(angle: number, radius: number): Place {
  return [CENTER[0] + REACH[0] * radius * Math.cos(angle), CENTER[1] + REACH[1] * radius * Math.sin(angle)]
}

function smoothed(inner: readonly Place[], outer: readonly Place[]): Place[] {
  const voronoi = diagramOf(Delaunay.from([...inner, ...outer] as unknown as Delaunay.Point[]))
  return inner.map((_site, at) => {
    const corners = cornersOf(voronoi, at)
    const mean = (axis: 0 | 1) => corners.reduce((sum, corner) => sum + corner[axis], 0) / corners.length
    return [mean(0), mean(1)]
  })
}

function diagramOf(delaunay: Delaunay<Delaunay.Point>): Voronoi<Delaunay.Point> {
  const [x, y] = CENTER
  return delaunay.voronoi([x - 4 * REACH[0], y - 4 * REACH[1], x + 4 * REACH[0], y + 4 * REACH[1]])
}

function cornersOf(voronoi: Voronoi<Delaunay.Point>, precinct: number): Place[] {
  return (voronoi.cellPolygon(precinct) as [number, number][]).slice(0, -1)
}

/** So much of the way to the middle of its precinct is left out, so that no rounding puts a point across a border. */
const INWARDS = 0.02

/** A mean of the corners with random weights lies inside, since cells are convex. */
function pointWithin(corners: readonly Place[], middle: Place, random: Random): Place {
  const weights = corners.map(() => -Math.log(1 - random()))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const mean = (axis: 0 | 1) => {
    const drawn = corners.reduce(
      (sum, corner, at) => sum + corner[axis] * ((weights[at] as number) / total),
      0,
    )
    return drawn + INWARDS * (middle[axis] - drawn)
  }
  return [mean(0), mean(1)]
}
