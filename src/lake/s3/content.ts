import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { WardbookError } from '../../kernel/errors.js'
import type { Content } from '../store.js'
import { FailedTry } from './failure.js'
import { MAX_OBJECT_BYTES, MAX_PUT_BYTES } from './settings.js'

/** Content with its checksums, ready to be sent any number of times. */
export interface Prepared {
  readonly size: number
  /** Base64, for `Content-MD5`: every S3 service refuses a body that differs. */
  readonly md5: string
  /** Hexadecimal, kept in the object's metadata: readers check it. */
  readonly sha256: string
  /** The bytes for one try; a stream is new each time and has to be destroyed. */
  open(): Uint8Array | Readable
}

/**
 * Reads content once to know its size and checksums.
 * @throws WardbookError 'object-too-large' (shrink) for bytes above 5 GiB or a file above 5 TiB; 'content-unreadable' (report-bug)
 *   when the file cannot be read
 */
export async function prepare(content: Content): Promise<Prepared> {
  const md5 = createHash('md5')
  const sha256 = createHash('sha256')
  const isBytes = content instanceof Uint8Array
  const size = isBytes ? content.byteLength : await sizeOf(content.file)
  demandStorable(size, isBytes ? MAX_PUT_BYTES : MAX_OBJECT_BYTES)
  if (isBytes) for (const hash of [md5, sha256]) hash.update(content)
  else await hashFile(content.file, [md5, sha256])
  return {
    size,
    md5: md5.digest('base64'),
    sha256: sha256.digest('hex'),
    open: () => (isBytes ? content : createReadStream(content.file)),
  }
}

async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch((cause) => {
    throw unreadable(file, cause)
  })
  return found.size
}

async function hashFile(file: string, hashes: readonly Hash[]): Promise<void> {
  try {
    for await (const chunk of createReadStream(file)) for (const hash of hashes) hash.update(chunk)
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

/** The file to store is gone, or is not what it was when it was first read. */
export function unreadable(file: string, cause?: unknown): WardbookError {
  const message = `the file ${file} that is to be stored cannot be read, or has changed meanwhile`
  return new WardbookError('content-unreadable', 'report-bug', message, { file }, { cause })
}

function demandStorable(size: number, limit: number): void {
  if (size <= limit) return
  const message = `an object of ${size} bytes is larger than a bucket stores (${limit}): split it`
  throw new WardbookError('object-too-large', 'shrink', message, { size, limit })
}

/**
 * A whole body in memory.
 * @param length what the answer's head announced; undefined when it did not
 * @throws FailedTry when fewer or more bytes came
 */
export async function readBody(
  body: AsyncIterable<Uint8Array> | undefined,
  length: number | undefined,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body ?? []) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  demandLength(bytes.length, length)
  return bytes
}

/** @throws FailedTry when fewer or more bytes came than the answer's head announced */
export function demandLength(got: number, announced: number | undefined): void {
  if (announced !== undefined && got !== announced)
    throw new FailedTry('passing', `the body ended after ${got} of ${announced} bytes`)
}

/** Checks whole content against the digest it was stored with; foreign objects have none. @throws FailedTry */
export function demandDigest(sha256: string, stored: string | undefined): void {
  if (stored !== undefined && sha256 !== stored)
    throw new FailedTry('damaged', `the bytes have SHA-256 ${sha256}, but were stored with ${stored}`)
}
