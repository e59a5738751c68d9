import { isUtf8 } from 'node:buffer'
import { WardbookError } from '../../kernel/errors.js'
import { Cells } from './cells.js'
import {
  cellsOf,
  type FoundRecord,
  findRanges,
  findRecord,
  MAX_PARTITION_VALUE_BYTES,
  type RecordFault,
  type RecordShape,
} from './csv-records.js'
import { newRegularRecord, type WalkRegular, walkRegular } from './regular-records.js'

/** Longest physical line in bytes, and longest record: what is longer is no row of a table. */
export const MAX_RECORD_BYTES = 1024 * 1024

/** A record of the longest length with its line end: what does not end within so many bytes is broken off. */
const LINE_END_BYTES = 2

/** Bytes to have before the file is judged: enough to tell a page for people from a table. */
const START_BYTES = 1_024

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/** What is said of a bad row, from its number of columns and the header's. */
const FAULT_DETAILS: Record<RecordFault, (columns: number, expected: number) => string> = {
  'unclosed-quote': (columns) => `the quote that opens column ${columns} is never closed`,
  'text-after-quote': (columns) => `column ${columns} goes on after its closing quote`,
  'too-few-columns': (columns, expected) => `${columns} columns where the header has ${expected}`,
  'too-many-columns': (columns, expected) => `${columns} columns where the header has ${expected}`,
  'invalid-utf8': () => 'not valid UTF-8; the raw text is shown as Latin-1',
  'partition-value-too-long': () => `the division is longer than ${MAX_PARTITION_VALUE_BYTES} bytes`,
}

const INVALID_LATER = 'its quotes go on over lines that are not valid UTF-8'

/** Where a record stands in the decompressed file: line from 1 and byte from 0. */
export interface Place {
  readonly line: number
  readonly byteOffset: number
}

/** A row that cannot be taken, kept whole. */
export interface BadRow extends Place {
  readonly reason: RecordFault
  readonly detail: string
  readonly rawText: string
}

/** What reading a CSV file to its end has told. Rows = goodRows + badRows; the header and blank lines are not rows. */
export interface CsvSummary {
  readonly header: readonly string[]
  readonly goodRows: number
  readonly badRows: number
  /** Records that are not valid UTF-8, whatever else is wrong with them; the header counts as one. */
  readonly notUtf8: number
  readonly blankLines: number
  /** Decompressed bytes. */
  readonly bytes: number
}

/**
 * Who listens to the reading; nobody is waited for. Bytes lie in a buffer that is used again: copy what is kept.
 */
export interface CsvListener {
  onHeader?(header: readonly string[]): void
  onBad?(row: BadRow): void
  /**
   * A good record: bytes [start, end) of the buffer, without line end.
   * @param isRegular false when other readers may see it differently: a bare quote inside a cell, a lone carriage return
   * @param ranges    bytes of the wanted cells as published, quotes included: from `ranges[2 * n]` to `ranges[2 * n + 1]`
   */
  onGood?(buffer: Buffer, start: number, end: number, isRegular: boolean, ranges: Int32Array): void
}

/** How to read: the separator, and the columns whose cells the listener wants to see. */
export interface CsvReading {
  readonly delimiter: string
  /** Header names of the wanted columns, each of which must be there. */
  readonly wanted: readonly string[]
  /** True when the one wanted column holds the division itself: in at most {@link MAX_PARTITION_VALUE_BYTES} bytes. */
  readonly isDivision: boolean
  /** Name of the file, for errors. */
  readonly file: string
  /** Bytes of the longest record that is a row; by default {@link MAX_RECORD_BYTES}. */
  readonly maxRecordBytes?: number
}

/**
 * Reads CSV as a stream, record by record, in constant memory.
 * @param chunks decompressed bytes
 * @throws WardbookError 'source-empty', 'answered-html', 'answered-json', 'header-unreadable',
 *   'partition-column-missing' (fix-source), 'row-too-long' (shrink), each with its place
 */
export async function readCsv(
  chunks: AsyncIterable<Uint8Array>,
  reading: CsvReading,
  listener: CsvListener = {},
): Promise<CsvSummary> {
  const cells = Cells.take()
  try {
    const reader = new CsvReader(cells, reading, listener)
    const blocks = new Blocks(cells, (block, isLast) => reader.take(block, isLast))
    for await (const chunk of chunks) blocks.add(chunk)
    blocks.end()
    return reader.summary()
  } finally {
    cells.release()
  }
}

/** Bytes that are gathered before records are looked for: chunks of a network are small. */
const BLOCK_BYTES = 256 * 1024

/** Gathers chunks into one buffer that is used again; what `take` leaves at the end comes back before the next bytes. */
class Blocks {
  private address: number
  private room = 2 * BLOCK_BYTES
  private filled = 0
  private fresh = 0

  /** @param take gets all bytes that are not taken yet, and says how many it took */
  constructor(
    private readonly cells: Cells,
    private readonly take: (bytes: Buffer, isLast: boolean) => number,
  ) {
    this.address = cells.reserve(this.room)
  }

