// The bytes of delimited text, as fast as the processor can: records and their cells are found 16 bytes at a time, rows are hashed, and columns are
// encoded as Parquet's pages (https://parquet.apache.org/docs/file-format/data-pages/encodings/). Compiled by AssemblyScript to dist/wasm/cells.wasm; src/sources/files/cells.ts is its only caller and says what
// each function means. Memory is the caller's: it gives every address, and 16 bytes beyond each region may be read or written.

const QUOTE: u8 = 0x22
const LINE_FEED: u8 = 0x0a
const CARRIAGE_RETURN: u8 = 0x0d
const UNIT_SEPARATOR: u8 = 0x1f

/** In the end of a cell: its quotes are doubled somewhere, so that it cannot be copied as it is. */
const DOUBLED: u32 = 0x8000_0000
/** A cell of the table: where it begins and where it ends, quotes included. */
const CELL_BYTES: usize = 8

let separator: u8 = 0x2c
let width: i32 = 0
let emptyIsNull: bool = false
let sizes: usize = 0

let recordEnd: usize = 0
let recordNext: usize = 0
let recordLines: i32 = 0

/** @param cellSizes 32 bits for each cell of a record, to which the length of each that is found is added, quotes included */
export function setLayout(delimiter: i32, columns: i32, isEmptyNull: i32, cellSizes: usize): void {
  separator = delimiter as u8
  width = columns
  emptyIsNull = isEmptyNull != 0
  sizes = cellSizes
}

export function endOfRecord(): usize {
  return recordEnd
}

export function nextRecord(): usize {
  return recordNext
}

export function linesOfRecord(): i32 {
  return recordLines
}

/** First separator, quote or line end at or behind `at`; `to` or more when there is none before `to`. */
function stopFrom(at: usize, to: usize): usize {
  const separators = i8x16.splat(separator)
  const quotes = i8x16.splat(QUOTE)
  const feeds = i8x16.splat(LINE_FEED)
  const returns = i8x16.splat(CARRIAGE_RETURN)
  while (at < to) {
    const bytes = v128.load(at)
    const stops = i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(bytes, separators), i8x16.eq(bytes, quotes)),
        v128.or(i8x16.eq(bytes, feeds), i8x16.eq(bytes, returns)),
      ),
    )
    if (stops != 0) return at + ctz(stops)
    at += 16
  }
  return at
}

/** First quote at or behind `at`, or `to` and more; counts the line feeds before it. */
function quoteFrom(at: usize, to: usize): usize {
  const quotes = i8x16.splat(QUOTE)
  const feeds = i8x16.splat(LINE_FEED)
  while (at < to) {
    const bytes = v128.load(at)
    const found = i8x16.bitmask(i8x16.eq(bytes, quotes))
    const lines = i8x16.bitmask(i8x16.eq(bytes, feeds))
    if (found != 0) {
      const place = ctz(found)
      recordLines += popcnt(lines & ((1 << place) - 1))
      return at + place
    }
    recordLines += popcnt(lines)
    at += 16
  }
  return at
}

/** Finds the cells of one record and puts them at `table`. Returns 1, or 0 when the record is not as it should be or not whole. */
export function walk(from: usize, to: usize, table: usize): i32 {
  let at = from
  recordLines = 1
  for (let column = 0; column < width; column++) {
    const start = at
    let flag: u32 = 0
    if (at < to && load<u8>(at) == QUOTE) {
      at += 1
      for (;;) {
        at = quoteFrom(at, to)
        if (at + 1 >= to) return 0
        if (load<u8>(at + 1) != QUOTE) break
        flag = DOUBLED
        at += 2
      }
      at += 1
    } else {
      at = stopFrom(at, to)
    }
    if (at >= to) return 0
    store<u32>(table, start as u32)
    store<u32>(table + 4, (at as u32) | flag)
    table += CELL_BYTES
    const size = sizes + (column as usize) * 4
    store<u32>(size, load<u32>(size) + ((at - start) as u32))
    if (column < width - 1) {
      if (load<u8>(at) != separator) return 0
      at += 1
    }
  }
  if (at == from) return 0
  recordEnd = at
  const last = load<u8>(at)
  if (last == LINE_FEED) recordNext = at + 1
  else if (last == CARRIAGE_RETURN && at + 1 < to && load<u8>(at + 1) == LINE_FEED) recordNext = at + 2
  else return 0
  return 1
}

