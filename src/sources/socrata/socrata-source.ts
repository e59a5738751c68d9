import type { SocrataSourceConfig } from '../../contracts/sources/socrata.js'
import { WardbookError } from '../../kernel/errors.js'
import { digestOf, type Json } from '../../kernel/ids.js'
import { sameColumn } from '../files/read-csv.js'
import { pageAnswer } from '../http/page-answer.js'
import type { PortalTools } from '../portal-tools.js'
import type {
  ChangeTime,
  Offer,
  PageAnswer,
  PageRequest,
  PageSignals,
  Publication,
  Source,
} from '../source.js'
import { pickYears, wordsOf } from '../years.js'
import { SocrataApi } from './api.js'
import { socrataCatalog } from './catalog.js'
import { countChanged, countRows, KEPT_HEADERS, lags } from './count.js'
import { failureOfPage } from './failures.js'
import {
  changeTokenOf,
  columnsOf,
  datesItsRows,
  demandTable,
  factsOf,
  orderOf,
  parseView,
  publishedAtOf,
  type View,
} from './metadata.js'
import { OLD_BACKEND_ROWS, pageOf, ROW_ID, type SocrataPlan, viewUrl } from './requests.js'
import { nextSocrataPage } from './walk.js'

/**
 * Tables of a Socrata portal as a source.
 * @param name of the source, for errors
 */
export function openSocrataSource(name: string, config: SocrataSourceConfig, tools: PortalTools): Source {
  return new SocrataSource(name, config, tools)
}

class SocrataSource implements Source {
  private readonly api: SocrataApi

  constructor(
    private readonly name: string,
    private readonly config: SocrataSourceConfig,
    private readonly tools: PortalTools,
  ) {
    this.api = new SocrataApi(tools, config.tokenFrom)
  }

  async describe(): Promise<Publication> {
    const { ids, missing } = await this.tables()
    if (ids.length === 0) throw this.nothingToRead()
    const offers: Offer[] = []
    for (const id of ids) offers.push(await this.describeTable(id))
    return { offers, missing }
  }

  nextPage = nextSocrataPage

  async fetch(request: PageRequest): Promise<PageAnswer> {
    return pageAnswer(await this.api.send(request), KEPT_HEADERS)
  }

  failureOf(request: PageRequest, signals: PageSignals): Error | undefined {
    return failureOfPage(request, signals, columnsAskedFor(request), this.config.tokenFrom)
  }

  async changedSince(offer: Offer, since: string): Promise<Offer | undefined> {
    const plan = { ...(offer.plan as unknown as SocrataPlan), since }
    const rows = await countChanged(this.api, plan)
    return rows === undefined ? undefined : { ...offer, rows, plan: plan as unknown as Json }
  }

  keysOf(offer: Offer, column: string): Offer | undefined {
    const columns = offer.columns?.filter(({ name }) => sameColumn(name, column)) ?? []
    return columns.length === 0 ? undefined : { ...offer, columns }
  }

  /** Ids in reading order: those of the city file, then those of the years, oldest first. */
  private async tables(): Promise<{ ids: readonly string[]; missing: readonly string[] }> {
    const { datasets, find, portal, tokenFrom } = this.config
    if (find === undefined) return { ids: [...new Set(datasets)], missing: [] }
    const listed = []
    const catalog = socrataCatalog(portal, this.tools, { words: wordsOf(find), tokenVariable: tokenFrom })
    for await (const { id, name } of catalog) listed.push({ id, name })
    const { items, missing } = pickYears(listed, find, (this.tools.now ?? Date.now)())
    return { ids: [...new Set([...datasets, ...items.map(({ id }) => id)])], missing }
  }

