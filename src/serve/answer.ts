import { sha256Hex } from '../kernel/ids.js'

/** A finished answer: content, its type, and the strong ETag made from it. */
export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
  json: 'application/json; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
  css: 'text/css; charset=utf-8',
  problem: 'application/problem+json; charset=utf-8',
} as const

/** Pages load nothing from elsewhere and run nothing. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
/** A picture carries its colors inside and may do nothing else. */
const PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"

const POLICIES: Record<keyof typeof TYPES, string> = {
  html: PAGE_POLICY,
  css: PAGE_POLICY,
  svg: PICTURE_POLICY,
  csv: DATA_POLICY,
  json: DATA_POLICY,
  problem: DATA_POLICY,
}

/**
 * A finished answer. Readers may keep it but must ask again, which costs a 304 when nothing changed.
 * @param extra further headers; they win over the defaults
 */
export function answer(
  type: keyof typeof TYPES,
  body: string,
  status = 200,
  extra: Readonly<Record<string, string>> = {},
): Answer {
  const headers = {
    'Content-Type': TYPES[type],
    'Content-Security-Policy': POLICIES[type],
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'same-origin',
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Expose-Headers': 'ETag, Link',
    'Cache-Control': status === 200 ? 'no-cache' : 'no-store',
    ...(status === 200 ? { ETag: `"${sha256Hex(body).slice(0, 32)}"` } : {}),
    ...extra,
  }
  return { status, body, headers }
}

/** The answer as sent: 304 without content when the caller already holds it. */
export function toResponse({ status, body, headers }: Answer, ifNoneMatch: string | undefined): Response {
  if (headers.ETag !== undefined && matchesETag(ifNoneMatch, headers.ETag)) {
    const { 'Content-Type': _type, ...kept } = headers
    return new Response(null, { status: 304, headers: kept })
  }
  return new Response(body, { status, headers })
}

/** @see RFC 9110, 13.1.2: If-None-Match compares weakly */
function matchesETag(ifNoneMatch: string | undefined, etag: string): boolean {
  const held = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return held.includes(etag) || held.includes('*')
}
