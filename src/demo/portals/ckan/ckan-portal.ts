import {
  type PortalAnswer,
  type PortalHooks,
  type PortalRequest,
  type RunningPortal,
  startPortal,
} from '../portal-server.js'
import { rowsOf } from '../portal-table.js'
import { sparseRecord } from '../write-csv.js'
import { fieldsOf, indexOfId, searchBody, searchOf } from './datastore.js'
import { type CkanPackage, type CkanResource, packageOf, resourceOf } from './packages.js'
import { CkanRefusal } from './refusal.js'

export interface CkanPortalOptions {
  /** Most rows an answer; a higher limit is lowered without a word. Default 32,000. */
  readonly rowsMax?: number
  /** Whether pages name the filter of the next one (CKAN 2.12). Default false. */
  readonly nextPage?: boolean
  /** Whether rows can come as lists (CKAN 2.7 and later). Default true. */
  readonly lists?: boolean
  /** Whether the dump takes a list of fields. Default true; old portals always begin with `_id`. */
  readonly dumpFields?: boolean
  /** Where set, private resources want it. A wrong one is refused everywhere. */
  readonly token?: string
}

const MAX_ROWS = 32_000

/**
 * A portal that speaks CKAN's protocol over tables of the demo: packages, resources, the datastore by pages and as a dump, uploaded files.
 * @param packages read at each request, so they may change between requests
 */
export function startCkanPortal(
  packages: () => readonly CkanPackage[],
  options: CkanPortalOptions = {},
  hooks: PortalHooks = {},
): Promise<RunningPortal> {
  return startPortal((request) => {
    const portal = new CkanPortal(packages(), options, request)
    try {
      return portal.answer()
    } catch (refusal) {
      if (!(refusal instanceof CkanRefusal)) throw refusal
      return portal.envelope(refusal.status, { success: false, error: refusal.said })
    }
  }, hooks)
}

class CkanPortal {
  constructor(
    private readonly packages: readonly CkanPackage[],
    private readonly options: CkanPortalOptions,
    private readonly request: PortalRequest,
  ) {}

  answer(): PortalAnswer {
    this.demandToken()
    const { path } = this.request
    const action = /^\/api\/(?:3\/)?action\/(\w+)$/.exec(path)?.[1]
    if (action !== undefined) return this.action(action)
    const dump = /^\/datastore\/dump\/([^/]+)$/.exec(path)?.[1]
    if (dump !== undefined) return this.dump(dump)
    const file = /^\/dataset\/[^/]+\/resource\/([^/]+)\/download\/.+$/.exec(path)?.[1]
    if (file !== undefined) return this.file(file)
    return html(404, 'Not Found')
  }

  /** An answer in CKAN's envelope. @param said members beside `help`; rows go in as they are */
  envelope(status: number, said: Readonly<Record<string, unknown>>): PortalAnswer {
    const name = this.request.path.split('/').at(-1)
    const help = `http://${this.request.headers.host}/api/3/action/help_show?name=${name}`
    return { status, headers: JSON_TYPE, body: [JSON.stringify({ help, ...said })] }
  }

  private demandToken(): void {
    const given = this.request.headers.authorization ?? this.request.headers['x-ckan-api-key']
    if (given !== undefined && given !== this.options.token) throw forbidden('Invalid API token')
  }

  private action(name: string): PortalAnswer {
    const parameters = this.parameters()
    if (parameters === undefined) return bare(400, 'Bad request - JSON Error: Error decoding JSON data.')
    const id = String(parameters.id ?? parameters.resource_id ?? '')
    const result = (value: unknown) => this.envelope(200, { success: true, result: value })
    if (name === 'status_show') return result({ ckan_version: '2.10.4', extensions: ['datastore'] })
    if (name === 'package_list') return result(this.packages.map((one) => one.name))
    if (name === 'package_show') return result(packageOf(this.package(id), this.base()))
    if (name === 'package_search') return result(this.search(parameters))
    if (name === 'resource_show') return result(resourceOf(...this.resource(id), this.base()))
    if (name === 'datastore_info') return result(this.info(id))
    if (name === 'datastore_search') return this.datastoreSearch(id, parameters)
    return bare(400, `Bad request - Action name not known: ${name}`)
  }

  private parameters(): Readonly<Record<string, unknown>> | undefined {
    if (this.request.method !== 'POST') return Object.fromEntries(this.request.query)
    try {
      return JSON.parse(this.request.body) as Record<string, unknown>
    } catch {
      return undefined // the caller answers what CKAN answers to broken JSON
    }
  }

  private base(): string {
    return `http://${this.request.headers.host}`
  }

  private package(id: string): CkanPackage {
    const found = this.packages.find((one) => one.id === id || one.name === id)
    if (found === undefined) throw notFound('Not found')
    return found
  }

