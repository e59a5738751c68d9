import type { DatasetConfig, MappingConfig, TimeFieldConfig } from '../contracts/city-file.js'
import { type Column, EPOCH_MS, ROW_HASH, SOURCE_PAGE } from '../contracts/columns.js'
import { KINDS, type KindName, requiredFields } from '../contracts/kinds.js'
import { identifier, literal, sqlType } from '../lake/duckdb/sql.js'

/** How one field of the tidy table is made: from which raw columns (candidates in order), in which form. */
export interface FieldPlan {
  readonly name: string
  readonly type: Column['type']
  /** True where a row without it cannot be counted. */
  readonly isRequired: boolean
  /** Raw table columns that exist, in the order of preference; empty when this source has none. */
  readonly from: readonly string[]
  /** For instants: strptime forms and the zone of the publisher's clock. */
  readonly formats?: readonly string[]
  readonly timeZone?: string
}

/** Characters that are cut from both ends of published text, as a SQL string. */
export const BLANKS = "E' \\t\\r\\n'"

/** The plan of every field, from the mapping and the columns that a raw table has (`metadata.published` names them). */
export function planFields(
  dataset: DatasetConfig,
  raw: readonly Column[],
  cityTimeZone: string,
): FieldPlan[] {
  const required = requiredFields(dataset.kind)
  return KINDS[dataset.kind].fields.map(({ name, type }) => {
    const setting = dataset.mapping[name]
    const from = candidatesOf(setting).flatMap((published) => columnOf(raw, published) ?? [])
    const time = isTimeField(setting)
      ? { formats: setting.formats, timeZone: setting.timeZone ?? cityTimeZone }
      : {}
    return { name, type, isRequired: required.includes(name), from, ...time }
  })
}

/** The published names that a field may come from, in order. */
export function candidatesOf(setting: MappingConfig[keyof MappingConfig]): string[] {
  if (setting === undefined) return []
  const names = isTimeField(setting) ? setting.from : setting
  return typeof names === 'string' ? [names] : [...names]
}

/** The raw table's column for a published name, or undefined. */
export function columnOf(raw: readonly Column[], published: string): string | undefined {
  const wanted = published.trim().toLowerCase()
  return raw.find(({ metadata }) => metadata?.published?.trim().toLowerCase() === wanted)?.name
}

function isTimeField(setting: MappingConfig[keyof MappingConfig]): setting is TimeFieldConfig {
  return typeof setting === 'object' && !Array.isArray(setting)
}

/** Published text of a field: the first candidate that is not blank; null when all are. */
export function textSql(field: FieldPlan): string {
  if (field.from.length === 0) return 'NULL::VARCHAR'
  return `coalesce(${field.from.map((name) => `nullif(trim(${identifier(name)}, ${BLANKS}), '')`).join(', ')})`
}

/**
 * Columns to select beside the raw ones, each with a comma before it: instants are read once a row, and {@link typedSql} names them. To try
 * forms on a text is the most costly of all that is done with a row.
 */
export function instantsSql(fields: readonly FieldPlan[]): string {
  return fields
    .filter(({ type, from }) => type === 'timestamp' && from.length > 0)
    .map((field) => `, ${instantSql(field, textSql(field))} AS ${instantColumn(field)}`)
    .join('')
}

function instantColumn({ name }: FieldPlan): string {
  return `_instant_${name}`
}

/** Typed value of a field, beside the columns of {@link instantsSql}; null where the text cannot be read as its type. */
export function typedSql(field: FieldPlan): string {
  const text = textSql(field)
  if (field.from.length === 0) return `NULL::${sqlType(field.type)}`
  if (field.type === 'timestamp') return instantColumn(field)
  if (field.type === 'string') return text
  const cast = `TRY_CAST(${text} AS ${sqlType(field.type)})`
  return field.type === 'long'
    ? `CASE WHEN regexp_full_match(${text}, '${WHOLE_NUMBER}') THEN ${cast} END`
    : cast
}

