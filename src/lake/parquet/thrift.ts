const FIRST_BYTES = 128

/** Bytes of Thrift's compact protocol, as far as Parquet's own structures need it: 32 and 64-bit numbers, text, bytes, lists, structures. */
export class ThriftWriter {
  private room = Buffer.allocUnsafe(FIRST_BYTES)
  private length = 0
  private lastField = 0
  private readonly outer: number[] = []

  /** A whole number; 64 bits are written like 32. */
  number(field: number, value: number, bits: 32 | 64 = 32): this {
    this.header(field, bits === 32 ? TYPE.i32 : TYPE.i64)
    return this.zigzag(value)
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'))
  }

  bytes(field: number, value: Uint8Array): this {
    this.header(field, TYPE.binary)
    return this.binary(value)
  }

  numbers(field: number, values: readonly number[]): this {
    this.header(field, TYPE.list)
    this.listHeader(values.length, TYPE.i32)
    for (const value of values) this.zigzag(value)
    return this
  }

  texts(field: number, values: readonly string[]): this {
    this.header(field, TYPE.list)
    this.listHeader(values.length, TYPE.binary)
    for (const value of values) this.binary(Buffer.from(value, 'utf8'))
    return this
  }

  structure(field: number, write: (inner: this) => void): this {
    this.header(field, TYPE.struct)
    return this.members(write)
  }

  structures<Item>(field: number, items: readonly Item[], write: (inner: this, item: Item) => void): this {
    this.header(field, TYPE.list)
    this.listHeader(items.length, TYPE.struct)
    for (const item of items) this.members((inner) => write(inner, item))
    return this
  }

  /** Ends the outermost structure. */
  finish(): Buffer {
    this.put(0)
    return Buffer.from(this.room.subarray(0, this.length))
  }

  private members(write: (inner: this) => void): this {
    this.outer.push(this.lastField)
    this.lastField = 0
    write(this)
    this.put(0)
    this.lastField = this.outer.pop() ?? 0
    return this
  }

  /** Fields come in ascending order, at most 15 apart. */
  private header(field: number, type: number): void {
    this.put(((field - this.lastField) << 4) | type)
    this.lastField = field
  }

  private listHeader(length: number, type: number): void {
    if (length < 15) this.put((length << 4) | type)
    else {
      this.put(0xf0 | type)
      this.varint(length)
    }
  }

  private binary(value: Uint8Array): this {
    this.varint(value.length)
    this.makeRoom(value.length)
    this.room.set(value, this.length)
    this.length += value.length
    return this
  }

  /** @param value from 0 to 2^52 */
  private zigzag(value: number): this {
    this.varint(value * 2)
    return this
  }

  private varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.put((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.put(rest)
  }

  private put(byte: number): void {
    this.makeRoom(1)
    this.room[this.length++] = byte
  }

  private makeRoom(bytes: number): void {
    const needed = this.length + bytes
    if (needed <= this.room.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.room.length))
    larger.set(this.room.subarray(0, this.length))
    this.room = larger
  }
}

/** Numbers of the protocol's types. */
const TYPE = { i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const
