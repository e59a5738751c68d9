import type { PageRequest } from '../source.js'

/** Parameters of a query, as text. */
export type QueryParameters = Readonly<Record<string, string>>

/** Beyond this length servers and proxies refuse an address: the query is then a form that is posted. */
const MAX_URL_LENGTH = 1_900
const FORM = 'application/x-www-form-urlencoded'

/** How a query is sent: in its address, or as a form where that would be too long. */
export type SentQuery = Pick<PageRequest, 'url' | 'post'>

/** @param layer address of the layer, without a query */
export function queryOf(layer: string, parameters: QueryParameters): SentQuery {
  const text = new URLSearchParams({ ...parameters, f: 'json' }).toString()
  const url = `${layer}/query?${text}`
  if (url.length <= MAX_URL_LENGTH) return { url }
  return { url: `${layer}/query`, post: { contentType: FORM, text } }
}

/** The parameters of a query; the inverse of `queryOf`. */
export function parametersOf(query: SentQuery): Record<string, string> {
  const text = query.post === undefined ? new URL(query.url).search : query.post.text
  return Object.fromEntries(new URLSearchParams(text))
}

/** The same query with some parameters changed. */
export function withParameters(query: SentQuery, changed: QueryParameters): SentQuery {
  const layer = query.url.replace(/\/query(\?.*)?$/s, '')
  return queryOf(layer, { ...parametersOf(query), ...changed })
}

/** A condition on rows with object ids above a number. */
export function above(where: string, oid: string, last: bigint): string {
  return also(where, `${oid} > ${last}`)
}

/** A condition on rows with object ids below a number. */
export function below(where: string, oid: string, first: bigint): string {
  return also(where, `${oid} < ${first}`)
}

/** A condition on rows with object ids from a number through another. */
export function between(where: string, oid: string, from: bigint, through: bigint): string {
  return also(where, `${oid} >= ${from} AND ${oid} <= ${through}`)
}

/**
 * A condition on rows that were edited at an instant or later. The text of a timestamp is read in the zone of the layer's dates, which
 * need not be UTC: who asks leaves room for that.
 * @param since ISO 8601 UTC
 */
export function editedSince(where: string, field: string, since: string): string {
  return also(where, `${field} >= timestamp '${since.slice(0, 19).replace('T', ' ')}'`)
}

/** The bounds that `between` wrote; undefined for any other condition. */
export function boundsOf(where: string): { from: bigint; through: bigint } | undefined {
  const [, from, through] = / >= (-?\d+) AND \S+ <= (-?\d+)$/.exec(where) ?? []
  return from === undefined || through === undefined
    ? undefined
    : { from: BigInt(from), through: BigInt(through) }
}

/** The same condition with another upper bound. */
export function upTo(where: string, through: bigint): string {
  return where.replace(/-?\d+$/, String(through))
}

function also(where: string, more: string): string {
  return where.trim() === '1=1' ? more : `(${where}) AND ${more}`
}
