/** A cell as exported: text, a number, or nothing. */
export type Cell = string | number | boolean | null

/** Rows with named columns: the one form that a page's table, its CSV and its JSON are made from. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly Readonly<Record<string, Cell>>[]
}

const FORMULA_START = /^[=+\-@\t\r]/

/**
 * A table as CSV: header line, CRLF, quotes doubled. Text that a spreadsheet would run as a formula gets an
 * apostrophe in front; numbers stay as they are.
 * @see RFC 4180
 */
export function toCsv({ columns, rows }: Table): string {
  const lines = [columns.map(quoted), ...rows.map((row) => columns.map((name) => csvCell(row[name] ?? null)))]
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('')
}

function csvCell(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell !== 'string') return String(cell)
  return quoted(FORMULA_START.test(cell) ? `'${cell}` : cell)
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
