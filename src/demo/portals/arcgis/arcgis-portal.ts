import type { Json } from '../../../kernel/ids.js'
import {
  type PortalAnswer,
  type PortalHooks,
  type PortalRequest,
  type RunningPortal,
  startPortal,
} from '../portal-server.js'
import type { PortalTable } from '../portal-table.js'
import { type Feature, featuresOf, fieldsOf, OID, subtypesRecord } from './feature-table.js'
import { hubDownload, hubSite } from './hub-download.js'
import { type ArcgisMisbehavior, type ArcgisVariant, HOSTED } from './variant.js'
import { parseWhere } from './where.js'

/** What an ArcGIS server does on one request beyond its variant; nothing: all is well. */
export type Misbehave = (request: PortalRequest) => ArcgisMisbehavior | undefined

/** Path of the service below the portal's address. */
export const ARCGIS_SERVICE_PATH = '/arcgis/rest/services/Requests/FeatureServer'

/**
 * A server that speaks the REST API of ArcGIS for reading: services directory, one feature service whose layers are tables, queries, and
 * the downloads of a Hub site (`/datasets/<item>_<layer>.csv`). It is strict about its limit of rows.
 * @param tables  read at each request, so they may change between requests
 * @param variant what differs from a hosted layer of today
 */
export function startArcgisPortal(
  tables: () => readonly PortalTable[],
  variant: Partial<ArcgisVariant> = {},
  hooks: PortalHooks = {},
  misbehave: Misbehave = () => undefined,
): Promise<RunningPortal> {
  const whole = { ...HOSTED, ...variant }
  const site = hubSite(whole)
  return startPortal((request) => {
    const download = hubDownload(request, tables(), site)
    if (download !== undefined) return download
    const query = new URLSearchParams([...request.query, ...new URLSearchParams(request.body)])
    return answer({ ...request, query }, tables(), whole, misbehave)
  }, hooks)
}

function answer(
  request: PortalRequest,
  tables: readonly PortalTable[],
  variant: ArcgisVariant,
  misbehave: Misbehave,
): PortalAnswer {
  const { path, query } = request
  const token = query.get('token')
  if (variant.token !== undefined && token !== variant.token)
    return token === null ? error(499, 'Token Required') : error(498, 'Invalid Token')
  if (path === '/arcgis/rest/services') return jsonAnswer(directoryRecord(variant))
  if (path === ARCGIS_SERVICE_PATH) return jsonAnswer(serviceRecord(tables, variant))
  if (path === `${ARCGIS_SERVICE_PATH}/layers`)
    return jsonAnswer({ layers: tables.map((table, id) => layerRecord(table, id, variant)), tables: [] })
  const [, layer, isQuery] = new RegExp(`^${ARCGIS_SERVICE_PATH}/(\\d+)(/query)?$`).exec(path) ?? []
  const table = tables[Number(layer ?? -1)]
  if (table === undefined) return error(404, 'Layer not found')
  if (isQuery === undefined) return jsonAnswer(layerRecord(table, Number(layer), variant))
  const misbehavior = misbehave(request) ?? {}
  if (misbehavior.error !== undefined) return error(misbehavior.error.code, misbehavior.error.message)
  return answerQuery(new LayerQuery(query, table, variant, misbehavior))
}

function jsonAnswer(json: unknown): PortalAnswer {
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  return { status: 200, headers, body: [typeof json === 'string' ? json : JSON.stringify(json)] }
}

function error(code: number, message: string): PortalAnswer {
  return jsonAnswer({ error: { code, message, details: [] } })
}

function directoryRecord({ version }: ArcgisVariant): Json {
  const services = [{ name: 'Requests', type: 'FeatureServer' }]
  return { ...(version === undefined ? {} : { currentVersion: version }), folders: [], services }
}

function serviceRecord(tables: readonly PortalTable[], variant: ArcgisVariant): Json {
  const layers = tables.map(({ name }, id) => ({ id, name, parentLayerId: -1, subLayerIds: null }))
  return { ...(variant.version === undefined ? {} : { currentVersion: variant.version }), layers, tables: [] }
}

function layerRecord(table: PortalTable, id: number, variant: ArcgisVariant): Json {
  const { version, pagination, statistics, ordering, geometryColumn } = variant
  const can = { supportsPagination: pagination, supportsStatistics: statistics, supportsOrderBy: ordering }
  return {
    ...(version === undefined ? {} : { currentVersion: version }),
    ...{ id, name: table.name, type: geometryColumn === undefined ? 'Table' : 'Feature Layer' },
    description: table.description ?? '',
    ...(geometryColumn === undefined ? {} : { geometryType: 'esriGeometryPoint' }),
    ...(variant.namesObjectId && variant.objectId !== undefined ? { objectIdField: OID } : {}),
    ...(variant.saysMaxRecordCount ? { maxRecordCount: variant.maxRecordCount } : {}),
    ...((version ?? 0) >= 10.3 ? { advancedQueryCapabilities: can } : { supportsStatistics: statistics }),
    editingInfo: { lastEditDate: table.updatedAt },
    ...(variant.editDateField === undefined
      ? {}
      : { editFieldsInfo: { editDateField: variant.editDateField } }),
    capabilities: 'Map,Query,Data',
    fields: fieldsOf(table, variant),
    ...subtypesRecord(variant),
  }
}