/** The engine would round '1.5' and read '0x1F': neither is a count. */
const WHOLE_NUMBER = '[+-]?[0-9]+([.]0*)?'

/**
 * An instant by the first form that fits: milliseconds since 1970 in UTC, a text that says how far its clock is from UTC, or clock time in the
 * publisher's zone. Forms are tried one by one: a list takes the engine five times as long where the first does not fit, and is read as instants
 * altogether where one form has an offset.
 */
function instantSql({ formats = [], timeZone = 'UTC' }: FieldPlan, text: string): string {
  const forms = formats.filter((form) => form !== EPOCH_MS)
  const read = forms.map((form) => {
    const parsed = `try_strptime(${text}, ${literal(form)})`
    return hasOffset(form) ? parsed : `timezone(${literal(timeZone)}, ${parsed})`
  })
  const tried = [...(formats.includes(EPOCH_MS) ? [epochSql(text)] : []), ...read]
  return tried.length === 1 ? (tried[0] as string) : `coalesce(${tried.join(', ')})`
}

function epochSql(text: string): string {
  return (
    `CASE WHEN regexp_full_match(${text}, '-?[0-9]{1,15}(\\.0+)?') AND TRY_CAST(${text} AS DOUBLE) <> 0 ` +
    `THEN timezone('UTC', make_timestamp(TRY_CAST(${text} AS DOUBLE)::BIGINT * 1000)) END`
  )
}

/** True for a form with `%z` or `%Z`, which says where its clock stands. */
function hasOffset(form: string): boolean {
  return /(^|[^%])(%%)*%[zZ]/.test(form)
}

/** Why a row cannot be counted, or null; the first required field that is missing or unreadable gives the reason. */
export function reasonSql(fields: readonly FieldPlan[]): string {
  const checks = fields
    .filter(({ isRequired }) => isRequired)
    .map((field) => {
      const missing = `WHEN ${textSql(field)} IS NULL THEN ${literal(`missing-${field.name}`)}`
      const unreadable = `WHEN ${typedSql(field)} IS NULL THEN ${literal(`unreadable-${field.name}`)}`
      return `${missing} ${unreadable} ${implausibleSql(field)}`
    })
  return `CASE ${checks.join(' ')} END`
}

/** Years of a required instant, first and last: what lies outside is a typing error. */
const PLAUSIBLE_YEARS = [1900, 2099] as const

function implausibleSql(field: FieldPlan): string {
  if (field.type !== 'timestamp') return ''
  const [first, last] = PLAUSIBLE_YEARS
  return `WHEN year(${typedSql(field)}) NOT BETWEEN ${first} AND ${last} THEN ${literal(`implausible-${field.name}`)}`
}

/** All stored columns of a kind's tidy table for one source. @param timeZone the city's, for the local day */
export function tidySql(
  kind: KindName,
  fields: readonly FieldPlan[],
  source: string,
  timeZone: string,
): string {
  const { at, on } = KINDS[kind]
  const cells = fields.map((field) => `${typedSql(field)} AS ${field.name}`)
  const counted = fields.find(({ name }) => name === at) as FieldPlan
  return [
    ...cells,
    `timezone(${literal(timeZone)}, ${typedSql(counted)})::DATE AS ${on}`,
    `${literal(source)} AS _source`,
    ROW_HASH,
    SOURCE_PAGE,
  ].join(', ')
}

/** Number of cells of each optional field that hold text which is not of the field's type: one column a field. */
export function untypedCountsSql(fields: readonly FieldPlan[]): string {
  const counted = fields.filter(
    ({ type, isRequired, from }) => type !== 'string' && from.length > 0 && !isRequired,
  )
  return counted
    .map(
      (field) =>
        `count(*) FILTER (WHERE ${textSql(field)} IS NOT NULL AND ${typedSql(field)} IS NULL) AS ${field.name}`,
    )
    .join(', ')
}
