import type { PortalCell, PortalColumn, PortalTable } from '../portal-table.js'
import { quotedRecord } from '../write-csv.js'
import { SocrataRefusal } from './soql.js'

/** A column of an answer, with where its cells come from. */
export interface SelectedColumn {
  readonly column: PortalColumn
  cell(row: PortalRow): PortalCell
}

interface PortalRow {
  readonly id: number
  readonly cells: readonly PortalCell[]
}

/** The columns of a select list. @throws SocrataRefusal 400 for a column that the table does not have */
export function selectedColumns(table: PortalTable, names: readonly string[]): readonly SelectedColumn[] {
  return names.flatMap((name) => {
    if (name === '*') return table.columns.map((column, at) => ({ column, cell: ofCells(at) }))
    if (name === ':*') return [systemId()]
    if (name === ':id') return [systemId()]
    const at = table.columns.findIndex((column) => column.name === name)
    if (at >= 0) return [{ column: table.columns[at] as PortalColumn, cell: ofCells(at) }]
    throw new SocrataRefusal(400, {
      code: 'query.soql.no-such-column',
      error: true,
      message: `Query coordinator error: query.soql.no-such-column; No such column: ${name}`,
      data: { column: name, dataset: `alpha.${table.id}` },
    })
  })
}

function ofCells(at: number): (row: PortalRow) => PortalCell {
  return ({ cells }) => cells[at] ?? null
}

function systemId(): SelectedColumn {
  const cell = ({ id }: PortalRow) => `row-${id.toString(36).padStart(4, '0')}.demo_rows`
  return { column: { name: ':id', type: 'text' }, cell }
}

/** Rows as a list of objects, a row a line. A null is a key that is not there. SODA 3 puts the brackets on lines of their own. */
export function* jsonBody(
  rows: Iterable<PortalRow>,
  columns: readonly SelectedColumn[],
  isSoda3: boolean,
): Iterable<string> {
  yield isSoda3 ? '[\n' : '['
  let before = ''
  for (const row of rows) {
    yield `${before}{${membersOf(row, columns)}}\n`
    before = ','
  }
  yield ']\n'
}

function membersOf(row: PortalRow, columns: readonly SelectedColumn[]): string {
  return columns
    .flatMap(({ column, cell }) => {
      const value = cell(row)
      return value === null ? [] : [`${JSON.stringify(column.name)}:${jsonOf(column, value)}`]
    })
    .join(',')
}

/** Numbers are texts; only booleans and objects are themselves. */
function jsonOf({ type }: PortalColumn, value: string): string {
  return type === 'boolean' || type === 'json' ? value : JSON.stringify(value)
}

/** Rows as CSV. @param titles whether the header has titles for people, as on the old backend, instead of field names */
export function* csvBody(
  rows: Iterable<PortalRow>,
  columns: readonly SelectedColumn[],
  titles: boolean,
): Iterable<string> {
  yield quotedRecord(columns.map(({ column }) => (titles ? (column.label ?? column.name) : column.name)))
  for (const row of rows) yield quotedRecord(columns.map(({ cell }) => cell(row)))
}
