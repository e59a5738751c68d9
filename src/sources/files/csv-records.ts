import { isUtf8 } from 'node:buffer'

/** Why a record cannot be taken as it stands. */
export type RecordFault =
  | 'unclosed-quote'
  | 'text-after-quote'
  | 'too-few-columns'
  | 'too-many-columns'
  | 'invalid-utf8'
  | 'partition-value-too-long'

/** One record found in a buffer: bytes [start, end) without its line end, which reaches to `next`. */
export interface FoundRecord {
  readonly start: number
  readonly end: number
  readonly next: number
  readonly columns: number
  readonly fault: RecordFault | undefined
  /** False when other readers may see it differently: a bare quote inside a field, a lone carriage return. */
  readonly regular: boolean
  /** Physical lines it spans. */
  readonly lines: number
}

/** What a record must look like. */
export interface RecordShape {
  /** Field separator as a byte. */
  readonly delimiter: number
  /** Number of columns, or undefined while the header is read. */
  readonly columns: number | undefined
  /** Position of the column that holds the division, whose values have a longest length; undefined when there is none. */
  readonly partitionColumn: number | undefined
}

/**
 * Bytes a partition value may have, as published, with its quotes. It becomes a folder name, percent-encoded to up to three times its length, beside a
 * column name of at most 60 characters; file systems take 255 bytes.
 */
export const MAX_PARTITION_VALUE_BYTES = 64

const QUOTE = 0x22
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/**
 * The next record at `from`, after RFC 4180: fields may be quoted, quotes inside are doubled, line ends inside quotes belong
 * to the field.
 *
 * A record that is broken ends at the end of its first physical line, and reading goes on at the second one: an unclosed
 * quote costs one line, not everything that follows it.
 * @param isLast true when no more bytes follow the buffer
 * @returns undefined when the buffer ends before the record does
 */
export function findRecord(
  buffer: Uint8Array,
  from: number,
  shape: RecordShape,
  isLast: boolean,
): FoundRecord | undefined {
  const { delimiter, partitionColumn } = shape
  const length = buffer.length
  let position = from
  let column = 0
  let regular = true
  let lines = 1
  let longPartition = false

  for (;;) {
    const fieldStart = position
    if (position < length && buffer[position] === QUOTE) {
      const close = closingQuote(buffer, position + 1, isLast)
      if (close === undefined) return undefined
      if (close < 0) return brokenRecord(buffer, from, isLast, column + 1, 'unclosed-quote')
      lines += countLineFeeds(buffer, position, close)
      position = close + 1
      if (position >= length && !isLast) return undefined
    } else {
      while (position < length) {
        const byte = buffer[position]
        if (byte === delimiter || byte === LINE_FEED) break
        if (byte === QUOTE) regular = false
        if (byte === CARRIAGE_RETURN) {
          if (position + 1 >= length) {
            if (!isLast) return undefined
          } else if (buffer[position + 1] === LINE_FEED) break
          regular = false
        }
        position += 1
      }
      if (position >= length && !isLast) return undefined
    }
    if (column === partitionColumn && position - fieldStart > MAX_PARTITION_VALUE_BYTES) longPartition = true
    column += 1
    if (position < length && buffer[position] === delimiter) {
      position += 1
      if (position >= length && !isLast) return undefined
      continue
    }
    break
  }

  const ending = lineEnd(buffer, position, isLast)
  if (ending === undefined) return undefined
  if (ending === 0) return brokenRecord(buffer, from, isLast, column, 'text-after-quote')
  const next = position + (ending < 0 ? 0 : ending)
  const fault = faultOf(buffer, from, position, column, shape, longPartition)
  if (fault !== undefined && lines > 1) return brokenRecord(buffer, from, isLast, column, fault)
  return { start: from, end: position, next, columns: column, fault, regular, lines }
}

/** Bytes of the line end at `position`: 1 or 2, -1 at the end of everything, 0 when there is none, undefined if unknown. */
function lineEnd(buffer: Uint8Array, position: number, isLast: boolean): number | undefined {
  if (position >= buffer.length) return isLast ? -1 : undefined
  if (buffer[position] === LINE_FEED) return 1
  if (buffer[position] !== CARRIAGE_RETURN) return 0
  if (position + 1 >= buffer.length) return isLast ? 1 : undefined
  return buffer[position + 1] === LINE_FEED ? 2 : 0
}

/**
 * Byte ranges of some cells, quotes included, of a record that {@link findRecord} found without fault.
 * @param columns positions of the cells
 * @param ranges  filled: cell n of `columns` is bytes `ranges[2 * n]` to `ranges[2 * n + 1]`
 */