/** Walks over records until one is not whole or `most` are found; returns how many. `nextRecord` tells where the rest begins. */
export function walkAll(from: usize, to: usize, table: usize, most: i32): i32 {
  let found = 0
  const stride = (width as usize) * CELL_BYTES
  while (found < most && walk(from, to, table)) {
    found += 1
    from = recordNext
    table += stride
  }
  recordNext = from
  return found
}

/** Copies a cell's text without its quotes; returns where it ends. */
function copyCell(start: usize, end: u32, out: usize): usize {
  let to = (end & ~DOUBLED) as usize
  if (start < to && load<u8>(start) == QUOTE) {
    start += 1
    to -= 1
  }
  if (end & DOUBLED) {
    while (start < to) {
      const byte = load<u8>(start)
      store<u8>(out, byte)
      out += 1
      start += byte == QUOTE ? 2 : 1
    }
    return out
  }
  const length = to - start
  for (let at: usize = 0; at < length; at += 16) v128.store(out + at, v128.load(start + at))
  return out + length
}

function putVarint(value: u32, out: usize): usize {
  while (value >= 0x80) {
    store<u8>(out, (value | 0x80) as u8)
    out += 1
    value >>= 7
  }
  store<u8>(out, value as u8)
  return out + 1
}

// A column of a row group while its cells are put: 32-bit fields at these places. The caller sets all of them when a group begins.

/** Which cell of a record it is, or -1: null. */
const PLACE: usize = 0
/** A bit for each row, set where it is not null; or 0, where none can be null. */
const LEVELS: usize = 4
/** 32 bits for each value that is not null: its number in the dictionary, or its length. */
const NUMBERS: usize = 8
const VALUES: usize = 12
/** Its text: in a dictionary each value once, behind its length in 32 bits; else all values, one after the other. */
const TEXT: usize = 16
const TEXT_END: usize = 20
/** Hash table of the dictionary: 64 bits a slot, the hash above, below the value's number and 1. Or 0: no dictionary. */
const SLOTS: usize = 24
const SLOT_MASK: usize = 28
/** Where in the text each value of the dictionary is. */
const ENTRIES: usize = 32
const DISTINCT: usize = 36
/** Values that the dictionary may have. */
const MOST_DISTINCT: usize = 40
const COLUMN_BYTES: usize = 44

/** In a column's number of values: its dictionary grew too large; it is to begin again without one. */
const GIVEN_UP: u32 = 0xffff_ffff
/** Values after which a dictionary is given up early when most of them were new. */
const SAMPLE: u32 = 1_024

/**
 * Puts the cells of rows `from` to `to` of a table into their columns. What is near in the text is put together.
 * @param first number of the table's first row in its group
 * @returns columns whose dictionary was given up
 */
export function putCells(table: usize, from: i32, to: i32, first: i32, columns: usize, count: i32): i32 {
  table += (from as usize) * (width as usize) * CELL_BYTES
  let givenUp = 0
  for (let column = 0; column < count; column++, columns += COLUMN_BYTES) {
    const place = load<i32>(columns, PLACE)
    if (place < 0) continue
    const cell = table + (place as usize) * CELL_BYTES
    if (load<u32>(columns, SLOTS) == 0) copyCells(cell, first + from, first + to, columns)
    else if (!internCells(cell, first + from, first + to, columns)) {
      store<u32>(columns, GIVEN_UP, VALUES)
      givenUp += 1
    }
  }
  return givenUp
}

@inline function setLevel(levels: u32, row: i32): void {
  const level = (levels as usize) + ((row as usize) >> 3)
  store<u8>(level, load<u8>(level) | ((1 as u8) << ((row & 7) as u8)))
}

function copyCells(cell: usize, from: i32, to: i32, column: usize): void {
  const stride = (width as usize) * CELL_BYTES
  const levels = load<u32>(column, LEVELS)
  let numbers = load<u32>(column, NUMBERS) + 4 * load<u32>(column, VALUES)
  const firstNumber = numbers
  let out = load<u32>(column, TEXT_END) as usize
  for (let row = from; row < to; row++) {
    const start = load<u32>(cell)
    const end = load<u32>(cell + 4)
    cell += stride
    if (levels != 0) {
      if (emptyIsNull && start == end) continue // nothing, not even quotes: null
      setLevel(levels, row)
    }
    const next = copyCell(start, end, out)
    store<u32>(numbers, (next - out) as u32)
    numbers += 4
    out = next
  }
  store<u32>(column, load<u32>(column, VALUES) + ((numbers - firstNumber) >> 2), VALUES)
  store<u32>(column, out as u32, TEXT_END)
}

