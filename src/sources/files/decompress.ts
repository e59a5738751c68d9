import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { WardbookError } from '../../kernel/errors.js'

const GZIP_MAGIC = [0x1f, 0x8b]
/** Optional header field that every reader passes over: the file's name. */
const GZIP_HAS_NAME = 0x08

/** True when the bytes begin like gzip, whatever the file's name says. */
export function isGzip(start: Uint8Array): boolean {
  return GZIP_MAGIC.every((byte, index) => start[index] === byte)
}

/**
 * True for gzip of one member with nothing after it and no header field but a name: what readers of other makes take too.
 * @param start first 10 bytes of the file
 * @param end   its last 4 bytes, where the only member has its length modulo 2^32
 * @param bytes decompressed length of the whole file
 * @see RFC 1952
 */
export function isSimpleGzip(start: Uint8Array, end: Uint8Array, bytes: number): boolean {
  const flags = start[3] ?? 0
  const length = new DataView(end.buffer, end.byteOffset, end.length).getUint32(0, true)
  return (flags & ~GZIP_HAS_NAME) === 0 && length === bytes % 2 ** 32
}

/**
 * Bytes as they are, or decompressed where they are gzip (recognized by content).
 * @param file name for errors
 * @throws WardbookError 'gzip-broken' (fix-source) with the byte where a truncated or damaged file fails
 */
export async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  file: string,
): AsyncIterable<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    const first = await startOf(iterator)
    const all = joined(first, iterator)
    if (!isGzip(first)) yield* all
    else yield* gunzip(all, file)
  } finally {
    await iterator.return?.() // who has enough leaves no file open
  }
}

/** The first bytes, enough to recognize the format. */
async function startOf(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start: Uint8Array = new Uint8Array()
  while (start.length < GZIP_MAGIC.length) {
    const { done, value } = await iterator.next()
    if (done) break
    start = Buffer.concat([start, value])
  }
  return start
}

async function* joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  yield first
  for (;;) {
    const { done, value } = await rest.next()
    if (done) return
    yield value
  }
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>, file: string): AsyncIterable<Uint8Array> {
  let received = 0
  const counted = async function* () {
    for await (const chunk of chunks) {
      received += chunk.length
      yield chunk
    }
  }
  const source = Readable.from(counted(), { objectMode: false })
  const unzip = createGunzip({ chunkSize: 256 * 1024 })
  source.on('error', (error) => unzip.destroy(error)) // a broken transfer keeps its own error
  source.pipe(unzip)
  try {
    for await (const chunk of unzip) yield chunk as Uint8Array
  } catch (cause) {
    if (cause instanceof WardbookError) throw cause
    throw gzipBroken(file, received, unzip.bytesWritten, cause)
  } finally {
    source.destroy()
  }
}

function gzipBroken(file: string, received: number, taken: number, cause: unknown): WardbookError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const truncated = /unexpected end/i.test(why)
  const byteOffset = truncated ? received : taken
  return new WardbookError(
    truncated ? 'gzip-truncated' : 'gzip-broken',
    'fix-source',
    `${file} is ${truncated ? 'a truncated' : 'a damaged'} gzip file: it fails after ${byteOffset} compressed bytes (${why}); fetch it again`,
    { file, byteOffset },
    { cause },
  )
}
