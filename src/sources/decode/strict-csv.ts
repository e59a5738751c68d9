const QUOTE = 0x22
const BACKSLASH = 0x5c
const LINE_FEED = 0x0a

/** Bytes collected before a block is handed on. */
const BLOCK_BYTES = 256 * 1024

/** Collects records of strict CSV in blocks: comma, line feed, cells with a value in quotes, a null as an empty cell without quotes. */
export class StrictCsvWriter {
  private block = Buffer.allocUnsafe(BLOCK_BYTES)
  private length = 0
  private cells = 0
  private recordStart = 0
  private readonly delimiter: number

  /** @param delimiter one ASCII character, default comma */
  constructor(delimiter = ',') {
    this.delimiter = delimiter.charCodeAt(0)
  }

  /** Bytes of the record so far. */
  get recordBytes(): number {
    return this.length - this.recordStart
  }

  /** A cell of text. */
  text(value: string): void {
    this.startCell(2 + 2 * value.length * 3)
    this.block[this.length++] = QUOTE
    this.length += this.block.write(value.includes('"') ? value.replaceAll('"', '""') : value, this.length)
    this.block[this.length++] = QUOTE
  }

  /** A cell whose bytes `[from, to)` are UTF-8 and have no quote among them. */
  plain(bytes: Uint8Array, from: number, to: number): void {
    this.startCell(2 + to - from)
    this.block[this.length++] = QUOTE
    this.copy(bytes, from, to)
    this.block[this.length++] = QUOTE
  }

  /**
   * A cell that is already written, as JSON text without escapes is: bytes in quotes, with no quote among them.
   * @returns false, with nothing written, when there is an escape
   */
  token(bytes: Uint8Array, from: number, to: number): boolean {
    const begun = this.length
    this.startCell(to - from)
    const { block } = this
    let at = this.length
    for (let position = from; position < to; position++) {
      const byte = bytes[position] as number
      if (byte === BACKSLASH) {
        this.length = begun
        this.cells -= 1
        return false
      }
      block[at++] = byte
    }
    this.length = at
    return true
  }

  /** A cell whose bytes are UTF-8 and may have quotes, which are doubled. */
  bytes(bytes: Uint8Array, from: number, to: number): void {
    this.startCell(2 + 2 * (to - from))
    const { block } = this
    let at = this.length
    block[at++] = QUOTE
    for (let position = from; position < to; position++) {
      const byte = bytes[position] as number
      block[at++] = byte
      if (byte === QUOTE) block[at++] = QUOTE
    }
    block[at++] = QUOTE
    this.length = at
  }

  /** A cell as it stands in a record with the same delimiter. */
  raw(bytes: Uint8Array, from: number, to: number): void {
    this.startCell(to - from)
    this.copy(bytes, from, to)
  }

  /** A cell without a value. */
  none(): void {
    this.startCell(0)
  }

  /** Ends the record. A record of one cell without a value is written as an empty text, as an empty line is no record. */
  endRecord(): void {
    this.room(3)
    if (this.cells === 1 && this.length === this.recordStart) {
      this.block[this.length++] = QUOTE
      this.block[this.length++] = QUOTE
    }
    this.block[this.length++] = LINE_FEED
    this.cells = 0
    this.recordStart = this.length
  }

  /** The collected records when there are enough of them, or when `all` is asked for; the writer goes on with a new block. */
  flush(all = false): Buffer | undefined {
    if (this.length === 0 || (!all && this.length < BLOCK_BYTES / 2)) return undefined
    const full = this.block.subarray(0, this.length)
    this.block = Buffer.allocUnsafe(BLOCK_BYTES)
    this.length = 0
    this.recordStart = 0
    return full
  }

  private startCell(bytes: number): void {
    this.room(bytes + 1)
    if (this.cells > 0) this.block[this.length++] = this.delimiter
    this.cells += 1
  }

  private copy(bytes: Uint8Array, from: number, to: number): void {
    const { block } = this
    let at = this.length
    for (let position = from; position < to; position++) block[at++] = bytes[position] as number
    this.length = at
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.block.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.block.length * 2, this.length + bytes))
    this.block.copy(grown, 0, 0, this.length)
    this.block = grown
  }
}
