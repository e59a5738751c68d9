import { type DerivedColumn, withDerived } from '../derived-column.js'
import type { DecodedPage } from './decoded-page.js'
import { StrictCsvWriter } from './strict-csv.js'

const QUOTE = 0x22
const LINE_FEED = 0x0a
const COMMA = 0x2c

/**
 * The page with the columns that its source's metadata makes from published ones; a derived column of a published name takes its place.
 * @param decoded a strict page: pages of publishers' own CSV have no derived columns
 */
export function deriveColumns(decoded: DecodedPage, derived: readonly DerivedColumn[]): DecodedPage {
  if (derived.length === 0 || decoded.form !== 'strict') return decoded
  const names = derived.map(({ name }) => name).filter((name) => !decoded.columns.includes(name))
  const columns = [...decoded.columns, ...names]
  const { lastRow } = decoded.signals
  const signals = { ...decoded.signals, columns, lastRow: lastRow && withDerived(lastRow, derived) }
  return { form: 'strict', delimiter: ',', columns, open: () => derive(decoded, columns, derived), signals }
}

async function* derive(
  decoded: DecodedPage,
  columns: readonly string[],
  derived: readonly DerivedColumn[],
): AsyncIterable<Uint8Array> {
  const writer = new StrictCsvWriter()
  let isHeader = true
  for await (const cells of strictRecords(decoded.open())) {
    const row = Object.fromEntries(decoded.columns.map((name, at) => [name, cells[at] ?? null]))
    const full: Record<string, string | null> = isHeader ? {} : withDerived(row, derived)
    for (const name of columns) writeCell(writer, isHeader ? name : (full[name] ?? null))
    writer.endRecord()
    isHeader = false
    const block = writer.flush()
    if (block !== undefined) yield block
  }
  const rest = writer.flush(true)
  if (rest !== undefined) yield rest
}

function writeCell(writer: StrictCsvWriter, cell: string | null): void {
  if (cell === null) writer.none()
  else writer.text(cell)
}

/** Records of strict CSV, cell by cell; the header first. A record that reaches into the next chunk is carried over. */
async function* strictRecords(chunks: AsyncIterable<Uint8Array>): AsyncIterable<(string | null)[]> {
  let carry = Buffer.alloc(0)
  let quoted = false
  for await (const chunk of chunks) {
    const buffer = carry.length === 0 ? Buffer.from(chunk) : Buffer.concat([carry, chunk])
    let start = 0
    for (let at = carry.length; at < buffer.length; at++) {
      if (buffer[at] === QUOTE) quoted = !quoted
      else if (buffer[at] === LINE_FEED && !quoted) {
        yield strictCells(buffer, start, at)
        start = at + 1
      }
    }
    carry = buffer.subarray(start)
  }
  if (carry.length > 0) yield strictCells(carry, 0, carry.length)
}

/** Cells of a record in [from, to): quoted text, or null where there is nothing between two commas. */
function strictCells(bytes: Buffer, from: number, to: number): (string | null)[] {
  const cells: (string | null)[] = []
  for (let at = from; ; ) {
    if (bytes[at] !== QUOTE || at >= to) {
      cells.push(null)
    } else {
      const end = closingQuote(bytes, at + 1)
      cells.push(bytes.toString('utf8', at + 1, end).replaceAll('""', '"'))
      at = end + 1
    }
    if (at >= to || bytes[at] !== COMMA) return cells
    at += 1
  }
}

function closingQuote(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(QUOTE, from)
  while (bytes[at + 1] === QUOTE) at = bytes.indexOf(QUOTE, at + 2)
  return at
}
