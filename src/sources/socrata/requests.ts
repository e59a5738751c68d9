import type { JsonFormat, PageFormat } from '../page-format.js'
import type { PageRequest } from '../source.js'

/** How a table is read. Plain JSON: it is the plan of an offer. */
export interface SocrataPlan {
  readonly id: string
  /** Address of the portal, no path. */
  readonly portal: string
  readonly api: 'soda2' | 'soda3'
  /** `csv`: one export of all rows, or of what is left of them. `json`: pages of `pageRows`. */
  readonly as: 'csv' | 'json'
  readonly pageRows: number
  /** Columns that give a total order: `:id`, or all of a view that has none. */
  readonly order: readonly string[]
  /** Only rows that were changed at this instant or later, by the portal's `:updated_at`; absent: all. */
  readonly since?: string
}

/** Rows asked for above the count, so that rows which were added meanwhile come along and a full answer shows that there are more. */
export const EXPORT_SLACK_ROWS = 1_000

/** Most rows that SODA 2.0 gives at a time. */
export const OLD_BACKEND_ROWS = 50_000

/** Beyond it, columns are not listed in an address: proxies refuse longer ones. */
const MAX_SELECT_CHARACTERS = 6_000

/** Words of SoQL that a column may be called, too; a column with such a name is quoted. */
const RESERVED =
  /^(select|distinct|where|group|by|having|order|limit|offset|search|as|and|or|not|is|null|like|in|between|case|when|then|else|end|true|false|asc|desc|first|last|nulls|union|intersect|minus|join|on|hint|from|this)$/i

/** The portal's own id of a row: opaque, unique, in no answer that does not ask for it. */
export const ROW_ID = ':id'

/** When the portal last changed a row, by its own clock, in UTC. A full reload by the publisher dates every row anew. */
const ROW_UPDATED_AT = ':updated_at'

/** Address of a table's page for people, which also is its name in records. */
export function pageOf(portal: string, id: string): string {
  return `${portal}/d/${id}`
}

/** Address of the metadata. */
export function viewUrl(portal: string, id: string): string {
  return `${portal}/api/views/${id}.json`
}

/** A request for the number of rows, through the API with which they are read. */
export function countRequest({
  portal,
  id,
  api,
  since,
}: Pick<SocrataPlan, 'portal' | 'id' | 'api' | 'since'>): Pick<PageRequest, 'url' | 'post'> {
  if (api === 'soda3') return soda3(portal, id, 'query.json', { query: `SELECT count(*)${whereText(since)}` })
  return { url: [`${portal}/resource/${id}.json?$select=count(*)`, ...whereParameters(since)].join('&') }
}

/** The condition in the text of a query. */
function whereText(since: string | undefined): string {
  return since === undefined ? '' : ` WHERE ${changedFrom(since)}`
}

/** The condition as a parameter of an address. */
function whereParameters(since: string | undefined): readonly string[] {
  return since === undefined ? [] : [`$where=${encodeURIComponent(changedFrom(since))}`]
}

function changedFrom(since: string): string {
  return `${ROW_UPDATED_AT} >= '${since}'`
}

/**
 * The request for the rows from `offset` on, in the plan's total order. The place is an offset and no `:id > last`: that ids compare as they
 * are ordered is promised nowhere.
 *
 * The columns are listed: they keep system columns and computed regions out, and a column that is gone is an error and no null.
 * @param rows rows asked for
 */
export function rowsRequest(
  plan: SocrataPlan,
  columns: readonly string[],
  page: number,
  offset: number,
  rows: number,
): PageRequest {
  const asked = { page, format: formatOf(plan, columns), maxRows: rows }
  const order = plan.order.map(quoted)
  if (plan.api === 'soda3') {
    const query = `SELECT ${columns.map(quoted).join(', ')}${whereText(plan.since)} ORDER BY ${order.join(', ')} LIMIT ${rows} OFFSET ${offset}`
    const service = plan.as === 'csv' ? 'export.csv' : 'query.json'
    return { ...asked, ...soda3(plan.portal, plan.id, service, { query }) }
  }
  const suffix = plan.as === 'csv' ? 'csv' : 'json'
  const select = selectOf(columns)
  const parts = [
    ...(select === undefined ? [] : [`$select=${encodeURIComponent(select)}`]),
    ...whereParameters(plan.since),
    `$order=${encodeURIComponent(order.join(',')).replace('%3A', ':')}`,
    `$limit=${rows}`,
    ...(offset === 0 ? [] : [`$offset=${offset}`]),
  ]
  return { ...asked, url: `${plan.portal}/resource/${plan.id}.${suffix}?${parts.join('&')}` }
}

/** Columns as an address lists them; a list that is too long stands for all that the portal gives by itself. */
function selectOf(columns: readonly string[]): string | undefined {
  const listed = columns.map(quoted).join(',')
  if (listed.length <= MAX_SELECT_CHARACTERS) return listed
  return columns[0] === ROW_ID ? `${ROW_ID},*` : undefined
}

function formatOf(plan: SocrataPlan, columns: readonly string[]): PageFormat {
  if (plan.as === 'csv') return { kind: 'file', delimiter: ',', encoding: 'utf-8' }
  return { kind: 'json', rowsAt: [], cells: 'object', columns } satisfies JsonFormat
}

function soda3(
  portal: string,
  id: string,
  service: string,
  body: { readonly query: string },
): Pick<PageRequest, 'url' | 'post'> {
  const post = { contentType: 'application/json', text: JSON.stringify(body) }
  return { url: `${portal}/api/v3/views/${id}/${service}`, post }
}

function quoted(column: string): string {
  if (column === ROW_ID) return column
  return RESERVED.test(column) || !/^[a-z_][a-z0-9_]*$/i.test(column) ? `\`${column}\`` : column
}
