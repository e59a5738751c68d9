import type { Json } from '../kernel/ids.js'

/** A JSON text in quotes, or a number. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * JSON.parse for portals' own records (metadata, counts, ids): whole numbers that a double cannot hold become text in the characters
 * that were sent, so ids beyond 2^53 survive. Everything else is as JSON.parse has it.
 * @throws SyntaxError when the text is no JSON
 */
export function parseExactJson(text: string): Json {
  return JSON.parse(text.replaceAll(TOKEN, (token) => (isTooLarge(token) ? `"${token}"` : token))) as Json
}

function isTooLarge(token: string): boolean {
  return (
    token.length > 15 &&
    !token.startsWith('"') &&
    !/[.eE]/.test(token) &&
    !Number.isSafeInteger(Number(token))
  )
}

/**
 * A whole number as portals write them: `12`, `12.0`, `6.4579816E7`, as number or text.
 * @returns undefined for what is no whole number
 */
export function wholeNumber(value: Json | undefined): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  if (typeof value !== 'string') return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/.exec(value.trim()) ?? []
  if (whole === '') return undefined
  const places = Number(exponent) - fraction.length
  const digits = `${whole}${fraction}`
  if (places >= 0) return BigInt(`${sign}${digits}${'0'.repeat(places)}`)
  const tail = digits.slice(places).padStart(-places, '0')
  return /^0*$/.test(tail) ? BigInt(`${sign}${digits.slice(0, places) || '0'}`) : undefined
}

/** A member of a JSON object; undefined when it is absent or the value is no object. */
export function memberOf(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let at = value
  for (const name of path) {
    if (at === null || typeof at !== 'object' || Array.isArray(at) || !Object.hasOwn(at, name))
      return undefined
    at = (at as Record<string, Json | undefined>)[name]
  }
  return at
}

/** A member that is a text; undefined for anything else. */
export function textOf(value: Json | undefined, ...path: readonly string[]): string | undefined {
  const member = memberOf(value, ...path)
  return typeof member === 'string' && member !== '' ? member : undefined
}

/** A member that is a list; empty for anything else. */
export function listOf(value: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const member = memberOf(value, ...path)
  return Array.isArray(member) ? member : []
}
