import type { PortalCell } from './portal-table.js'

/** A CSV record with its line end. A null is an empty cell, a text is in quotes, also an empty one. */
export function quotedRecord(cells: readonly PortalCell[]): string {
  let text = ''
  for (const [at, cell] of cells.entries()) {
    if (at > 0) text += ','
    if (cell !== null) text += cell.includes('"') ? `"${cell.replaceAll('"', '""')}"` : `"${cell}"`
  }
  return `${text}\n`
}

/** A CSV record that quotes only what has to be; an empty text is `""`, as PostgreSQL writes it. */
export function sparseRecord(cells: readonly PortalCell[], lineEnd = '\n'): string {
  return `${cells.map(sparseCell).join(',')}${lineEnd}`
}

function sparseCell(cell: PortalCell): string {
  if (cell === null) return ''
  return cell === '' || /[",\r\n\\]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
