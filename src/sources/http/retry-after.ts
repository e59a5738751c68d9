/**
 * Milliseconds to wait by a `Retry-After` header, in either form: seconds, or an HTTP date.
 * @param now milliseconds since 1970
 * @returns undefined without a header or when it says neither; 0 for a date that is over
 * @see RFC 9110, section 10.2.3
 */
export function retryAfterMs(header: string | null, now: number): number | undefined {
  const text = header?.trim() ?? ''
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  const at = text === '' ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