export function findRanges(
  buffer: Uint8Array,
  start: number,
  end: number,
  delimiter: number,
  columns: readonly number[],
  ranges: Int32Array,
): void {
  let at = start
  for (let column = 0; at <= end; column++) {
    const from = at
    if (buffer[at] === QUOTE && at < end) at = (closingQuote(buffer, at + 1, true) as number) + 1
    else while (at < end && buffer[at] !== delimiter) at += 1
    for (const [slot, wanted] of columns.entries()) if (wanted === column) ranges.set([from, at], 2 * slot)
    at += 1
  }
}

/** Position of the quote that closes a field, -1 when none can follow, undefined when more bytes are needed to know. */
function closingQuote(buffer: Uint8Array, from: number, isLast: boolean): number | undefined {
  let position = from
  for (;;) {
    const quote = buffer.indexOf(QUOTE, position)
    if (quote < 0) return isLast ? -1 : undefined
    if (quote + 1 >= buffer.length && !isLast) return undefined
    if (buffer[quote + 1] !== QUOTE) return quote
    position = quote + 2
  }
}

function countLineFeeds(buffer: Uint8Array, from: number, to: number): number {
  let count = 0
  for (let at = buffer.indexOf(LINE_FEED, from); at >= 0 && at < to; at = buffer.indexOf(LINE_FEED, at + 1))
    count += 1
  return count
}

function faultOf(
  buffer: Uint8Array,
  start: number,
  end: number,
  columns: number,
  shape: RecordShape,
  longPartition: boolean,
): RecordFault | undefined {
  if (shape.columns !== undefined && columns < shape.columns) return 'too-few-columns'
  if (shape.columns !== undefined && columns > shape.columns) return 'too-many-columns'
  if (!isUtf8(buffer.subarray(start, end))) return 'invalid-utf8'
  return longPartition ? 'partition-value-too-long' : undefined
}

/** The first physical line of a record that cannot be read. */
function brokenRecord(
  buffer: Uint8Array,
  start: number,
  isLast: boolean,
  columns: number,
  fault: RecordFault,
): FoundRecord | undefined {
  const feed = buffer.indexOf(LINE_FEED, start)
  if (feed < 0 && !isLast) return undefined
  const next = feed < 0 ? buffer.length : feed + 1
  const end =
    feed > start && buffer[feed - 1] === CARRIAGE_RETURN ? feed - 1 : feed < 0 ? buffer.length : feed
  return { start, end, next, columns, fault, regular: false, lines: 1 }
}

/**
 * The cells of one record's text, quotes resolved.
 * @param text a record that {@link findRecord} found without fault, decoded
 */
export function cellsOf(text: string, delimiter: string): string[] {
  const cells: string[] = []
  let position = 0
  for (;;) {
    let cell: string
    if (text[position] === '"') {
      let close = text.indexOf('"', position + 1)
      while (text[close + 1] === '"') close = text.indexOf('"', close + 2)
      cell = text.slice(position + 1, close).replaceAll('""', '"')
      position = close + 1
    } else {
      const end = text.indexOf(delimiter, position)
      cell = text.slice(position, end < 0 ? text.length : end)
      position += cell.length
    }
    cells.push(cell)
    if (text[position] !== delimiter) return cells
    position += 1
  }
}

/** Cells as one record of strict CSV: each quoted, separated by commas, ended by a line feed. */
export function formatRecord(cells: readonly string[], delimiter = ','): string {
  return `${cells.map(quoted).join(delimiter)}\n`
}

/**
 * A record anew such that every reader sees the same cells: each quoted. An empty cell without quotes stays as it is, for it
 * may mean something else than an empty text.
 * @param text a record that {@link findRecord} found without fault, decoded
 * @returns the record without a line end
 */
export function strictRecord(text: string, delimiter: string): string {
  const cells: string[] = []
  let position = 0
  for (;;) {
    const isQuoted = text[position] === '"'
    let end = isQuoted ? text.indexOf('"', position + 1) : text.indexOf(delimiter, position)
    while (isQuoted && text[end + 1] === '"') end = text.indexOf('"', end + 2)
    if (isQuoted) end += 1
    else if (end < 0) end = text.length
    const cell = text.slice(position, end)
    cells.push(isQuoted || cell === '' ? cell : quoted(cell))
    if (text[end] !== delimiter) return cells.join(delimiter)
    position = end + 1
  }
}

function quoted(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`
}