/** Returns whether the dictionary is of use still. */
function internCells(cell: usize, from: i32, to: i32, column: usize): bool {
  const stride = (width as usize) * CELL_BYTES
  const levels = load<u32>(column, LEVELS)
  const slots = load<u32>(column, SLOTS) as usize
  const mask = load<u32>(column, SLOT_MASK)
  const entries = load<u32>(column, ENTRIES) as usize
  const most = load<u32>(column, MOST_DISTINCT)
  let distinct = load<u32>(column, DISTINCT)
  let values = load<u32>(column, VALUES)
  let number = load<u32>(column, NUMBERS) + 4 * values
  let out = load<u32>(column, TEXT_END) as usize
  for (let row = from; row < to; row++) {
    let start = load<u32>(cell) as usize
    const end = load<u32>(cell + 4)
    cell += stride
    if (levels != 0) {
      if (emptyIsNull && start == end) continue
      setLevel(levels, row)
    }
    let length = ((end & ~DOUBLED) as usize) - start
    if (end & DOUBLED) {
      length = copyCell(start, end, out + 4) - (out + 4)
      start = out + 4
    } else if (length > 0 && load<u8>(start) == QUOTE) {
      start += 1
      length -= 2
    }
    const hash = hashOf(start, length)
    let slot = (hash as u32) & mask
    let id: u32 = 0
    for (;;) {
      const found = load<u64>(slots + ((slot as usize) << 3))
      if (found == 0) {
        if (distinct == most) return false
        store<u32>(out, length as u32)
        if (start != out + 4) copyBytes(start, out + 4, length)
        store<u32>(entries + ((distinct as usize) << 2), out as u32)
        id = distinct
        distinct += 1
        store<u64>(slots + ((slot as usize) << 3), (hash & 0xffff_ffff_0000_0000) | (distinct as u64))
        out += 4 + length
        break
      }
      if ((found ^ hash) >> 32 == 0) {
        id = (found as u32) - 1
        const entry = load<u32>(entries + ((id as usize) << 2)) as usize
        if ((load<u32>(entry) as usize) == length && isSame(entry + 4, start, length)) break
      }
      slot = (slot + 1) & mask
    }
    store<u32>(number, id)
    number += 4
    values += 1
  }
  store<u32>(column, distinct, DISTINCT)
  store<u32>(column, values, VALUES)
  store<u32>(column, out as u32, TEXT_END)
  return values < SAMPLE || distinct <= values - (values >> 2)
}

@inline function copyBytes(from: usize, out: usize, length: usize): void {
  for (let at: usize = 0; at < length; at += 16) v128.store(out + at, v128.load(from + at))
}

const MIX: u64 = 0x9e37_79b9_7f4a_7c15

/** 64 bits of a text, the upper ones well mixed; it stays within one group. */
@inline function hashOf(at: usize, length: usize): u64 {
  let hash = (length as u64) * MIX
  while (length >= 8) {
    hash = (hash ^ load<u64>(at)) * MIX
    hash ^= hash >> 32
    at += 8
    length -= 8
  }
  if (length > 0) {
    hash = (hash ^ (load<u64>(at) & (((1 as u64) << ((length as u64) << 3)) - 1))) * MIX
    hash ^= hash >> 32
  }
  return hash * MIX ^ (hash >> 29)
}

@inline function isSame(one: usize, other: usize, length: usize): bool {
  while (length >= 16) {
    if (i8x16.bitmask(i8x16.ne(v128.load(one), v128.load(other))) != 0) return false
    one += 16
    other += 16
    length -= 16
  }
  const differs = i8x16.bitmask(i8x16.ne(v128.load(one), v128.load(other)))
  return (differs & ((1 << (length as i32)) - 1)) == 0
}

