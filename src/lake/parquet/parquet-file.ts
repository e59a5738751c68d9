import { closeSync, openSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import type * as Zstd from '@toondepauw/node-zstd'
import { giveBackMemory } from '../../kernel/garbage.js'
import { ThriftWriter } from './thrift.js'

/** A column: nullable text in UTF-8, or whole numbers of 32 or 64 bits that are never null. */
export interface ParquetColumn {
  readonly name: string
  readonly type: 'text' | 'integer' | 'long'
}

/** How a page's values are written; numbers of the format. */
export const ENCODING = { plain: 0, rle: 3, deltas: 5, deltaLengths: 6, dictionary: 8 } as const

/** Bytes of a page as the format has them before compression; they are read before the next page is asked for. */
export interface Page {
  readonly bytes: Uint8Array
  readonly encoding: (typeof ENCODING)[keyof typeof ENCODING]
  /** Values of the page, nulls counted. */
  readonly values: number
}

/** A column's values in one row group. */
export interface Chunk {
  /** Different values in the order of their numbers, plain; only where the data has the encoding `dictionary`. */
  readonly dictionary?: Page
  readonly data: Page
  readonly nulls: number
  /** The least and the greatest value as the format writes them: text in UTF-8, numbers little-endian. */
  readonly bounds?: Bounds | undefined
  /** False where compression would find nothing. */
  readonly isCompressed: boolean
}

/** The least and the greatest of some values. */
export interface Bounds {
  readonly least: Buffer
  readonly greatest: Buffer
}

/** Text that is longer is no bound in the footer: nobody needs it whole. */
const MAX_BOUND_BYTES = 256

/** Bytes of written pages that may lie in memory, free. */
const COLLECTED_BYTES = 8 * 1024 * 1024

const MAGIC = Buffer.from('PAR1')
/** Readers take an old one's bounds for wrong unless they know who wrote them. */
const CREATED_BY = 'wardbook version 1.0.0 (build parquet-file)'
const PHYSICAL = { integer: 1, long: 2, text: 6 } as const
const UNCOMPRESSED = 0
const ZSTD = 6
const UTF8 = 0
const REQUIRED = 0
const OPTIONAL = 1
const DATA_PAGE = 0
const DICTIONARY_PAGE = 2

/** What the footer tells of a chunk. */
interface WrittenChunk extends Pick<Chunk, 'nulls' | 'bounds' | 'isCompressed'> {
  readonly encodings: readonly number[]
  readonly offset: number
  /** Where the dictionary ends; the same where there is none. */
  readonly dataOffset: number
  readonly plainBytes: number
  readonly bytes: number
}

interface Group {
  readonly rows: number
  readonly chunks: readonly WrittenChunk[]
}

/**
 * Writes a Parquet file of flat columns: row groups of one data page a column, compressed with zstd, with bounds and nulls in the footer. The pages
 * themselves come from the caller. Same pages, same bytes. https://parquet.apache.org/docs/file-format/
 */
export class ParquetFile {
  private readonly descriptor: number
  private readonly encoder: Zstd.Encoder
  private readonly groups: Group[] = []
  private waiting: Buffer[] = []
  private size = 0
  private collectedAt = 0

  /**
   * @param file  is made, or emptied
   * @param level of zstd: more gives smaller files for more time
   */
  constructor(
    file: string,
    private readonly columns: readonly ParquetColumn[],
    level: number,
  ) {
    this.encoder = new (loadZstd().Encoder)(level)
    this.descriptor = openSync(file, 'w')
    this.put(MAGIC)
  }

  /**
   * Writes a row group.
   * @param chunks one for each column, in their order; each is taken after the one before is written
   */
  add(rows: number, chunks: Iterable<Chunk>): void {
    this.groups.push({ rows, chunks: Array.from(chunks, (chunk) => this.putChunk(chunk)) })
    this.flush()
  }

  /** Writes the footer and closes the file. */
  finish(): void {
    const footer = this.footer()
    const length = Buffer.alloc(4)
    length.writeUInt32LE(footer.length)
    for (const bytes of [footer, length, MAGIC]) this.put(bytes)
    this.flush()
    this.close()
  }

  /** Closes the file as it is, for one that is given up. */
  close(): void {
    closeSync(this.descriptor)
  }

  private putChunk({ dictionary, data, nulls, bounds, isCompressed }: Chunk): WrittenChunk {
    const offset = this.size
    const pages = dictionary === undefined ? [] : [dictionary]
    let plainBytes = 0
    for (const page of pages) plainBytes += this.putPage(page, DICTIONARY_PAGE, isCompressed)
    const dataOffset = this.size
    plainBytes += this.putPage(data, DATA_PAGE, isCompressed)
    const encodings = [...new Set([data, ...pages].map(({ encoding }) => encoding)).add(ENCODING.rle)]
    const place = { offset, dataOffset, plainBytes, bytes: this.size - offset }
    const isShort =
      bounds !== undefined &&
      [bounds.least, bounds.greatest].every((bound) => bound.length <= MAX_BOUND_BYTES)
    return { encodings, nulls, bounds: isShort ? bounds : undefined, isCompressed, ...place }
  }

  /** @returns the bytes that it would take without compression */
  private putPage(page: Page, kind: number, isCompressed: boolean): number {
    const { buffer, byteOffset, length } = page.bytes
    const plain = Buffer.from(buffer, byteOffset, length)
    const bytes = isCompressed ? this.encoder.encodeSync(plain) : Buffer.from(plain)
    const header = pageHeader(page, kind, bytes.length)
    this.put(header)
    this.put(bytes)
    return header.length + length
  }

  private put(bytes: Buffer): void {
    this.waiting.push(bytes)
    this.size += bytes.length
  }

  private flush(): void {
    for (const bytes of this.waiting)
      for (let at = 0; at < bytes.length; ) at += writeSync(this.descriptor, bytes, at)
    this.waiting = []
  }

  /**
   * Gives written pages back. They lie outside the JavaScript heap: nothing presses the engine to look for them, and what it finds is freed only
   * when the event loop turns.
   */
  async collect(): Promise<void> {
    if (this.size - this.collectedAt < COLLECTED_BYTES) return
    this.collectedAt = this.size
    giveBackMemory()
    await new Promise((turned) => setImmediate(turned))
  }

  private footer(): Buffer {
    const { columns, groups } = this
    return new ThriftWriter()
      .number(1, 2)
      .structures(2, [undefined, ...columns], (element, column) => {
        if (column === undefined) element.text(4, 'schema').number(5, columns.length)
        else schemaElement(element, column)
      })
      .number(3, sum(groups.map(({ rows }) => rows)), 64)
      .structures(4, groups, (written, group) => rowGroup(written, group, columns))
      .text(6, CREATED_BY)
      .structures(7, columns, (order) => order.structure(1, () => {})) // bounds in the order of the type
      .finish()
  }
}

function schemaElement(element: ThriftWriter, { name, type }: ParquetColumn): void {
  element
    .number(1, PHYSICAL[type])
    .number(3, type === 'text' ? OPTIONAL : REQUIRED)
    .text(4, name)
  if (type === 'text') element.number(6, UTF8).structure(10, (logical) => logical.structure(1, () => {}))
}

function rowGroup(written: ThriftWriter, { rows, chunks }: Group, columns: readonly ParquetColumn[]): void {
  written
    .structures(1, [...chunks.entries()], (column, [at, chunk]) =>
      column
        .number(2, chunk.offset, 64)
        .structure(3, (meta) => chunkMeta(meta, rows, chunk, columns[at] as ParquetColumn)),
    )
    .number(2, sum(chunks.map(({ plainBytes }) => plainBytes)), 64)
    .number(3, rows, 64)
    .number(5, chunks[0]?.offset ?? MAGIC.length, 64)
    .number(6, sum(chunks.map(({ bytes }) => bytes)), 64)
}

function chunkMeta(
  meta: ThriftWriter,
  rows: number,
  chunk: WrittenChunk,
  { name, type }: ParquetColumn,
): void {
  const { encodings, bounds, nulls } = chunk
  meta
    .number(1, PHYSICAL[type])
    .numbers(2, encodings)
    .texts(3, [name])
    .number(4, chunk.isCompressed ? ZSTD : UNCOMPRESSED)
    .number(5, rows, 64)
    .number(6, chunk.plainBytes, 64)
    .number(7, chunk.bytes, 64)
    .number(9, chunk.dataOffset, 64)
  if (chunk.offset < chunk.dataOffset) meta.number(11, chunk.offset, 64)
  meta.structure(12, (statistics) => {
    statistics.number(3, nulls, 64)
    if (bounds !== undefined) statistics.bytes(5, bounds.greatest).bytes(6, bounds.least)
  })
}

function pageHeader({ bytes, encoding, values }: Page, kind: number, length: number): Buffer {
  const header = new ThriftWriter().number(1, kind).number(2, bytes.length).number(3, length)
  if (kind === DICTIONARY_PAGE)
    header.structure(7, (page) => page.number(1, values).number(2, ENCODING.plain))
  else
    header.structure(5, (page) =>
      page.number(1, values).number(2, encoding).number(3, ENCODING.rle).number(4, ENCODING.rle),
    )
  return header.finish()
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

/** A native library of CommonJS, for whoever writes a file. */
function loadZstd(): typeof Zstd {
  return createRequire(import.meta.url)('@toondepauw/node-zstd') as typeof Zstd
}
