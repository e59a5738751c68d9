import { closeSync, openSync, writeSync } from 'node:fs'
import { ThriftWriter } from './thrift.js'

/** A column: nullable text, or numbers that are never null. */
export type PlainType = 'text' | 'integer' | 'long'

/** A column's page inside a group's bytes: its {@link PAGE_HEADER_BYTES} end where its data begins. */
export interface PlainPage {
  /** Where the data begins, counted from the group's first byte. */
  readonly data: number
  readonly bytes: number
}

/** Room that is left before the data of each page, for a header that is known only afterwards. */
export const PAGE_HEADER_BYTES = 32

const MAGIC = Buffer.from('PAR1')
const PHYSICAL: Readonly<Record<PlainType, number>> = { integer: 1, long: 2, text: 6 }
const PLAIN = 0
const RLE = 3
const UTF8 = 0
const REQUIRED = 0
const OPTIONAL = 1

interface Chunk {
  readonly offset: number
  readonly bytes: number
}

interface Group {
  readonly rows: number
  readonly chunks: readonly Chunk[]
}

/**
 * A Parquet file in its simplest form, to hand rows to an engine within one machine: one plain page a column and group, neither compressed nor with
 * statistics. Columns are named by their position, from '0'. Nothing of it stays in a lake. https://parquet.apache.org/docs/file-format/
 */
export class PlainFile {
  private readonly descriptor: number
  private readonly groups: Group[] = []
  private size = 0

  constructor(
    file: string,
    private readonly types: readonly PlainType[],
  ) {
    this.descriptor = openSync(file, 'w')
    this.write(MAGIC)
  }

  /**
   * Writes a row group.
   * @param bytes of all pages, one after the other, each behind room for its header; the headers are written into it
   * @param pages one for each column, in their order
   */
  add(rows: number, bytes: Uint8Array, pages: readonly PlainPage[]): void {
    const chunks = pages.map(({ data, bytes: length }): Chunk => {
      const header = pageHeader(rows, length)
      bytes.set(header, data - header.length)
      return { offset: this.size + data - header.length, bytes: header.length + length }
    })
    this.write(bytes)
    this.groups.push({ rows, chunks })
  }

  /** Writes the footer and closes the file. */
  finish(): void {
    const footer = this.footer()
    const length = Buffer.alloc(4)
    length.writeUInt32LE(footer.length)
    this.write(Buffer.concat([footer, length, MAGIC]))
    this.close()
  }

  /** Closes the file without a footer. */
  close(): void {
    closeSync(this.descriptor)
  }

  private write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.descriptor, bytes, at)
    this.size += bytes.length
  }

  private footer(): Buffer {
    const { types, groups } = this
    const schema = [undefined, ...types.keys()]
    return new ThriftWriter()
      .number(1, 1)
      .structures(2, schema, (element, column) => {
        if (column === undefined) element.text(4, 'rows').number(5, types.length)
        else schemaElement(element, column, types[column] as PlainType)
      })
      .number(3, sum(groups.map(({ rows }) => rows)), 64)
      .structures(4, groups, (written, { rows, chunks }) =>
        written
          .structures(1, [...chunks.entries()], (chunk, [column, { offset, bytes }]) =>
            chunk.number(2, offset, 64).structure(3, (meta) =>
              meta
                .number(1, PHYSICAL[types[column] as PlainType])
                .numbers(2, [PLAIN, RLE])
                .texts(3, [String(column)])
                .number(4, 0)
                .number(5, rows, 64)
                .number(6, bytes, 64)
                .number(7, bytes, 64)
                .number(9, offset, 64),
            ),
          )
          .number(2, sum(chunks.map(({ bytes }) => bytes)), 64)
          .number(3, rows, 64),
      )
      .finish()
  }
}

function schemaElement(element: ThriftWriter, column: number, type: PlainType): void {
  element
    .number(1, PHYSICAL[type])
    .number(3, type === 'text' ? OPTIONAL : REQUIRED)
    .text(4, String(column))
  if (type === 'text') element.number(6, UTF8)
}

function pageHeader(rows: number, bytes: number): Buffer {
  return new ThriftWriter()
    .number(1, 0)
    .number(2, bytes)
    .number(3, bytes)
    .structure(5, (page) => page.number(1, rows).number(2, PLAIN).number(3, RLE).number(4, RLE))
    .finish()
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
