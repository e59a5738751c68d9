import type { PortalAnswer, PortalHooks, PortalRequest, RunningPortal } from '../portal-server.js'
import { startPortal } from '../portal-server.js'
import { type PortalTable, rowsOf } from '../portal-table.js'
import { catalogOf } from './catalog.js'
import { csvBody, jsonBody, selectedColumns } from './rows.js'
import { queryOfParameters, queryOfText, SocrataRefusal, type SoqlQuery } from './soql.js'
import { viewOf } from './view.js'

export interface SocrataPortalOptions {
  /** False: the portal's tables are still on the old backend, SODA 2.0. Default true: SODA 2.1. */
  readonly newBackend?: boolean
  /** Requests without this token are answered, but SODA 3 wants it; a wrong one is refused everywhere. */
  readonly token?: string
  /** False: the portal does not answer SODA 2. */
  readonly soda2?: boolean
}

const DEFAULT_LIMIT = 1_000
const OLD_BACKEND_LIMIT = 50_000

/**
 * A portal that speaks Socrata's protocol over tables of the demo: metadata, SODA 2.0, 2.1 and 3, the export as CSV, the catalog.
 * As a real one it has no order unless it is asked for one: without `:id` each request finds the rows elsewhere.
 * @param tables read at each request, so they may change between requests
 */
export function startSocrataPortal(
  tables: () => readonly PortalTable[],
  options: SocrataPortalOptions = {},
  hooks: PortalHooks = {},
): Promise<RunningPortal> {
  return startPortal((request) => {
    try {
      return new SocrataPortal(tables(), options, request).answer()
    } catch (refusal) {
      if (!(refusal instanceof SocrataRefusal)) throw refusal
      return json(refusal.status, JSON.stringify(refusal.said, null, 2))
    }
  }, hooks)
}

class SocrataPortal {
  constructor(
    private readonly tables: readonly PortalTable[],
    private readonly options: SocrataPortalOptions,
    private readonly request: PortalRequest,
  ) {}

  answer(): PortalAnswer {
    this.demandToken()
    const { path, query } = this.request
    const view = /^\/api\/views\/([^/.]+)(\.json)?$/.exec(path)
    if (view !== null) return this.view(view[1] as string)
    const resource = /^\/resource\/([^/.]+)\.(json|csv)$/.exec(path)
    if (resource !== null) return this.soda2(resource[1] as string, resource[2] as string)
    const soda3 = /^\/api\/v3\/views\/([^/]+)\/(query\.json|export\.csv)$/.exec(path)
    if (soda3 !== null) return this.soda3(soda3[1] as string, soda3[2] as string)
    if (path === '/api/catalog/v1') return json(200, catalogOf(this.tables, query, this.host()))
    throw notFound(`No service found for this URL.`)
  }

  private host(): string {
    return this.request.headers.host ?? 'portal'
  }

  private demandToken(): void {
    const given = this.request.headers['x-app-token']
    if (given === undefined || given === this.options.token) return
    const message = 'Invalid app_token specified'
    throw new SocrataRefusal(403, { code: 'permission_denied', error: true, message })
  }

  private view(id: string): PortalAnswer {
    const table = this.tables.find((one) => one.id === id)
    if (table === undefined) throw notFound(`Cannot find view with id ${id}`)
    return json(200, viewOf(table, this.options.newBackend ?? true))
  }

  private soda2(id: string, kind: string): PortalAnswer {
    if (this.options.soda2 === false) {
      const message = 'You must be logged in to access this resource'
      throw new SocrataRefusal(403, { message, error: true })
    }
    const query = queryOfParameters(this.request.query)
    const limit = query.limit ?? DEFAULT_LIMIT
    const most = this.options.newBackend === false ? OLD_BACKEND_LIMIT : Number.POSITIVE_INFINITY
    return this.rows(this.table(id), { ...query, limit: Math.min(limit, most) }, kind === 'csv', false)
  }

  private soda3(id: string, service: string): PortalAnswer {
    const { token } = this.options
    if (token !== undefined && this.request.headers['x-app-token'] !== token) {
      const message = 'You must be logged in to access this resource'
      throw new SocrataRefusal(403, { message, error: true })
    }
    const body = JSON.parse(this.request.body) as { query?: string }
    return this.rows(this.table(id), queryOfText(body.query ?? 'SELECT *'), service === 'export.csv', true)
  }

  private table(id: string): PortalTable {
    const table = this.tables.find((one) => one.id === id)
    if (table !== undefined) return table
    throw new SocrataRefusal(404, {
      code: 'dataset.missing',
      error: true,
      message: 'Not found',
      data: { id },
    })
  }

  private rows(whole: PortalTable, query: SoqlQuery, asCsv: boolean, isSoda3: boolean): PortalAnswer {
    const headers = this.headersOf(whole)
    const table = query.changedFrom === undefined ? whole : changedRows(whole, query.changedFrom)
    if (query.select === undefined) {
      return { ...json(200, JSON.stringify([{ count: String(table.rowCount) }])), headers }
    }
    const columns = selectedColumns(table, query.select)
    const to = query.offset + (query.limit ?? Number.POSITIVE_INFINITY)
    const turn = query.ordered ? 0 : this.request.number * 7_919
    const rows = rowsOf(table, query.offset, to, (index) => (index + turn) % table.rowCount)
    const titles = this.options.newBackend === false
    if (asCsv) return { status: 200, headers: { ...headers, ...CSV }, body: csvBody(rows, columns, titles) }
    return { status: 200, headers, body: jsonBody(rows, columns, isSoda3) }
  }

  private headersOf(table: PortalTable): Record<string, string> {
    const changed = new Date(table.updatedAt).toUTCString()
    return {
      ...JSON_TYPE,
      etag: `"${table.id}.${table.updatedAt}.${table.rowCount}---gzip"`,
      'last-modified': changed,
      'x-soda2-data-out-of-date': 'false',
      'x-soda2-truth-last-modified': changed,
      'x-soda2-secondary-last-modified': changed,
      'x-socrata-requestid': this.request.number.toString(16).padStart(32, '0'),
      ...(this.options.newBackend === false ? { 'x-soda2-legacy-types': 'true' } : {}),
    }
  }
}

/** The rows of a table that the portal changed at an instant or later. */
function changedRows(table: PortalTable, from: number): PortalTable {
  const changedAt = (index: number) => table.rowUpdatedAt?.(index) ?? table.updatedAt
  const places = Array.from({ length: table.rowCount }, (_none, index) => index).filter(
    (index) => changedAt(index) >= from,
  )
  const place = (at: number) => places[at] ?? table.rowCount
  const { id, name, columns, updatedAt } = table // a table may be an object of a class: its members are not its own
  return {
    ...{ id, name, columns, updatedAt },
    rowCount: places.length,
    row: (at) => table.row(place(at)),
    rowId: (at) => table.rowId?.(place(at)) ?? place(at),
  }
}

const JSON_TYPE = { 'content-type': 'application/json;charset=utf-8' }
const CSV = { 'content-type': 'text/csv; charset=utf-8' }

function json(status: number, body: string): PortalAnswer {
  return { status, headers: JSON_TYPE, body: [`${body}\n`] }
}

function notFound(message: string): SocrataRefusal {
  return new SocrataRefusal(404, { code: 'not_found', error: true, message })
}