  private resource(id: string): [CkanPackage, CkanResource] {
    for (const one of this.packages) {
      const found = one.resources.find(({ table }) => table.id === id)
      if (found === undefined) continue
      if (found.private === true && this.request.headers.authorization === undefined) {
        throw forbidden(`User not authorized to read resource ${id}`)
      }
      return [one, found]
    }
    throw notFound('Not found: Resource was not found.')
  }

  private datastore(id: string): CkanResource {
    const [, resource] = this.resource(id)
    if (resource.datastore === false) throw notFound(`Not found: Resource "${id}" was not found.`)
    return resource
  }

  private search(parameters: Readonly<Record<string, unknown>>) {
    const rows = Math.min(Number(parameters.rows ?? 10), 1_000)
    const start = Number(parameters.start ?? 0)
    const found = [...this.packages].sort((one, other) => (one.id < other.id ? -1 : 1))
    const results = found.slice(start, start + rows).map((one) => packageOf(one, this.base()))
    return { count: found.length, sort: parameters.sort, facets: {}, results }
  }

  private info(id: string) {
    const { table } = this.datastore(id)
    const fields = fieldsOf(table, undefined)
    return { meta: { id, count: table.rowCount, table_type: 'BASE TABLE' }, fields }
  }

  private datastoreSearch(id: string, parameters: Readonly<Record<string, unknown>>): PortalAnswer {
    const { table } = this.datastore(id)
    const search = searchOf(table, parameters, this.options.rowsMax ?? MAX_ROWS, this.options)
    const name = this.request.path.split('/').at(-1)
    const help = `${this.base()}/api/3/action/help_show?name=${name}`
    return { status: 200, headers: JSON_TYPE, body: searchBody(table, search, help) }
  }

  private dump(id: string): PortalAnswer {
    if (!this.packages.some((one) => one.resources.some(({ table }) => table.id === id)))
      return html(404, 'DataStore resource not found')
    const resource = this.datastoreOfDump(id)
    if (resource === undefined) return html(404, 'DataStore resource not found')
    const { query } = this.request
    const takesFields = this.options.dumpFields ?? true
    const asked = takesFields ? query.get('fields')?.split(',') : undefined
    const fields = fieldsOf(resource.table, asked)
    const offset = Number(query.get('offset') ?? 0)
    const to = offset + Number(query.get('limit') ?? Number.POSITIVE_INFINITY)
    const indexes = fields.map(({ id: field }) => indexOfId(resource.table, field))
    const isMarked = /^(true|1|yes)$/i.test(query.get('bom') ?? '')
    const body = function* () {
      yield `${isMarked ? '\uFEFF' : ''}${sparseRecord(
        fields.map(({ id: field }) => field),
        '\r\n',
      )}`
      for (const { id: number, cells } of rowsOf(resource.table, offset, to))
        yield sparseRecord(indexes.map((at) => (at < 0 ? String(number + 1) : (cells[at] ?? null))))
    }
    return { status: 200, headers: { 'content-type': 'text/csv; charset=utf-8' }, body: body() }
  }

  /** A private table is not there for the dump, which answers people. */
  private datastoreOfDump(id: string): CkanResource | undefined {
    try {
      return this.datastore(id)
    } catch (refusal) {
      if (refusal instanceof CkanRefusal) return undefined
      throw refusal
    }
  }

  private file(id: string): PortalAnswer {
    const [, { table, file }] = this.resource(id)
    const changed = new Date(table.updatedAt).toUTCString()
    const headers = {
      'content-type': 'application/octet-stream',
      etag: `"${table.id}-${table.updatedAt}-${table.rowCount}"`,
      'last-modified': changed,
    }
    if (file !== undefined) return { status: 200, headers, body: [file] }
    const body = function* () {
      yield sparseRecord(table.columns.map(({ name }) => name))
      for (const { cells } of rowsOf(table, 0, table.rowCount)) yield sparseRecord(cells)
    }
    return { status: 200, headers, body: body() }
  }
}

const JSON_TYPE = { 'content-type': 'application/json;charset=utf-8' }

function notFound(message: string): CkanRefusal {
  return new CkanRefusal(404, { message, __type: 'Not Found Error' })
}

function forbidden(message: string): CkanRefusal {
  return new CkanRefusal(403, { message: `Access denied: ${message}`, __type: 'Authorization Error' })
}

function bare(status: number, text: string): PortalAnswer {
  return { status, headers: JSON_TYPE, body: [JSON.stringify(text)] }
}

function html(status: number, text: string): PortalAnswer {
  const page = `<!DOCTYPE html><html><head><title>${text}</title></head><body><h1>${text}</h1></body></html>`
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: [page] }
}
