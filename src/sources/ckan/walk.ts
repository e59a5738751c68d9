import type { Json } from '../../kernel/ids.js'
import { cutOff, unusable } from '../http/read-json.js'
import { withoutSecrets } from '../http/redact.js'
import type { JsonFormat } from '../page-format.js'
import type { Offer, PageRecord, PageRequest, PageSignals } from '../source.js'
import { errorIn, meaningOf } from './failures.js'

/** How a resource is read. Plain JSON: it is the plan of an offer. */
export type CkanPlan = DumpPlan | PagesPlan | FilePlan

/** The datastore as one CSV. */
export interface DumpPlan {
  readonly read: 'dump'
  readonly portal: string
  readonly id: string
}

/** The datastore in pages of JSON. */
export interface PagesPlan {
  readonly read: 'pages'
  readonly portal: string
  readonly id: string
  readonly pageRows: number
  /** Whether rows come as lists, which is cheaper; CKAN before 2.7 only knows objects. */
  readonly cells: JsonFormat['cells']
}

/** The file that was uploaded or linked. */
export interface FilePlan {
  readonly read: 'file'
  readonly url: string
}

/** Beyond it, fields are listed in the body of a POST and not in the address. */
const MAX_ADDRESS_CHARACTERS = 6_000

/** Whether an address can list these fields, separated by commas; a dump takes them no other way. */
export function fitsAddress(fields: readonly string[]): boolean {
  const isShort = encodeURIComponent(fields.join(',')).length <= MAX_ADDRESS_CHARACTERS
  return isShort && !fields.some((id) => id.includes(',') || id !== id.trim())
}

/**
 * The request after the pages that are done.
 * @throws WardbookError 'portal-answer-unusable' (retry) when more rows came than the portal counted, by more than a page
 */
export function nextCkanPage(offer: Offer, done: readonly PageRecord[]): PageRequest | undefined {
  const plan = offer.plan as unknown as CkanPlan
  if (plan.read === 'file') return done.length === 0 ? fileRequest(plan) : undefined
  const fields = fieldsToAsk(offer)
  const received = done.reduce((sum, { signals }) => sum + signals.rows, 0)
  const last = done.at(-1)
  if (last === undefined || !isEnd(last, received, offer.rows)) {
    demandEnd(last, received, offer.rows)
    return plan.read === 'dump'
      ? dumpRequest(plan, fields, done.length, received)
      : searchRequest(plan, fields, done, received)
  }
  return undefined
}

/** Fields in the order of the answer: the key of the pages first, where there is one. */
function fieldsToAsk({ key, columns = [] }: Offer): readonly string[] {
  const published = columns.map(({ name }) => name)
  return key?.hidden ? [key.column, ...published] : published
}

/**
 * An empty page is the end. So is reaching the count, unless the page was full: then there may be more than was counted. A dump has no
 * page size: it is complete when it holds as many rows as were counted, and goes on behind its last row where it stopped short.
 */
function isEnd({ request, signals }: PageRecord, received: number, counted: number | undefined): boolean {
  if (signals.rows === 0) return true
  const asked = returnedLimit(signals) ?? request.maxRows
  const isFull = asked !== undefined && signals.rows >= asked
  if (counted !== undefined) return received >= counted && !isFull
  return request.format.kind === 'file' // a dump without a count to compare with
}

/** A portal that does not keep to the offset would go on for ever. */
function demandEnd(last: PageRecord | undefined, received: number, counted: number | undefined): void {
  if (last === undefined || counted === undefined || received <= counted + (last.request.maxRows ?? 0)) return
  const what = `brings ${received} rows of a table that was counted at ${counted}, and more`
  throw unusable(withoutSecrets(last.request.url), what, { remedy: 'retry', facts: { counted, received } })
}

function fileRequest({ url }: FilePlan): PageRequest {
  return { page: 0, url, format: { kind: 'file' }, resumable: true }
}

function dumpRequest(
  { portal, id }: DumpPlan,
  fields: readonly string[],
  page: number,
  offset: number,
): PageRequest {
  const query = new URLSearchParams({ format: 'csv', bom: 'false', sort: '_id', fields: fields.join(',') })
  if (offset > 0) query.set('offset', String(offset))
  const format = { kind: 'file', delimiter: ',', encoding: 'utf-8' } as const
  return { page, url: `${portal}/datastore/dump/${encodeURIComponent(id)}?${query}`, format }
}

