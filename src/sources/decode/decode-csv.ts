import { WardbookError } from '../../kernel/errors.js'
import { cellsOf, formatRecord } from '../files/csv-records.js'
import { MAX_RECORD_BYTES } from '../files/read-csv.js'
import type { FileFormat } from '../page-format.js'
import type { DecodedPage, PageBody } from './decoded-page.js'
import { findDelimiter, recordAt } from './find-delimiter.js'
import { markBytes } from './text-start.js'

/**
 * The publisher's own CSV, with its own quoting and faults: only the separator is found, and header rows above the last one are joined.
 * @param text UTF-8
 * @throws WardbookError 'source-empty' (fix-source)
 */
export async function decodeCsv(text: PageBody, format: FileFormat): Promise<DecodedPage> {
  const start = await longStart(text)
  const sample = start.bytes.subarray(markBytes(start.bytes)).toString('latin1')
  if (sample.trim() === '') throw empty(text.name, start.bytes.length)
  const delimiter =
    format.delimiter ??
    findDelimiter(sample.slice(0, SAMPLE_BYTES), start.isWhole && sample.length <= SAMPLE_BYTES)
  const header = headerOf(sample, delimiter, format.headerRows ?? 1)
  return {
    form: 'native',
    delimiter,
    columns: header.columns,
    open: () =>
      header.rows === 1 ? text.open() : joinedHeader(text, header, delimiter, markBytes(start.bytes)),
    signals: { rows: undefined, columns: header.columns, envelope: {}, lastRow: undefined },
  }
}

/** Bytes in which the separator is looked for. */
const SAMPLE_BYTES = 64 * 1024

interface Header {
  readonly columns: readonly string[]
  readonly rows: number
  /** Bytes of the header rows, with all line ends, behind a mark. */
  readonly bytes: number
}

/** Header rows are the first that are not blank. Names of several are joined by a blank; a name of an upper row goes on to the right. */
function headerOf(sample: string, delimiter: string, rows: number): Header {
  const found: string[][] = []
  let at = 0
  while (found.length < rows && at < sample.length) {
    const { end, next } = recordAt(sample, at, delimiter)
    if (end > at)
      found.push(safeCells(Buffer.from(sample.slice(at, end), 'latin1').toString('utf8'), delimiter))
    at = next
  }
  return { columns: joinNames(found), rows, bytes: at }
}

/** Cells of a header; none where it cannot be read, which is told by who reads the rows. */
function safeCells(text: string, delimiter: string): string[] {
  try {
    return cellsOf(text, delimiter)
  } catch {
    return []
  }
}

/** Names of several header rows, joined by a blank: in all rows but the last, a name also holds for empty cells to its right. */
export function joinNames(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(0, ...rows.map(({ length }) => length))
  const spreadRows = rows.map((row, at) => (at === rows.length - 1 ? row : spread(row, width)))
  return Array.from({ length: width }, (_cell, column) =>
    spreadRows
      .map((row) => row[column] ?? '')
      .filter((name) => name.trim() !== '' || rows.length === 1)
      .join(' '),
  )
}

function spread(row: readonly string[], width: number): string[] {
  let last = ''
  return Array.from({ length: width }, (_cell, column) => {
    last = (row[column] ?? '').trim() === '' ? last : (row[column] as string)
    return last
  })
}

async function* joinedHeader(
  text: PageBody,
  header: Header,
  delimiter: string,
  mark: number,
): AsyncIterable<Uint8Array> {
  yield Buffer.from(formatRecord(header.columns).replaceAll('","', `"${delimiter}"`))
  let skip = header.bytes + mark
  for await (const chunk of text.open()) {
    const cut = Math.min(skip, chunk.length)
    skip -= cut
    if (cut < chunk.length) yield chunk.subarray(cut)
  }
}

async function longStart(text: PageBody): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of text.open()) {
    pieces.push(Buffer.from(piece))
    bytes += piece.length
    if (bytes > MAX_RECORD_BYTES) return { bytes: Buffer.concat(pieces), isWhole: false }
  }
  return { bytes: Buffer.concat(pieces), isWhole: true }
}

function empty(file: string, bytes: number): WardbookError {
  return new WardbookError('source-empty', 'fix-source', `${file} is empty: it has no header line`, {
    file,
    bytes,
  })
}
