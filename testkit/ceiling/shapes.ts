import { createCipheriv } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A publication that is hard on memory. */
export interface Shape {
  readonly name: string
  /** Files by name: a header, and rows by number. */
  readonly files: readonly ShapeFile[]
  /** Settings of the dataset besides those of the test city. */
  readonly dataset?: object
  /** Which remedy ingestion must name, and a text that its message must have; undefined: it must be taken. */
  readonly refused?: { readonly remedy: string; readonly said: string }
  /** Parts that a division must come to: the least and the most. */
  readonly parts?: Readonly<Record<string, readonly [least: number, most: number]>>
  /** Rows that belong into quarantine. */
  readonly quarantined?: number
}

export interface ShapeFile {
  readonly name: string
  readonly header: string
  readonly rows: number
  row(number: number): string
}

const HEADER = 'id,District,Type,Opened,Note'
/** 1,000,000 records of this length and ingestion's own 16 bytes are 99.8 % of 256 MiB: a part can hardly be larger. */
const FULL_RECORD_BYTES = 252
const PART_ROWS = 1_000_000
const DAYS = 5 * 365
const DAY_MS = 86_400_000

/** Text that does not compress away. */
const TEXT = ((): string => {
  let state = 1
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state.toString(36).padStart(7, '0')
  }
  return Array.from({ length: 40_000 }, next).join(' ')
})()

/** Text of a length that does not compress away. @param row other rows, other texts */
export function textOf(row: number, length: number): string {
  if (length >= TEXT.length) return TEXT.repeat(Math.ceil(length / TEXT.length)).slice(0, length)
  const from = Math.imul(row, 7_919) >>> 0
  const start = from % (TEXT.length - length)
  return TEXT.slice(start, start + length)
}

/** Text that no compression makes smaller than three quarters. @param bytes about its length */
function noiseOf(row: number, bytes: number): string {
  const place = Buffer.alloc(16)
  place.writeUInt32BE(row, 0)
  const noise = createCipheriv('aes-128-ctr', NO_SECRET, place)
  return noise.update(Buffer.alloc(Math.ceil((bytes * 3) / 4))).toString('base64')
}

function openedOf(row: number): string {
  return new Date(Date.UTC(2020, 0, 1) + (row % DAYS) * DAY_MS).toISOString().slice(0, 10)
}

/** A request of exactly so many bytes. */
function request(row: number, division: string, bytes: number, types = 50): string {
  const start = `${String(row).padStart(9, '0')},${division},Type ${row % types},${openedOf(row)},`
  return start + textOf(row, Math.max(0, bytes - start.length))
}

function file(name: string, rows: number, row: ShapeFile['row'], header = HEADER): ShapeFile {
  return { name, header, rows, row }
}

const fullPart = (changedEvery: number) =>
  file('a.csv', PART_ROWS, (row) =>
    changedEvery > 0 && row % changedEvery === 0
      ? request(row, '1', FULL_RECORD_BYTES - 8).concat('--edited')
      : request(row, '1', FULL_RECORD_BYTES),
  )
const tooLarge = file('b.csv', 1.1 * PART_ROWS, (row) => request(PART_ROWS + row, '2', FULL_RECORD_BYTES))

/** The largest part there can be, and, unless it is to be quick, a division that is larger. */
export function largestParts(isQuick: boolean): Shape {
  const parts: NonNullable<Shape['parts']> = isQuick ? { '1': [1, 1] } : { '1': [1, 1], '2': [2, 4] }
  return {
    name: 'a part of 1,000,000 rows and 256 MiB',
    files: isQuick ? [fullPart(0)] : [fullPart(0), tooLarge],
    dataset: { key: 'id' },
    parts,
  }
}

/** The same, with each 50th row edited: two snapshots are compared. */
export function editedParts(isQuick: boolean): Shape {
  const edited = isQuick ? [fullPart(50)] : [fullPart(50), tooLarge]
  return { ...largestParts(isQuick), name: 'the same part, edited', files: edited }
}

/** The other shapes. @param share how much of their full size, 0 to 1 */
export function hardShapes(share: number): Shape[] {
  const of = (rows: number) => Math.ceil(rows * share)
  const skewed = (row: number) => request(row, row % 20 === 0 ? '2' : '1', 60)
  const skewedRows = 1_200_000 // 95 % of them are more than a part may hold
  const columns = Array.from({ length: 396 }, (_none, at) => `c${at}`)
  const wide = (row: number) =>
    `${row},${row % 3},Noise,${openedOf(row)},${columns.map((_name, at) => textOf(row + at, 4)).join(',')}`
  const quoted = (row: number) =>
    request(row, String(row % 4), 460)
      .split(',')
      .map((cell, at) => (at === 4 ? `"${cell.slice(0, 200)}\n""so""\n${cell.slice(200)}"` : `"${cell}"`))
      .join(',')
  const isBad = (row: number) => row % 2 === 0
  const halfBad = (row: number) =>
    isBad(row) ? `${row},too few,${textOf(row, row % 20_000 === 0 ? 1_000_000 : 300)}` : request(row, '1', 60)
  return [
    {
      name: '10,000 categories',
      files: [file('a.csv', of(1_000_000), (row) => request(row, '1', 60, 10_000))],
    },
    {
      name: '300 divisions',
      files: [file('a.csv', of(600_000), (row) => request(row, `d${row % 300}`, 120))],
    },
    {
      name: '400 columns',
      files: [file('a.csv', of(125_000), wide, `id,District,Type,Opened,${columns.join(',')}`)],
    },
    {
      name: 'text that nothing compresses',
      files: [file('a.csv', of(250_000), (row) => `${row},1,Noise,${openedOf(row)},${noiseOf(row, 960)}`)],
    },
    { name: 'quoted cells with line breaks', files: [file('a.csv', of(500_000), quoted)] },
    {
      name: '95 % in one division, with a key',
      files: [file('a.csv', skewedRows, skewed)],
      dataset: { key: 'id' },
      parts: { '1': [2, 4], '2': [1, 1] },
    },
    {
      name: '95 % in one division, without a key',
      files: [file('a.csv', skewedRows, skewed)],
      parts: { '1': [2, 4], '2': [1, 1] },
    },
    {
      name: 'every second row in quarantine',
      files: [file('a.csv', of(400_000), halfBad)],
      dataset: { quarantine: { policy: 'quarantine', maxRate: 1 } },
      quarantined: Math.ceil(of(400_000) / 2),
    },
    {
      name: 'a row of 10 MB',
      files: [file('a.csv', 3, (row) => request(row, '1', row === 1 ? 10_000_000 : 60))],
      refused: { remedy: 'shrink', said: 'line 3, byte 90' },
    },
  ]
}

/** The noise is to be the same each time, not to be hidden. */
const NO_SECRET = Buffer.alloc(16)

const CHUNK_ROWS = 2_000

/** Writes the files of a shape. @param time of the files: another one says that they changed */
export async function writeShape(folder: string, { files }: Shape, time: Date): Promise<void> {
  for (const one of files) {
    const path = join(folder, one.name)
    await mkdir(dirname(path), { recursive: true })
    await pipeline(Readable.from(chunksOf(one)), createWriteStream(path))
    await utimes(path, time, time)
  }
}

function* chunksOf({ header, rows, row }: ShapeFile): Iterable<string> {
  yield `${header}\n`
  for (let from = 0; from < rows; from += CHUNK_ROWS) {
    const length = Math.min(CHUNK_ROWS, rows - from)
    yield Array.from({ length }, (_none, at) => `${row(from + at)}\n`).join('')
  }
}
