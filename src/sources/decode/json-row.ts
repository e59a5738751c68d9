import { WardbookError } from '../../kernel/errors.js'

/** Most columns that a page may have: more are a dictionary, not a table. */
export const MAX_COLUMNS = 4_096

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d

/** A column as rows carry it: a member of the row itself (group 0), or of its spread member number `group`. */
export interface RowColumn {
  readonly group: number
  readonly key: string
}

/** How a row carries its cells. */
export interface RowShape {
  readonly cells: 'object' | 'list'
  /** Names of the members whose members are columns. */
  readonly spread: readonly string[]
}

/**
 * Finds the cells of rows that are known to be JSON, and learns their columns on the way. After {@link read}, cell `i` is the bytes
 * `[starts[i], ends[i])` of the row; `ends[i]` is 0 where the row has no such member or JSON null.
 */
export class RowReader {
  readonly columns: RowColumn[] = []
  starts = new Int32Array(64)
  ends = new Int32Array(64)

  private readonly groups: GroupColumns[]
  private readonly spreadKeys: readonly Buffer[]
  private at = 0

  constructor(private readonly shape: RowShape) {
    this.groups = [new GroupColumns(), ...shape.spread.map(() => new GroupColumns())]
    this.spreadKeys = shape.spread.map((name) => Buffer.from(JSON.stringify(name)))
  }

  /**
   * Reads the row that begins at `from`. A key that comes twice counts with its last value, as in `JSON.parse`.
   * @returns false when the row is of another kind than the shape says
   * @throws WardbookError 'table-too-wide' (fix-source)
   */
  read(row: Uint8Array, from = 0): boolean {
    this.ends.fill(0, 0, this.columns.length)
    const { cells } = this.shape
    if (row[from] !== (cells === 'object' ? OPEN_OBJECT : OPEN_LIST)) return false
    if (cells === 'list') this.readList(row, from)
    else this.readObject(row, from, 0)
    return true
  }

  private readList(row: Uint8Array, from: number): void {
    this.at = skipBlanks(row, from + 1)
    for (let index = 0; row[this.at] !== CLOSE_LIST; index++) {
      if (index === this.columns.length) this.addColumn(0, `column ${index + 1}`)
      this.takeCell(row, index)
      this.passComma(row)
    }
  }

  private readObject(row: Uint8Array, from: number, group: number): void {
    const known = this.groups[group] as GroupColumns
    known.last = 0
    this.at = skipBlanks(row, from + 1)
    while (row[this.at] !== CLOSE_OBJECT) {
      const keyStart = this.at
      const keyEnd = endOfString(row, keyStart)
      this.at = skipBlanks(row, skipBlanks(row, keyEnd) + 1) // the colon lies between
      const spread = group === 0 ? this.spreadOf(row, keyStart, keyEnd) : 0
      if (spread > 0) this.readSpread(row, spread, keyStart, keyEnd)
      else this.takeCell(row, this.columnOf(known, row, keyStart, keyEnd, group))
      this.passComma(row)
    }
    this.at += 1
  }

  /** A spread member that is no object is a cell like any other. */
  private readSpread(row: Uint8Array, group: number, keyStart: number, keyEnd: number): void {
    for (const column of (this.groups[group] as GroupColumns).inOrder) this.ends[column.index] = 0
    if (row[this.at] === OPEN_OBJECT) this.readObject(row, this.at, group)
    else if (row[this.at] === 0x6e) this.at += 4
    else this.takeCell(row, this.columnOf(this.groups[0] as GroupColumns, row, keyStart, keyEnd, 0))
  }

  private spreadOf(row: Uint8Array, keyStart: number, keyEnd: number): number {
    for (let at = 0; at < this.spreadKeys.length; at++) {
      const name = this.spreadKeys[at] as Buffer
      if (name.length === keyEnd - keyStart && sameBytes(name, row, keyStart)) return at + 1
    }
    return 0
  }

  private takeCell(row: Uint8Array, column: number): void {
    const start = this.at
    const end = endOfValue(row, start)
    this.starts[column] = start
    this.ends[column] = row[start] === 0x6e ? 0 : end
    this.at = end
  }

  private passComma(row: Uint8Array): void {
    this.at = skipBlanks(row, this.at)
    if (row[this.at] === COMMA) this.at = skipBlanks(row, this.at + 1)
  }

