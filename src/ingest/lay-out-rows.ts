import { closeSync, openSync, readSync } from 'node:fs'
import { WardbookError } from '../kernel/errors.js'
import { hashedOrder } from '../lake/duckdb/row-hash.js'
import { PAGE_HEADER_BYTES, PlainFile, type PlainPage, type PlainType } from '../lake/parquet/plain-file.js'
import { CELL_BYTES, Cells } from '../sources/files/cells.js'
import type { PlannedPart } from './plan-parts.js'
import type { Run } from './run-files.js'
import type { JobLayout } from './write-job.js'

/** Bytes for each row of a group, of text and of places of cells: longer rows, and those of more cells, come in smaller groups. */
const ROW_BYTES = 512
const MIN_BYTES = 64 * 1024
/** Rows of a group where nobody says: what the engine takes at a time. */
const GROUP_ROWS = 2_048
/** Rows whose cells are put into their columns before those of the next: their text stays in the processor's cache. */
const BATCH_ROWS = 256
/** What the machine keeps of a column: which cell, level bits, where its next cell goes. */
const COLUMN_BYTES = 12
/** What a hash needs behind its text: MD5's own padding, and what copies may write beyond their end. */
const HASH_ROOM_BYTES = 160
const LEVEL_BYTES = 16
const SLACK_BYTES = 64
const LINE_FEED = 0x0a

/**
 * Lays the rows of a part out by column, with the hash of each, in a plain Parquet file for the engine. Columns '0' and on are the table's own, in their
 * order, as text or null; then the row hash and the number of the page.
 * @param columns the publisher's columns of the table
 * @param groupRows most rows of a group
 * @returns rows, as they were counted here
 */
export function layOutRows(
  columns: readonly string[],
  layouts: readonly JobLayout[],
  { runs }: PlannedPart,
  file: string,
  groupRows = GROUP_ROWS,
): number {
  const types = [...columns.map((): PlainType => 'text'), 'long', 'integer'] satisfies PlainType[]
  const plain = new PlainFile(file, types)
  let rows = 0
  try {
    for (const run of runs)
      rows += layOutRun(columns, layouts[run.layout] as JobLayout, run, plain, groupRows)
    plain.finish()
  } catch (thrown) {
    plain.close()
    throw thrown
  }
  return rows
}

function layOutRun(
  columns: readonly string[],
  layout: JobLayout,
  run: Run,
  plain: PlainFile,
  groupRows: number,
): number {
  const cells = Cells.take()
  const descriptor = openSync(run.file, 'r')
  try {
    const columnist = new RowLayout(cells, columns, layout, run, plain, groupRows)
    return columnist.layOut(descriptor)
  } finally {
    closeSync(descriptor)
    cells.release()
  }
}

/** Works on the records of one run, group after group, in a fixed memory. */
class RowLayout {
  /** Cells of a record: the page's, and the number of the page. */
  private readonly width: number
  /** For each column of the table: which cell it is, or -1. */
  private readonly places: readonly number[]
  private readonly most: number
  private readonly room: number
  private readonly hashRoom: number
  private readonly input: number
  private readonly table: number
  private readonly order: number
  private readonly sizes: number
  private readonly columns: number
  /** Where the last column's room ends. */
  private end = 0
  private readonly scratch: number
  private readonly output: number

  constructor(
    private readonly cells: Cells,
    columns: readonly string[],
    private readonly layout: JobLayout,
    private readonly run: Run,
    private readonly plain: PlainFile,
    groupRows: number,
  ) {
    const bytes = Math.max(MIN_BYTES, groupRows * ROW_BYTES)
    const width = layout.columns.length + 1
    this.width = width
    this.places = columns.map((name) => layout.columns.indexOf(name))
    this.most = Math.min(groupRows, Math.max(1, Math.floor(bytes / CELL_BYTES / width)))
    this.room = Math.max(bytes, run.longest + 1)
    this.hashRoom = (run.longest + columns.length + HASH_ROOM_BYTES + 15) & ~15
    this.input = cells.reserve(this.room)
    this.table = cells.reserve(this.most * width * CELL_BYTES)
    this.order = cells.reserve(columns.length * 4)
    this.sizes = cells.reserve(4 * width)
    this.columns = cells.reserve(columns.length * COLUMN_BYTES)
    this.scratch = cells.reserve(4 * this.hashRoom)
    this.output = cells.reserve(this.outputBytes(columns.length + 2))
    const order = hashedOrder(columns).map((at) => this.places[at] as number)
    for (const [at, place] of order.entries()) cells.bytes.writeInt32LE(place, this.order + 4 * at)
  }

