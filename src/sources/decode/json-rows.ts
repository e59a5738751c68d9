import { isUtf8 } from 'node:buffer'
import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import { MAX_RECORD_BYTES } from '../files/read-csv.js'
import { JsonFault, type JsonListener, JsonScanner, type Wanted } from './json-scanner.js'

/** Longest envelope as JSON text; a member that does not fit any more is left out. */
export const MAX_ENVELOPE_BYTES = 64 * 1024

const OPEN_OBJECT = 0x7b
const OPEN_LIST = 0x5b

/** Takes one row: `[start, end)` of bytes that are valid until the piece is read to its end. @param offset of its first byte in the body */
export type TakeRow = (bytes: Uint8Array, start: number, end: number, offset: number) => void

/**
 * Walks through a JSON document to its rows: each row's bytes are handed on as sent, what stands around the array is collected.
 * Rows stand in the array to which `rowsAt` leads; with an empty path they are the document's own elements, or one object a line.
 */
export class JsonRows {
  /** Rows so far. */
  rows = 0
  /** Whether the array, or with an empty path any object, was found. */
  found = false

  private readonly scanner: JsonScanner
  private readonly path: readonly Buffer[]
  private readonly envelopeText = new EnvelopeText()
  /** Objects on the way to the array that are open now. */
  private onWay = 0
  private key = Buffer.alloc(0)
  private inArray = false
  private piece: Uint8Array | undefined
  private pieceIsUtf8 = false
  private lone: Buffer | undefined

  constructor(
    rowsAt: readonly string[],
    private readonly takeRow: TakeRow,
    from = 0,
  ) {
    this.path = rowsAt.map((name) => Buffer.from(JSON.stringify(name)))
    const listener: JsonListener = rowsAt.length === 0 ? this.topListener() : this.pathListener()
    this.scanner = new JsonScanner(listener, () => rowsAt.length === 0 && !this.inArray, from)
  }

  /** Reads the next piece of the body. @throws JsonFault, WardbookError 'row-too-long', 'encoding-broken' */
  take(chunk: Uint8Array): void {
    this.piece = chunk
    this.pieceIsUtf8 = isUtf8Inside(chunk)
    this.scanner.take(chunk)
  }

  /** @returns whether there was any value at all @throws JsonFault when the document is unfinished */
  end(): boolean {
    return this.scanner.end()
  }

  /** The JSON around the rows. A lone object is its own envelope too: nobody can tell it from an answer about an error. */
  envelope(): Json {
    if (this.path.length > 0) return this.envelopeText.parsed()
    return this.lone === undefined ? {} : (JSON.parse(this.lone.toString('utf8')) as Json)
  }

  /** Rows are the elements of the document, or the document is one object a line. */
  private topListener(): JsonListener {
    return {
      onKey: () => undefined,
      onStart: (depth, first) => {
        if (depth > 0 || first !== OPEN_LIST) {
          if (first === OPEN_OBJECT) this.found = true
          return MAX_RECORD_BYTES
        }
        if (this.rows > 0) return MAX_RECORD_BYTES // a list among lines of objects: no row
        this.found = true
        this.inArray = true
        return 'inside'
      },
      onEnd: (depth, bytes, start, end, offset) => {
        if (depth === 0 && this.inArray) return
        this.endRow(bytes, start, end, offset)
        if (depth > 0 || this.rows > 2) return
        const isLone = this.rows === 1 && end - start <= MAX_ENVELOPE_BYTES
        this.lone = isLone ? Buffer.from((bytes as Uint8Array).subarray(start, end)) : undefined
      },
    }
  }

