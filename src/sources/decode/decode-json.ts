import { WardbookError } from '../../kernel/errors.js'
import { MAX_RECORD_BYTES } from '../files/read-csv.js'
import type { JsonFormat } from '../page-format.js'
import type { PageSignals } from '../source.js'
import type { DecodedPage, PageBody } from './decoded-page.js'
import { nameColumns, numberColumns, type PageColumns } from './json-columns.js'
import { RowReader } from './json-row.js'
import { JsonRows, type TakeRow } from './json-rows.js'
import { JsonFault } from './json-scanner.js'
import { StrictCsvWriter } from './strict-csv.js'
import { describeStart, lineAt, markBytes, refuseHtml, startOf, withoutMark } from './text-start.js'

/**
 * JSON as a table, in constant memory: the first pass finds columns, counts rows and collects the envelope, each `open()` writes the rows
 * as strict CSV. Numbers stay in the characters that were sent, objects and lists are their JSON text, a missing member and JSON null are null.
 * A key that comes twice in a row counts with its last value, as in `JSON.parse`; half of a surrogate pair, which has no UTF-8, stays as its escape.
 * @throws WardbookError 'source-empty', 'answered-html', 'rows-missing', 'json-broken', 'encoding-broken', 'table-too-wide' (fix-source),
 *   'row-too-long' (shrink), each with its place
 */
export async function decodeJson(body: PageBody, format: JsonFormat): Promise<DecodedPage> {
  const { cells, spread = [], rowsAt } = format
  const reader = new RowReader({ cells, spread })
  const last = new LastRow()
  const start = await startOf(body)
  refuseHtml(body.name, start, /^</)
  const takeRow: TakeRow = (bytes, start, end, offset) => {
    if (!reader.read(bytes, start)) throw wrongKind(cells, rows.rows, offset)
    last.found(bytes, start, end)
  }
  const rows = new JsonRows(rowsAt, takeRow, markBytes(start))
  await readRows(body, start, rows, () => last.keep())
  if (!rows.found) throw await rowsMissing(body, rowsAt, rows.envelope())
  const columns =
    cells === 'list'
      ? numberColumns(reader.columns.length, format.columns)
      : nameColumns(reader.columns, spread, format.columns)
  if (rows.rows > 0 && columns.names.length === 0) throw await rowsMissing(body, rowsAt, rows.envelope())
  return {
    form: 'strict',
    delimiter: ',',
    columns: columns.names,
    open: () => strictCsv(body, start, format, columns),
    signals: {
      rows: rows.rows,
      columns: columns.names,
      envelope: rows.envelope(),
      lastRow: rows.rows === 0 ? undefined : cellsOf(last.bytes, reader, columns),
    },
  }
}

/**
 * What a page told that has no rows where they are expected: an answer about an error is told apart by the source's `failureOf`.
 * @returns undefined for any other error
 */
export function signalsOfFailure(thrown: unknown): PageSignals | undefined {
  if (!(thrown instanceof WardbookError) || thrown.code !== 'rows-missing') return undefined
  const envelope = (thrown.facts.envelope ?? {}) as PageSignals['envelope']
  return { rows: 0, columns: [], envelope, lastRow: undefined }
}

/** The last row, copied once a piece and not once a row. */
class LastRow {
  bytes: Buffer = Buffer.alloc(0)
  private piece: Uint8Array | undefined
  private start = 0
  private end = 0

  found(piece: Uint8Array, start: number, end: number): void {
    this.piece = piece
    this.start = start
    this.end = end
  }

  keep(): void {
    if (this.piece !== undefined) this.bytes = Buffer.from(this.piece.subarray(this.start, this.end))
    this.piece = undefined
  }
}

async function readRows(
  body: PageBody,
  start: Uint8Array,
  rows: JsonRows,
  afterPiece: () => void,
): Promise<void> {
  try {
    for await (const chunk of withoutMark(body.open(), start)) {
      rows.take(chunk)
      afterPiece()
    }
    if (!rows.end()) throw empty(body.name)
  } catch (thrown) {
    throw await placed(thrown, body, rows)
  }
}

async function* strictCsv(
  body: PageBody,
  start: Uint8Array,
  format: JsonFormat,
  columns: PageColumns,
): AsyncIterable<Uint8Array> {
  if (columns.names.length === 0) return
  const writer = new StrictCsvWriter()
  for (const name of columns.names) writer.text(name)
  writer.endRecord()
  const reader = new RowReader({ cells: format.cells, spread: format.spread ?? [] })
  const takeRow: TakeRow = (bytes, start, _end, offset) => {
    reader.read(bytes, start)
    writeRow(writer, bytes, reader, columns)
    if (writer.recordBytes > MAX_RECORD_BYTES) throw recordTooLong(rows.rows, offset)
    writer.endRecord()
  }
  const rows = new JsonRows(format.rowsAt, takeRow, markBytes(start))
  for await (const chunk of withoutMark(body.open(), start)) {
    try {
      rows.take(chunk)
    } catch (thrown) {
      throw await placed(thrown, body, rows)
    }
    const block = writer.flush()
    if (block !== undefined) yield block
  }
  const rest = writer.flush(true)
  if (rest !== undefined) yield rest
}

