import { z } from 'zod'
import { WardbookError } from '../../kernel/errors.js'

/** Longitude and latitude in degrees, WGS 84. */
export type Position = readonly [longitude: number, latitude: number]

/** The area of one division: rings of all its polygons, holes among them. A point is inside where it lies within an odd number of rings. */
export interface Boundary {
  readonly division: string
  readonly rings: readonly (readonly Position[])[]
}

const Ring = z.array(z.tuple([z.number(), z.number()]).rest(z.number())).min(4)
const Geometry = z.discriminatedUnion('type', [
  z.object({ type: z.literal('Polygon'), coordinates: z.array(Ring) }),
  z.object({ type: z.literal('MultiPolygon'), coordinates: z.array(z.array(Ring)) }),
])
const Features = z.object({
  type: z.literal('FeatureCollection'),
  features: z
    .array(z.object({ properties: z.record(z.string(), z.unknown()).nullable(), geometry: Geometry }))
    .min(1),
})

/**
 * The boundaries of a division set from GeoJSON.
 * @param property member of `properties` that names the division; numbers become their text
 * @param values   what a published name means, e.g. `District 7` → `7`; a name that is not listed stays as it is
 * @param file     for errors
 * @throws WardbookError 'boundaries-unusable' (fix-config): no GeoJSON of polygons in degrees, or a feature without a name
 */
export function readBoundaries(
  text: string,
  property: string,
  values: Readonly<Record<string, string>>,
  file: string,
): Boundary[] {
  const byDivision = new Map<string, Position[][]>()
  for (const [index, { properties, geometry }] of parse(text, file).features.entries()) {
    const name = nameOf(properties ?? {}, property, index, file)
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates
    const rings = polygons.flat().map((ring) => ring.map(([x, y]): Position => [x, y]))
    demandDegrees(rings, file)
    const division = values[name] ?? name
    byDivision.set(division, [...(byDivision.get(division) ?? []), ...rings])
  }
  return [...byDivision].map(([division, rings]) => ({ division, rings }))
}

function parse(text: string, file: string): z.infer<typeof Features> {
  try {
    return Features.parse(JSON.parse(text))
  } catch (cause) {
    throw unusable(file, 'it is no GeoJSON FeatureCollection of Polygon and MultiPolygon features', cause)
  }
}

function nameOf(properties: Record<string, unknown>, property: string, index: number, file: string): string {
  const value = properties[property]
  const name = typeof value === 'string' || typeof value === 'number' ? String(value).trim() : ''
  if (name !== '') return name
  const known = Object.keys(properties).join(', ')
  throw unusable(file, `feature ${index} has no property '${property}'; it has ${known || 'none'}`)
}

function demandDegrees(rings: readonly (readonly Position[])[], file: string): void {
  const far = rings.flat().find(([x, y]) => Math.abs(x) > 180 || Math.abs(y) > 90)
  if (far !== undefined)
    throw unusable(file, `${far.join(', ')} are no degrees: transform the file to WGS 84 (EPSG:4326)`)
}

function unusable(file: string, reason: string, cause?: unknown): WardbookError {
  return new WardbookError(
    'boundaries-unusable',
    'fix-config',
    `the boundaries in ${file} cannot be used: ${reason}`,
    { file },
    { cause },
  )
}
