import { type Bounds, type Chunk, ENCODING } from '../lake/parquet/parquet-file.js'
import { type Cells, COLUMN_BYTES, COLUMN_FIELDS as FIELD, GIVEN_UP } from '../sources/files/cells.js'
import type { PartTotals } from './part-totals.js'

/** A dictionary holds at most one value for so many rows of its group. */
const ROWS_PER_VALUE = 5
const LEAST_DICTIONARY = 16
/** Bytes that may be written beyond a column's own. */
const SLACK_BYTES = 32

/** Where a group has what is not text. */
export interface GroupRegions {
  readonly hashes: number
  readonly numbers: number
  readonly scratch: number
}

/** The columns of one row group while they are filled, and then as chunks. */
export class RowGroup {
  /** @param states where the machine keeps what it knows of each column */
  constructor(
    private readonly cells: Cells,
    private readonly columns: number,
    private readonly rows: number,
    private readonly states: number,
  ) {}

  state(column: number): number {
    return this.states + column * COLUMN_BYTES
  }

  /**
   * Gives all columns their room, one behind the other.
   * @param textBytes of each column
   */
  layOut(from: number, textBytes: readonly number[], isNullable: (column: number) => boolean): GroupRegions {
    const { rows } = this
    const most = Math.max(LEAST_DICTIONARY, Math.floor(rows / ROWS_PER_VALUE))
    const slots = powerOfTwo(2 * most)
    let at = from
    const take = (bytes: number): number => {
      const address = at
      at = (at + bytes + SLACK_BYTES + 7) & ~7
      return address
    }
    const zeros: [from: number, to: number][] = []
    const takeZeros = (bytes: number): number => {
      const address = take(bytes)
      zeros.push([address, address + bytes])
      return address
    }
    const fields: (readonly [column: number, fields: readonly number[]])[] = []
    for (const [column, bytes] of textBytes.entries()) {
      const levels = isNullable(column) ? takeZeros(Math.ceil(rows / 8)) : 0
      const table = takeZeros(8 * slots)
      const entries = take(4 * most)
      const numbers = take(pageRoom(rows)) // a page without a dictionary is put there in the end, up to the text
      const text = at
      take(bytes + 4 * most)
      fields.push([column, [-1, levels, numbers, 0, text, text, table, slots - 1, entries, 0, most]])
    }
    const hashes = take(8 * rows)
    const numbers = take(4 * rows)
    const scratch = take(pageRoom(rows))
    this.cells.demand(at)
    for (const [start, end] of zeros) this.cells.bytes.fill(0, start, end)
    for (const [column, values] of fields)
      for (const [field, value] of values.entries()) this.set(column, 4 * field, value)
    return { hashes, numbers, scratch }
  }

  setPlaces(places: readonly number[]): void {
    for (const [column, place] of places.entries()) this.setPlace(column, place)
  }

  setPlace(column: number, place: number): void {
    this.set(column, FIELD.place, place)
  }

  /** Columns whose dictionary grew too large. */
  givenUp(): number[] {
    return [...Array(this.columns).keys()].filter((column) => this.get(column, FIELD.values) === GIVEN_UP)
  }

  /** The column begins again without a dictionary. */
  dropDictionary(column: number): void {
    this.set(column, FIELD.values, 0)
    this.set(column, FIELD.slots, 0)
    this.set(column, FIELD.textEnd, this.get(column, FIELD.text))
  }

  /** Encodes one column after the other. */
  *chunks(regions: GroupRegions, totals: PartTotals): Generator<Chunk> {
    for (let column = 0; column < this.columns; column++) {
      const chunk = this.textChunk(column, regions.scratch)
      totals.addText(column, chunk)
      yield chunk
    }
    const hashes = this.hashChunk(regions)
    totals.addNumbers(this.columns, hashes)
    yield hashes
    this.addPages(regions, totals)
    const numbers = this.numberChunk(regions)
    totals.addNumbers(this.columns + 1, numbers)
    yield numbers
  }