/** Whether a text comes before another, byte by byte. */
function isBefore(one: usize, oneLength: usize, other: usize, otherLength: usize): bool {
  const both = min(oneLength, otherLength)
  for (let at: usize = 0; at < both; at += 8) {
    let a = load<u64>(one + at)
    let b = load<u64>(other + at)
    if (a == b) continue
    if (both - at < 8) {
      const mask = ((1 as u64) << (((both - at) as u64) << 3)) - 1
      a &= mask
      b &= mask
      if (a == b) break
    }
    return bswap(a) < bswap(b)
  }
  return oneLength < otherLength
}

let leastAt: usize = 0
let leastLength: usize = 0
let greatestAt: usize = 0
let greatestLength: usize = 0

export function leastText(): usize {
  return leastAt
}

export function leastTextLength(): usize {
  return leastLength
}

export function greatestText(): usize {
  return greatestAt
}

export function greatestTextLength(): usize {
  return greatestLength
}

/** Finds the least and the greatest text of a column that has a value. */
export function findBounds(column: usize): void {
  const isDictionary = load<u32>(column, SLOTS) != 0
  const count = isDictionary ? load<u32>(column, DISTINCT) : load<u32>(column, VALUES)
  const numbers = load<u32>(column, NUMBERS) as usize
  let text = load<u32>(column, TEXT) as usize
  for (let at: u32 = 0; at < count; at++) {
    const length = (isDictionary ? load<u32>(text) : load<u32>(numbers + ((at as usize) << 2))) as usize
    if (isDictionary) text += 4
    if (at == 0 || isBefore(text, length, leastAt, leastLength)) {
      leastAt = text
      leastLength = length
    }
    if (at == 0 || isBefore(greatestAt, greatestLength, text, length)) {
      greatestAt = text
      greatestLength = length
    }
    text += length
  }
}

/** Definition levels of a page, with their length in front. */
function putLevels(column: usize, rows: i32, out: usize): usize {
  const values = load<u32>(column, VALUES) as i32
  let end = out + 4
  if (values == 0 || values == rows) {
    end = putVarint((rows as u32) << 1, end)
    store<u8>(end, values == 0 ? 0 : 1)
    end += 1
  } else {
    const groups: u32 = ((rows + 7) as u32) >> 3
    end = putVarint((groups << 1) | 1, end)
    memory.copy(end, load<u32>(column, LEVELS), groups)
    end += groups
  }
  store<u32>(out, (end - (out + 4)) as u32)
  return end
}

/** The page of a column of which all is null. Returns where it ends. */
export function putNulls(column: usize, rows: i32, out: usize): usize {
  return putLevels(column, rows, out)
}

/** The page of a column with a dictionary: levels, then the numbers of its values, packed. Returns where it ends. */
export function putIds(column: usize, rows: i32, out: usize): usize {
  const ids = load<u32>(column, NUMBERS) as usize
  const count = load<u32>(column, VALUES)
  const bits = max<u32>(1, 32 - clz<u32>(load<u32>(column, DISTINCT) - 1))
  out = putLevels(column, rows, out)
  store<u8>(out, bits as u8)
  out += 1
  let packed: u32 = 0 // where values begin that are to be packed
  let at: u32 = 0
  while (at < count) {
    const id = load<u32>(ids + ((at as usize) << 2))
    let end = at + 1
    while (end < count && load<u32>(ids + ((end as usize) << 2)) == id) end += 1
    if (end - at < LEAST_REPEATED) {
      at += 8
      continue
    }
    out = putPacked(ids + ((packed as usize) << 2), at - packed, bits, out)
    out = putVarint((end - at) << 1, out)
    for (let shift: u32 = 0; shift < bits; shift += 8) {
      store<u8>(out, (id >> shift) as u8)
      out += 1
    }
    at = end
    packed = end
  }
  return putPacked(ids + ((packed as usize) << 2), count - packed, bits, out)
}

/** Equal numbers in a row from which on they are counted instead of packed. */
const LEAST_REPEATED: u32 = 16

/** A run of numbers with `bits` each, eight by eight; the last eight are filled up with zeros. */
function putPacked(numbers: usize, count: u32, bits: u32, out: usize): usize {
  if (count == 0) return out
  const groups = (count + 7) >> 3
  out = putVarint((groups << 1) | 1, out)
  return packBits(numbers, count, groups << 3, 0, bits, out)
}

