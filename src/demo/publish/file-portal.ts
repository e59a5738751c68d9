import { gzipSync } from 'node:zlib'
import { type PortalAnswer, type RunningPortal, startPortal } from '../portals/portal-server.js'
import type { PortalCell, PortalTable } from '../portals/portal-table.js'
import { rowsOf } from '../portals/portal-table.js'
import { sparseRecord } from '../portals/write-csv.js'

/** Forms in which files are published. */
export type FileForm = 'csv' | 'csv-semicolon' | 'csv.gz' | 'ndjson'

/** A table as a file: where it lies below the portal's address, and in which form. */
export interface PublishedFile {
  readonly path: string
  readonly form: FileForm
  readonly table: PortalTable
}

const TYPES: Readonly<Record<FileForm, string>> = {
  csv: 'text/csv; charset=utf-8',
  'csv-semicolon': 'text/csv; charset=windows-1252',
  'csv.gz': 'application/gzip',
  ndjson: 'application/x-ndjson',
}

/** A portal of plain files, with ETag and Last-Modified. @param files read at each request, so they may change between requests */
export function startFilePortal(files: () => readonly PublishedFile[]): Promise<RunningPortal> {
  return startPortal(({ path }) => answer(files().find((file) => file.path === path)))
}

function answer(file: PublishedFile | undefined): PortalAnswer {
  if (file === undefined || file.table.rowCount === 0)
    return { status: 404, headers: { 'content-type': 'text/plain' }, body: ['no such file\n'] }
  const { table, form } = file
  const headers = {
    'content-type': TYPES[form],
    etag: `"${table.id}-${table.updatedAt}-${table.rowCount}"`,
    'last-modified': new Date(table.updatedAt).toUTCString(),
  }
  return { status: 200, headers, body: bodyOf(table, form) }
}

/** A table in a form, in pieces. */
export function bodyOf(table: PortalTable, form: FileForm): Iterable<string | Uint8Array> {
  if (form === 'ndjson') return ndjsonOf(table)
  if (form === 'csv') return csvOf(table, sparseRecord)
  if (form === 'csv-semicolon') return semicolonsOf(table)
  return gzipOf(table)
}

function* csvOf(table: PortalTable, record: (cells: readonly PortalCell[]) => string): Iterable<string> {
  yield record(table.columns.map(({ name }) => name))
  for (const { cells } of rowsOf(table, 0, table.rowCount)) yield record(cells)
}

/** The city's texts are Latin-1, in which every character is the same as in Windows-1252. */
function* semicolonsOf(table: PortalTable): Iterable<Uint8Array> {
  const record = (cells: readonly PortalCell[]) =>
    `${cells.map((cell) => semicolonCell(cell ?? '')).join(';')}\r\n`
  for (const line of csvOf(table, record)) yield Buffer.from(line, 'latin1')
}

function semicolonCell(text: string): string {
  return /[";\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function* gzipOf(table: PortalTable): Iterable<Uint8Array> {
  yield gzipSync([...csvOf(table, sparseRecord)].join(''), { level: 6 })
}

function* ndjsonOf(table: PortalTable): Iterable<string> {
  for (const { cells } of rowsOf(table, 0, table.rowCount)) {
    const members = table.columns.map(({ name, type }, at) => {
      const cell = cells[at] ?? null
      return `${JSON.stringify(name)}:${cell === null || type === 'number' ? cell : JSON.stringify(cell)}`
    })
    yield `{${members.join(',')}}\n`
  }
}
