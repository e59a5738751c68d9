/** A point as a row has it: degrees, or why there is none. */
export type RowPoint =
  | { readonly kind: 'point'; readonly longitude: number; readonly latitude: number }
  /** No text, or text of the null kind. */
  | { readonly kind: 'blank' }
  /** Both coordinates are zero, or so near that it is a placeholder: nobody lives in the Gulf of Guinea. */
  | { readonly kind: 'zero' }
  /** Text that is no number of degrees. */
  | { readonly kind: 'unreadable' }

const NULL_ISLAND_DEGREES = 0.01
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i
/** `(42.3, -71.1)`, latitude first, as portals print a location. */
const PAIR = /^\(\s*([^,]+),\s*([^)]+)\)$/
/** WKT, longitude first. */
const WKT = /^POINT\s*\(\s*(\S+)\s+(\S+)\s*\)$/i

/** The point of two cells. @param latitude @param longitude as published */
export function readPoint(latitude: string, longitude: string): RowPoint {
  const [lat, long] = [latitude.trim(), longitude.trim()]
  if (NUMBER.test(lat) && NUMBER.test(long)) return pointAt(Number(long), Number(lat)) // nearly all rows
  return { kind: isBlank(lat) || isBlank(long) ? 'blank' : 'unreadable' }
}

/** The point of one cell: GeoJSON, `{"latitude","longitude"}`, ArcGIS `{"x","y"}` in degrees, WKT, or `(latitude, longitude)`. */
export function readLocation(cell: string): RowPoint {
  const text = cell.trim()
  if (isBlank(text)) return { kind: 'blank' }
  const pair = PAIR.exec(text)
  if (pair) return readPoint(pair[1] as string, pair[2] as string)
  const wkt = WKT.exec(text)
  if (wkt) return readPoint(wkt[2] as string, wkt[1] as string)
  return text.startsWith('{') ? pointOfJson(text) : { kind: 'unreadable' }
}

function pointOfJson(text: string): RowPoint {
  let value: Record<string, unknown>
  try {
    value = JSON.parse(text) as Record<string, unknown>
  } catch {
    return { kind: 'unreadable' }
  }
  const [fromList, byName, byAxis] = [
    value.coordinates,
    [value.longitude, value.latitude],
    [value.x, value.y],
  ]
  const found = Array.isArray(fromList) ? fromList : [byName, byAxis].find(([x]) => x !== undefined)
  if (found === undefined) return { kind: 'unreadable' }
  const [x, y] = found.slice(0, 2).map((part) => (part === null || part === undefined ? '' : String(part)))
  return readPoint(y ?? '', x ?? '')
}

function pointAt(longitude: number, latitude: number): RowPoint {
  if (Math.abs(longitude) < NULL_ISLAND_DEGREES && Math.abs(latitude) < NULL_ISLAND_DEGREES)
    return { kind: 'zero' }
  if (Math.abs(longitude) > 180 || Math.abs(latitude) > 90) return { kind: 'unreadable' }
  return { kind: 'point', longitude, latitude }
}

function isBlank(text: string): boolean {
  return text === '' || /^(null|none|nan|n\/a)$/i.test(text)
}
