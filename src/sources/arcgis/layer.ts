import type { Json } from '../../kernel/ids.js'
import { listOf, memberOf, textOf, wholeNumber } from '../exact-json.js'

/** A field of a layer as its metadata has it. */
export interface LayerField {
  readonly name: string
  readonly type: string
  readonly alias: string | undefined
  /** Labels by code, where the field has a coded-value domain. */
  readonly labels: Labels | undefined
  /** Labels by subtype and code, of the subtypes under which the field has another domain than its own; none: that domain has no labels. */
  readonly bySubtype?: Readonly<Record<string, Labels>>
}

/** Labels by code, both as text. */
export type Labels = Readonly<Record<string, string>>

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
  /** Field that says of which subtype a row is; undefined where the layer has no subtypes. */
  readonly subtypeField: string | undefined
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
  const subtypes = subtypesOf(json, fields)
  const typed = fields.map((field) => withSubtypes(field, subtypes))
  const geometry = textOf(json, 'geometryType')
  return {
    url,
    type,
    id: Number(wholeNumber(memberOf(json, 'id')) ?? -1n),
    name: textOf(json, 'name') ?? '',
    version: numberOf(memberOf(json, 'currentVersion')),
    fields: typed.filter((field) => field.type !== GEOMETRY_FIELD),
    oid: oidOf(json, typed),
    subtypeField: subtypes.field,
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

function codedValues(domain: Json | undefined): Labels | undefined {
  const labels = labelsOf(listOf(domain, 'codedValues'), 'code')
  return Object.keys(labels).length === 0 ? undefined : labels
}

/** @param member with the code; `name` has the label */
function labelsOf(pairs: readonly Json[], member: string): Labels {
  const named = pairs.flatMap((pair): [string, string][] => {
    const [code, label] = [memberOf(pair, member), textOf(pair, 'name')]
    return (typeof code === 'string' || typeof code === 'number') && label !== undefined
      ? [[String(code), label]]
      : []
  })
  return Object.fromEntries(named)
}

/** Subtypes of a layer: the field that tells them, their names, and what they say of other fields. */
interface Subtypes {
  readonly field: string | undefined
  readonly names: Labels
  /** `domains` by subtype. */
  readonly domains: readonly (readonly [string, Json | undefined])[]
}

/** Servers of today say `subtypes` with a `code`; all say `types` with an `id`, which may also be the classes of a drawing. */
function subtypesOf(json: Json, fields: readonly LayerField[]): Subtypes {
  for (const [fieldKey, listKey, member] of SUBTYPE_KEYS) {
    const wanted = textOf(json, fieldKey)?.toLowerCase()
    const field = fields.find(({ name }) => name.toLowerCase() === wanted)?.name
    const types = listOf(json, listKey)
    if (field === undefined || types.length === 0) continue
    const domains = types.map((type) => [String(memberOf(type, member)), memberOf(type, 'domains')] as const)
    return { field, names: labelsOf(types, member), domains }
  }
  return { field: undefined, names: {}, domains: [] }
}

const SUBTYPE_KEYS = [
  ['subtypeField', 'subtypes', 'code'],
  ['typeIdField', 'types', 'id'],
] as const

/** The field that says of which subtype a row is has the subtypes' names as its labels; others may have a domain of their own in each. */
function withSubtypes(field: LayerField, { field: teller, names, domains }: Subtypes): LayerField {
  if (field.name === teller)
    return field.labels === undefined && Object.keys(names).length > 0 ? { ...field, labels: names } : field
  const own = domains.flatMap(([subtype, byField]): [string, Labels][] => {
    const domain = memberOf(byField, field.name)
    return isOwnDomain(domain) ? [[subtype, codedValues(domain) ?? {}]] : []
  })
  return own.length === 0 ? field : { ...field, bySubtype: Object.fromEntries(own) }
}

/** `inherited`, or nothing said: the field's own domain holds. */
function isOwnDomain(domain: Json | undefined): boolean {
  const type = textOf(domain, 'type')
  return type !== undefined && type !== 'inherited'
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
