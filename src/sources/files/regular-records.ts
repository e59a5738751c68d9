import type { RecordShape } from './csv-records.js'

const QUOTE = 0x22
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** What the walk over a record found; one object is filled again and again, for there are millions of records. */
export interface RegularRecord {
  /** Bytes [start, end) without the line end, which reaches to `next`. */
  start: number
  end: number
  next: number
  /** Physical lines it spans. */
  lines: number
  /** Byte ranges of the wanted cells as published, quotes included: `ranges[2 * n]` to `ranges[2 * n + 1]`. */
  readonly ranges: Int32Array
}

/** An empty {@link RegularRecord} for this number of wanted cells. */
export function newRegularRecord(wantedCells: number): RegularRecord {
  return { start: 0, end: 0, next: 0, lines: 0, ranges: new Int32Array(2 * wantedCells) }
}

/** Finds the next record and fills `record`, or says false: nothing is known then, and `findRecord` must judge. */
export type WalkRegular = (buffer: Uint8Array, from: number, to: number, record: RegularRecord) => boolean

/** Bytes that end an unquoted cell or make it irregular. */
function stopsOf(delimiter: number): Uint8Array {
  const stops = new Uint8Array(256)
  for (const byte of [QUOTE, LINE_FEED, CARRIAGE_RETURN, delimiter]) stops[byte] = 1
  return stops
}

/**
 * The quick way through records that are as they should be: right number of columns, quotes only around cells, a line end
 * after the last. It sees each byte once and makes no object. Whatever is otherwise (also blank lines, and a record that the
 * buffer cuts) is left to `findRecord`, whose answer is the same where both have one.
 * @param shape    columns are known; a wanted cell of the division may not be longer than `maxWantedBytes`
 * @param columns  wanted columns, by position: their ranges are told in this order
 */
export function walkRegular(
  shape: RecordShape & { readonly columns: number },
  columns: readonly number[],
  maxWantedBytes: number,
): WalkRegular {
  const { delimiter, columns: width } = shape
  const stops = stopsOf(delimiter)
  const slots = new Int32Array(width).fill(-1)
  for (const [slot, column] of columns.entries()) slots[column] = slot

  return (buffer, from, to, record) => {
    const { ranges } = record
    let at = from
    let lines = 1
    for (let column = 0; column < width; column++) {
      const cell = at
      if (at < to && buffer[at] === QUOTE) {
        at += 1
        for (;;) {
          while (at < to && buffer[at] !== QUOTE) {
            if (buffer[at] === LINE_FEED) lines += 1
            at += 1
          }
          if (at + 1 >= to) return false
          if (buffer[at + 1] !== QUOTE) break
          at += 2
        }
        at += 1
      } else {
        while (at < to && stops[buffer[at] as number] === 0) at += 1
      }
      if (at >= to) return false
      const slot = slots[column] as number
      if (slot >= 0) {
        if (at - cell > maxWantedBytes) return false
        ranges[2 * slot] = cell
        ranges[2 * slot + 1] = at
      }
      if (column < width - 1) {
        if (buffer[at] !== delimiter) return false
        at += 1
      }
    }
    if (at === from) return false
    record.start = from
    record.end = at
    if (buffer[at] === LINE_FEED) record.next = at + 1
    else if (buffer[at] === CARRIAGE_RETURN && at + 1 < to && buffer[at + 1] === LINE_FEED)
      record.next = at + 2
    else return false
    record.lines = lines
    return true
  }
}
