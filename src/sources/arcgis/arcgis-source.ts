import type { ArcgisSourceConfig } from '../../contracts/sources/arcgis.js'
import { WardbookError } from '../../kernel/errors.js'
import { digestOf, type Json } from '../../kernel/ids.js'
import type { DerivedColumn } from '../derived-column.js'
import { sameColumn } from '../files/read-csv.js'
import { unusable } from '../http/read-json.js'
import { type PortalTools, tokenOf } from '../portal-tools.js'
import type {
  ChangeTime,
  Offer,
  PageRecord,
  PageRequest,
  PageSignals,
  Publication,
  PublishedColumn,
  Source,
} from '../source.js'
import { Asker, countRows } from './ask-layer.js'
import { derivedColumns } from './derive.js'
import { errorObjectOf, failureOfObject } from './failure.js'
import { fetchArcgisPage } from './fetch-page.js'
import { findLayers, listedLayers, splitService } from './find-layers.js'
import { type Layer, layerOf } from './layer.js'
import { isCutOff, nextArcgisPage } from './next-page.js'
import type { ArcgisPlan } from './plan.js'
import { planRead } from './plan-read.js'
import { editedSince, parametersOf } from './query.js'

/** A source of layers of an ArcGIS feature or map service. @param name of the source, for errors */
export function openArcgisSource(name: string, config: ArcgisSourceConfig, tools: PortalTools): Source {
  return new ArcgisSource(name, config, tools)
}

class ArcgisSource implements Source {
  private readonly secrets: Readonly<Record<string, string>>

  constructor(
    private readonly name: string,
    private readonly config: ArcgisSourceConfig,
    private readonly tools: PortalTools,
  ) {
    const token = tokenOf(tools, config.tokenFrom)
    this.secrets = token === undefined ? {} : { token }
  }

  async describe(): Promise<Publication> {
    const asker = new Asker(this.tools.http, this.secrets)
    const { service, layer } = splitService(this.config.service)
    const config =
      layer === undefined ? this.config : { ...this.config, layers: [layer, ...this.config.layers] }
    const isNumbered = config.find === undefined && config.layers.every((one) => typeof one === 'number')
    const listed = isNumbered && config.layers.length > 0 ? [] : listedLayers(await asker.record(service))
    const { ids, missing } = findLayers(listed, config, this.tools.now?.() ?? Date.now())
    const offers: Offer[] = []
    for (const id of ids) offers.push(await this.offer(asker, `${service}/${id}`))
    return { offers, missing }
  }

  nextPage(offer: Offer, done: readonly PageRecord[]): PageRequest | undefined {
    return nextArcgisPage(offer.plan as unknown as ArcgisPlan, offer.rows, done)
  }

  fetch(request: PageRequest) {
    return fetchArcgisPage(this.tools.http, request, this.secrets)
  }

  failureOf(request: PageRequest, signals: PageSignals): Error | undefined {
    const error = errorObjectOf(signals.envelope)
    if (error !== undefined) return failureOfObject(request.url, error)
    const isPaged = parametersOf(request).orderByFields !== undefined
    return isPaged || isCutOff(signals.envelope) !== true ? undefined : cutOff(request, signals.rows ?? 0)
  }

  /** The layer is planned anew: a server that gives all rows in one way need not give some of them in the same. */
  async changedSince(offer: Offer, since: string): Promise<Offer | undefined> {
    const asker = new Asker(this.tools.http, this.secrets)
    const layer = await this.layer(asker, offer.name)
    if (layer.editDateField === undefined) return undefined
    const where = editedSince(this.config.where, layer.editDateField, since)
    const rows = await countRows(asker, layer.url, where)
    if (rows === undefined) return undefined
    const plan = await planRead(asker, layer, { ...this.config, where }, rows)
    return { ...offer, rows, plan: plan as unknown as Json }
  }

  keysOf(offer: Offer, column: string): Offer | undefined {
    const plan = offer.plan as unknown as ArcgisPlan
    const found = offer.columns?.find(({ name }) => name !== 'geometry' && sameColumn(name, column))
    if (found === undefined || !('oid' in plan)) return undefined
    const columns = [...new Set([plan.oid, found.name])]
    const narrow: ArcgisPlan = { ...plan, outFields: columns.join(','), geometry: false, columns }
    const { derived: _derived, ...rest } = offer
    const named = offer.columns?.filter(({ name }) => columns.includes(name)) ?? []
    return { ...rest, columns: named, plan: narrow as unknown as Json }
  }

