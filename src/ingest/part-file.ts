import { closeSync, openSync, readSync } from 'node:fs'
import { type Column, RAW_COLUMNS } from '../contracts/columns.js'
import { WardbookError } from '../kernel/errors.js'
import { hashedOrder } from '../lake/duckdb/row-hash.js'
import { type ParquetColumn, ParquetFile } from '../lake/parquet/parquet-file.js'
import { CELL_BYTES, Cells, COLUMN_BYTES } from '../sources/files/cells.js'
import { PartTotals, type WrittenPart } from './part-totals.js'
import type { PlannedPart } from './plan-parts.js'
import { type GroupRegions, RowGroup } from './row-group.js'
import type { Run } from './run-files.js'
import type { JobLayout } from './write-job.js'

/** Rows of a row group, and bytes of text that it holds at most: wide rows come in smaller groups. */
export const GROUP_ROWS = 32_768
const GROUP_BYTES = 16 * 1024 * 1024
/** Bytes of a group's table of cells: rows of very many cells come in smaller groups, too. */
const TABLE_BYTES = 16 * 1024 * 1024
const MIN_INPUT_BYTES = 64 * 1024
/** Bytes that are read at a time: what is walked over is in the processor's cache still. */
const READ_BYTES = 256 * 1024
/** Rows whose cells are put into their columns before those of the next: their text stays in the cache. */
const BATCH_ROWS = 256
/** What a hash needs behind its text: MD5's own padding, and what copies may write beyond their end. */
const HASH_ROOM_BYTES = 160
const LINE_FEED = 0x0a

/**
 * Writes parts as Parquet files, one after the other, in a memory that goes by a row group and not by a part: rows are read from their runs, each is
 * hashed, its cells go into their columns, and each column is encoded and compressed. Same rows, same bytes.
 */
export class PartFiles {
  private readonly cells = Cells.take()
  private readonly stored: readonly Column[]

  /**
   * @param columns the publisher's columns of the table; the files have the row hash and the page behind them
   * @param level   of zstd
   */
  constructor(
    private readonly columns: readonly string[],
    private readonly layouts: readonly JobLayout[],
    private readonly level: number,
  ) {
    this.stored = [...columns.map((name): Column => ({ name, type: 'string' })), ...RAW_COLUMNS]
  }

  /** Writes a part's rows. @returns what was found in its runs */
  async write({ runs, bytes }: PlannedPart, file: string): Promise<WrittenPart> {
    this.cells.reset()
    const parquet = new ParquetFile(file, this.stored.map(parquetColumn), this.level)
    try {
      const writer = new PartWriter(this.cells, this.columns, this.layouts, { runs, bytes }, parquet)
      for (const run of runs) await writer.takeRun(run)
      const written = writer.finish()
      parquet.finish()
      return written
    } catch (thrown) {
      parquet.close()
      throw thrown
    }
  }

  /** Gives the memory back. */
  close(): void {
    this.cells.release()
  }
}

function parquetColumn({ name, type }: Column): ParquetColumn {
  if (type === 'integer' || type === 'long') return { name, type }
  return { name, type: 'text' }
}

/** Where a layout has the table's columns. */
interface Places {
  readonly layout: JobLayout
  /** Cells of a record: the page's, and the number of the page. */
  readonly width: number
  /** For each column of the table: which cell it is, or -1. */
  readonly cells: readonly number[]
  /** The same in the order in which they are hashed. */
  readonly hashed: readonly number[]
}

/** Records of one run in a group. */
interface Segment {
  readonly places: Places
  /** Where its table of cells begins. */
  readonly table: number
  /** Number of its first row in the group. */
  readonly first: number
  rows: number
}

/** Gathers the records of a part's runs in groups, and writes each group when it is full. */
class PartWriter {
  private readonly places: readonly Places[]
  private readonly input: number
  private readonly room: number
  private readonly table: number
  private readonly tableEnd: number
  private readonly order: number
  private readonly sizes: number
  private readonly states: number
  private readonly scratch: number
  private readonly hashRoom: number
  private readonly output: number

  private segments: Segment[] = []
  /** Bytes of text of each column in the group. */
  private textBytes: number[]
  private rows = 0
  private tableAt: number
  /** The input up to here is in the table of cells, and up to there it was read. */
  private walked: number
  private filled: number

  private readonly totals: PartTotals

  constructor(
    private readonly cells: Cells,
    private readonly columns: readonly string[],
    layouts: readonly JobLayout[],
    { runs, bytes }: { runs: readonly Run[]; bytes: number },
    private readonly parquet: ParquetFile,
  ) {
    const order = hashedOrder(columns)
    this.places = layouts.map((layout) => placesOf(layout, columns, order))
    const width = Math.max(...this.places.map((places) => places.width))
    const longest = Math.max(0, ...runs.map((run) => run.longest))
    const headerBytes = 8 * width
    this.room = Math.max(longest + 2, headerBytes, Math.min(GROUP_BYTES, bytes + MIN_INPUT_BYTES))
    this.hashRoom = (longest + columns.length + HASH_ROOM_BYTES + 15) & ~15
    const tableBytes = Math.max(width * CELL_BYTES, Math.min(TABLE_BYTES, GROUP_ROWS * width * CELL_BYTES))
    this.order = cells.reserve(4 * columns.length)
    this.sizes = cells.reserve(4 * width)
    this.states = cells.reserve(COLUMN_BYTES * columns.length)
    this.scratch = cells.reserve(4 * this.hashRoom)
    this.input = cells.reserve(this.room)
    this.table = cells.reserve(tableBytes)
    this.tableEnd = this.table + tableBytes
    this.output = cells.reserve(0)
    this.textBytes = columns.map(() => 0)
    this.tableAt = this.table
    this.walked = this.input
    this.filled = this.input
    this.totals = new PartTotals(columns.length)
  }

