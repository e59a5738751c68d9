import { WardbookError } from '../../kernel/errors.js'
import {
  cellsOf,
  type FoundRecord,
  findRecord,
  MAX_PARTITION_VALUE_BYTES,
  type RecordFault,
  type RecordShape,
} from './csv-records.js'

/** Longest physical line in bytes, and longest record: what is longer is no row of a table. */
export const MAX_RECORD_BYTES = 1024 * 1024

/** A record of the longest length with its line end: what does not end within these bytes is broken off. */
const RECORD_WINDOW_BYTES = MAX_RECORD_BYTES + 2

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
  readonly blankLines: number
  /** Decompressed bytes. */
  readonly bytes: number
  /** True when any strict reader sees the same rows in the file as it is: nothing was set aside or needs quoting. */
  readonly isPlain: boolean
}

/** Who listens to the reading. `onGood` gets views into a shared buffer: copy what is kept. */
export interface CsvListener {
  onHeader?(header: readonly string[]): void
  onBad?(row: BadRow): void | Promise<void>
  onGood?(record: Uint8Array, regular: boolean): void | Promise<void>
}

/** How to read: the separator, and the header name of the column with the division. */
export interface CsvReading {
  readonly delimiter: string
  readonly partitionColumn: string
  /** Name of the file, for errors. */
  readonly file: string
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
  const reader = new CsvReader(reading, listener)
  for await (const chunk of chunks) await reader.take(chunk, false)
  await reader.take(new Uint8Array(), true)
  return reader.summary()
}

class CsvReader {
  private carry: Uint8Array = new Uint8Array()
  private begun = false
  private shape: RecordShape
  private header: string[] | undefined
  private line = 1
  private offset = 0
  private goodRows = 0
  private badRows = 0
  private blankLines = 0
  private isPlain = true
  private lineEnds = new Set<number>()

  constructor(
    private readonly reading: CsvReading,
    private readonly listener: CsvListener,
  ) {
    this.shape = {
      delimiter: reading.delimiter.charCodeAt(0),
      columns: undefined,
      partitionColumn: undefined,
    }
  }

  async take(chunk: Uint8Array, isLast: boolean): Promise<void> {
    let buffer = this.carry.length === 0 ? chunk : Buffer.concat([this.carry, chunk])
    if (!this.begun) {
      if (buffer.length < START_BYTES && !isLast) {
        this.carry = buffer
        return
      }
      this.begun = true
      buffer = this.skipByteOrderMark(buffer)
      this.demandTable(buffer)
    }
    const rest = await this.takeRecords(buffer, isLast)
    this.carry = buffer.subarray(rest)
  }

  summary(): CsvSummary {
    if (this.header === undefined) throw this.empty()
    const { header, goodRows, badRows, blankLines, isPlain } = this
    return {
      header,
      goodRows,
      badRows,
      blankLines,
      bytes: this.offset,
      isPlain: isPlain && this.lineEnds.size < 2,
    }
  }

  /** Takes all whole records; returns where the unfinished one begins. */
  private async takeRecords(buffer: Uint8Array, isLast: boolean): Promise<number> {
    let position = 0
    while (position < buffer.length) {
      const record = this.nextRecord(buffer, position, isLast)
      if (record === undefined) break
      const pending = this.takeRecord(buffer, record)
      if (pending !== undefined) await pending // most rows need no waiting, and there are millions
      this.line += record.lines
      this.offset += record.next - position
      position = record.next
    }
    return position
  }

  /** The next record; one that does not end within the window is broken off at its first line, whatever the chunks were. */
  private nextRecord(buffer: Uint8Array, position: number, isLast: boolean): FoundRecord | undefined {
    const reach = position + RECORD_WINDOW_BYTES
    const isWhole = buffer.length <= reach
    const found = findRecord(
      isWhole ? buffer : buffer.subarray(0, reach),
      position,
      this.shape,
      isWhole && isLast,
    )
    if (found !== undefined && found.end - found.start <= MAX_RECORD_BYTES) return found
    if (found === undefined && buffer.length < reach) return undefined
    const lineFeed = buffer.indexOf(LINE_FEED, position)
    const lineEnd = lineFeed < 0 ? buffer.length : lineFeed
    const textEnd = buffer[lineEnd - 1] === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd
    if (textEnd - position > MAX_RECORD_BYTES) throw this.tooLong(textEnd - position)
    return findRecord(buffer.subarray(0, lineEnd + 1), position, this.shape, true)
  }

  private takeRecord(buffer: Uint8Array, record: FoundRecord): void | Promise<void> {
    const bytes = buffer.subarray(record.start, record.end)
    if (bytes.length === 0) return this.takeBlank(record)
    if (this.header === undefined) return this.takeHeader(bytes, record)
    if (record.fault === undefined) return this.takeGood(bytes, record)
    return this.takeBad(bytes, record.fault, record.columns)
  }

  private takeBlank(record: FoundRecord): void {
    if (record.next === record.end) return // the end of the file
    this.blankLines += 1
    this.isPlain = false
  }

  private takeHeader(bytes: Uint8Array, record: FoundRecord): void {
    const text = decode(bytes)
    if (record.fault !== undefined) throw this.unreadableHeader(text, record.fault)
    const header = cellsOf(text, this.reading.delimiter)
    const partitionColumn = header.findIndex((name) => sameColumn(name, this.reading.partitionColumn))
    if (partitionColumn < 0) throw this.partitionColumnMissing(header)
    if (!record.regular || /[\r\n]/.test(text)) this.isPlain = false
    if (record.next > record.end) this.lineEnds.add(record.next - record.end)
    this.header = header
    this.shape = { ...this.shape, columns: header.length, partitionColumn }
    this.listener.onHeader?.(header)
  }

  private takeGood(bytes: Uint8Array, record: FoundRecord): void | Promise<void> {
    this.goodRows += 1
    if (!record.regular) this.isPlain = false
    if (record.next > record.end) this.lineEnds.add(record.next - record.end)
    return this.listener.onGood?.(bytes, record.regular)
  }

  private takeBad(bytes: Uint8Array, reason: RecordFault, columns: number): void | Promise<void> {
    this.badRows += 1
    this.isPlain = false
    const { line, offset: byteOffset } = this
    const detail = FAULT_DETAILS[reason](columns, this.shape.columns ?? 0)
    return this.listener.onBad?.({ reason, detail, line, byteOffset, rawText: decode(bytes) })
  }

  private skipByteOrderMark(buffer: Uint8Array): Uint8Array {
    const marked = BYTE_ORDER_MARK.every((byte, index) => buffer[index] === byte)
    if (!marked) return buffer
    this.offset = BYTE_ORDER_MARK.length
    return buffer.subarray(BYTE_ORDER_MARK.length)
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

  private partitionColumnMissing(header: readonly string[]): WardbookError {
    const { file, partitionColumn } = this.reading
    return new WardbookError(
      'partition-column-missing',
      'fix-source',
      `${file}, line ${this.line}: no column '${partitionColumn}'; the columns are ${header.join(', ').slice(0, 1_000)}. ` +
        'Name the right one in partition.from of the city file',
      { file, line: this.line, partitionColumn, columns: header },
    )
  }

  private tooLong(bytes: number): WardbookError {
    const { file } = this.reading
    return new WardbookError(
      'row-too-long',
      'shrink',
      `${file}, line ${this.line}, byte ${this.offset}: a line of ${bytes} bytes or more; the longest row is ${MAX_RECORD_BYTES}`,
      { file, line: this.line, byteOffset: this.offset, maxRecordBytes: MAX_RECORD_BYTES },
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
