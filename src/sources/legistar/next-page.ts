import { memberOf, wholeNumber } from '../exact-json.js'
import { unusable } from '../http/read-json.js'
import type { JsonFormat } from '../page-format.js'
import type { PageRecord, PageRequest } from '../source.js'
import { isNested, KINDS, type LegistarRecords, type ListedKind } from './kinds.js'
import { NESTED_FORMAT } from './nested-page.js'

/** How records are read, stored as `Offer.plan`. */
export interface LegistarPlan {
  readonly records: LegistarRecords
  /** Address of the council in the API. */
  readonly base: string
  readonly since: string | null
  readonly rows: number
  /** Records that changed at this instant or later, ISO 8601 UTC; absent: all. */
  readonly changedSince?: string
  /** The only column beside the id; absent: all. */
  readonly column?: string
}

const LISTED_FORMAT: JsonFormat = { kind: 'json', rowsAt: [], cells: 'object' }

/**
 * The next page above the highest id so far; undefined behind an empty page. There is no count and no sign of the end, and a page
 * may be shorter than asked for without being the last, so that the end costs a request of its own.
 * @throws WardbookError 'portal-answer-unusable' (fix-source) when ids do not go up
 */
export function nextLegistarPage(plan: LegistarPlan, done: readonly PageRecord[]): PageRequest | undefined {
  const last = done.at(-1)
  if (last !== undefined && numberOf(plan, last) === 0) return undefined
  const kind = KINDS[plan.records]
  const above = last === undefined ? undefined : risen(plan, done)
  if (!isNested(kind)) {
    const url = listUrl(plan, kind, above, plan.rows)
    return { page: done.length, url, format: LISTED_FORMAT, maxRows: plan.rows }
  }
  const url = `${listUrl(plan, kind.parents, above, kind.parentsAPage)}&${new URLSearchParams({ $select: kind.parents.id })}`
  return { page: done.length, url, format: NESTED_FORMAT }
}

function listUrl(
  { base, since, changedSince, column }: LegistarPlan,
  kind: ListedKind,
  above: bigint | undefined,
  top: number,
): string {
  const conditions = [
    ...(above === undefined ? [] : [`${kind.id} gt ${above}`]),
    ...(since === null || kind.date === undefined ? [] : [`${kind.date} ge datetime'${since}'`]),
  ]
  // `and` binds: without brackets, which not every server of the API reads, each alternative has all conditions.
  const alternatives =
    changedSince === undefined
      ? [conditions]
      : kind.changes.map((name) => [...conditions, `${name} ge datetime'${withoutZone(changedSince)}'`])
  const filter = alternatives.map((terms) => terms.join(' and ')).join(' or ')
  return `${base}/${kind.path}?${new URLSearchParams({
    ...(filter === '' ? {} : { $filter: filter }),
    ...{ $orderby: kind.id, $top: String(top) },
    ...(column === undefined ? {} : { $select: [...new Set([kind.id, column])].join(',') }),
  })}`
}

/** Whole seconds of UTC, as the API writes them. */
function withoutZone(instant: string): string {
  return instant.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length)
}

/** Listed records of a page: for nested kinds, those whose lists it is made of. */
function numberOf({ records }: LegistarPlan, page: PageRecord): number {
  if (!isNested(KINDS[records])) return page.signals.rows ?? 0
  const number = memberOf(page.signals.envelope, 'parents', 'number')
  if (typeof number !== 'number')
    throw unusable(page.request.url, 'has no record of its parents', { remedy: 'fix-source' })
  return number
}

function risen(plan: LegistarPlan, done: readonly PageRecord[]): bigint {
  const [before, last] = [done.at(-2), done.at(-1) as PageRecord]
  const id = lastId(plan, last)
  if (before !== undefined && lastId(plan, before) >= id)
    throw unusable(last.request.url, `does not go up: it ends at ${id}, as the page before or below it`, {
      remedy: 'fix-source',
    })
  return id
}

function lastId({ records }: LegistarPlan, { request, signals }: PageRecord): bigint {
  const kind = KINDS[records]
  const said = isNested(kind) ? memberOf(signals.envelope, 'parents', 'last') : signals.lastRow?.[kind.id]
  const id = wholeNumber(said)
  if (id === undefined) throw unusable(request.url, 'ends with a record without id', { remedy: 'fix-source' })
  return id
}
