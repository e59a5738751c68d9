/** What a column holds. Each family has words of its own for it. */
export type PortalType = 'text' | 'number' | 'boolean' | 'date' | 'json'

export interface PortalColumn {
  /** Name in the interface: lower case, digits and `_` for portals that want it so. */
  readonly name: string
  readonly type: PortalType
  /** Title for people; default: the name. */
  readonly label?: string
  /** True for a column that the portal adds by itself and no publisher made. */
  readonly computed?: boolean
}

/**
 * A cell in the characters that are to be sent: `12.50` for a number, `true` for a boolean, JSON text for `json`, `2024-01-31T08:00:00.000`
 * for a date. Null: the row has no value there.
 */
export type PortalCell = string | null

/** A table that a portal of the demo publishes. Rows are asked for one by one, so a table may be generated and of any length. */
export interface PortalTable {
  /** As the family wants it: a 4x4 for Socrata, a UUID or any text for CKAN. */
  readonly id: string
  readonly name: string
  readonly description?: string
  readonly columns: readonly PortalColumn[]
  readonly rowCount: number
  /** The cells of a row in the order of the columns. Same index, same row, unless the publisher changed it. @param index from 0 */
  row(index: number): readonly PortalCell[]
  /** Number of the row that the portal itself gave it, from 0, for its own ids: it stays with the row wherever that stands. Default: the index. */
  rowId?(index: number): number
  /** When the portal last changed a row, milliseconds since 1970. Default: when rows last changed at all. @param index from 0 */
  rowUpdatedAt?(index: number): number
  /** When rows last changed, milliseconds since 1970. */
  readonly updatedAt: number
  readonly license?: string
  /** Column that is the publisher's key. */
  readonly keyColumn?: string
}

/** A table of rows in memory. */
export function tableOfRows(
  about: Omit<PortalTable, 'rowCount' | 'row'>,
  rows: readonly (readonly PortalCell[])[],
): PortalTable {
  return { ...about, rowCount: rows.length, row: (index) => rows[index] ?? [] }
}

/** Rows `from` to `to` of a table, one at a time, in the order that `place` gives. */
export function* rowsOf(
  table: PortalTable,
  from: number,
  to: number,
  place: (index: number) => number = (index) => index,
): Iterable<{ readonly index: number; readonly id: number; readonly cells: readonly PortalCell[] }> {
  for (let at = from; at < Math.min(to, table.rowCount); at++) {
    const index = place(at)
    yield { index, id: table.rowId?.(index) ?? index, cells: table.row(index) }
  }
}
