import type { PageRequest } from '../source.js'
import { boundsOf, parametersOf, upTo, withParameters } from './query.js'

/** Header of an answer's record: rows that were asked for in the end. */
export const ASKED_ROWS = 'wardbook-asked-rows'
/** Header of an answer's record: the last object id of the interval that was asked for in the end. */
export const ASKED_THROUGH = 'wardbook-asked-through'

/** What is really asked for, as headers of the answer: `nextPage` goes on from there. */
export function askedBy(request: PageRequest): Record<string, string> {
  const { where = '', resultRecordCount } = parametersOf(request)
  const bounds = boundsOf(where)
  if (resultRecordCount !== undefined) return { [ASKED_ROWS]: resultRecordCount }
  return bounds === undefined ? {} : { [ASKED_THROUGH]: String(bounds.through) }
}

/**
 * The same request for the first part of its rows: servers fail on pages of complex shapes that they can give in smaller ones.
 * @param parts e.g. 2 for half of the rows, or of the interval of ids
 * @returns undefined when it cannot be smaller
 */
export function smaller(request: PageRequest, parts: number): PageRequest | undefined {
  const { where = '', resultRecordCount } = parametersOf(request)
  if (resultRecordCount !== undefined) {
    const rows = Math.floor(Number(resultRecordCount) / parts)
    return rows < 1
      ? undefined
      : { ...request, ...withParameters(request, { resultRecordCount: String(rows) }) }
  }
  const bounds = boundsOf(where)
  const width = bounds === undefined ? 0n : (bounds.through - bounds.from + 1n) / BigInt(parts)
  if (bounds === undefined || width < 1n) return undefined
  return { ...request, ...withParameters(request, { where: upTo(where, bounds.from + width - 1n) }) }
}
