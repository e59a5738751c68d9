import { readFileSync } from 'node:fs'

/** What wasm/cells.ts exports. Every address is a byte of `memory`. */
interface CellFunctions {
  readonly memory: WebAssembly.Memory
  setLayout(delimiter: number, columns: number, isEmptyNull: number, cellSizes: number): void
  walk(from: number, to: number, table: number): number
  walkAll(from: number, to: number, table: number, most: number): number
  endOfRecord(): number
  nextRecord(): number
  linesOfRecord(): number
  putCells(table: number, from: number, to: number, first: number, columns: number, count: number): number
  findBounds(column: number): void
  leastText(): number
  leastTextLength(): number
  greatestText(): number
  greatestTextLength(): number
  putNulls(column: number, rows: number, out: number): number
  putIds(column: number, rows: number, out: number): number
  putLengths(column: number, rows: number, scratch: number): number
  putDeltas(numbers: number, count: number, out: number): number
  putNumbers(table: number, column: number, rows: number, out: number): number
  sumSame(numbers: number, longs: number, rows: number): number
  sumOfLows(): bigint
  sumOfHighs(): bigint
  findLongs(longs: number, rows: number): void
  leastOfLongs(): bigint
  greatestOfLongs(): bigint
  putHashes(
    table: number,
    columns: number,
    count: number,
    rows: number,
    scratch: number,
    room: number,
    out: number,
  ): number
}

/** Bytes of a cell's two numbers in a table: where it begins, and where it ends with {@link DOUBLED_QUOTES}. */
export const CELL_BYTES = 8
/** In a cell's end: quotes inside of it are doubled. */
export const DOUBLED_QUOTES = 0x8000_0000

/** Where the machine has what it knows of a column of a row group, 32 bits each; wasm/cells.ts says what they mean. */
export const COLUMN_FIELDS = {
  place: 0,
  levels: 4,
  numbers: 8,
  values: 12,
  text: 16,
  textEnd: 20,
  slots: 24,
  slotMask: 28,
  entries: 32,
  distinct: 36,
  mostDistinct: 40,
} as const
export const COLUMN_BYTES = 44
/** In a column's number of values: its dictionary grew too large. */
export const GIVEN_UP = 0xffff_ffff

const PAGE_BYTES = 64 * 1024
/** What the machine may read or write beyond a region. */
const SLACK_BYTES = 64
/** The first page is the machine's own. */
const FIRST_ADDRESS = PAGE_BYTES
/** A machine that took more is left to the collector. */
const KEPT_BYTES = 32 * 1024 * 1024

const COMPILED = new URL('../../../dist/wasm/cells.wasm', import.meta.url)

let compiled: WebAssembly.Module | undefined
const free: Cells[] = []

/**
 * The part of reading text that sees every byte, compiled to WebAssembly (wasm/cells.ts, docs/adr/0008). It works on a memory of its own, in which its
 * user reserves regions; what lies there is reached through {@link bytes}.
 */
export class Cells {
  readonly call: CellFunctions
  private reserved = FIRST_ADDRESS
  private view: Buffer

  private constructor() {
    compiled ??= new WebAssembly.Module(readFileSync(COMPILED))
    this.call = new WebAssembly.Instance(compiled).exports as unknown as CellFunctions
    this.view = Buffer.from(this.call.memory.buffer)
  }

  /** A machine that nobody uses: a new one, or one that was given back. */
  static take(): Cells {
    return free.pop() ?? new Cells()
  }

  /** Gives the machine back, with all of its regions. */
  release(): void {
    this.reset()
    if (this.view.length <= KEPT_BYTES) free.push(this)
  }

  /** Gives all regions back. */
  reset(): void {
    this.reserved = FIRST_ADDRESS
  }

  /** Its memory. Reserving more makes a new view: ask again. */
  get bytes(): Buffer {
    if (this.view.buffer !== this.call.memory.buffer) this.view = Buffer.from(this.call.memory.buffer)
    return this.view
  }

  /** Address of a new region, a multiple of 8. It stays until the machine is released. */
  reserve(bytes: number): number {
    const address = this.reserved
    this.reserved = (address + bytes + SLACK_BYTES + 7) & ~7
    this.demand(this.reserved)
    return address
  }

  /** Memory up to this address at least: for a last region whose size is known late. */
  demand(end: number): void {
    const { memory } = this.call
    const missing = end + SLACK_BYTES - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
  }
}