  add(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + BLOCK_BYTES - this.fresh)
      this.append(part)
      from += part.length
      if (this.fresh === BLOCK_BYTES) this.pass(false)
    }
  }

  end(): void {
    this.pass(true)
  }

  private append(bytes: Uint8Array): void {
    if (this.filled + bytes.length > this.room) this.grow()
    this.cells.bytes.set(bytes, this.address + this.filled)
    this.filled += bytes.length
    this.fresh += bytes.length
  }

  private grow(): void {
    const larger = this.cells.reserve(2 * this.room)
    this.cells.bytes.copyWithin(larger, this.address, this.address + this.filled)
    this.address = larger
    this.room *= 2
  }

  private pass(isLast: boolean): void {
    const { address, filled } = this
    const taken = this.take(this.cells.bytes.subarray(address, address + filled), isLast)
    this.cells.bytes.copyWithin(address, address + taken, address + filled)
    this.filled -= taken
    this.fresh = 0
  }
}

class CsvReader {
  private begun = false
  private shape: RecordShape
  private wanted: readonly number[] = []
  private walk: WalkRegular | undefined
  private record = newRegularRecord(0)
  private header: string[] | undefined
  private line = 1
  private offset = 0
  private goodRows = 0
  private badRows = 0
  private notUtf8 = 0
  private blankLines = 0
  private readonly mostBytes: number

  constructor(
    private readonly cells: Cells,
    private readonly reading: CsvReading,
    private readonly listener: CsvListener,
  ) {
    this.mostBytes = reading.maxRecordBytes ?? MAX_RECORD_BYTES
    this.shape = {
      delimiter: reading.delimiter.charCodeAt(0),
      columns: undefined,
      partitionColumn: undefined,
    }
  }

  /** Takes all whole records; returns how many bytes it took. */
  take(buffer: Buffer, isLast: boolean): number {
    let position = 0
    if (!this.begun) {
      if (buffer.length < START_BYTES && !isLast) return 0
      this.begun = true
      position = this.skipByteOrderMark(buffer)
      this.demandTable(buffer.subarray(position))
    }
    return this.takeRecords(buffer, position, isLast)
  }

  summary(): CsvSummary {
    if (this.header === undefined) throw this.empty()
    const { header, goodRows, badRows, notUtf8, blankLines, offset: bytes } = this
    return { header, goodRows, badRows, notUtf8, blankLines, bytes }
  }

  private takeRecords(block: Buffer, from: number, isLast: boolean): number {
    const { byteOffset, length } = block
    let buffer = block
    // Text that is cut after a line feed is whole: what is valid as one piece is valid record by record.
    const lines = buffer.lastIndexOf(LINE_FEED) + 1
    const isText = lines > from && isUtf8(buffer.subarray(from, lines))
    let position = from
    while (position < buffer.length) {
      if (isText && this.walk !== undefined) position = this.takeRegular(buffer, position, lines, this.walk)
      const record = position < buffer.length ? this.nextRecord(buffer, position, isLast) : undefined
      if (record === undefined) break
      const isHeader = this.header === undefined
      this.takeRecord(buffer, record)
      // A header of many columns lets the machine's memory grow: the bytes are where they were, in another buffer.
      if (isHeader) buffer = this.cells.bytes.subarray(byteOffset, byteOffset + length)
      this.line += record.lines
      this.offset += record.next - position
      position = record.next
    }
    return position
  }

  /** Takes records as long as they are as they should be; returns where the first one begins that is not. */
  private takeRegular(buffer: Buffer, from: number, to: number, walk: WalkRegular): number {
    const { record, listener } = this
    let position = from
    while (position < to && walk(buffer, position, to, record)) {
      if (record.end - record.start > this.mostBytes) break
      this.goodRows += 1
      listener.onGood?.(buffer, record.start, record.end, true, record.ranges)
      this.line += record.lines
      position = record.next
    }
    this.offset += position - from
    return position
  }

