import type { LegistarSourceConfig } from '../../contracts/sources/legistar.js'
import { digestOf, type Json } from '../../kernel/ids.js'
import { pageAnswer } from '../http/page-answer.js'
import { unusable } from '../http/read-json.js'
import { type PortalTools, tokenOf } from '../portal-tools.js'
import type {
  ChangeTime,
  Offer,
  PageAnswer,
  PageRecord,
  PageRequest,
  PageSignals,
  Publication,
  Source,
} from '../source.js'
import { LegistarApi } from './ask-records.js'
import { idOf, isNested, KINDS, type ListedKind } from './kinds.js'
import { fetchNestedPage, skippedOf } from './nested-page.js'
import { type LegistarPlan, nextLegistarPage } from './next-page.js'

/** A source of one kind of record of a council's Legistar API. @param _name of the source, for errors */
export function openLegistarSource(_name: string, config: LegistarSourceConfig, tools: PortalTools): Source {
  return new LegistarSource(config, tools)
}

/** Changes of a record show late: some are dated by hand, some are published hours after they were made [S: python-legistar-scraper]. */
const OVERLAP_HOURS = 72

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
      ...(isNested(kind) ? {} : await this.changeTimeOf(kind)),
    }
    return { offers: [offer], missing: [] }
  }

  /**
   * Records that have a list of their own tell when they were changed; those below others are read whole, as nothing tells of them.
   * What the newest was changed at is where a later read begins, less the overlap.
   */
  private async changeTimeOf(kind: ListedKind): Promise<{ changes?: ChangeTime }> {
    const { records, since } = this.config
    const newest = await this.api.newest(kind.path, kind.id, kind.changes[0])
    if (newest === undefined) return {}
    const shape = digestOf({ records, since: since ?? null, changes: kind.changes })
    return { changes: { until: newest, overlapHours: OVERLAP_HOURS, shape, unique: [kind.id] } }
  }

  async changedSince(offer: Offer, since: string): Promise<Offer | undefined> {
    const plan: LegistarPlan = { ...(offer.plan as unknown as LegistarPlan), changedSince: since }
    return { ...offer, plan: plan as unknown as Json }
  }

  keysOf(offer: Offer, column: string): Offer | undefined {
    const plan: LegistarPlan = { ...(offer.plan as unknown as LegistarPlan), column }
    return { ...offer, columns: [{ name: column }], plan: plan as unknown as Json }
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