  /** @returns rows of the run */
  layOut(descriptor: number): number {
    const { cells, input, room, layout, width } = this
    cells.call.setLayout(layout.delimiter.charCodeAt(0), width, layout.emptyIsNull ? 1 : 0, this.sizes)
    let rows = 0
    let filled = 0
    let isHeader = true
    for (;;) {
      const read = readSync(descriptor, cells.bytes, input + filled, room - filled, null)
      filled += read
      const start = isHeader ? cells.bytes.indexOf(LINE_FEED, input) + 1 : input
      isHeader = false
      const { taken, rows: found } = this.takeRecords(start, input + filled)
      rows += found
      filled -= taken - input
      if (read === 0 && filled > 0) throw this.broken(rows)
      if (read === 0) return rows
      cells.bytes.copyWithin(input, taken, taken + filled)
    }
  }

  private takeRecords(from: number, to: number): { taken: number; rows: number } {
    const { call } = this.cells
    let taken = from
    let rows = 0
    for (let found = this.most; found === this.most; ) {
      this.cells.bytes.fill(0, this.sizes, this.sizes + 4 * this.width)
      found = call.walkAll(taken, to, this.table, this.most)
      taken = call.nextRecord()
      rows += found
      if (found > 0) this.putGroup(found)
    }
    return { taken, rows }
  }

  private putGroup(rows: number): void {
    const { cells, table, width, output, hashRoom, order, scratch, places } = this
    const { call } = cells
    const columns = places.map((place, at) => this.beginColumn(place, rows, at))
    const cellsEnd = this.end
    const hashes = cellsEnd + PAGE_HEADER_BYTES
    const numbers = hashes + 8 * rows + PAGE_HEADER_BYTES
    for (let from = 0; from < rows; from += BATCH_ROWS) {
      const to = Math.min(rows, from + BATCH_ROWS)
      call.putCells(table, from, to, this.columns, places.length)
      const first = table + from * width * CELL_BYTES
      call.putHashes(first, order, places.length, to - from, scratch, hashRoom, hashes + 8 * from)
    }
    const end = call.putNumbers(table, width - 1, rows, numbers)
    const pages = columns.map((data, at): PlainPage => {
      const cellsTo = cells.bytes.readUInt32LE(this.columns + at * COLUMN_BYTES + 8)
      return { data: data - output, bytes: cellsTo - data }
    })
    pages.push({ data: hashes - output, bytes: 8 * rows }, { data: numbers - output, bytes: 4 * rows })
    this.plain.add(rows, cells.bytes.subarray(output, end), pages)
  }

  /** Gives a column its room behind that of the last one. @returns where the data of its page begins */
  private beginColumn(place: number, rows: number, at: number): number {
    const { bytes, call } = this.cells
    const data = (at === 0 ? this.output : this.end) + PAGE_HEADER_BYTES
    const first = place < 0 ? call.putMissing(rows, data) : call.beginColumn(rows, data)
    const known = this.columns + at * COLUMN_BYTES
    bytes.writeInt32LE(place, known)
    bytes.writeUInt32LE(place < 0 ? 0 : call.levelBits(), known + 4)
    bytes.writeUInt32LE(first, known + 8)
    this.end = place < 0 ? first : first + 4 * rows + bytes.readUInt32LE(this.sizes + 4 * place)
    return data
  }

  /** What a group takes at most: its text, 4 bytes a cell and a bit for its level, the two numbers, and the headers. */
  private outputBytes(columns: number): number {
    const eachColumn = PAGE_HEADER_BYTES + LEVEL_BYTES + Math.ceil(this.most / 8)
    return this.room + this.most * (4 * this.width + 12) + columns * eachColumn + SLACK_BYTES
  }

  private broken(rows: number): WardbookError {
    const { file } = this.run
    const message = `a file of rows that were sorted out cannot be read again behind row ${rows}: ${file}`
    return new WardbookError('rows-unreadable', 'report-bug', message, { file, rows })
  }
}