  async takeRun(run: Run): Promise<void> {
    const descriptor = openSync(run.file, 'r')
    try {
      await this.readRun(run, descriptor)
    } finally {
      closeSync(descriptor)
    }
  }

  /** Writes what is left. */
  finish(): WrittenPart {
    if (this.rows > 0) this.putGroup()
    return this.totals.written()
  }

  private async readRun(run: Run, descriptor: number): Promise<void> {
    const { cells, input, room } = this
    const places = this.places[run.layout] as Places
    let isHeader = true
    for (;;) {
      if (this.filled === input + room) this.makeRoom(run)
      const most = Math.min(READ_BYTES, input + room - this.filled)
      const read = readSync(descriptor, cells.bytes, this.filled, most, null)
      this.filled += read
      if (isHeader) {
        const end = cells.bytes.subarray(this.walked, this.filled).indexOf(LINE_FEED)
        if (end >= 0) {
          this.walked += end + 1
          isHeader = false
        }
      }
      if (!isHeader) this.walk(places)
      await this.parquet.collect()
      if (read > 0) continue
      if (this.walked < this.filled) throw broken(run)
      return
    }
  }

  /** Finds the cells of all records that are whole. */
  private walk(places: Places): void {
    const { cells, sizes } = this
    const stride = places.width * CELL_BYTES
    for (;;) {
      const most = Math.min(GROUP_ROWS - this.rows, Math.floor((this.tableEnd - this.tableAt) / stride))
      if (most === 0) {
        this.putGroup()
        continue
      }
      this.use(places)
      cells.bytes.fill(0, sizes, sizes + 4 * places.width)
      const found = cells.call.walkAll(this.walked, this.filled, this.tableAt, most)
      this.walked = cells.call.nextRecord()
      if (found > 0) this.note(places, found)
      if (found < most) return
    }
  }

  private use({ layout, width }: Places): void {
    const { delimiter, emptyIsNull } = layout
    this.cells.call.setLayout(delimiter.charCodeAt(0), width, emptyIsNull ? 1 : 0, this.sizes)
  }

  private note(places: Places, found: number): void {
    const { bytes } = this.cells
    for (const [at, place] of places.cells.entries())
      if (place >= 0)
        this.textBytes[at] = (this.textBytes[at] as number) + bytes.readUInt32LE(this.sizes + 4 * place)
    const last = this.segments.at(-1)
    if (last?.places === places) last.rows += found
    else this.segments.push({ places, table: this.tableAt, first: this.rows, rows: found })
    this.rows += found
    this.tableAt += found * places.width * CELL_BYTES
  }

  /** The input is full: its rows are written, the record that is not whole goes to the front. */
  private makeRoom(run: Run): void {
    if (this.rows === 0 && this.walked === this.input) throw broken(run)
    if (this.rows > 0) this.putGroup()
    else this.dropWalked()
  }

  private dropWalked(): void {
    this.cells.bytes.copyWithin(this.input, this.walked, this.filled)
    this.filled -= this.walked - this.input
    this.walked = this.input
  }

  private putGroup(): void {
    const { rows, segments } = this
    const group = new RowGroup(this.cells, this.columns.length, rows, this.states)
    const regions = group.layOut(this.output, this.textBytes, (column) =>
      segments.some(({ places }) => places.layout.emptyIsNull || places.cells[column] === -1),
    )
    for (const segment of segments) this.putSegment(group, segment, regions)
    this.parquet.add(rows, group.chunks(regions, this.totals))
    this.totals.rows += rows
    this.segments = []
    this.textBytes = this.columns.map(() => 0)
    this.rows = 0
    this.tableAt = this.table
    this.dropWalked()
  }

  private putSegment(group: RowGroup, segment: Segment, { hashes, numbers }: GroupRegions): void {
    const { cells, order, scratch, hashRoom } = this
    const { places, table, first, rows } = segment
    const { call, bytes } = cells
    const count = this.columns.length
    this.use(places)
    for (const [at, place] of places.hashed.entries()) bytes.writeInt32LE(place, order + 4 * at)
    group.setPlaces(places.cells)
    for (let from = 0; from < rows; from += BATCH_ROWS) {
      const to = Math.min(rows, from + BATCH_ROWS)
      const givenUp = call.putCells(table, from, to, first, this.states, count)
      if (givenUp > 0) this.beginAgain(group, segment, to)
      const row = table + from * places.width * CELL_BYTES
      call.putHashes(row, order, count, to - from, scratch, hashRoom, hashes + 8 * (first + from))
    }
    call.putNumbers(table, places.width - 1, rows, numbers + 4 * first)
  }

  /** Puts columns whose dictionary was given up once more from the group's first row on, up to row `to` of a segment. */
  private beginAgain(group: RowGroup, last: Segment, to: number): void {
    for (const column of group.givenUp()) {
      group.dropDictionary(column)
      for (const segment of this.segments) {
        this.use(segment.places)
        const place = segment.places.cells[column] as number
        group.setPlace(column, place)
        const rows = segment === last ? to : segment.rows
        this.cells.call.putCells(segment.table, 0, rows, segment.first, group.state(column), 1)
        if (segment === last) break
      }
    }
    this.use(last.places)
  }
}

function placesOf(layout: JobLayout, columns: readonly string[], order: readonly number[]): Places {
  const cells = columns.map((name) => layout.columns.indexOf(name))
  return { layout, width: layout.columns.length + 1, cells, hashed: order.map((at) => cells[at] as number) }
}

function broken({ file, rows }: Run): WardbookError {
  const message = `a file of ${rows} rows that were sorted out cannot be read again: ${file}`
  return new WardbookError('rows-unreadable', 'report-bug', message, { file, rows })
}
