import type { LegistarSourceConfig } from '../../contracts/sources/legistar.js'
import type { Json } from '../../kernel/ids.js'
import { pageAnswer } from '../http/page-answer.js'
import { unusable } from '../http/read-json.js'
import { type PortalTools, tokenOf } from '../portal-tools.js'
import type {
  Offer,
  PageAnswer,
  PageRecord,
  PageRequest,
  PageSignals,
  Publication,
  Source,
} from '../source.js'
import { LegistarApi } from './ask-records.js'
import { idOf, isNested, KINDS } from './kinds.js'
import { fetchNestedPage, skippedOf } from './nested-page.js'
import { type LegistarPlan, nextLegistarPage } from './next-page.js'

/** A source of one kind of record of a council's Legistar API. @param _name of the source, for errors */
export function openLegistarSource(_name: string, config: LegistarSourceConfig, tools: PortalTools): Source {
  return new LegistarSource(config, tools)
}

class LegistarSource implements Source {
  private readonly api: LegistarApi

  constructor(
    private readonly config: LegistarSourceConfig,
    tools: PortalTools,
  ) {
    const token = tokenOf(tools, config.tokenFrom)
    const secrets = token === undefined ? {} : { token }
    this.api = new LegistarApi(`${config.api}/${config.client}`, tools.http, secrets)
  }

  /**
   * Asks for the first and the last record, to see that the council is there and keeps to an order: the API tells neither counts nor columns
   * nor when something changed, so that without an order rows would be missing and nobody would know.
   */
  async describe(): Promise<Publication> {
    const { records, since, pageRows, drops } = this.config
    const kind = KINDS[records]
    const { path, id } = isNested(kind) ? kind.parents : kind
    await this.api.demandOrder(path, id)
    const plan: LegistarPlan = { records, base: this.api.base, since: since ?? null, rows: pageRows }
    const offer: Offer = {
      name: `${this.api.base}/${records}`,
      changeToken: undefined,
      publishedAt: undefined,
      rows: undefined,
      columns: undefined,
      key: { column: idOf(kind), hidden: drops.includes(idOf(kind)), ascending: !isNested(kind) },
      plan: plan as unknown as Json,
    }
    return { offers: [offer], missing: [] }
  }

  nextPage({ plan }: Offer, done: readonly PageRecord[]): PageRequest | undefined {
    return nextLegistarPage(plan as unknown as LegistarPlan, done)
  }

  async fetch(request: PageRequest): Promise<PageAnswer> {
    const kind = KINDS[this.config.records]
    return isNested(kind)
      ? fetchNestedPage(this.api, kind, request)
      : pageAnswer(await this.api.send(request.url))
  }

  /** An object with a message stands where records should. */
  failureOf({ url }: PageRequest, { rows, columns, lastRow }: PageSignals): Error | undefined {
    const kind = KINDS[this.config.records]
    if (isNested(kind) || rows === 0 || columns.includes(kind.id)) return undefined
    const said = lastRow?.Message ?? columns.slice(0, 5).join(', ')
    return unusable(url, `has no records with ${kind.id}, but: ${said}`, { remedy: 'fix-source' })
  }

  skipped(signals: PageSignals) {
    return skippedOf(signals)
  }
}
