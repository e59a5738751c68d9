import {
  type PortalAnswer,
  type PortalHooks,
  type PortalRequest,
  type RunningPortal,
  startPortal,
} from '../portal-server.js'
import { type PortalTable, rowsOf } from '../portal-table.js'
import { type Cells, queried } from './odata.js'

export interface LegistarPortalOptions {
  /** The council's name in the API. */
  readonly client: string
  /** Where set, requests want it as `?token=`. */
  readonly token?: string
  /** Ids of event items whose votes the database cannot give. */
  readonly brokenItems?: readonly string[]
}

/** Tables by route. A nested one has the id of the record above in the column named here; `computed` columns are not sent. */
const ABOVE: Readonly<Record<string, { readonly under: string; readonly column: string }>> = {
  eventitems: { under: 'events', column: 'EventItemEventId' },
  votes: { under: 'eventitems', column: 'VoteEventItemId' },
  histories: { under: 'matters', column: 'MatterId' },
  sponsors: { under: 'matters', column: 'MatterId' },
}

/**
 * A portal that speaks Legistar's web API: lists of at most 1,000 records without count or next link, lists below records, votes that fail for ever.
 * @param tables their ids are the routes (`events`, `eventitems`, `votes` …); read at each request, so they may change between requests
 */
export function startLegistarPortal(
  tables: () => readonly PortalTable[],
  options: LegistarPortalOptions,
  hooks: PortalHooks = {},
): Promise<RunningPortal> {
  return startPortal((request) => answer(request, tables(), options), hooks)
}

function answer(
  { path, query }: PortalRequest,
  tables: readonly PortalTable[],
  { client, token, brokenItems = [] }: LegistarPortalOptions,
): PortalAnswer {
  const [, asked, route = '', id, below] = /^\/v1\/([^/]+)\/(\w+)(?:\/(\d+)\/(\w+))?$/.exec(path) ?? []
  if (asked !== client) {
    const said = `LegistarConnectionString setting is not set up in InSite for client: ${asked}`
    return json(`{"Message":"An error has occurred.","ExceptionMessage":"${said}"}`, 500)
  }
  if (token !== undefined && query.get('token') !== token) return json('{"Message":"Token is required"}', 403)
  if (below === 'votes' && brokenItems.includes(id as string)) return json(CAST_FAILURE, 500)
  const table = tables.find((one) => one.id === (below ?? route))
  const above = ABOVE[below ?? '']
  if (table === undefined || (below === undefined ? ABOVE[route] !== undefined : above?.under !== route))
    return json('{"Message":"No HTTP resource was found that matches the request URI."}', 404)
  const records = recordsOf(table, above?.column, id)
  const found = queried(table, records, query)
  if (found === undefined) return json('{"Message":"The query specified in the URI is not valid."}', 400)
  const wanted = query.get('$select')?.split(',')
  return json(found.map((cells) => textOf(table, cells, wanted)))
}

/** As the API answers when its database has a null where its program expects a number. */
const CAST_FAILURE = JSON.stringify({
  Message: 'An error has occurred.',
  ExceptionMessage:
    "The 'ObjectContent`1' type failed to serialize the response body for content type 'application/json'.",
  ExceptionType: 'System.InvalidOperationException',
  StackTrace: null,
  InnerException: {
    Message: 'An error has occurred.',
    ExceptionMessage: "The cast to value type 'System.Int32' failed because the materialized value is null.",
  },
})

function recordsOf(
  table: PortalTable,
  column: string | undefined,
  above: string | undefined,
): readonly Cells[] {
  const at = table.columns.findIndex(({ name }) => name === column)
  return [...rowsOf(table, 0, table.rowCount)]
    .map(({ cells }) => cells)
    .filter((cells) => at < 0 || cells[at] === above)
}

function textOf({ columns }: PortalTable, cells: Cells, wanted: readonly string[] | undefined): string {
  const members = columns.flatMap(({ name, type, computed }, at) => {
    if (computed === true || !(wanted?.includes(name) ?? true)) return []
    const cell = cells[at] ?? null
    const isRaw = cell === null || type === 'number' || type === 'json' || type === 'boolean'
    return [`${JSON.stringify(name)}:${isRaw ? cell : JSON.stringify(cell)}`]
  })
  return `{${members.join(',')}}`
}

function json(text: string | readonly string[], status = 200): PortalAnswer {
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  return { status, headers, body: [typeof text === 'string' ? text : `[${text.join(',')}]`] }
}
