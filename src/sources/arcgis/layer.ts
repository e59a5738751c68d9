import type { Json } from '../../kernel/ids.js'
import { listOf, memberOf, textOf, wholeNumber } from '../exact-json.js'

/** A field of a layer as its metadata has it. */
export interface LayerField {
  readonly name: string
  readonly type: string
  readonly alias: string | undefined
  /** Labels by code, where the field has a coded-value domain. */
  readonly labels: Readonly<Record<string, string>> | undefined
}

/** What a layer or table says of itself. */
export interface Layer {
  /** Address of the layer, without a query. */
  readonly url: string
  readonly id: number
  readonly name: string
  /** `Feature Layer`, `Table`, `Group Layer` … */
  readonly type: string
  readonly version: number | undefined
  /** Without geometry fields, in the publisher's order. */
  readonly fields: readonly LayerField[]
  /** Field with the object id; undefined where the layer has none. */
  readonly oid: string | undefined
  readonly hasGeometry: boolean
  readonly isPoint: boolean
  /** Most rows that an answer has. */
  readonly maxRecordCount: number
  readonly supportsPagination: boolean
  readonly supportsStatistics: boolean
  /** False where the layer says that it cannot be queried. */
  readonly canQuery: boolean
  /** Milliseconds since 1970. */
  readonly lastEditMs: number | undefined
  /** Field in which the server writes when a row was last edited, where it tracks editors and shows the field. */
  readonly editDateField: string | undefined
  /** Fields in which no value stands twice: ids, and fields with a unique index of their own. */
  readonly uniqueFields: readonly string[]
  /** True for a view: it shows rows of another layer. */
  readonly isView: boolean
  readonly copyright: string | undefined
}

/** Servers of version 10.0 do not say it and give 500 [R: Cook County]. */
const ASSUMED_MAX_RECORD_COUNT = 500
const GEOMETRY_FIELD = 'esriFieldTypeGeometry'

/** Reads a layer's metadata (`{layer}?f=json`). @returns undefined when it is no metadata of a layer */
export function layerOf(url: string, json: Json): Layer | undefined {
  const fields = listOf(json, 'fields').flatMap(fieldOf)
  const type = textOf(json, 'type')
  if (type === undefined) return undefined
  const typed = withTypeLabels(json, fields)
  const geometry = textOf(json, 'geometryType')
  return {
    url,
    type,
    id: Number(wholeNumber(memberOf(json, 'id')) ?? -1n),
    name: textOf(json, 'name') ?? '',
    version: numberOf(memberOf(json, 'currentVersion')),
    fields: typed.filter((field) => field.type !== GEOMETRY_FIELD),
    oid: oidOf(json, typed),
    hasGeometry: geometry !== undefined,
    isPoint: geometry === 'esriGeometryPoint',
    maxRecordCount: Number(wholeNumber(memberOf(json, 'maxRecordCount')) || BigInt(ASSUMED_MAX_RECORD_COUNT)),
    supportsPagination: supports(json, 'supportsPagination'),
    supportsStatistics: supports(json, 'supportsStatistics'),
    canQuery: /(^|,)\s*(Query|Data)\s*(,|$)/i.test(textOf(json, 'capabilities') ?? 'Query'),
    lastEditMs: lastEdit(json),
    editDateField: editDateOf(json, typed),
    uniqueFields: uniqueFieldsOf(json, typed),
    isView: memberOf(json, 'isView') === true,
    copyright: textOf(json, 'copyrightText'),
  }
}

function fieldOf(json: Json): LayerField[] {
  const [name, type] = [textOf(json, 'name'), textOf(json, 'type') ?? '']
  if (name === undefined) return []
  const alias = textOf(json, 'alias')
  return [
    { name, type, alias: alias === name ? undefined : alias, labels: codedValues(memberOf(json, 'domain')) },
  ]
}

function codedValues(domain: Json | undefined): Record<string, string> | undefined {
  const pairs = listOf(domain, 'codedValues').flatMap((pair) => {
    const [code, label] = [memberOf(pair, 'code'), textOf(pair, 'name')]
    return (typeof code === 'string' || typeof code === 'number') && label !== undefined
      ? [[String(code), label]]
      : []
  })
  return pairs.length === 0 ? undefined : (Object.fromEntries(pairs) as Record<string, string>)
}

/** The field that says of which subtype a row is has the subtypes' names as its labels. */
function withTypeLabels(json: Json, fields: readonly LayerField[]): readonly LayerField[] {
  const typeField = textOf(json, 'typeIdField')?.toLowerCase()
  const pairs = listOf(json, 'types').flatMap((type) => {
    const [id, name] = [memberOf(type, 'id'), textOf(type, 'name')]
    return (typeof id === 'string' || typeof id === 'number') && name !== undefined
      ? [[String(id), name]]
      : []
  })
  if (typeField === undefined || pairs.length === 0) return fields
  const labels = Object.fromEntries(pairs) as Record<string, string>
  return fields.map((field) =>
    field.labels === undefined && field.name.toLowerCase() === typeField ? { ...field, labels } : field,
  )
}

/** Old servers do not name the field: then it is the one of type OID, else one called OBJECTID. */
function oidOf(json: Json, fields: readonly LayerField[]): string | undefined {
  const named = textOf(json, 'objectIdField')
  const own = fields.find((field) => field.name.toLowerCase() === named?.toLowerCase())
  const typed = fields.find((field) => field.type === 'esriFieldTypeOID')
  return (own ?? typed ?? fields.find((field) => field.name.toUpperCase() === 'OBJECTID'))?.name
}

function editDateOf(json: Json, fields: readonly LayerField[]): string | undefined {
  const named = textOf(json, 'editFieldsInfo', 'editDateField')?.toLowerCase()
  return fields.find(({ name, type }) => name.toLowerCase() === named && type === 'esriFieldTypeDate')?.name
}

function uniqueFieldsOf(json: Json, fields: readonly LayerField[]): readonly string[] {
  const indexed = listOf(json, 'indexes').flatMap((index) =>
    memberOf(index, 'isUnique') === true ? [textOf(index, 'fields')] : [],
  )
  const named = [oidOf(json, fields), textOf(json, 'globalIdField'), ...indexed]
  const wanted = new Set(named.flatMap((name) => name?.toLowerCase() ?? []))
  return fields.map(({ name }) => name).filter((name) => wanted.has(name.toLowerCase()))
}

function supports(json: Json, what: string): boolean {
  return (memberOf(json, 'advancedQueryCapabilities', what) ?? memberOf(json, what)) === true
}

function lastEdit(json: Json): number | undefined {
  const said =
    memberOf(json, 'editingInfo', 'dataLastEditDate') ?? memberOf(json, 'editingInfo', 'lastEditDate')
  const ms = numberOf(said)
  return ms !== undefined && ms > 0 && ms < 8.64e15 ? ms : undefined
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}