/** Packs `count` numbers less `least` with `bits` each, and zeros up to `most` of them. */
function packBits(numbers: usize, count: u32, most: u32, least: u32, bits: u32, out: usize): usize {
  let held: u64 = 0
  let holds: u32 = 0
  for (let at: u32 = 0; at < most; at++) {
    const number: u32 = at < count ? load<u32>(numbers) - least : 0 // in 32 bits
    held |= (number as u64) << (holds as u64)
    numbers += 4
    holds += bits
    if (holds >= 32) {
      store<u32>(out, held as u32)
      out += 4
      held >>= 32
      holds -= 32
    }
  }
  while (holds > 0) {
    store<u8>(out, held as u8)
    out += 1
    held >>= 8
    holds = holds > 8 ? holds - 8 : 0
  }
  return out
}

/**
 * The page of a column without a dictionary, just before its text: levels, then the lengths, packed. What stood there (the lengths) is overwritten.
 * @param scratch room for levels and lengths
 * @returns where the page begins; it ends with the text
 */
export function putLengths(column: usize, rows: i32, scratch: usize): usize {
  const end = putDeltas(load<u32>(column, NUMBERS), load<u32>(column, VALUES), putLevels(column, rows, scratch))
  const page = (load<u32>(column, TEXT) as usize) - (end - scratch)
  memory.copy(page, scratch, end - scratch)
  return page
}

/** Values of a block of deltas, and of each of its four parts. */
const BLOCK: u32 = 128
const PART: u32 = 32

/** Whole numbers of 32 bits as the differences between them, packed (DELTA_BINARY_PACKED); they are overwritten. Returns where they end. */
export function putDeltas(numbers: usize, count: u32, out: usize): usize {
  out = putVarint(BLOCK, out)
  out = putVarint(BLOCK / PART, out)
  out = putVarint(count, out)
  const first = count == 0 ? 0 : load<i32>(numbers)
  out = putVarint(zigzag(first), out)
  if (count == 0) return out
  let last = first
  for (let at: usize = 4; at < ((count as usize) << 2); at += 4) {
    const value = load<i32>(numbers + at)
    store<i32>(numbers + at, value - last)
    last = value
  }
  numbers += 4
  for (let left = count - 1; left > 0; ) {
    const here = min(BLOCK, left)
    out = putBlock(numbers, here, out)
    numbers += (here as usize) << 2
    left -= here
  }
  return out
}

function putBlock(deltas: usize, count: u32, out: usize): usize {
  let least = load<i32>(deltas)
  for (let at: usize = 4; at < ((count as usize) << 2); at += 4) least = min(least, load<i32>(deltas + at))
  out = putVarint(zigzag(least), out)
  const widths = out
  out += BLOCK / PART
  for (let part: u32 = 0; part < BLOCK / PART; part++) {
    const from = part * PART
    const here: u32 = from >= count ? 0 : min(PART, count - from)
    let all: u32 = 0
    for (let at: u32 = 0; at < here; at++) all |= load<i32>(deltas + ((from + at) << 2)) - least
    const bits = 32 - clz<u32>(all)
    store<u8>(widths + part, bits as u8)
    if (bits > 0) out = packBits(deltas + (from << 2), here, PART, least as u32, bits, out)
  }
  return out
}

function zigzag(value: i32): u32 {
  return ((value << 1) ^ (value >> 31)) as u32
}

/** A column of whole numbers from 0, as 32 bits each. Returns where it ends. */
export function putNumbers(table: usize, column: i32, rows: i32, out: usize): usize {
  const stride = (width as usize) * CELL_BYTES
  let cell = table + (column as usize) * CELL_BYTES
  for (let row = 0; row < rows; row++) {
    let value: i32 = 0
    const to = load<u32>(cell + 4)
    for (let at = load<u32>(cell); at < to; at++) value = value * 10 + (load<u8>(at) - 0x30)
    store<i32>(out, value)
    out += 4
    cell += stride
  }
  return out
}

let lowSum: u64 = 0
let highSum: u64 = 0

