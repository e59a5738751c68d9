import type { PortalColumn, PortalTable, PortalType } from '../portal-table.js'

/** Socrata's words for the types. */
export const SOCRATA_TYPES: Readonly<Record<PortalType, string>> = {
  text: 'text',
  number: 'number',
  boolean: 'checkbox',
  date: 'calendar_date',
  json: 'location',
}

const FIRST_COLUMN_ID = 100_000_000

/** What `/api/views/<id>.json` says of a table. */
export function viewOf(table: PortalTable, newBackend: boolean): string {
  const seconds = Math.floor(table.updatedAt / 1_000)
  const key = table.columns.findIndex(({ name }) => name === table.keyColumn)
  const view = {
    id: table.id,
    name: table.name,
    assetType: 'dataset',
    createdAt: 1_400_000_000,
    description: table.description ?? '',
    displayType: 'table',
    licenseId: table.license ?? 'PUBLIC_DOMAIN',
    newBackend,
    publicationDate: 1_400_000_000,
    rowsUpdatedAt: seconds,
    ...(key < 0 ? {} : { rowIdentifierColumnId: FIRST_COLUMN_ID + key }),
    viewLastModified: 1_400_000_100,
    viewType: 'tabular',
    columns: table.columns.map((column, index) => ({
      ...columnOf(column, index),
      ...cachedContents(table, index),
    })),
    flags: ['default'],
  }
  return JSON.stringify(view, null, 2)
}

function columnOf(column: PortalColumn, index: number) {
  const type = SOCRATA_TYPES[column.type]
  return {
    id: FIRST_COLUMN_ID + index,
    name: column.label ?? column.name,
    dataTypeName: type,
    fieldName: column.name,
    position: index + 1,
    renderTypeName: type,
  }
}

/** Rows up to which the portal counts values; a generated table may be endless. */
const COUNTED_ROWS = 10_000

function cachedContents(table: PortalTable, column: number) {
  if (table.rowCount > COUNTED_ROWS) return {}
  let empty = 0
  for (let index = 0; index < table.rowCount; index++) if (table.row(index)[column] == null) empty += 1
  return { cachedContents: { non_null: String(table.rowCount - empty), null: String(empty) } }
}
