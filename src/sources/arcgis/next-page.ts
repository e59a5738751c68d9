import { memberOf, wholeNumber } from '../exact-json.js'
import { unusable } from '../http/read-json.js'
import type { JsonFormat } from '../page-format.js'
import type { PageRecord, PageRequest } from '../source.js'
import type { ArcgisPlan, IntervalsPlan, PagesPlan, RangesPlan, WholePlan } from './plan.js'
import { above, between, type QueryParameters, queryOf } from './query.js'
import { ASKED_ROWS, ASKED_THROUGH } from './smaller.js'

/** More empty pages in a row that say "there is more" than any real index makes. */
const MAX_EMPTY_PAGES = 100

/**
 * The request after the pages that are done; undefined at the end.
 * @param count rows by the server's own count when the read began
 * @throws WardbookError 'portal-answer-unusable' (fix-source) when ids do not go up, or the answer was cut off
 */
export function nextArcgisPage(
  plan: ArcgisPlan,
  count: number | undefined,
  done: readonly PageRecord[],
): PageRequest | undefined {
  if (plan.strategy === 'pages') return nextInOrder(plan, count, done)
  if (plan.strategy === 'whole') return onlyPage(plan, count, done)
  const next = nextInterval(plan, done)
  if (next === undefined) return undefined
  return requestOf(plan, done.length, { where: between(plan.where, plan.oid, ...next) })
}

/** Whether an answer says that it was cut off; undefined when it does not say. Old GeoJSON has the flag among its properties. */
export function isCutOff(envelope: PageRecord['signals']['envelope']): boolean | undefined {
  const flag =
    memberOf(envelope, 'exceededTransferLimit') ?? memberOf(envelope, 'properties', 'exceededTransferLimit')
  return typeof flag === 'boolean' ? flag : undefined
}

/** One answer has to hold everything: it does when the count says so, or the answer itself, or when there is nothing without a condition. */
function onlyPage(
  plan: WholePlan,
  count: number | undefined,
  done: readonly PageRecord[],
): PageRequest | undefined {
  const [only] = done
  if (only === undefined) return requestOf(plan, 0, { where: plan.where })
  const isTold = count !== undefined || rowsOf(only) === 0 || isCutOff(only.signals.envelope) === false
  if (!isTold)
    throw unusable(
      only.request.url,
      `has ${rowsOf(only)} rows, and nothing tells whether there are more: there is no count, and no way to ask by object id`,
      { remedy: 'fix-source' },
    )
  return undefined
}

function nextInOrder(
  plan: PagesPlan,
  count: number | undefined,
  done: readonly PageRecord[],
): PageRequest | undefined {
  const last = done.at(-1)
  if (last !== undefined && !goesOn(last, count, done)) return undefined
  const key = lastKey(plan, done)
  const empty = emptyAtEnd(done) // the first may be a whim: it is asked for again before the read steps over it
  if (empty.length > MAX_EMPTY_PAGES)
    throw unusable(
      last?.request.url ?? plan.layer,
      `is empty, ${empty.length} times, and says there is more`,
      { remedy: 'fix-source' },
    )
  const rows = last === undefined ? plan.rows : Math.min(plan.rows, 2 * askedRows(last))
  return requestOf(plan, done.length, {
    where: key === undefined ? plan.where : above(plan.where, plan.oid, key),
    orderByFields: `${plan.oid} ASC`,
    resultOffset: String(empty.slice(1).reduce((sum, page) => sum + askedRows(page), 0)),
    resultRecordCount: String(rows),
  })
}

/**
 * Whether there may be more. A server that says so is believed, whatever the page holds; fewer rows than it counts are not all of them. A
 * server that says nothing of it on any page is asked again after a full page, or until an empty one where it does not count either.
 */