/** A query as the server understands it. */
class LayerQuery {
  constructor(
    readonly query: URLSearchParams,
    readonly table: PortalTable,
    readonly variant: ArcgisVariant,
    readonly misbehavior: ArcgisMisbehavior,
  ) {}

  is(parameter: string): boolean {
    return this.query.get(parameter)?.toLowerCase() === 'true'
  }

  /** Rows under the condition; undefined when it is none, or names a field that is not there. */
  features(): readonly Feature[] | undefined {
    const all = featuresOf(this.table, this.variant)
    const condition = parseWhere(this.query.get('where') ?? '')
    if (condition === undefined) return undefined
    if (this.misbehavior.ignoreWhere === true) return all
    try {
      return all.filter((feature) => condition((name) => feature.cell(name)))
    } catch {
      return undefined
    }
  }

  /** In the order asked for; a server without order gives them in its own. */
  ordered(features: readonly Feature[]): readonly Feature[] {
    const [, field, direction = 'ASC'] =
      /^(\S+)(?:\s+(ASC|DESC))?$/i.exec(this.query.get('orderByFields') ?? '') ?? []
    const middle = this.variant.ownOrder === 'by-id' ? 0 : Math.floor(features.length / 2)
    const own = [...features.slice(middle), ...features.slice(0, middle)]
    if (field === undefined || !this.variant.ordering || this.misbehavior.reorder === true) return own
    const sign = direction.toUpperCase() === 'DESC' ? -1 : 1
    return own.sort((a, b) => sign * compared(a.cell(field), b.cell(field)))
  }

  /** The rows of one answer, and whether there are more. */
  page(features: readonly Feature[]): { rows: readonly Feature[]; isCut: boolean } {
    if (this.misbehavior.emptyWithFlag === true) return { rows: [], isCut: true }
    const { pagination, maxRecordCount } = this.variant
    const offset = pagination ? Number(this.query.get('resultOffset') ?? 0) : 0
    const asked = pagination ? Number(this.query.get('resultRecordCount') ?? maxRecordCount) : maxRecordCount
    const most = Math.min(asked, maxRecordCount, this.misbehavior.capRows ?? maxRecordCount)
    return { rows: features.slice(offset, offset + most), isCut: features.length > offset + most }
  }
}

function compared(a: unknown, b: unknown): number {
  return (a as bigint) < (b as bigint) ? -1 : (a as bigint) > (b as bigint) ? 1 : 0
}

function answerQuery(asked: LayerQuery): PortalAnswer {
  const { variant, query } = asked
  const features = asked.features()
  if (features === undefined) return error(400, "'Invalid field or where clause' parameter is invalid")
  if (asked.is('returnCountOnly') && variant.counts)
    return jsonAnswer({ count: features.length + (asked.misbehavior.countOff ?? 0) })
  if (asked.is('returnIdsOnly') && variant.lists) return idsAnswer(asked, features)
  const statistics = query.get('outStatistics')
  if (statistics !== null && variant.statistics) return statisticsAnswer(statistics, features, variant)
  if (statistics !== null) return error(400, 'Unable to complete operation.')
  return rowsAnswer(asked, asked.ordered(features))
}

function idsAnswer({ misbehavior }: LayerQuery, features: readonly Feature[]): PortalAnswer {
  const ids = features.map((feature) => feature.cell(OID)).slice(0, misbehavior.listedIds)
  return jsonAnswer(`{"objectIdFieldName":"${OID}","objectIds":[${ids.join(',')}]}`)
}

function statisticsAnswer(asked: string, features: readonly Feature[], variant: ArcgisVariant): PortalAnswer {
  const wanted = JSON.parse(asked) as {
    statisticType: string
    onStatisticField: string
    outStatisticFieldName: string
  }[]
  const cells = wanted.map(({ statisticType, onStatisticField, outStatisticFieldName }) => {
    const values = features.map((feature) => feature.cell(onStatisticField) as bigint)
    const wins = (a: bigint, b: bigint) => (statisticType === 'min' ? a < b : a > b)
    const value = values.length === 0 ? null : values.reduce((best, one) => (wins(one, best) ? one : best))
    const sql = `${statisticType.toUpperCase()}(${onStatisticField}) AS ${outStatisticFieldName}`
    return `${JSON.stringify(variant.statisticsNames === 'sql' ? sql : outStatisticFieldName)}:${value}`
  })
  return jsonAnswer(`{"displayFieldName":"","features":[{"attributes":{${cells.join(',')}}}]}`)
}

function rowsAnswer(asked: LayerQuery, features: readonly Feature[]): PortalAnswer {
  const { rows, isCut } = asked.page(features)
  const outFields = asked.query.get('outFields') ?? OID
  const fields = outFields === '*' ? undefined : outFields.split(',').map((name) => name.trim())
  const withGeometry = asked.query.get('returnGeometry') !== 'false'
  const texts = rows.map((feature) => feature.text(withGeometry, fields))
  const isSaid = asked.variant.flag === 'always' || (asked.variant.flag === 'when-true' && isCut)
  const flag = isSaid && asked.misbehavior.dropFlag !== true ? `,"exceededTransferLimit":${isCut}` : ''
  const head = `"objectIdFieldName":"${OID}","spatialReference":{"wkid":4326},"fields":${JSON.stringify(fieldsOf(asked.table, asked.variant))}`
  return jsonAnswer(`{${head},"features":[${texts.join(',')}]${flag}}`)
}