const QUOTE = 0x22
const OPEN_OBJECT = 0x7b
const OPEN_LIST = 0x5b

function writeRow(writer: StrictCsvWriter, row: Uint8Array, reader: RowReader, { slots }: PageColumns): void {
  const { starts, ends } = reader
  for (const slot of slots) {
    const end = slot === undefined ? 0 : (ends[slot] ?? 0)
    if (end === 0) writer.none()
    else writeCell(writer, row, starts[slot as number] as number, end)
  }
}

/** A text without escapes has no quote inside, so its token is already a cell. */
function writeCell(writer: StrictCsvWriter, row: Uint8Array, start: number, end: number): void {
  const first = row[start]
  if (first === QUOTE) {
    if (!writer.token(row, start, end)) writer.text(textOf(row, start, end))
  } else if (first === OPEN_OBJECT || first === OPEN_LIST) writer.bytes(row, start, end)
  else writer.plain(row, start, end)
}

function textOf(row: Uint8Array, start: number, end: number): string {
  const text = JSON.parse(
    Buffer.from(row.buffer, row.byteOffset + start, end - start).toString('utf8'),
  ) as string
  return text.isWellFormed()
    ? text
    : text.replaceAll(LONE_SURROGATE, (half) => JSON.stringify(half).slice(1, -1))
}

const LONE_SURROGATE = /\p{Surrogate}/gu

function cellsOf(
  row: Uint8Array,
  reader: RowReader,
  { names, slots }: PageColumns,
): Readonly<Record<string, string | null>> {
  reader.read(row)
  const cell = (slot: number | undefined): string | null => {
    const end = slot === undefined ? 0 : (reader.ends[slot] ?? 0)
    if (slot === undefined || end === 0) return null
    const start = reader.starts[slot] as number
    return row[start] === QUOTE
      ? textOf(row, start, end)
      : Buffer.from(row.subarray(start, end)).toString('utf8')
  }
  return Object.fromEntries(names.map((name, at) => [name, cell(slots[at])]))
}

/** The same error with the file's name, byte and line. */
async function placed(thrown: unknown, body: PageBody, rows: JsonRows): Promise<unknown> {
  if (thrown instanceof JsonFault) return jsonBroken(thrown, body, rows)
  if (!(thrown instanceof WardbookError) || thrown.facts.file !== undefined) return thrown
  const byteOffset = thrown.facts.byteOffset as number | undefined
  const place = byteOffset === undefined ? {} : { byteOffset, line: await lineAt(body, byteOffset) }
  const where = byteOffset === undefined ? '' : `, line ${place.line}, byte ${byteOffset}`
  return new WardbookError(thrown.code, thrown.remedy, `${body.name}${where}: ${thrown.message}`, {
    file: body.name,
    ...thrown.facts,
    ...place,
  })
}

async function jsonBroken(fault: JsonFault, body: PageBody, rows: JsonRows): Promise<WardbookError> {
  const { byteOffset, detail, truncated } = fault
  const line = await lineAt(body, byteOffset)
  const message = `${body.name}, line ${line}, byte ${byteOffset}, after ${rows.rows} rows: broken JSON: ${detail}${
    truncated ? '; was the transfer cut? Fetch it again' : ''
  }`
  const facts = { file: body.name, line, byteOffset, rows: rows.rows, truncated }
  return new WardbookError('json-broken', 'fix-source', message, facts, { cause: fault })
}

async function rowsMissing(
  body: PageBody,
  rowsAt: readonly string[],
  envelope: PageSignals['envelope'],
): Promise<WardbookError> {
  const start = describeStart(await startOf(body))
  const place =
    rowsAt.length === 0 ? 'a list of rows, or one object a line' : `a list at '${rowsAt.join('.')}'`
  const message = `${body.name} has no rows: expected ${place}; it begins with: ${start.slice(0, 200)}`
  return new WardbookError('rows-missing', 'fix-source', message, {
    file: body.name,
    rowsAt,
    start,
    envelope,
  })
}

function wrongKind(cells: JsonFormat['cells'], row: number, byteOffset: number): WardbookError {
  const message = `row ${row} is not ${cells === 'object' ? 'an object' : 'a list'}`
  return new WardbookError('json-broken', 'fix-source', message, { row, byteOffset, truncated: false })
}

function recordTooLong(row: number, byteOffset: number): WardbookError {
  const message = `row ${row} is longer than ${MAX_RECORD_BYTES} bytes as a record: no row of a table is`
  const facts = { row, byteOffset, maxRecordBytes: MAX_RECORD_BYTES }
  return new WardbookError('row-too-long', 'shrink', message, facts)
}

function empty(name: string): WardbookError {
  return new WardbookError('source-empty', 'fix-source', `${name} is empty: it has no rows and no brackets`, {
    file: name,
  })
}