function goesOn(last: PageRecord, count: number | undefined, done: readonly PageRecord[]): boolean {
  const isCut = isCutOff(last.signals.envelope)
  if (isCut === true) return true
  if (rowsOf(last) === 0) return false
  const received = done.reduce((sum, page) => sum + rowsOf(page), 0)
  if (count !== undefined && received < count) return true
  if (isCut === false || done.some((page) => isCutOff(page.signals.envelope) === true)) return false
  return count === undefined || rowsOf(last) >= askedRows(last)
}

function emptyAtEnd(done: readonly PageRecord[]): readonly PageRecord[] {
  return done.slice(done.findLastIndex((page) => rowsOf(page) > 0) + 1)
}

function rowsOf(page: PageRecord): number {
  return page.signals.rows ?? 0
}

/** The highest id so far. Ids that do not go up mean that the server ignores the order or the condition: rows would be lost. */
function lastKey(plan: PagesPlan, done: readonly PageRecord[]): bigint | undefined {
  const at = done.findLastIndex((page) => rowsOf(page) > 0)
  const last = done[at]
  if (last === undefined) return undefined
  const before = done.slice(0, at).findLast((page) => rowsOf(page) > 0)
  const key = keyOf(plan, last)
  if (before !== undefined && keyOf(plan, before) >= key)
    throw unusable(
      last.request.url,
      `does not go up from ${plan.oid} ${keyOf(plan, before)}: it ends at ${key}`,
      { remedy: 'fix-source' },
    )
  return key
}

function keyOf(plan: PagesPlan, page: PageRecord): bigint {
  const row = page.signals.lastRow ?? {}
  const name = Object.keys(row).find((column) => column.toLowerCase() === plan.oid.toLowerCase())
  const key = name === undefined ? undefined : wholeNumber(row[name])
  if (key === undefined)
    throw unusable(page.request.url, `has a last row without ${plan.oid}`, { remedy: 'fix-source' })
  return key
}

/** Rows that were asked for in the end: a page that the server could not make was asked for again with fewer. */
function askedRows(page: PageRecord): number {
  return Number(page.headers[ASKED_ROWS] ?? page.request.maxRows ?? 0)
}

function nextInterval(
  plan: RangesPlan | IntervalsPlan,
  done: readonly PageRecord[],
): [bigint, bigint] | undefined {
  const last = done.at(-1)
  if (plan.strategy === 'ranges') {
    const from = last === undefined ? BigInt(plan.min) : throughOf(last) + 1n
    const [max, through] = [BigInt(plan.max), from + BigInt(plan.rows) - 1n]
    return from > max ? undefined : [from, through < max ? through : max]
  }
  const through = last === undefined ? undefined : throughOf(last)
  const next = plan.intervals.find(([, end]) => through === undefined || BigInt(end) > through)
  if (next === undefined) return undefined
  const [from, end] = [BigInt(next[0]), BigInt(next[1])]
  return [through !== undefined && through >= from ? through + 1n : from, end]
}

/** The last id that a page of an interval covers. */
function throughOf(page: PageRecord): bigint {
  const through = page.headers[ASKED_THROUGH]
  if (through === undefined)
    throw unusable(page.request.url, 'has no record of the ids it covers', { remedy: 'fix-source' })
  return BigInt(through)
}

function requestOf(plan: ArcgisPlan, page: number, asked: QueryParameters): PageRequest {
  const query = queryOf(plan.layer, {
    outFields: plan.outFields,
    returnGeometry: String(plan.geometry),
    ...(plan.geometry ? { outSR: '4326' } : {}),
    ...asked,
  })
  return { page, ...query, format: formatOf(plan), maxRows: plan.rows, ...maxRowsOf(asked) }
}

function maxRowsOf({ resultRecordCount }: QueryParameters): { maxRows?: number } {
  return resultRecordCount === undefined ? {} : { maxRows: Number(resultRecordCount) }
}

function formatOf(plan: ArcgisPlan): JsonFormat {
  return {
    kind: 'json',
    rowsAt: ['features'],
    cells: 'object',
    spread: ['attributes'],
    columns: plan.columns,
  }
}
