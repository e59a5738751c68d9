import type { Json } from '../../../kernel/ids.js'
import {
  type PortalAnswer,
  type PortalHooks,
  type PortalRequest,
  type RunningPortal,
  startPortal,
} from '../portal-server.js'
import { type PortalCell, type PortalTable, type PortalType, rowsOf } from '../portal-table.js'
import { instantWriter } from './instant-text.js'

export interface OpendatasoftPortalOptions {
  /** Where set, requests want it as `Authorization: Apikey …`. */
  readonly token?: string
  /** Requests that are answered before the quota of the day is spent. */
  readonly dailyRequests?: number
  /** When the quota is full again, ISO 8601. */
  readonly resetAt?: string
  /** Exports as Parquet by dataset; none: the portal has no such export. */
  readonly parquet?: ReadonlyMap<string, Uint8Array>
  /** False: the portal has no list of its exports. */
  readonly listsExports?: boolean
}

const BASE = '/api/explore/v2.1/catalog/datasets'
const MAX_LIMIT = 100
const MAX_REACH = 10_000
const TYPES: Readonly<Record<PortalType, string>> = {
  text: 'text',
  number: 'double',
  boolean: 'boolean',
  date: 'datetime',
  json: 'geo_point_2d',
}

/**
 * A portal that speaks the Explore API 2.1: catalog, records up to the reach of its pages, exports as CSV without a limit, daily quotas.
 * @param tables read at each request, so they may change between requests
 */
export function startOpendatasoftPortal(
  tables: () => readonly PortalTable[],
  options: OpendatasoftPortalOptions = {},
  hooks: PortalHooks = {},
): Promise<RunningPortal> {
  let asked = 0
  return startPortal((request) => {
    asked += 1
    return limited(answer(request, tables(), options), asked, options)
  }, hooks)
}

/** What remains of the quota, or that it is spent. */
function limited(
  answered: PortalAnswer,
  asked: number,
  { dailyRequests, resetAt = '2026-06-16T00:00:00Z' }: OpendatasoftPortalOptions,
): PortalAnswer {
  if (dailyRequests === undefined) return answered
  const remaining = Math.max(0, dailyRequests - asked)
  const headers = {
    'x-ratelimit-limit': String(dailyRequests),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(Date.parse(resetAt) / 1_000),
  }
  if (asked <= dailyRequests) return { ...answered, headers: { ...answered.headers, ...headers } }
  const error = 'You have exceeded the requests limit for anonymous users.'
  const body = {
    errorcode: 10005,
    reset_time: resetAt,
    limit_time_unit: 'day',
    call_limit: dailyRequests,
    error,
  }
  return json(body, 429, headers)
}

function answer(
  { path, query, headers }: PortalRequest,
  tables: readonly PortalTable[],
  { token, parquet, listsExports = true }: OpendatasoftPortalOptions,
): PortalAnswer {
  if (token !== undefined && headers.authorization !== `Apikey ${token}`)
    return refusal(401, 'AuthenticationRequired', 'This portal is private.')
  if (path === BASE) return catalogPage(tables, query)
  const [, id, rest = ''] = new RegExp(`^${BASE}/([^/]+)(/.*)?$`).exec(path) ?? []
  const table = tables.find((one) => one.id === id)
  if (table === undefined)
    return refusal(404, 'DatasetNotFoundError', `The requested dataset ${id} does not exist.`)
  if (rest === '') return json(entryOf(table))
  if (rest === '/records') return records(table, query)
  if (rest === '/exports' && listsExports) return exportForms(table, parquet?.has(table.id) === true)
  if (rest === '/exports/csv') return exportCsv(table, query)
  if (rest === '/exports/parquet') return exportParquet(parquet?.get(table.id))
  return refusal(404, 'NotFound', `no such resource ${rest}`)
}

function json(body: Json, status = 200, headers: Readonly<Record<string, string>> = {}): PortalAnswer {
  const type = { 'content-type': 'application/json; charset=utf-8' }
  return { status, headers: { ...type, ...headers }, body: [JSON.stringify(body)] }
}

function refusal(status: number, error_code: string, message: string): PortalAnswer {
  return json({ error_code, message }, status)
}

/** The part of a list that limit and offset ask for; undefined beyond what the API allows. */
function reach(query: URLSearchParams): { from: number; to: number } | undefined {
  const [limit, offset] = [Number(query.get('limit') ?? 10), Number(query.get('offset') ?? 0)]
  const isAllowed = limit >= 0 && limit <= MAX_LIMIT && offset >= 0 && offset + limit <= MAX_REACH
  return isAllowed ? { from: offset, to: offset + limit } : undefined
}

function catalogPage(tables: readonly PortalTable[], query: URLSearchParams): PortalAnswer {
  const part = reach(query)
  if (part === undefined)
    return refusal(400, 'InvalidRESTParameterError', 'Invalid value for limit or offset')
  return json({ total_count: tables.length, results: tables.slice(part.from, part.to).map(entryOf) })
}

