import type { OpendatasoftSourceConfig } from '../../contracts/sources/opendatasoft.js'
import { WardbookError } from '../../kernel/errors.js'
import { digestOf, type Json } from '../../kernel/ids.js'
import { textOf } from '../exact-json.js'
import { pageAnswer } from '../http/page-answer.js'
import { cutOff } from '../http/read-json.js'
import type { FileFormat } from '../page-format.js'
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
import { pickYears } from '../years.js'
import { type Dataset, instantOf } from './dataset.js'
import { OpendatasoftPortal } from './portal.js'

const KEPT_HEADERS = [
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'x-ods-api-deprecation-date',
  'x-ods-api-sunset-date',
]

/** A source of datasets of an OpenDataSoft portal, each read as one export. @param name of the source, for errors */
export function openOpendatasoftSource(
  name: string,
  config: OpendatasoftSourceConfig,
  tools: PortalTools,
): Source {
  return new OpendatasoftSource(name, config, tools)
}

class OpendatasoftSource implements Source {
  private readonly portal: OpendatasoftPortal

  constructor(
    private readonly name: string,
    private readonly config: OpendatasoftSourceConfig,
    private readonly tools: PortalTools,
  ) {
    this.portal = new OpendatasoftPortal(config.portal, tools, tokenOf(tools, config.tokenFrom))
  }

  async describe(): Promise<Publication> {
    const { ids, missing } = await this.datasets()
    if (ids.length === 0) throw this.nothingToRead()
    const offers: Offer[] = []
    for (const id of ids) offers.push(await this.offer(id))
    return { offers, missing }
  }

  /** An export has all rows: there is one page. Whether it came whole is told by its count, as nothing in it marks its end. */
  nextPage({ plan }: Offer, done: readonly PageRecord[]): PageRequest | undefined {
    if (done.length > 0) return undefined
    const url = textOf(plan, 'url') as string
    const format: FileFormat =
      textOf(plan, 'read') === 'csv' ? { kind: 'file', delimiter: ',', encoding: 'utf-8' } : { kind: 'file' }
    return { page: 0, url, format }
  }

  async fetch({ url }: PageRequest): Promise<PageAnswer> {
    return pageAnswer(await this.portal.send({ url }), KEPT_HEADERS)
  }

  /** An export that fails answers with a status, or is no table, which its decoder tells; one that is cut off may look like neither. */
  failureOf({ url }: PageRequest, { endsInLine }: PageSignals): Error | undefined {
    return endsInLine === false ? cutOff(url) : undefined
  }

  /** Ids in reading order: those of the city file, then those of the years, oldest first. */
  private async datasets(): Promise<{ ids: readonly string[]; missing: readonly string[] }> {
    const { datasets, find } = this.config
    if (find === undefined) return { ids: [...new Set(datasets)], missing: [] }
    const listed: { id: string; name: string }[] = []
    for await (const { id, title } of this.portal.datasets())
      listed.push({ id, name: id }, { id, name: title })
    const { items, missing } = pickYears(listed, find, this.tools.now?.() ?? Date.now())
    return { ids: [...new Set([...datasets, ...items.map(({ id }) => id)])], missing }
  }

  private async offer(id: string): Promise<Offer> {
    const dataset = await this.portal.dataset(id)
    const read = await this.formOf(id)
    return {
      name: this.portal.url(`/catalog/datasets/${encodeURIComponent(id)}`),
      changeToken: changeToken(dataset),
      publishedAt: instantOf(dataset.processedAt ?? dataset.modifiedAt),
      rows: await this.portal.count(id),
      columns: dataset.columns,
      plan: { read, url: this.exportUrl(dataset, read) },
      facts: { ...factsOf(dataset), read },
    }
  }

  /** The form that the city file asks for, where the portal has it; every portal has CSV. */
  private async formOf(id: string): Promise<OpendatasoftSourceConfig['read']> {
    const { read } = this.config
    return read === 'csv' || (await this.portal.exportsAs(id, read)) ? read : 'csv'
  }

  private exportUrl({ id, key, columns }: Dataset, read: OpendatasoftSourceConfig['read']): string {
    const { timeZone, drops } = this.config
    const kept = columns.map(({ name }) => name).filter((name) => !drops.includes(name))
    return this.portal.url(`/catalog/datasets/${encodeURIComponent(id)}/exports/${read}`, {
      ...(kept.length < columns.length ? { select: kept.map(quoted).join(',') } : {}),
      ...(key.length > 0 ? { order_by: key.map(quoted).join(',') } : {}),
      timezone: timeZone,
      ...(read === 'csv' ? { use_labels: 'false', delimiter: ',', with_bom: 'true' } : {}),
    })
  }

  private nothingToRead(): WardbookError {
    const { portal, find } = this.config
    const what = find === undefined ? 'names no dataset' : `finds no dataset called like '${find.name}'`
    const message = `source ${this.name} ${what} at ${portal}: give ids in \`datasets\``
    return new WardbookError('source-empty-list', 'fix-config', message, { source: this.name, portal })
  }
}

/** When it was processed and changed, and its columns: they are renamed under a stable id. Undefined where the portal tells no time. */
function changeToken({ processedAt, modifiedAt, columns }: Dataset): string | undefined {
  const times = [processedAt, modifiedAt].filter((time) => time !== undefined)
  const described = columns.map(({ name, type }) => ({ name, type }))
  return times.length === 0 ? undefined : `${times.join(' ')} ${digestOf(described).slice(0, 16)}`
}

function factsOf({ title, key, rows, license }: Dataset): Record<string, Json> {
  return {
    title: title.slice(0, 500),
    ...(key.length === 0 ? {} : { key }),
    ...(rows === undefined ? {} : { rowsWhenProcessed: rows }),
    ...(license === undefined ? {} : { license: license.slice(0, 500) }),
  }
}

/** A field name in ODSQL. */
function quoted(name: string): string {
  return `\`${name}\``
}
