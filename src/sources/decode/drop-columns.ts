import { WardbookError } from '../../kernel/errors.js'
import { cellsOf, type FoundRecord, findRecord } from '../files/csv-records.js'
import { MAX_RECORD_BYTES, sameColumn } from '../files/read-csv.js'
import type { DecodedPage } from './decoded-page.js'
import { StrictCsvWriter } from './strict-csv.js'
import { markBytes } from './text-start.js'

/** What stands in the first cell in place of a row that could not be read: its text may hold what is to be dropped. */
export const CUT_ROW = 'row that cannot be read; its text was cut off, as it may hold dropped columns'

/**
 * The page without some of its columns: they are cut off in the stream, before anything is stored. Other cells stay as they are, with
 * their quotes and separator. A row that is broken or has another number of cells than the header cannot be cut safely, so none of its text comes out: it becomes a
 * record of two cells too many that begins with {@link CUT_ROW}, and is set aside as a bad row by who reads it.
 * @param drops names of columns, compared without case and outer blanks; columns that are not there are no error
 * @throws WardbookError 'header-unreadable' (fix-source), 'row-too-long' (shrink)
 */
export function dropColumns(decoded: DecodedPage, drops: readonly string[]): DecodedPage {
  const isDropped = (name: string) => drops.some((drop) => sameColumn(drop, name))
  if (!decoded.columns.some(isDropped) && decoded.columns.length > 0) return decoded
  const kept = decoded.columns.filter((name) => !isDropped(name))
  const { lastRow } = decoded.signals
  const keptRow = lastRow && Object.fromEntries(Object.entries(lastRow).filter(([name]) => !isDropped(name)))
  return {
    form: decoded.form,
    delimiter: decoded.delimiter,
    columns: kept,
    open: () => cut(decoded, isDropped),
    signals: { ...decoded.signals, columns: kept, lastRow: keptRow },
  }
}

async function* cut(decoded: DecodedPage, isDropped: (name: string) => boolean): AsyncIterable<Uint8Array> {
  const cutter = new Cutter(decoded.delimiter, isDropped)
  let carry: Uint8Array = new Uint8Array()
  let begun = false
  for await (const chunk of decoded.open()) {
    let buffer = carry.length === 0 ? chunk : Buffer.concat([carry, chunk])
    if (!begun && buffer.length < MARK_WINDOW) {
      carry = Buffer.from(buffer)
      continue
    }
    if (!begun) buffer = buffer.subarray(markBytes(buffer))
    begun = true
    carry = Buffer.from(buffer.subarray(cutter.take(buffer, false)))
    const block = cutter.writer.flush()
    if (block !== undefined) yield block
  }
  cutter.take(begun ? carry : carry.subarray(markBytes(carry)), true)
  const rest = cutter.writer.flush(true)
  if (rest !== undefined) yield rest
}

/** Bytes to have before a byte order mark is looked for. */
const MARK_WINDOW = 3

class Cutter {
  readonly writer: StrictCsvWriter
  private readonly delimiterByte: number
  private width: number | undefined
  private isKept: readonly boolean[] = []
  private keptCount = 0

  constructor(
    private readonly delimiter: string,
    private readonly isDropped: (name: string) => boolean,
  ) {
    this.writer = new StrictCsvWriter(delimiter)
    this.delimiterByte = delimiter.charCodeAt(0)
  }

  /** Takes all whole records; returns where the unfinished one begins. */
  take(buffer: Uint8Array, isLast: boolean): number {
    let at = 0
    while (at < buffer.length) {
      const record = this.recordAt(buffer, at, isLast)
      if (record === undefined) break
      this.takeRecord(buffer, record)
      at = record.next
    }
    return at
  }

  /** The same records as `readCsv` sees: one that does not end within the longest length ends with its first line. */
  private recordAt(buffer: Uint8Array, at: number, isLast: boolean): FoundRecord | undefined {
    const shape = { delimiter: this.delimiterByte, columns: this.width, partitionColumn: undefined }
    const reach = at + MAX_RECORD_BYTES + 2
    const isWhole = buffer.length <= reach
    const found = findRecord(isWhole ? buffer : buffer.subarray(0, reach), at, shape, isWhole && isLast)
    if (found !== undefined && found.end - found.start <= MAX_RECORD_BYTES) return found
    if (found === undefined && buffer.length < reach) return undefined
    const lineFeed = buffer.indexOf(0x0a, at)
    const end = lineFeed < 0 ? buffer.length : lineFeed
    if (end - at > MAX_RECORD_BYTES) throw tooLong()
    return findRecord(buffer.subarray(0, end + 1), at, shape, true)
  }

  private takeRecord(buffer: Uint8Array, { start, end, next, fault }: FoundRecord): void {
    if (start === end) {
      if (next > end) this.writer.endRecord() // a blank line stays one, so that lines keep their numbers
      return
    }
    if (this.width === undefined) this.takeHeader(buffer, start, end, fault)
    else if (fault === undefined) this.writeCells(buffer, start, end)
    else this.writeCutRow()
  }

  private takeHeader(buffer: Uint8Array, start: number, end: number, fault: FoundRecord['fault']): void {
    if (fault !== undefined) throw unreadableHeader(fault)
    const names = cellsOf(Buffer.from(buffer.subarray(start, end)).toString('utf8'), this.delimiter)
    this.width = names.length
    this.isKept = names.map((name) => !this.isDropped(name))
    this.keptCount = this.isKept.filter(Boolean).length
    this.writeCells(buffer, start, end)
  }

  private writeCells(buffer: Uint8Array, start: number, end: number): void {
    let at = start
    for (const isKept of this.isKept) {
      const cellEnd = this.endOfCell(buffer, at, end)
      if (isKept) this.writer.raw(buffer, at, cellEnd)
      at = cellEnd + 1
    }
    this.writer.endRecord()
  }

  /** Where the cell that begins at `from` ends, in a record without fault. */
  private endOfCell(buffer: Uint8Array, from: number, end: number): number {
    let at = from
    if (buffer[at] === QUOTE) {
      for (at += 1; at < end; at++) if (buffer[at] === QUOTE && buffer[++at] !== QUOTE) break
    }
    while (at < end && buffer[at] !== this.delimiterByte) at += 1
    return at
  }

  private writeCutRow(): void {
    this.writer.text(CUT_ROW)
    for (let cell = 0; cell < this.keptCount + 1; cell++) this.writer.none()
    this.writer.endRecord()
  }
}

const QUOTE = 0x22

function unreadableHeader(fault: string): WardbookError {
  const message = `the header cannot be read (${fault}), so that columns could not be dropped`
  return new WardbookError('header-unreadable', 'fix-source', message, { fault })
}

function tooLong(): WardbookError {
  const message = `a line longer than ${MAX_RECORD_BYTES} bytes, from which columns were to be dropped`
  return new WardbookError('row-too-long', 'shrink', message, { maxRecordBytes: MAX_RECORD_BYTES })
}
