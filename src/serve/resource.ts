import type { VNode } from 'preact'
import type { Cell, Table } from './csv.js'

/** Something that has an address: a page, and the same as data. What it cannot be is left out. */
export interface Resource {
  readonly html?: () => VNode
  readonly csv?: () => Table
  readonly json?: () => object
  readonly svg?: () => string
}

/** Rows as a table, and the same rows as objects with exactly the columns of the table. */
export function tableOf<Row extends object>(
  columns: readonly (keyof Row & string)[],
  rows: readonly Row[],
): Table {
  return { columns, rows: rows as unknown as Table['rows'] }
}

/** The rows of a table as JSON carries them: the same columns, the same values as in CSV. */
export function rowsAsJson({ columns, rows }: Table): Record<string, Cell>[] {
  return rows.map((row) => Object.fromEntries(columns.map((name) => [name, row[name] ?? null])))
}
