/**
 * The signs of a file's state in one text: entity tag, date and length. Weak and strong tags, and those of compressed transfers, are the
 * same file's.
 * @returns undefined without tag and date: a length alone is no sign
 */
export function changeTokenOf(headers: Headers): string | undefined {
  const etag = headers.get('etag')
  const lastModified = headers.get('last-modified')
  if (etag === null && lastModified === null) return undefined
  const length = headers.has('content-encoding') ? null : (totalOf(headers) ?? headers.get('content-length'))
  const tag = etag?.replace(/^W\//, '').replace(/[-;](gzip|br|deflate)"$/, '"')
  return [tag, lastModified, length].filter((part) => part !== null && part !== undefined).join(' ')
}

/** ISO 8601 of an HTTP date; undefined for none and for what is none. */
export function instantOf(httpDate: string | null): string | undefined {
  const at = httpDate === null ? Number.NaN : Date.parse(httpDate)
  return Number.isNaN(at) ? undefined : new Date(at).toISOString()
}

/** Length of the whole file, from an answer with a part of it. */
function totalOf(headers: Headers): string | undefined {
  return /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]
}
