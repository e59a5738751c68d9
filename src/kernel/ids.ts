import { createHash } from 'node:crypto'

/** A value that JSON can carry; numbers are finite. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

/**
 * Canonical JSON: the same value always gives the same bytes.
 * Keys are sorted by UTF-16 code unit, `undefined` members are left out, numbers take ECMAScript's form.
 * @throws TypeError for NaN, an infinity or a lone surrogate, which have no canonical form
 * @see RFC 8785
 */
export function canonicalJson(value: Json | undefined): string {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`canonical JSON has no form for ${value}`)
  }
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw new TypeError('canonical JSON has no form for a lone surrogate')
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`
  const members = Object.entries(value as Record<string, Json | undefined>)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${canonicalJson(key)}:${canonicalJson(member)}`)
  return `{${members.join(',')}}`
}

/** SHA-256 of text (as UTF-8) or bytes, 64 lower-case hexadecimal digits. */
export function sha256Hex(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Digest of a value's canonical form, 64 hexadecimal digits: equal values, equal digests. */
export function digestOf(value: Json): string {
  return sha256Hex(canonicalJson(value))
}

const ID_HEX_DIGITS = 32 // 128 bits: no collision to fear below 10^18 ids

/** What makes two series one and the same. */
export interface SeriesIdentity {
  city: string
  division: string
  dataset: string
  category: string
  metric: string
  direction: 'up' | 'down'
}

/** Id of a series: 32 hexadecimal digits from division, dataset, category, metric and direction. */
export function seriesId(series: SeriesIdentity): string {
  const { city, division, dataset, category, metric, direction } = series
  return digestOf({ city, division, dataset, category, metric, direction }).slice(0, ID_HEX_DIGITS)
}

/** Id of a finding, also its address `/f/{id}`: the series and the first day of the window where it left its range. */
export function findingId(series: SeriesIdentity, onsetOn: string): string {
  return digestOf({ series: seriesId(series), onset: onsetOn }).slice(0, ID_HEX_DIGITS)
}

/**
 * Id of an event. The same claim about the same window is the same event, however often it is computed.
 * @param claimDigest digest of observed, expected, bounds, effect and words id; evidence is not part of it
 */
export function eventId(finding: string, windowFrom: string, state: string, claimDigest: string): string {
  return digestOf({ finding, window: windowFrom, state, claim: claimDigest }).slice(0, ID_HEX_DIGITS)
}