  private async layer(asker: Asker, url: string): Promise<Layer> {
    const layer = layerOf(url, await asker.record(url))
    if (layer === undefined) throw unusable(url, 'is no description of a layer', { remedy: 'fix-source' })
    if (!layer.canQuery || layer.type === 'Group Layer') throw notQueryable(this.name, layer)
    return layer
  }

  private async offer(asker: Asker, url: string): Promise<Offer> {
    const layer = await this.layer(asker, url)
    const count = await countRows(asker, url, this.config.where)
    const plan = await planRead(asker, layer, this.config, count)
    const derived = derivedColumns(layer, this.config)
    return {
      name: url,
      changeToken: changeToken(layer),
      publishedAt: layer.lastEditMs === undefined ? undefined : new Date(layer.lastEditMs).toISOString(),
      rows: count ?? ('listed' in plan ? plan.listed : undefined),
      columns: columnsOf(layer, plan),
      ...('oid' in plan ? { key: this.keyOf(plan) } : {}),
      plan: plan as unknown as Json,
      facts: factsOf(layer, plan),
      ...changeTimeOf(layer, plan, derived),
      ...(derived.length === 0 ? {} : { derived }),
    }
  }

  private keyOf({ oid, strategy }: Extract<ArcgisPlan, { oid: string }>): NonNullable<Offer['key']> {
    return { column: oid, hidden: this.config.drops.includes(oid), ascending: strategy === 'pages' }
  }
}

/** The time of the last edit, with the fields and their labels; undefined where the service does not tell the time. */
function changeToken({ lastEditMs, fields }: Layer): string | undefined {
  if (lastEditMs === undefined) return undefined
  const described = fields.map(({ name, type, labels, bySubtype }) => ({
    ...{ name, type, labels },
    ...(bySubtype === undefined ? {} : { bySubtype }),
  }))
  return `${lastEditMs}-${digestOf(described).slice(0, 16)}`
}

/** A timestamp may be read in a zone of the server's own, up to 14 hours from UTC. */
const OVERLAP_HOURS = 24
/** Conditions that time alone makes true: rows come that nobody edited. */
const GOES_BY_THE_CLOCK = /current|interval|now\s*\(|getdate|sysdate/i

/** A view shows rows of another layer, which may change and come without an edit of its own. */
function changeTimeOf(
  layer: Layer,
  plan: ArcgisPlan,
  derived: readonly DerivedColumn[],
): { changes?: ChangeTime } {
  const { lastEditMs, editDateField, isView } = layer
  if (lastEditMs === undefined || editDateField === undefined || isView) return {}
  if (!('oid' in plan) || GOES_BY_THE_CLOCK.test(plan.where)) return {}
  const { where, geometry } = plan
  const columns = columnsOf(layer, plan).map(({ name, type = '' }) => [name, type])
  const shape = digestOf({ columns, where, geometry, derived: derived as unknown as Json, editDateField })
  const until = new Date(lastEditMs).toISOString()
  return { changes: { until, overlapHours: OVERLAP_HOURS, shape, unique: layer.uniqueFields } }
}

function columnsOf(layer: Layer, plan: ArcgisPlan): readonly PublishedColumn[] {
  return plan.columns.map((name) => {
    const field = layer.fields.find((one) => one.name === name)
    if (field === undefined) return { name, type: 'geometry' }
    return { name, type: field.type, ...(field.alias === undefined ? {} : { label: field.alias }) }
  })
}

function factsOf(layer: Layer, plan: ArcgisPlan): Record<string, Json> {
  const { name, type, version, maxRecordCount, oid, copyright } = layer
  return {
    ...{ layer: name, type, strategy: plan.strategy, maxRecordCount },
    ...(version === undefined ? {} : { version }),
    ...(oid === undefined ? {} : { objectIdField: oid }),
    ...(copyright === undefined ? {} : { copyright: copyright.slice(0, 2_000) }),
  }
}

function cutOff(request: PageRequest, rows: number): WardbookError {
  return new WardbookError(
    'portal-row-cap',
    'fix-source',
    `${request.url} was cut off at ${rows} rows, fewer than the layer says it gives: set pageRows: ${Math.max(1, rows)} for this source`,
    { url: request.url, rows },
  )
}

function notQueryable(source: string, { url, name, type }: Layer): WardbookError {
  return new WardbookError(
    'source-not-found',
    'fix-source',
    `source ${source}: ${url} (${name}, ${type}) gives no rows: it cannot be queried`,
    { url, type },
  )
}
