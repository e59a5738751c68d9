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
  const cached = cachedContents(table)
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
      ...cached[index],
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

/** By column; rows are asked for once each, since a generated one is not for free. */
function cachedContents(table: PortalTable): readonly object[] {
  if (table.rowCount > COUNTED_ROWS) return []
  const filled = table.columns.map(() => 0)
  for (let index = 0; index < table.rowCount; index++) {
    const cells = table.row(index)
    filled.forEach((count, at) => {
      if (cells[at] != null) filled[at] = count + 1
    })
  }
  return filled.map((count) => ({
    cachedContents: { non_null: String(count), null: String(table.rowCount - count) },
  }))
}