  /** Rows mostly carry the same keys in the same order, some left out: what followed the last key before is tried first. */
  private columnOf(
    known: GroupColumns,
    row: Uint8Array,
    keyStart: number,
    keyEnd: number,
    group: number,
  ): number {
    const last = known.last
    const next = known.next[last] as number
    const other = known.other[last] as number
    let place: number
    if (next >= 0 && sameToken(known.inOrder[next] as KnownKey, row, keyStart, keyEnd)) place = next
    else {
      if (other >= 0 && sameToken(known.inOrder[other] as KnownKey, row, keyStart, keyEnd)) place = other
      else place = this.lookUp(known, row, keyStart, keyEnd, group)
      known.other[last] = next
      known.next[last] = place
    }
    known.last = place + 1
    return (known.inOrder[place] as KnownKey).index
  }

  private lookUp(
    known: GroupColumns,
    row: Uint8Array,
    keyStart: number,
    keyEnd: number,
    group: number,
  ): number {
    const token = Buffer.from(row.subarray(keyStart, keyEnd))
    const text = token.toString('latin1')
    let place = known.byToken.get(text)
    if (place === undefined) {
      place = this.learn(known, token, group)
      known.byToken.set(text, place)
    }
    return place
  }

  /** The place of a key that is new, at least in this spelling (`"a"` may also be sent as `"\u0061"`). */
  private learn(known: GroupColumns, token: Buffer, group: number): number {
    const key = JSON.parse(token.toString('utf8')) as string
    const place = known.byKey.get(key) ?? known.inOrder.length
    if (place === known.inOrder.length) {
      known.inOrder.push({ token, index: this.addColumn(group, key) })
      known.next.push(-1)
      known.other.push(-1)
      known.byKey.set(key, place)
    }
    return place
  }

  private addColumn(group: number, key: string): number {
    const index = this.columns.length
    if (index === MAX_COLUMNS) throw tooWide()
    this.columns.push({ group, key })
    if (index === this.starts.length) {
      this.starts = grown(this.starts)
      this.ends = grown(this.ends)
    }
    return index
  }
}

interface KnownKey {
  /** The key as sent, with its quotes. */
  readonly token: Buffer
  readonly index: number
}

class GroupColumns {
  /** Keys in first-seen order. */
  readonly inOrder: KnownKey[] = []
  /** Places in that order, by key and by token as sent (bytes as Latin-1). */
  readonly byKey = new Map<string, number>()
  readonly byToken = new Map<string, number>()
  /** By the key that came before (its place + 1; 0: none), the places of the two keys that followed last. */
  readonly next = [-1]
  readonly other = [-1]
  /** Place + 1 of the key that came last in this row. */
  last = 0
}

function grown(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(numbers.length * 2)
  longer.set(numbers)
  return longer
}

function tooWide(): WardbookError {
  const message = `more than ${MAX_COLUMNS} different members in the rows: this is no table`
  return new WardbookError('table-too-wide', 'fix-source', message, { maxColumns: MAX_COLUMNS })
}

function sameToken({ token }: KnownKey, row: Uint8Array, from: number, to: number): boolean {
  return token.length === to - from && sameBytes(token, row, from)
}

function sameBytes(token: Uint8Array, row: Uint8Array, from: number): boolean {
  for (let at = 0; at < token.length; at++) if (token[at] !== row[from + at]) return false
  return true
}

function skipBlanks(row: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    const byte = row[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at += 1
  }
}

/** The byte behind the closing quote of the string that begins at `from`. */
function endOfString(row: Uint8Array, from: number): number {
  let at = from + 1
  for (;;) {
    const byte = row[at]
    if (byte === QUOTE) return at + 1
    at += byte === BACKSLASH ? 2 : 1
  }
}

/** The byte behind the value that begins at `from`. */
function endOfValue(row: Uint8Array, from: number): number {
  const first = row[from]
  if (first === QUOTE) return endOfString(row, from)
  if (first === OPEN_OBJECT || first === OPEN_LIST) return endOfContainer(row, from)
  let at = from + 1
  for (;;) {
    const byte = row[at] as number
    if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST || byte <= 0x20) return at
    at += 1
  }
}

function endOfContainer(row: Uint8Array, from: number): number {
  let depth = 0
  let at = from
  for (;;) {
    const byte = row[at]
    if (byte === QUOTE) at = endOfString(row, at)
    else {
      at += 1
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        depth -= 1
        if (depth === 0) return at
      }
    }
  }
}