function entryOf(table: PortalTable): Json {
  const changedAt = new Date(table.updatedAt).toISOString()
  return {
    dataset_id: table.id,
    has_records: true,
    fields: table.columns.map(({ name, type, label }) => ({
      name,
      label: label ?? name,
      type: TYPES[type],
      annotations: name === table.keyColumn ? { id: true } : {},
    })),
    metas: {
      default: {
        title: table.name,
        description: table.description ?? null,
        modified: changedAt,
        data_processed: changedAt,
        records_count: table.rowCount,
        license: table.license ?? null,
      },
    },
  }
}

function records(table: PortalTable, query: URLSearchParams): PortalAnswer {
  const part = reach(query)
  if (part === undefined)
    return refusal(400, 'InvalidRESTParameterError', 'Invalid value for limit or offset')
  const written = writerOf(query)
  if (written === undefined) return unknownZone()
  const results = [...rowsOf(table, part.from, part.to)].map(({ cells }) =>
    Object.fromEntries(table.columns.map(({ name, type }, at) => [name, written(cells[at] ?? null, type)])),
  )
  return json({ total_count: table.rowCount, results })
}

/** Writes cells as the query wants them; undefined where it names a zone that there is not. */
function writerOf(query: URLSearchParams): ((cell: PortalCell, type: PortalType) => PortalCell) | undefined {
  const instant = instantWriter(query.get('timezone') ?? 'UTC')
  return instant && ((cell, type) => (type === 'date' ? instant(cell) : cell))
}

function unknownZone(): PortalAnswer {
  return refusal(400, 'InvalidRESTParameterError', 'Invalid value for timezone')
}

function exportForms({ id }: PortalTable, hasParquet: boolean): PortalAnswer {
  const forms = ['csv', 'json', ...(hasParquet ? ['parquet'] : [])]
  const links = forms.map((rel) => ({ rel, href: `https://portal.example${BASE}/${id}/exports/${rel}` }))
  return json({ links: [{ rel: 'self', href: `https://portal.example${BASE}/${id}/exports` }, ...links] })
}

function exportParquet(file: Uint8Array | undefined): PortalAnswer {
  if (file === undefined)
    return refusal(400, 'InvalidRESTParameterError', 'Invalid value for format: parquet')
  return { status: 200, headers: { 'content-type': 'application/vnd.apache.parquet' }, body: [file] }
}

function exportCsv(table: PortalTable, query: URLSearchParams): PortalAnswer {
  const columns = selected(table, query.get('select'))
  const order = orderOf(table, query.get('order_by'))
  if (columns === undefined || order === undefined)
    return refusal(400, 'ODSQLError', 'Unknown field in the select or order_by clause')
  const written = writerOf(query)
  if (written === undefined) return unknownZone()
  const headers = { 'content-type': 'text/csv; charset=utf-8' }
  return { status: 200, headers, body: csvOf(table, columns, order, query, written) }
}

function fieldNames(clause: string): string[] {
  return clause.split(',').map((name) => name.trim().replaceAll('`', ''))
}

/** Numbers of the columns; undefined for a name that is no field. */
function selected({ columns }: PortalTable, select: string | null): readonly number[] | undefined {
  if (select === null) return columns.map((_column, at) => at)
  const found = fieldNames(select).map((name) => columns.findIndex((column) => column.name === name))
  return found.includes(-1) ? undefined : found
}

/** Numbers of the rows in the order asked for; without one, the last comes first. */
function orderOf(table: PortalTable, orderBy: string | null): readonly number[] | undefined {
  const rows = Array.from({ length: table.rowCount }, (_none, at) => at)
  if (orderBy === null) return rows.reverse()
  const keys = selected(table, orderBy)
  if (keys === undefined) return undefined
  const texts = rows.map((row) => {
    const cells = table.row(row)
    return keys.map((at) => cells[at] ?? '').join('\0')
  })
  return rows.sort((a, b) => ((texts[a] as string) < (texts[b] as string) ? -1 : 1))
}

function* csvOf(
  table: PortalTable,
  columns: readonly number[],
  order: readonly number[],
  query: URLSearchParams,
  written: (cell: PortalCell, type: PortalType) => PortalCell,
): Iterable<string> {
  const delimiter = query.get('delimiter') ?? ';'
  const cell = (text: string | null | undefined) =>
    /["\r\n]/.test(text ?? '') || text?.includes(delimiter)
      ? `"${text?.replaceAll('"', '""')}"`
      : (text ?? '')
  const heading = (at: number) => {
    const { name = '', label } = table.columns[at] ?? {}
    return query.get('use_labels') === 'false' ? name : (label ?? name)
  }
  const record = (cells: readonly (string | null | undefined)[]) => `${cells.map(cell).join(delimiter)}\r\n`
  yield `${query.get('with_bom') === 'false' ? '' : '\uFEFF'}${record(columns.map(heading))}`
  for (const row of order) {
    const cells = table.row(row)
    yield record(columns.map((at) => written(cells[at] ?? null, table.columns[at]?.type ?? 'text')))
  }
}
