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
  beginColumn(rows: number, out: number): number
  levelBits(): number
  putCells(table: number, from: number, to: number, columns: number, count: number): void
  putMissing(rows: number, out: number): number
  putNumbers(table: number, column: number, rows: number, out: number): number
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
    this.reserved = FIRST_ADDRESS
    if (this.view.length <= KEPT_BYTES) free.push(this)
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
    const { memory } = this.call
    const missing = this.reserved - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
    return address
  }
}
