/** In which form a page is asked for; each page has one address and its forms as endings. */
export type Format = 'html' | 'csv' | 'json' | 'svg'

const ENDINGS: readonly Exclude<Format, 'html'>[] = ['csv', 'json', 'svg']

/** A path taken apart: its segments decoded, and the form that its ending asks for. */
export interface ParsedPath {
  readonly segments: readonly string[]
  readonly format: Format
}

/**
 * Any text as one segment of a path. Beside what URLs demand, dots are encoded (an ending is then never part of a value),
 * and '.' and '..', which every browser would swallow even encoded, get a '~' in front.
 * The inverse is {@link parsePath}.
 */
export function encodeSegment(value: string): string {
  const encoded = encodeURIComponent(value.toWellFormed()).replaceAll('~', '%7E')
  return value === '.' || value === '..' ? `~${encoded}` : encoded.replaceAll('.', '%2E')
}

/** Takes a URL's path apart. @returns undefined for a path that is no valid encoding */
export function parsePath(path: string): ParsedPath | undefined {
  const raw = path.split('/').slice(1)
  const last = raw.at(-1) ?? ''
  const format = ENDINGS.find((ending) => last.endsWith(`.${ending}`))
  if (format) raw[raw.length - 1] = last.slice(0, -(format.length + 1))
  try {
    const segments = raw.filter((segment) => segment !== '').map(decodeSegment)
    return { segments, format: format ?? 'html' }
  } catch {
    return undefined
  }
}

function decodeSegment(segment: string): string {
  return decodeURIComponent(segment.startsWith('~') ? segment.slice(1) : segment)
}

/** Parameters of an address; undefined ones are left out. */
export type Query = Readonly<Record<string, string | undefined>>

/** Path, ending and parameters as one address below this site. */
export function addressOf(segments: readonly string[], query: Query = {}, format: Format = 'html'): string {
  const path =
    segments.length === 0 ? (format === 'html' ? '' : 'index') : segments.map(encodeSegment).join('/')
  const ending = format === 'html' ? '' : `.${format}`
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`
  return `/${path}${ending}${search}`
}

/** Address of a division's page. */
export function divisionAddress(value: string, query: Query = {}, format: Format = 'html'): string {
  return addressOf(['d', value], query, format)
}

/** Permanent address of a finding. */
export function findingAddress(id: string, format: Format = 'html'): string {
  return addressOf(['f', id], {}, format)
}
