import { closeSync, openSync, readSync } from 'node:fs'
import { WardbookError } from '../kernel/errors.js'
import { hashedOrder } from '../lake/duckdb/row-hash.js'
import { PAGE_HEADER_BYTES, PlainFile, type PlainPage, type PlainType } from '../lake/parquet/plain-file.js'
import { CELL_BYTES, Cells } from '../sources/files/cells.js'
import type { PlannedPart } from './plan-parts.js'
import type { Run } from './run-files.js'
import type { JobLayout } from './write-job.js'

/** Bytes of a run that are looked at at a time, at least. */
const BLOCK_BYTES = 1024 * 1024
/** Bytes for the places of cells: more cells come in smaller groups. */
const TABLE_BYTES = 1024 * 1024
/** The engine takes so many rows at a time. */
const GROUP_ROWS = 2_048
/** What a hash needs behind its text: MD5's own padding, and what copies may write beyond their end. */
const HASH_ROOM_BYTES = 160
const LEVEL_BYTES = 16
const SLACK_BYTES = 64
const LINE_FEED = 0x0a

/**
 * Lays the rows of a part out by column, with the hash of each, in a plain Parquet file for the engine. Columns '0' and on are the table's own, in their
 * order, as text or null; then the row hash and the number of the page.
 * @param columns the publisher's columns of the table
 * @returns rows, as they were counted here
 */
export function layOutRows(
  columns: readonly string[],
  layouts: readonly JobLayout[],
  { runs }: PlannedPart,
  file: string,
): number {
  const types = [...columns.map((): PlainType => 'text'), 'long', 'integer'] satisfies PlainType[]
  const plain = new PlainFile(file, types)
  let rows = 0
  try {
    for (const run of runs) rows += layOutRun(columns, layouts[run.layout] as JobLayout, run, plain)
    plain.finish()
  } catch (thrown) {
    plain.close()
    throw thrown
  }
  return rows
}

function layOutRun(columns: readonly string[], layout: JobLayout, run: Run, plain: PlainFile): number {
  const cells = Cells.take()
  const descriptor = openSync(run.file, 'r')
  try {
    const columnist = new RowLayout(cells, columns, layout, run, plain)
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
  private readonly scratch: number
  private readonly output: number

  constructor(
    private readonly cells: Cells,
    columns: readonly string[],
    private readonly layout: JobLayout,
    private readonly run: Run,
    private readonly plain: PlainFile,
  ) {
    const width = layout.columns.length + 1
    this.width = width
    this.places = columns.map((name) => layout.columns.indexOf(name))
    this.most = Math.min(GROUP_ROWS, Math.max(1, Math.floor(TABLE_BYTES / CELL_BYTES / width)))
    this.room = Math.max(BLOCK_BYTES, run.longest + 1)
    this.hashRoom = (run.longest + columns.length + HASH_ROOM_BYTES + 15) & ~15
    this.input = cells.reserve(this.room)
    this.table = cells.reserve(this.most * width * CELL_BYTES)
    this.order = cells.reserve(columns.length * 4)
    this.scratch = cells.reserve(4 * this.hashRoom)
    this.output = cells.reserve(this.outputBytes(columns.length + 2))
    const order = hashedOrder(columns).map((at) => this.places[at] as number)
    for (const [at, place] of order.entries()) cells.bytes.writeInt32LE(place, this.order + 4 * at)
  }

  /** @returns rows of the run */
  layOut(descriptor: number): number {
    const { cells, input, room, layout, width } = this
    cells.call.setLayout(layout.delimiter.charCodeAt(0), width, layout.emptyIsNull ? 1 : 0)
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
      found = call.walkAll(taken, to, this.table, this.most)
      taken = call.nextRecord()
      rows += found
      if (found > 0) this.putGroup(found)
    }
    return { taken, rows }
  }

  private putGroup(rows: number): void {
    const { cells, table, width } = this
    const { call } = cells
    const pages: PlainPage[] = []
    let end = this.output
    const put = (write: (data: number) => number) => {
      const data = end + PAGE_HEADER_BYTES
      end = write(data)
      pages.push({ data: data - this.output, bytes: end - data })
    }
    for (const place of this.places)
      put((data) => (place < 0 ? call.putMissing(rows, data) : call.putColumn(table, place, rows, data)))
    put((data) =>
      call.putHashes(table, this.order, this.places.length, rows, this.scratch, this.hashRoom, data),
    )
    put((data) => call.putNumbers(table, width - 1, rows, data))
    this.plain.add(rows, cells.bytes.subarray(this.output, end), pages)
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
