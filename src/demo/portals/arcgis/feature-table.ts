import type { Json } from '../../../kernel/ids.js'
import type { PortalCell, PortalColumn, PortalTable, PortalType } from '../portal-table.js'
import type { ArcgisVariant } from './variant.js'

/** A row with its object id, ready to be sent. */
export interface Feature {
  /** A cell as conditions see it; undefined for a name that is no field. */
  cell(name: string): bigint | number | string | null | undefined
  /** The feature as JSON text. @param fields undefined: all */
  text(withGeometry: boolean, fields: readonly string[] | undefined): string
}

const ESRI_TYPE: Readonly<Record<PortalType, string>> = {
  text: 'esriFieldTypeString',
  number: 'esriFieldTypeDouble',
  boolean: 'esriFieldTypeSmallInteger',
  date: 'esriFieldTypeDate',
  json: 'esriFieldTypeString',
}

/** Name of the field with the object id. */
export const OID = 'OBJECTID'

/** Fields as metadata has them. */
export function fieldsOf(table: PortalTable, variant: ArcgisVariant): readonly Record<string, Json>[] {
  const own = attributeColumns(table, variant).map(({ name, type, label }) => {
    const codedValues = variant.domains[name]
    const domain = codedValues === undefined ? null : { type: 'codedValue', name: `of ${name}`, codedValues }
    return { name, type: ESRI_TYPE[type], alias: label ?? name, domain }
  })
  const oid = { name: OID, type: 'esriFieldTypeOID', alias: OID, domain: null }
  return variant.objectId === undefined ? own : [oid, ...own]
}

/** Subtypes as metadata has them, with the domains that columns have under each. */
export function subtypesRecord({ subtypes }: ArcgisVariant): Record<string, Json> {
  if (subtypes === undefined) return {}
  const { column, said, types } = subtypes
  const listed = types.map(({ code, name, domains }) => ({
    ...{ [said === 'types' ? 'id' : 'code']: code, name },
    domains: Object.fromEntries(
      Object.entries(domains).map(([field, values]) => [
        field,
        values === 'inherited'
          ? { type: 'inherited' }
          : { type: 'codedValue', name: `${field} of ${name}`, codedValues: values },
      ]),
    ),
  }))
  return { [said === 'types' ? 'typeIdField' : 'subtypeField']: column, [said]: listed as Json }
}

/** All rows of a table. */
export function featuresOf(table: PortalTable, variant: ArcgisVariant): readonly Feature[] {
  return Array.from({ length: table.rowCount }, (_none, index) => featureOf(table, variant, index))
}

function featureOf(table: PortalTable, variant: ArcgisVariant, index: number): Feature {
  const oid = variant.objectId?.(table.rowId?.(index) ?? index)
  return {
    cell: (name) => {
      if (oid !== undefined && name.toUpperCase() === OID) return oid
      const at = table.columns.findIndex((column) => column.name === name)
      return at < 0
        ? undefined
        : valueOfText(sentText(table.row(index)[at] ?? null, table.columns[at] as PortalColumn))
    },
    text: (withGeometry, fields) => {
      const wanted = attributeColumns(table, variant).filter(({ name }) => fields?.includes(name) ?? true)
      const cells = table.row(index)
      const attributes = wanted.map((column) => {
        const at = table.columns.indexOf(column)
        return `${JSON.stringify(column.name)}:${sentText(cells[at] ?? null, column)}`
      })
      if (oid !== undefined && (fields?.includes(OID) ?? true)) attributes.unshift(`"${OID}":${oid}`)
      const geometry = withGeometry ? geometryOf(table, variant, index) : ''
      return `{"attributes":{${attributes.join(',')}}${geometry}}`
    },
  }
}

function geometryOf(table: PortalTable, { geometryColumn }: ArcgisVariant, index: number): string {
  const at = table.columns.findIndex(({ name }) => name === geometryColumn)
  return at < 0 ? '' : `,"geometry":${table.row(index)[at] ?? 'null'}`
}

function attributeColumns(
  { columns }: PortalTable,
  { geometryColumn }: ArcgisVariant,
): readonly PortalColumn[] {
  return columns.filter(({ name }) => name !== geometryColumn)
}

/** A cell as an attribute in JSON: a date is milliseconds since 1970, a boolean 0 or 1, an object a text. */
function sentText(cell: PortalCell, { type }: PortalColumn): string {
  if (cell === null) return 'null'
  if (type === 'number') return cell
  if (type === 'boolean') return cell === 'true' ? '1' : '0'
  return type === 'date' ? String(epochMs(cell)) : JSON.stringify(cell)
}

/** A date of a table, in UTC, as ArcGIS sends it. */
export function epochMs(date: string): number {
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(date) ? date : `${date}Z`)
}

function valueOfText(json: string | undefined): bigint | number | string | null | undefined {
  if (json === undefined) return undefined
  return /^-?\d+$/.test(json) ? BigInt(json) : (JSON.parse(json) as number | string | null)
}