  /** Rows are the elements of an array inside. */
  private pathListener(): JsonListener {
    const arrayDepth = this.path.length
    return {
      onKey: (token) => {
        this.key = Buffer.from(token)
      },
      onStart: (depth, first, offset) => {
        if (this.inArray) return MAX_RECORD_BYTES
        if (!this.isOnWay(depth)) return MAX_ENVELOPE_BYTES
        if (depth === arrayDepth && first === OPEN_LIST) return this.enterArray(depth, offset)
        return depth < arrayDepth && first === OPEN_OBJECT ? this.enterObject() : MAX_ENVELOPE_BYTES
      },
      onEnd: (depth, bytes, start, end, offset) => {
        if (this.inArray && depth > arrayDepth) this.endRow(bytes, start, end, offset)
        else if (this.inArray) this.inArray = false
        else if (depth === this.onWay - 1) this.leaveObject()
        else if (bytes !== undefined) this.envelopeText.member(this.key, bytes.subarray(start, end))
      },
    }
  }

  private isOnWay(depth: number): boolean {
    return depth === this.onWay && (depth === 0 || (this.path[depth - 1] as Buffer).equals(this.key))
  }

  private enterObject(): Wanted {
    this.envelopeText.open(this.key)
    this.onWay += 1
    return 'inside'
  }

  private leaveObject(): void {
    this.envelopeText.close()
    this.onWay -= 1
  }

  private enterArray(depth: number, offset: number): Wanted {
    const name = JSON.parse((this.path[depth - 1] as Buffer).toString('utf8'))
    if (this.found) throw new JsonFault(offset, `the rows at '${name}' stand there twice`)
    this.found = true
    this.inArray = true
    return 'inside'
  }

  private endRow(bytes: Uint8Array | undefined, start: number, end: number, offset: number): void {
    if (bytes === undefined) throw rowTooLong(this.rows + 1, offset)
    const isChecked = bytes === this.piece && this.pieceIsUtf8
    if (!isChecked && !isUtf8(bytes.subarray(start, end))) throw notUtf8(this.rows + 1, offset)
    this.rows += 1
    this.takeRow(bytes, start, end, offset)
  }
}

/** Whether bytes are UTF-8, apart from a character that is cut at either end. */
function isUtf8Inside(bytes: Uint8Array): boolean {
  let from = 0
  while (from < 3 && from < bytes.length && ((bytes[from] as number) & 0xc0) === 0x80) from += 1
  let to = bytes.length
  for (let back = 1; back <= 3 && back <= bytes.length - from; back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte >= 0xc0) to = bytes.length - back
    if (byte < 0x80 || byte >= 0xc0) break
  }
  return isUtf8(bytes.subarray(from, to))
}

/** Collects members of nested objects as text, up to {@link MAX_ENVELOPE_BYTES}. */
class EnvelopeText {
  private readonly levels: { readonly key: Buffer; readonly members: string[] }[] = []
  private document = '{}'
  private bytes = 0

  open(key: Buffer): void {
    this.levels.push({ key, members: [] })
  }

  close(): void {
    const { key, members } = this.levels.pop() as { key: Buffer; members: string[] }
    const text = `{${members.join(',')}}`
    const outer = this.levels.at(-1)
    if (outer === undefined) this.document = text
    else outer.members.push(`${key}:${text}`)
  }

  member(key: Buffer, value: Uint8Array): void {
    const total = this.bytes + key.length + value.length + 2
    const level = this.levels.at(-1)
    if (total > MAX_ENVELOPE_BYTES || level === undefined || key.length === 0 || !isUtf8(value)) return
    this.bytes = total
    level.members.push(`${key}:${Buffer.from(value)}`)
  }

  parsed(): Json {
    return JSON.parse(this.document) as Json
  }
}

function rowTooLong(row: number, byteOffset: number): WardbookError {
  const message = `row ${row} is longer than ${MAX_RECORD_BYTES} bytes: no row of a table is`
  return new WardbookError('row-too-long', 'shrink', message, {
    row,
    byteOffset,
    maxRecordBytes: MAX_RECORD_BYTES,
  })
}

function notUtf8(row: number, byteOffset: number): WardbookError {
  return new WardbookError('encoding-broken', 'fix-source', `row ${row} is not UTF-8, as JSON has to be`, {
    row,
    byteOffset,
  })
}