/**
 * A page of `datastore_search`. Where the portal names the filter of its next page (CKAN 2.12), that is the place: it stays right when rows
 * are added, and does not get slower. Otherwise the place is the number of rows RECEIVED, as `limit` is lowered without a word.
 */
function searchRequest(
  plan: PagesPlan,
  fields: readonly string[],
  done: readonly PageRecord[],
  received: number,
): PageRequest {
  const filters = done.length === 0 ? undefined : nextFilter(done.at(-1)?.signals)
  const parameters = {
    resource_id: plan.id,
    limit: plan.pageRows,
    sort: '_id',
    fields,
    include_total: done.length === 0, // counting is the dearest part of a page
    include_next_page: true,
    ...(plan.cells === 'list' ? { records_format: 'lists' } : {}),
    ...(filters !== undefined ? { filters } : received > 0 ? { offset: received } : {}),
  }
  const request = { page: done.length, format: searchFormat(plan, fields), maxRows: plan.pageRows }
  const url = `${plan.portal}/api/3/action/datastore_search`
  const query = addressOf(parameters)
  if (fitsAddress(fields) && query.length <= MAX_ADDRESS_CHARACTERS)
    return { ...request, url: `${url}?${query}` }
  return { ...request, url, post: { contentType: 'application/json', text: JSON.stringify(parameters) } }
}

function searchFormat({ cells }: PagesPlan, columns: readonly string[]): JsonFormat {
  return { kind: 'json', rowsAt: ['result', 'records'], cells, columns }
}

function addressOf(parameters: Readonly<Record<string, Json>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (Array.isArray(value)) query.set(name, value.join(','))
    else query.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value))
  }
  return query.toString()
}

function resultOf(signals: PageSignals | undefined): Readonly<Record<string, Json | undefined>> {
  const envelope = signals?.envelope
  const result = isObject(envelope) ? envelope.result : undefined
  return isObject(result) ? result : {}
}

function nextFilter(signals: PageSignals | undefined): Json | undefined {
  const next = resultOf(signals).next_page
  return isObject(next) && isObject(next._id) ? next : undefined
}

/** The limit that the portal kept to: its own where that is lower than ours. */
function returnedLimit(signals: PageSignals): number | undefined {
  const { limit } = resultOf(signals)
  return typeof limit === 'number' && limit > 0 ? limit : undefined
}

/**
 * The failure that a page tells although its status was 200.
 * @returns undefined when the page is what was asked for
 */
export function failureOfCkanPage(
  request: PageRequest,
  signals: PageSignals,
  tokenVariable: string,
): Error | undefined {
  const url = withoutSecrets(request.url)
  const said = errorIn(signals.envelope)
  if (said !== undefined) return meaningOf(said, url, tokenVariable)
  if (request.format.kind === 'json') return failureOfFields(url, request.format, signals)
  const isDump = new URL(request.url).searchParams.has('bom')
  if (isDump && signals.endsInLine === false) return cutOff(url)
  if (!isDump || !signals.columns.includes('_id')) return undefined
  const what =
    'has the column _id, which this portal renumbers at each load, and does not leave it out; set read: pages'
  return unusable(url, what, { remedy: 'fix-source' })
}

/**
 * In lists, only the order says which cell is which: the portal's own list of fields has to be the one that was asked for. In objects,
 * none may be missing: a null is a member as well.
 */
function failureOfFields(url: string, format: JsonFormat, signals: PageSignals): Error | undefined {
  const { fields } = resultOf(signals)
  const asked = format.columns ?? []
  if (!Array.isArray(fields)) return undefined
  const given = fields.map((field) => (isObject(field) ? String(field.id) : ''))
  const fits =
    format.cells === 'list'
      ? given.length === asked.length && given.every((name, at) => name === asked[at])
      : asked.every((name) => given.includes(name))
  if (fits) return undefined
  const what = `has the fields ${given.join(', ')}, not ${asked.join(', ')}`
  return unusable(url, what, { remedy: 'retry', facts: { asked, given } })
}

function isObject(value: unknown): value is Readonly<Record<string, Json | undefined>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
