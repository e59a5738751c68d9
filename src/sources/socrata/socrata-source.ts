import type { SocrataSourceConfig } from '../../contracts/sources/socrata.js'
import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import type { HttpAnswer } from '../http/client.js'
import { readJson, unusable } from '../http/read-json.js'
import { type PortalTools, tokenOf } from '../portal-tools.js'
import type { Offer, PageAnswer, PageRequest, PageSignals, Publication, Source } from '../source.js'
import { pickYears, wordsOf } from '../years.js'
import { socrataCatalog } from './catalog.js'
import { errorIn, explainSocrataFailure, failureOfPage, meaningOf } from './failures.js'
import {
  changeTokenOf,
  columnsOf,
  demandTable,
  factsOf,
  parseView,
  publishedAtOf,
  type View,
} from './metadata.js'
import { countRequest, OLD_BACKEND_ROWS, pageOf, type SocrataPlan, viewUrl } from './requests.js'
import { nextSocrataPage } from './walk.js'

/** Headers that tell how far the copy that answers lies behind the portal's own truth, and which dialect it speaks. */
const KEPT_HEADERS = [
  'x-soda2-data-out-of-date',
  'x-soda2-truth-last-modified',
  'x-soda2-secondary-last-modified',
  'x-soda2-legacy-types',
] as const

/**
 * Tables of a Socrata portal as a source.
 * @param name of the source, for errors
 */
export function openSocrataSource(name: string, config: SocrataSourceConfig, tools: PortalTools): Source {
  return new SocrataSource(name, config, tools)
}

class SocrataSource implements Source {
  constructor(
    private readonly name: string,
    private readonly config: SocrataSourceConfig,
    private readonly tools: PortalTools,
  ) {}

  async describe(): Promise<Publication> {
    const { ids, missing } = await this.tables()
    if (ids.length === 0) throw this.nothingToRead()
    const offers: Offer[] = []
    for (const id of ids) offers.push(await this.describeTable(id))
    return { offers, missing }
  }

  nextPage = nextSocrataPage

  async fetch(request: PageRequest): Promise<PageAnswer> {
    const answer = await this.send(request)
    const { headers } = answer
    return {
      status: answer.status,
      etag: headers.get('etag') ?? undefined,
      lastModified: headers.get('last-modified') ?? undefined,
      requestId: headers.get('x-socrata-requestid') ?? undefined,
      headers: keptHeaders(headers),
      bytes: answer.bytes,
    }
  }

  failureOf(request: PageRequest, signals: PageSignals): Error | undefined {
    return failureOfPage(request, signals, columnsAskedFor(request), this.config.tokenFrom)
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
    const answer = await this.json({ url })
    const view = parseView(answer.json, answer.url)
    demandTable(view)
    const { api, rows, facts } = await this.count(id)
    return {
      name: pageOf(this.config.portal, id),
      changeToken: changeTokenOf(view),
      publishedAt: publishedAtOf(view),
      rows,
      columns: columnsOf(view),
      plan: this.planOf(view, api) as unknown as Json,
      facts: { ...factsOf(view), ...facts, api, ...(lags(facts) ? { replicaLags: true } : {}) },
    }
  }

  private planOf(view: View, api: SocrataPlan['api']): SocrataPlan {
    const { read, portal, pageRows } = this.config
    const isOld = view.newBackend === false && api === 'soda2'
    // The old backend gives at most 50,000 rows at a time, and names the columns of its CSV by their titles (RSocrata issue 163).
    const as = read === 'export' && !isOld ? 'csv' : 'json'
    const full = read === 'export' ? OLD_BACKEND_ROWS : Math.min(pageRows, OLD_BACKEND_ROWS)
    return { id: view.id, portal, api, as, pageRows: full }
  }

  /** Counts with the API that the settings name; `auto` turns to SODA 3 only where the portal refuses SODA 2. */
  private async count(id: string): Promise<Counted> {
    if (this.config.api !== 'auto') return this.countWith(id, this.config.api)
    try {
      return await this.countWith(id, 'soda2')
    } catch (refused) {
      if (!isRefusalOfApi(refused)) throw refused
      return this.countWith(id, 'soda3').catch(() => {
        throw refused // the first refusal says more to people than that of an API which the portal may not have
      })
    }
  }