  /** The next record; one that does not end within the window is broken off at its first line, whatever the chunks were. */
  private nextRecord(buffer: Buffer, position: number, isLast: boolean): FoundRecord | undefined {
    const reach = position + this.mostBytes + LINE_END_BYTES
    const isWhole = buffer.length <= reach
    const found = findRecord(
      isWhole ? buffer : buffer.subarray(0, reach),
      position,
      this.shape,
      isWhole && isLast,
    )
    if (found !== undefined && found.end - found.start <= this.mostBytes) return found
    if (found === undefined && buffer.length < reach) return undefined
    const lineFeed = buffer.indexOf(LINE_FEED, position)
    const lineEnd = lineFeed < 0 ? buffer.length : lineFeed
    const textEnd = buffer[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd
    if (textEnd - position > this.mostBytes) throw this.tooLong(textEnd - position)
    return findRecord(buffer.subarray(0, lineEnd + 1), position, this.shape, true)
  }

  private takeRecord(buffer: Buffer, record: FoundRecord): void {
    if (record.end === record.start) this.takeBlank(record)
    else if (this.header === undefined) this.takeHeader(buffer.subarray(record.start, record.end), record)
    else if (record.fault === undefined) this.takeGood(buffer, record)
    else this.takeBad(buffer.subarray(record.start, record.end), record.fault, record.columns)
  }

  private takeBlank(record: FoundRecord): void {
    if (record.next > record.end) this.blankLines += 1 // else it is the end of the file
  }

  private takeHeader(bytes: Uint8Array, record: FoundRecord): void {
    if (!isUtf8(bytes)) this.notUtf8 += 1
    const text = decode(bytes)
    if (record.fault !== undefined) throw this.unreadableHeader(text, record.fault)
    const header = cellsOf(text, this.reading.delimiter)
    this.wanted = this.reading.wanted.map((wanted) => {
      const column = header.findIndex((name) => sameColumn(name, wanted))
      if (column < 0) throw this.partitionColumnMissing(wanted, header)
      return column
    })
    const division = this.reading.isDivision ? this.wanted[0] : undefined
    const shape = { ...this.shape, columns: header.length, partitionColumn: division }
    this.header = header
    this.shape = shape
    this.record = newRegularRecord(this.wanted.length)
    const maxWantedBytes = division === undefined ? this.mostBytes : MAX_PARTITION_VALUE_BYTES
    this.walk = walkRegular(this.cells, shape, this.wanted, maxWantedBytes)
    this.listener.onHeader?.(header)
  }

  private takeGood(buffer: Buffer, { start, end, regular }: FoundRecord): void {
    this.goodRows += 1
    const { ranges } = this.record
    findRanges(buffer, start, end, this.shape.delimiter, this.wanted, ranges)
    this.listener.onGood?.(buffer, start, end, regular, ranges)
  }

  private takeBad(bytes: Uint8Array, reason: RecordFault, columns: number): void {
    this.badRows += 1
    const { line, offset: byteOffset } = this
    if (reason === 'invalid-utf8' || !isUtf8(bytes)) this.notUtf8 += 1
    const isLater = reason === 'invalid-utf8' && isUtf8(bytes) // of a record of several lines, the first is told
    const detail = isLater ? INVALID_LATER : FAULT_DETAILS[reason](columns, this.shape.columns ?? 0)
    this.listener.onBad?.({ reason, detail, line, byteOffset, rawText: decode(bytes) })
  }

  private skipByteOrderMark(buffer: Uint8Array): number {
    const marked = BYTE_ORDER_MARK.every((byte, index) => buffer[index] === byte)
    this.offset = marked ? BYTE_ORDER_MARK.length : 0
    return this.offset
  }

  /** A page for people, or an error of an API, is not zero rows. */
  private demandTable(buffer: Uint8Array): void {
    const start = decode(buffer.subarray(0, 400)).trimStart()
    const kind = /^<(!doctype|html|\?xml|head|body)/i.test(start)
      ? 'html'
      : /^[{[]\s*["{\]}]/.test(start)
        ? 'json'
        : undefined
    if (kind === undefined) return
    const { file } = this.reading
    throw new WardbookError(
      `answered-${kind}`,
      'fix-source',
      `${file} is ${kind === 'html' ? 'an HTML page' : 'JSON'}, not CSV; it begins with: ${start.slice(0, 120)}`,
      { file, line: 1, start: start.slice(0, 120) },
    )
  }

  private empty(): WardbookError {
    const { file } = this.reading
    return new WardbookError('source-empty', 'fix-source', `${file} is empty: it has no header line`, {
      file,
      bytes: this.offset,
    })
  }

  private unreadableHeader(text: string, fault: RecordFault): WardbookError {
    const { file } = this.reading
    const message = `${file}, line ${this.line}: the header cannot be read (${fault}): ${text.slice(0, 200)}`
    return new WardbookError('header-unreadable', 'fix-source', message, { file, line: this.line, fault })
  }

  private partitionColumnMissing(partitionColumn: string, header: readonly string[]): WardbookError {
    const { file } = this.reading
    return new WardbookError(
      'partition-column-missing',
      'fix-source',
      `${file}, line ${this.line}: no column '${partitionColumn}'; the columns are ${header.join(', ').slice(0, 1_000)}. ` +
        'Name the right one under partition in the city file',
      { file, line: this.line, partitionColumn, columns: header },
    )
  }

  private tooLong(bytes: number): WardbookError {
    const { file } = this.reading
    return new WardbookError(
      'row-too-long',
      'shrink',
      `${file}, line ${this.line}, byte ${this.offset}: a line of ${bytes} bytes or more; the longest row is ${this.mostBytes}`,
      { file, line: this.line, byteOffset: this.offset, maxRecordBytes: this.mostBytes },
    )
  }
}

/** Header names are one column when they differ only in case and outer blanks, as in every engine that reads our tables. */
export function sameColumn(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase()
}

/** Text of bytes; what is no UTF-8 is read byte by byte as Latin-1, so that nothing is lost. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return Buffer.from(bytes).toString('latin1')
  }
}