/** Adds up 64-bit numbers for as long as the 32-bit number beside each stays the same; returns how many, at least one. */
export function sumSame(numbers: usize, longs: usize, rows: i32): i32 {
  const same = load<i32>(numbers)
  lowSum = 0
  highSum = 0
  let row = 0
  while (row < rows && load<i32>(numbers) == same) {
    const long = load<u64>(longs)
    lowSum += long & 0xffff_ffff
    highSum += long >> 32
    numbers += 4
    longs += 8
    row += 1
  }
  return row
}

/** Of the last sum: the lower halves of all numbers together. */
export function sumOfLows(): u64 {
  return lowSum
}

/** Of the last sum: the upper halves of all numbers together. */
export function sumOfHighs(): u64 {
  return highSum
}

let leastLong: i64 = 0
let greatestLong: i64 = 0

/** Finds the least and the greatest of some 64-bit numbers, at least one. */
export function findLongs(longs: usize, rows: i32): void {
  leastLong = load<i64>(longs)
  greatestLong = leastLong
  for (let row = 1; row < rows; row++) {
    longs += 8
    const long = load<i64>(longs)
    leastLong = min(leastLong, long)
    greatestLong = max(greatestLong, long)
  }
}

export function leastOfLongs(): i64 {
  return leastLong
}

export function greatestOfLongs(): i64 {
  return greatestLong
}

/**
 * The hash of each row, as 64 bits: its cells in the order of `columns` (32-bit positions, -1 for one that the records do not have), each followed by
 * a unit separator; the second half of their MD5 as a number, shifted right by one bit. Four rows are hashed side by side.
 * @param scratch room for four times `room` bytes: each for the longest record, its separators and 80 more
 */
export function putHashes(
  table: usize,
  columns: usize,
  count: i32,
  rows: i32,
  scratch: usize,
  room: usize,
  out: usize,
): usize {
  const stride = (width as usize) * CELL_BYTES
  for (let row = 0; row < rows; row += 4) {
    const lanes = min<i32>(4, rows - row)
    let blocks = i32x4.splat(0)
    for (let lane = 0; lane < lanes; lane++) {
      const text = scratch + (lane as usize) * room
      const end = putHashed(table, columns, count, text)
      table += stride
      const padded = pad(text, (end - text) as u32)
      if (lane == 0) blocks = i32x4.replace_lane(blocks, 0, padded)
      else if (lane == 1) blocks = i32x4.replace_lane(blocks, 1, padded)
      else if (lane == 2) blocks = i32x4.replace_lane(blocks, 2, padded)
      else blocks = i32x4.replace_lane(blocks, 3, padded)
    }
    lowerMd5(scratch, room, blocks)
    v128.store(out, i64x2.shr_u(v128.shuffle<u32>(digestC, digestD, 0, 4, 1, 5), 1))
    v128.store(out + 16, i64x2.shr_u(v128.shuffle<u32>(digestC, digestD, 2, 6, 3, 7), 1))
    out += (lanes as usize) * 8
  }
  return out
}

/** The text that is hashed of one row; returns where it ends. */
function putHashed(table: usize, columns: usize, count: i32, out: usize): usize {
  for (let at = 0; at < count; at++) {
    const column = load<i32>(columns + (at as usize) * 4)
    if (column >= 0) {
      const cell = table + (column as usize) * CELL_BYTES
      out = copyCell(load<u32>(cell), load<u32>(cell + 4), out)
    }
    store<u8>(out, UNIT_SEPARATOR)
    out += 1
  }
  return out
}

/** Writes MD5's padding behind a text; returns its number of blocks. */
function pad(text: usize, length: u32): i32 {
  const padded = (length + 9 + 63) & ~63
  store<u8>(text + length, 0x80)
  memory.fill(text + length + 1, 0, padded - length - 1)
  store<u64>(text + padded - 8, (length as u64) << 3)
  return (padded >> 6) as i32
}

let digestC = i32x4.splat(0)
let digestD = i32x4.splat(0)
let words0 = i32x4.splat(0)
let words1 = i32x4.splat(0)
let words2 = i32x4.splat(0)
let words3 = i32x4.splat(0)

