import type { Json } from '../../../kernel/ids.js'
import type { PortalColumn, PortalRow, PortalTable } from '../portal-table.js'
import type { ArcgisVariant } from './variant.js'

/** A row with its object id, ready to be sent. */
export interface Feature {
  readonly oid: bigint | undefined
  /** A cell as conditions see it; undefined for a name that is no field. */
  cell(name: string): unknown
  /** The feature as JSON text. */
  text(withGeometry: boolean, fields: readonly string[] | undefined): string
}

const ESRI_TYPE: Readonly<Record<PortalColumn['type'], string>> = {
  text: 'esriFieldTypeString',
  number: 'esriFieldTypeDouble',
  boolean: 'esriFieldTypeSmallInteger',
  timestamp: 'esriFieldTypeDate',
  point: 'esriFieldTypeGeometry',
  json: 'esriFieldTypeString',
}

/** Name of the field with the object id. */
export const OID = 'OBJECTID'

/** The column that becomes the geometry. */
export function pointColumn(table: PortalTable): string | undefined {
  return table.columns.find(({ type }) => type === 'point')?.name
}

/** Fields as metadata has them. */
export function fieldsOf(table: PortalTable, variant: ArcgisVariant): readonly Record<string, Json>[] {
  const own = table.columns
    .filter(({ type }) => type !== 'point')
    .map(({ name, type }) => {
      const codedValues = variant.domains[name]
      const domain =
        codedValues === undefined ? null : { type: 'codedValue', name: `of ${name}`, codedValues }
      return { name, type: ESRI_TYPE[type], alias: name, domain }
    })
  const oid = { name: OID, type: 'esriFieldTypeOID', alias: OID, domain: null }
  return variant.objectId === undefined ? own : [oid, ...own]
}

/** All rows of a table. */
export function featuresOf(table: PortalTable, variant: ArcgisVariant): readonly Feature[] {
  const names = table.columns.filter(({ type }) => type !== 'point').map(({ name }) => name)
  const point = pointColumn(table)
  return [...table.rows].map((row, number) => {
    const oid = variant.objectId?.(number)
    const cells = new Map(table.columns.map((column) => [column.name, attributeOf(row, column)]))
    return {
      oid,
      cell: (name) => (oid !== undefined && name.toUpperCase() === OID ? oid : cells.get(name)),
      text: (withGeometry, fields) => {
        const wanted = names.filter((name) => fields?.includes(name) ?? true)
        const attributes = wanted.map(
          (name) => `${JSON.stringify(name)}:${JSON.stringify(cells.get(name) ?? null)}`,
        )
        if (oid !== undefined && (fields?.includes(OID) ?? true)) attributes.unshift(`"${OID}":${oid}`)
        const geometry = withGeometry && point !== undefined ? `,"geometry":${geometryText(row[point])}` : ''
        return `{"attributes":{${attributes.join(',')}}${geometry}}`
      },
    }
  })
}

/** A timestamp is milliseconds since 1970, a boolean 0 or 1, an object its JSON text. */
function attributeOf(row: PortalRow, { name, type }: PortalColumn): Json {
  const value = row[name] ?? null
  if (value === null) return null
  if (type === 'timestamp' && typeof value === 'string') return Date.parse(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  return typeof value === 'object' ? JSON.stringify(value) : value
}

function geometryText(value: Json | undefined): string {
  if (value === null || value === undefined || typeof value !== 'object' || Array.isArray(value))
    return 'null'
  const { longitude, latitude } = value as Readonly<Record<string, Json>>
  return JSON.stringify({ x: longitude, y: latitude })
}