  private async describeTable(id: string): Promise<Offer> {
    const url = viewUrl(this.config.portal, id)
    const answer = await this.api.json({ url })
    const view = parseView(answer.json, answer.url)
    demandTable(view)
    const { api, rows, headers } = await countRows(this.api, this.config.portal, id, this.config.api)
    const plan = this.planOf(view, api)
    const hasRowIds = givesRowIds(plan, view, headers)
    return {
      name: pageOf(this.config.portal, id),
      changeToken: lags(headers) ? undefined : changeTokenOf(view), // what the copy gives is not what the metadata tells of
      publishedAt: publishedAtOf(view),
      rows,
      columns: columnsOf(view),
      ...(hasRowIds ? { key: { column: ROW_ID, hidden: true } } : {}),
      plan: plan as unknown as Json,
      ...changeTimeOf(view, plan, headers),
      facts: { ...factsOf(view), ...headers, api, ...(lags(headers) ? { replicaLags: true } : {}) },
    }
  }

  private planOf(view: View, api: SocrataPlan['api']): SocrataPlan {
    const { read, portal, pageRows } = this.config
    const isOld = view.newBackend === false && api === 'soda2'
    // The old backend gives at most 50,000 rows at a time, and names the columns of its CSV by their titles (RSocrata issue 163).
    const as = read === 'export' && !isOld ? 'csv' : 'json'
    const full = read === 'export' ? OLD_BACKEND_ROWS : Math.min(pageRows, OLD_BACKEND_ROWS)
    return { id: view.id, portal, api, as, pageRows: full, order: orderOf(view) }
  }

  private nothingToRead(): WardbookError {
    const { find, portal } = this.config
    const what =
      find === undefined
        ? 'names no dataset'
        : `finds nothing called "${find.name}" in the catalog of ${portal}`
    return new WardbookError(
      'source-empty-list',
      'fix-config',
      `the source ${this.name} ${what}; set datasets or find`,
      { source: this.name, portal },
    )
  }
}

/** Changes may become visible later than they are dated: an upload takes its time, and the copy that answers follows its truth. */
const OVERLAP_HOURS = 24

/** A copy that lags has nothing newer than its own time, whatever the metadata says. */
function changeTimeOf(
  view: View,
  { api, as, order }: SocrataPlan,
  headers: Readonly<Record<string, string>>,
): { changes?: ChangeTime } {
  const copyMs = Date.parse(headers['x-soda2-secondary-last-modified'] ?? '')
  const saysLate = headers['x-soda2-data-out-of-date'] === 'true'
  if (view.rowsUpdatedAt == null || !datesItsRows(view) || order[0] !== ROW_ID) return {}
  if (saysLate && Number.isNaN(copyMs)) return {}
  const changedMs = view.rowsUpdatedAt * 1_000
  const until = new Date(Number.isNaN(copyMs) ? changedMs : Math.min(copyMs, changedMs)).toISOString()
  const columns = columnsOf(view).map(({ name, type = '' }) => [name, type])
  const { keyColumn } = factsOf(view) // Socrata refuses a second row with an identifier that is there
  const unique = typeof keyColumn === 'string' ? [keyColumn] : []
  return { changes: { until, overlapHours: OVERLAP_HOURS, shape: digestOf({ columns, api, as }), unique } }
}

/**
 * Whether pages can carry the portal's own row ids beside the columns. A full reload gives every row another one, so they only show
 * whether a row is in two pages. SODA 2.0 gives them another way, together with all system columns.
 */
function givesRowIds(
  { api, as, order }: SocrataPlan,
  { newBackend }: View,
  headers: Readonly<Record<string, string>>,
): boolean {
  const isOld = newBackend === false || headers['x-soda2-legacy-types'] === 'true'
  return as === 'json' && order[0] === ROW_ID && (api === 'soda3' || !isOld)
}

/** Columns that a request lists; empty where it lists none. */
function columnsAskedFor(request: PageRequest): readonly string[] {
  if (request.format.kind === 'json') return request.format.columns ?? []
  const listed =
    request.post === undefined
      ? new URL(request.url).searchParams.get('$select')
      : /^SELECT (.*?) (?:WHERE|ORDER BY) /.exec(
          (JSON.parse(request.post.text) as { query: string }).query,
        )?.[1]
  return listed?.split(/, ?/).map((name) => name.replaceAll('`', '')) ?? []
}
