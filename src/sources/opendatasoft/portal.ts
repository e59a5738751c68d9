import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import { listOf, textOf } from '../exact-json.js'
import { askJson } from '../http/ask-json.js'
import type { HttpRequest } from '../http/client.js'
import { unusable } from '../http/read-json.js'
import type { PortalTools } from '../portal-tools.js'
import { type Dataset, datasetOf, totalCountOf } from './dataset.js'
import { isQuota, quotaSpent } from './quota.js'

/** Datasets a request of the catalog; the most that the API gives. */
const CATALOG_PAGE = 100
/** Offset and limit together may not exceed it. */
const CATALOG_REACH = 10_000

/** Asks a portal's Explore API 2.1. */
export class OpendatasoftPortal {
  constructor(
    private readonly portal: string,
    private readonly tools: PortalTools,
    private readonly token: string | undefined,
  ) {}

  /** Address below the API. */
  url(path: string, parameters: Readonly<Record<string, string>> = {}): string {
    const query = new URLSearchParams(parameters).toString()
    return `${this.portal}/api/explore/v2.1${path}${query === '' ? '' : `?${query}`}`
  }

  /**
   * @throws WardbookError 'portal-quota-spent' (retry) with `retryAt` in its facts; the errors of `HttpClient.send`
   */
  async send(request: Pick<HttpRequest, 'url' | 'headers'>) {
    return this.tools.http.send(this.requestOf(request.url)).catch(rethrow)
  }

  async record(url: string): Promise<Json> {
    return (await askJson(this.tools.http, this.requestOf(url)).catch(rethrow)).json
  }

  async dataset(id: string): Promise<Dataset> {
    const url = this.url(`/catalog/datasets/${encodeURIComponent(id)}`)
    const dataset = datasetOf(await this.record(url))
    if (dataset === undefined) throw unusable(url, 'is no description of a dataset', { remedy: 'fix-source' })
    return dataset
  }

  async count(id: string): Promise<number> {
    const url = this.url(`/catalog/datasets/${encodeURIComponent(id)}/records`, { limit: '1' })
    const count = totalCountOf(await this.record(url))
    if (count === undefined) throw unusable(url, 'has no total_count', { remedy: 'fix-source' })
    return count
  }

  /**
   * Whether a dataset is exported in a form. The API lists them (`/exports`); a portal that has no such list is asked for one row in that form.
   * @param form e.g. `parquet`
   */
  async exportsAs(id: string, form: string): Promise<boolean> {
    const list = this.url(`/catalog/datasets/${encodeURIComponent(id)}/exports`)
    const links = listOf(await this.record(list).catch(undefinedIfRefused), 'links')
    if (links.length > 0) return links.some((link) => isLinkTo(link, form))
    const one = this.url(`/catalog/datasets/${encodeURIComponent(id)}/exports/${form}`, { limit: '1' })
    const answer = await this.send({ url: one }).catch(undefinedIfRefused)
    await answer?.discard()
    return answer !== undefined
  }

  /**
   * All datasets of the catalog. It promises no order, so that what is listed twice may stand for what is not listed.
   * @throws WardbookError 'portal-answer-unusable' (retry) when not every dataset was listed
   */
  async *datasets(): AsyncIterable<Dataset> {
    const seen = new Set<string>()
    let total = Number.POSITIVE_INFINITY
    for (let offset = 0; offset < Math.min(total, CATALOG_REACH); ) {
      const url = this.url('/catalog/datasets', { limit: String(CATALOG_PAGE), offset: String(offset) })
      const json = await this.record(url)
      const results = listOf(json, 'results')
      total = totalCountOf(json) ?? 0
      for (const dataset of results.flatMap((entry) => datasetOf(entry) ?? [])) {
        if (!seen.has(dataset.id)) yield dataset
        seen.add(dataset.id)
      }
      offset += results.length
      if (results.length === 0) break
    }
    if (seen.size < Math.min(total, CATALOG_REACH))
      throw unusable(this.url('/catalog/datasets'), `lists ${seen.size} of ${total} datasets`, {
        remedy: 'retry',
      })
  }

  private requestOf(url: string): HttpRequest {
    const secret =
      this.token === undefined ? {} : { secretHeaders: { authorization: `Apikey ${this.token}` } }
    return { url, ...secret, judge: (status, start) => (isQuota(status, start) ? 'final' : undefined) }
  }
}

function rethrow(failure: unknown): never {
  throw quotaSpent(failure) ?? failure
}

function isLinkTo(link: Json, form: string): boolean {
  const path = (textOf(link, 'href') ?? '').replace(/[?#].*$/, '')
  return textOf(link, 'rel') === form || path.endsWith(`/exports/${form}`)
}

/** A portal that refuses does not have it; one that is down, closed or throttled may. */
function undefinedIfRefused(failure: unknown): undefined {
  if (failure instanceof WardbookError && failure.remedy === 'fix-source') return undefined
  throw failure
}