  private async countWith(id: string, api: SocrataPlan['api']): Promise<Counted> {
    const { json, url, headers } = await this.json(countRequest({ portal: this.config.portal, id, api }))
    const kept = keptHeaders(headers)
    const rows = countIn(json)
    if (rows !== undefined) return { api, rows, facts: kept }
    if (!Array.isArray(json) || json.length > 0) throw unusable(url, 'is no count', { remedy: 'retry' })
    const message = `${id} has no rows that can be counted: it is no table (the portal answered [] to the count)`
    throw new WardbookError('source-no-table', 'fix-config', message, { id, url })
  }

  private async json(request: Pick<PageRequest, 'url' | 'post'>): Promise<JsonAnswer> {
    const answer = await this.send(request)
    const json = await readJson(answer)
    const said = errorIn(json)
    if (said === undefined) return { json, url: answer.url, headers: answer.headers }
    throw (
      meaningOf(said, answer.url, this.config.tokenFrom) ??
      unusable(answer.url, `is an error: ${said.message}`, { remedy: 'retry' })
    )
  }

  private async send({ url, post }: Pick<PageRequest, 'url' | 'post'>): Promise<HttpAnswer> {
    const token = tokenOf(this.tools, this.config.tokenFrom)
    try {
      return await this.tools.http.send({
        url,
        headers: { ...(post === undefined ? {} : { 'content-type': post.contentType }) },
        ...(token === undefined ? {} : { secretHeaders: { 'x-app-token': token } }),
        ...(post === undefined ? {} : { body: post.text }),
        judge: (status) => (status === 202 ? 'retry' : undefined), // still making the answer
      })
    } catch (thrown) {
      throw explainSocrataFailure(thrown, this.config.tokenFrom)
    }
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

interface Counted {
  readonly api: SocrataPlan['api']
  readonly rows: number
  readonly facts: Readonly<Record<string, string>>
}

interface JsonAnswer {
  readonly json: unknown
  readonly url: string
  readonly headers: Headers
}

/** The count in `[{"count":"1001"}]`: a text, under `count` or a name like `count_1`. */
export function countIn(answer: unknown): number | undefined {
  if (!Array.isArray(answer) || answer.length !== 1) return undefined
  const [row] = answer as [unknown]
  if (typeof row !== 'object' || row === null) return undefined
  const [value, ...more] = Object.entries(row)
    .filter(([name]) => /^count(_\w+)?$/.test(name))
    .map(([, count]) => Number(count))
  return more.length === 0 && Number.isSafeInteger(value) && (value as number) >= 0 ? value : undefined
}

/** SODA 2 is not there or not for everybody; a missing table is missing in SODA 3 as well. */
function isRefusalOfApi(thrown: unknown): boolean {
  if (!(thrown instanceof WardbookError)) return false
  return thrown.code === 'portal-refused' || thrown.facts.status === 410
}

function keptHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) as string]] : [])),
  )
}

/** Whether the copy that answered is older than the portal's own truth: then rows are older than the metadata says. */
function lags(headers: Readonly<Record<string, string>>): boolean {
  const truth = Date.parse(headers['x-soda2-truth-last-modified'] ?? '')
  const copy = Date.parse(headers['x-soda2-secondary-last-modified'] ?? '')
  return headers['x-soda2-data-out-of-date'] === 'true' || copy < truth
}

/** Columns that a request lists; empty where it lists none. */
function columnsAskedFor(request: PageRequest): readonly string[] {
  if (request.format.kind === 'json') return request.format.columns ?? []
  const listed =
    request.post === undefined
      ? new URL(request.url).searchParams.get('$select')
      : /^SELECT (.*) ORDER BY :id/.exec((JSON.parse(request.post.text) as { query: string }).query)?.[1]
  return listed?.split(/, ?/).map((name) => name.replaceAll('`', '')) ?? []
}
