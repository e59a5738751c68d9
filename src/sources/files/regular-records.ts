import { CELL_BYTES, type Cells, DOUBLED_QUOTES } from './cells.js'
import type { RecordShape } from './csv-records.js'

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

/**
 * The quick way through records that are as they should be: right number of columns, quotes only around cells, a line end
 * after the last. It sees each byte once and makes no object. Whatever is otherwise (also blank lines, and a record that the
 * buffer cuts) is left to `findRecord`, whose answer is the same where both have one.
 * @param cells    in whose memory every buffer lies that the walk is given
 * @param shape    columns are known; a wanted cell of the division may not be longer than `maxWantedBytes`
 * @param columns  wanted columns, by position: their ranges are told in this order
 */
export function walkRegular(
  cells: Cells,
  shape: RecordShape & { readonly columns: number },
  columns: readonly number[],
  maxWantedBytes: number,
): WalkRegular {
  const { call } = cells
  const table = cells.reserve(shape.columns * CELL_BYTES)
  const wanted = Int32Array.from(columns, (column) => (table + column * CELL_BYTES) / 4)
  call.setLayout(shape.delimiter, shape.columns, 0, cells.reserve(shape.columns * 4))
  let words: Uint32Array = new Uint32Array(call.memory.buffer)

  return (buffer, from, to, record) => {
    const base = buffer.byteOffset
    if (call.walk(base + from, base + to, table) === 0) return false
    if (words.buffer !== buffer.buffer) words = new Uint32Array(buffer.buffer)
    const { ranges } = record
    for (let slot = 0; slot < wanted.length; slot++) {
      const at = wanted[slot] as number
      const start = words[at] as number
      const end = (words[at + 1] as number) & ~DOUBLED_QUOTES
      if (end - start > maxWantedBytes) return false
      ranges[2 * slot] = start - base
      ranges[2 * slot + 1] = end - base
    }
    record.start = from
    record.end = call.endOfRecord() - base
    record.next = call.nextRecord() - base
    record.lines = call.linesOfRecord()
    return true
  }
}