  private textChunk(column: number, scratch: number): Chunk {
    const { rows } = this
    const { call } = this.cells
    const state = this.state(column)
    const values = this.get(column, FIELD.values)
    const nulls = rows - values
    if (values === 0) {
      const bytes = this.slice(scratch, call.putNulls(state, rows, scratch))
      return { data: { bytes, encoding: ENCODING.plain, values: rows }, nulls, isCompressed: true }
    }
    const bounds = this.textBounds(column)
    const text = this.get(column, FIELD.text)
    const textEnd = this.get(column, FIELD.textEnd)
    if (this.get(column, FIELD.slots) === 0) {
      const bytes = this.slice(call.putLengths(state, rows, scratch), textEnd)
      const data = { bytes, encoding: ENCODING.deltaLengths, values: rows }
      return { data, nulls, bounds, isCompressed: true }
    }
    const distinct = this.get(column, FIELD.distinct)
    const dictionary = { bytes: this.slice(text, textEnd), encoding: ENCODING.plain, values: distinct }
    const ids = this.slice(scratch, call.putIds(state, rows, scratch))
    const data = { bytes: ids, encoding: ENCODING.dictionary, values: rows }
    return { dictionary, data, nulls, bounds, isCompressed: true }
  }

  private textBounds(column: number): Bounds {
    const { call } = this.cells
    call.findBounds(this.state(column))
    const copy = (at: number, length: number) => Buffer.from(this.slice(at, at + length))
    return {
      least: copy(call.leastText(), call.leastTextLength()),
      greatest: copy(call.greatestText(), call.greatestTextLength()),
    }
  }

  /** Nothing compresses a hash. */
  private hashChunk({ hashes }: GroupRegions): Chunk {
    const { rows } = this
    const { call } = this.cells
    call.findLongs(hashes, rows)
    const bounds = { least: longBytes(call.leastOfLongs()), greatest: longBytes(call.greatestOfLongs()) }
    const bytes = this.slice(hashes, hashes + 8 * rows)
    const data = { bytes, encoding: ENCODING.plain, values: rows }
    return { data, nulls: 0, bounds, isCompressed: false }
  }

  private addPages({ numbers, hashes }: GroupRegions, totals: PartTotals): void {
    const { call, bytes } = this.cells
    for (let row = 0; row < this.rows; ) {
      const found = call.sumSame(numbers + 4 * row, hashes + 8 * row, this.rows - row)
      const sum = (BigInt.asUintN(64, call.sumOfHighs()) << 32n) + BigInt.asUintN(64, call.sumOfLows())
      totals.addPage(bytes.readInt32LE(numbers + 4 * row), found, sum)
      row += found
    }
  }

  private numberChunk({ numbers, scratch }: GroupRegions): Chunk {
    const { rows } = this
    const { call, bytes } = this.cells
    let [least, greatest] = [0x7fff_ffff, 0]
    for (let row = 0; row < rows; row++) {
      const number = bytes.readInt32LE(numbers + 4 * row)
      if (number < least) least = number
      if (number > greatest) greatest = number
    }
    const data = {
      bytes: this.slice(scratch, call.putDeltas(numbers, rows, scratch)),
      encoding: ENCODING.deltas,
      values: rows,
    }
    const bounds = { least: integerBytes(least), greatest: integerBytes(greatest) }
    return { data, nulls: 0, bounds, isCompressed: true }
  }

  private slice(from: number, to: number): Buffer {
    return this.cells.bytes.subarray(from, to)
  }

  private get(column: number, field: number): number {
    return this.cells.bytes.readUInt32LE(this.state(column) + field)
  }

  private set(column: number, field: number, value: number): void {
    this.cells.bytes.writeInt32LE(value | 0, this.state(column) + field)
  }
}

/** What levels and numbers of a page take at most when they are packed; at least 4 bytes a row. */
function pageRoom(rows: number): number {
  const blocks = Math.ceil(rows / 128) + 1
  return blocks * (4 * 128 + 16) + Math.ceil(rows / 2) + 64
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least))
}

function longBytes(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(value)
  return bytes
}

function integerBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