/** Four words of each of four texts, word by word. */
@inline function loadWords(block: usize, stride: usize, at: usize): void {
  const one = v128.load(block + at)
  const two = v128.load(block + at + stride)
  const three = v128.load(block + at + 2 * stride)
  const four = v128.load(block + at + 3 * stride)
  const low12 = v128.shuffle<u32>(one, two, 0, 4, 1, 5)
  const high12 = v128.shuffle<u32>(one, two, 2, 6, 3, 7)
  const low34 = v128.shuffle<u32>(three, four, 0, 4, 1, 5)
  const high34 = v128.shuffle<u32>(three, four, 2, 6, 3, 7)
  words0 = v128.shuffle<u64>(low12, low34, 0, 2)
  words1 = v128.shuffle<u64>(low12, low34, 1, 3)
  words2 = v128.shuffle<u64>(high12, high34, 0, 2)
  words3 = v128.shuffle<u64>(high12, high34, 1, 3)
}

/** MD5 (RFC 1321) of four padded texts, `stride` bytes apart: the last two words of each digest. @param blocks of each text */
function lowerMd5(texts: usize, stride: usize, blocks: v128): void {
  let a = i32x4.splat(0x67452301)
  let b = i32x4.splat(0xefcdab89)
  let c = i32x4.splat(0x98badcfe)
  let d = i32x4.splat(0x10325476)
  let block = texts
  for (let at = 0; ; at++) {
    const goesOn = i32x4.gt_s(blocks, i32x4.splat(at)) // a text that has ended keeps its state
    if (!v128.any_true(goesOn)) break
    const a0 = a
    const b0 = b
    const c0 = c
    const d0 = d
    loadWords(block, stride, 0)
    const word0 = words0
    const word1 = words1
    const word2 = words2
    const word3 = words3
    loadWords(block, stride, 16)
    const word4 = words0
    const word5 = words1
    const word6 = words2
    const word7 = words3
    loadWords(block, stride, 32)
    const word8 = words0
    const word9 = words1
    const word10 = words2
    const word11 = words3
    loadWords(block, stride, 48)
    const word12 = words0
    const word13 = words1
    const word14 = words2
    const word15 = words3
    a = roundF(a, b, c, d, word0, 7, 0xd76aa478)
    d = roundF(d, a, b, c, word1, 12, 0xe8c7b756)
    c = roundF(c, d, a, b, word2, 17, 0x242070db)
    b = roundF(b, c, d, a, word3, 22, 0xc1bdceee)
    a = roundF(a, b, c, d, word4, 7, 0xf57c0faf)
    d = roundF(d, a, b, c, word5, 12, 0x4787c62a)
    c = roundF(c, d, a, b, word6, 17, 0xa8304613)
    b = roundF(b, c, d, a, word7, 22, 0xfd469501)
    a = roundF(a, b, c, d, word8, 7, 0x698098d8)
    d = roundF(d, a, b, c, word9, 12, 0x8b44f7af)
    c = roundF(c, d, a, b, word10, 17, 0xffff5bb1)
    b = roundF(b, c, d, a, word11, 22, 0x895cd7be)
    a = roundF(a, b, c, d, word12, 7, 0x6b901122)
    d = roundF(d, a, b, c, word13, 12, 0xfd987193)
    c = roundF(c, d, a, b, word14, 17, 0xa679438e)
    b = roundF(b, c, d, a, word15, 22, 0x49b40821)
    a = roundG(a, b, c, d, word1, 5, 0xf61e2562)
    d = roundG(d, a, b, c, word6, 9, 0xc040b340)
    c = roundG(c, d, a, b, word11, 14, 0x265e5a51)
    b = roundG(b, c, d, a, word0, 20, 0xe9b6c7aa)
    a = roundG(a, b, c, d, word5, 5, 0xd62f105d)
    d = roundG(d, a, b, c, word10, 9, 0x02441453)
    c = roundG(c, d, a, b, word15, 14, 0xd8a1e681)
    b = roundG(b, c, d, a, word4, 20, 0xe7d3fbc8)
    a = roundG(a, b, c, d, word9, 5, 0x21e1cde6)
    d = roundG(d, a, b, c, word14, 9, 0xc33707d6)
    c = roundG(c, d, a, b, word3, 14, 0xf4d50d87)
    b = roundG(b, c, d, a, word8, 20, 0x455a14ed)
    a = roundG(a, b, c, d, word13, 5, 0xa9e3e905)
    d = roundG(d, a, b, c, word2, 9, 0xfcefa3f8)
    c = roundG(c, d, a, b, word7, 14, 0x676f02d9)
    b = roundG(b, c, d, a, word12, 20, 0x8d2a4c8a)
    a = roundH(a, b, c, d, word5, 4, 0xfffa3942)
    d = roundH(d, a, b, c, word8, 11, 0x8771f681)
    c = roundH(c, d, a, b, word11, 16, 0x6d9d6122)
    b = roundH(b, c, d, a, word14, 23, 0xfde5380c)
    a = roundH(a, b, c, d, word1, 4, 0xa4beea44)
    d = roundH(d, a, b, c, word4, 11, 0x4bdecfa9)
    c = roundH(c, d, a, b, word7, 16, 0xf6bb4b60)
    b = roundH(b, c, d, a, word10, 23, 0xbebfbc70)
    a = roundH(a, b, c, d, word13, 4, 0x289b7ec6)
    d = roundH(d, a, b, c, word0, 11, 0xeaa127fa)
    c = roundH(c, d, a, b, word3, 16, 0xd4ef3085)
    b = roundH(b, c, d, a, word6, 23, 0x04881d05)
    a = roundH(a, b, c, d, word9, 4, 0xd9d4d039)
    d = roundH(d, a, b, c, word12, 11, 0xe6db99e5)
    c = roundH(c, d, a, b, word15, 16, 0x1fa27cf8)
    b = roundH(b, c, d, a, word2, 23, 0xc4ac5665)
    a = roundI(a, b, c, d, word0, 6, 0xf4292244)
    d = roundI(d, a, b, c, word7, 10, 0x432aff97)
    c = roundI(c, d, a, b, word14, 15, 0xab9423a7)
    b = roundI(b, c, d, a, word5, 21, 0xfc93a039)
    a = roundI(a, b, c, d, word12, 6, 0x655b59c3)
    d = roundI(d, a, b, c, word3, 10, 0x8f0ccc92)
    c = roundI(c, d, a, b, word10, 15, 0xffeff47d)
    b = roundI(b, c, d, a, word1, 21, 0x85845dd1)
    a = roundI(a, b, c, d, word8, 6, 0x6fa87e4f)
    d = roundI(d, a, b, c, word15, 10, 0xfe2ce6e0)
    c = roundI(c, d, a, b, word6, 15, 0xa3014314)
    b = roundI(b, c, d, a, word13, 21, 0x4e0811a1)
    a = roundI(a, b, c, d, word4, 6, 0xf7537e82)
    d = roundI(d, a, b, c, word11, 10, 0xbd3af235)
    c = roundI(c, d, a, b, word2, 15, 0x2ad7d2bb)
    b = roundI(b, c, d, a, word9, 21, 0xeb86d391)
    a = v128.bitselect(i32x4.add(a, a0), a0, goesOn)
    b = v128.bitselect(i32x4.add(b, b0), b0, goesOn)
    c = v128.bitselect(i32x4.add(c, c0), c0, goesOn)
    d = v128.bitselect(i32x4.add(d, d0), d0, goesOn)
    block += 64
  }
  digestC = c
  digestD = d
}

/** One step of MD5: `a` and what the round mixed of the others, rotated, on top of `b`. */
@inline function step(a: v128, mixed: v128, word: v128, sine: i32, b: v128, shift: i32): v128 {
  const sum = i32x4.add(i32x4.add(a, mixed), i32x4.add(word, i32x4.splat(sine)))
  return i32x4.add(b, v128.or(i32x4.shl(sum, shift), i32x4.shr_u(sum, 32 - shift)))
}

@inline function roundF(a: v128, b: v128, c: v128, d: v128, word: v128, shift: i32, sine: i32): v128 {
  return step(a, v128.bitselect(c, d, b), word, sine, b, shift)
}

@inline function roundG(a: v128, b: v128, c: v128, d: v128, word: v128, shift: i32, sine: i32): v128 {
  return step(a, v128.bitselect(b, c, d), word, sine, b, shift)
}

@inline function roundH(a: v128, b: v128, c: v128, d: v128, word: v128, shift: i32, sine: i32): v128 {
  return step(a, v128.xor(v128.xor(b, c), d), word, sine, b, shift)
}

@inline function roundI(a: v128, b: v128, c: v128, d: v128, word: v128, shift: i32, sine: i32): v128 {
  return step(a, v128.xor(c, v128.or(b, v128.not(d))), word, sine, b, shift)
}
