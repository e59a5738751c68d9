import { isUtf8 } from 'node:buffer'
import { WardbookError } from '../../kernel/errors.js'
import type { PageBody } from './decoded-page.js'
import { lineAt, markBytes } from './text-start.js'

/** Encodings of text that are read. */
export type TextEncoding = 'utf-8' | 'windows-1252' | 'utf-16le' | 'utf-16be'

/** Encodings that a text without mark is taken for. */
export type GuessedEncoding = Extract<TextEncoding, 'utf-8' | 'windows-1252'>

/**
 * A text that is no UTF-8 is taken for Windows-1252 when fewer than this share of its non-ASCII places are UTF-8 characters. Above it, the text is
 * UTF-8 with some bad bytes, and its bad rows are set aside by who reads it. Windows-1252 text forms a UTF-8 character by chance in less than one
 * place of a hundred; UTF-8 text with damaged rows has far more good characters than bad ones.
 */
export const MIN_UTF8_SHARE = 0.1

/** Bytes that Windows-1252 does not define: a text with one of them is in no encoding that we guess. */
const UNDEFINED_1252: readonly number[] = [0x81, 0x8d, 0x8f, 0x90, 0x9d]

/** The encoding that a byte order mark tells, if there is one. @param start first bytes */
export function markedEncoding(start: Uint8Array): TextEncoding | undefined {
  if (markBytes(start) > 0) return 'utf-8'
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le'
  return start[0] === 0xfe && start[1] === 0xff ? 'utf-16be' : undefined
}

/**
 * The encoding of a text without mark, from all of its bytes: one fast pass, and a second one only where it is not UTF-8.
 * @see MIN_UTF8_SHARE
 */
export async function guessEncoding(text: Pick<PageBody, 'open'>): Promise<GuessedEncoding> {
  if (await isAllUtf8(text.open())) return 'utf-8'
  const { good, bad, undefined1252 } = await countCharacters(text.open())
  return undefined1252 || good >= (good + bad) * MIN_UTF8_SHARE ? 'utf-8' : 'windows-1252'
}

/**
 * The encoding of a text without mark, from its beginning: UTF-8 where that is, else from all of its bytes.
 * @returns `surely` to ask about all bytes, where they were not looked at
 */
export async function likelyEncoding(
  text: Pick<PageBody, 'open'>,
): Promise<{ encoding: GuessedEncoding; surely?: () => Promise<GuessedEncoding> }> {
  const surely = () => guessEncoding(text)
  if (await isAllUtf8(beginning(text))) return { encoding: 'utf-8', surely }
  return { encoding: await surely() }
}

/** Bytes from which an encoding is taken for granted. */
const BEGINNING_BYTES = 1024 * 1024

async function* beginning(text: Pick<PageBody, 'open'>): AsyncIterable<Uint8Array> {
  let bytes = 0
  for await (const chunk of text.open()) {
    bytes += chunk.length
    if (bytes < BEGINNING_BYTES) yield chunk
    else {
      // What the cut takes apart is not looked at.
      const kept = chunk.subarray(0, BEGINNING_BYTES - (bytes - chunk.length))
      yield kept.subarray(0, kept.length - cutBytes(kept))
      return
    }
  }
}

async function isAllUtf8(chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
  let cut: Uint8Array = new Uint8Array()
  for await (const chunk of chunks) {
    const bytes = cut.length === 0 ? chunk : Buffer.concat([cut, chunk])
    const whole = bytes.length - cutBytes(bytes)
    if (!isUtf8(bytes.subarray(0, whole))) return false
    cut = Buffer.from(bytes.subarray(whole))
  }
  return cut.length === 0
}

/** Bytes at the end that may begin a character which goes on in the next piece: 0 to 3. */
function cutBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < lengthOf(byte) ? back : 0
  }
  return 0
}

function lengthOf(lead: number): number {
  return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
}

interface CharacterCount {
  /** Places outside ASCII that are a character of UTF-8, and that are none. */
  readonly good: number
  readonly bad: number
  readonly undefined1252: boolean
}

async function countCharacters(chunks: AsyncIterable<Uint8Array>): Promise<CharacterCount> {
  let good = 0
  let bad = 0
  let undefined1252 = false
  let cut: Uint8Array = new Uint8Array()
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([cut, chunk])
    const whole = bytes.length - cutBytes(bytes)
    for (let at = 0; at < whole; ) {
      const byte = bytes[at] as number
      const length = byte < 0x80 ? 1 : characterAt(bytes, at, whole)
      if (byte >= 0x80 && length > 0) good += 1
      if (length === 0) {
        bad += 1
        if (UNDEFINED_1252.includes(byte)) undefined1252 = true
      }
      at += Math.max(1, length)
    }
    cut = Buffer.from(bytes.subarray(whole))
  }
  return { good, bad: bad + (cut.length > 0 ? 1 : 0), undefined1252 }
}

/** Bytes of the UTF-8 character that begins here, or 0. */
function characterAt(bytes: Uint8Array, at: number, to: number): number {
  const lead = bytes[at] as number
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lengthOf(lead)
  return at + length <= to && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}

/**
 * A text as UTF-8. Bytes of UTF-8 pass as they are; places that others count are in what comes out.
 * @throws WardbookError 'encoding-broken' (fix-source) where UTF-16 is damaged, with its byte
 */
export async function* asUtf8(
  text: Pick<PageBody, 'name' | 'open'>,
  encoding: TextEncoding,
): AsyncIterable<Uint8Array> {
  if (encoding === 'utf-8') {
    yield* text.open()
    return
  }
  const decoder = new TextDecoder(encoding, { fatal: true })
  let passed = 0
  for await (const chunk of text.open()) {
    yield await decoded(decoder, chunk, text, passed)
    passed += chunk.length
  }
  yield await decoded(decoder, undefined, text, passed)
}

async function decoded(
  decoder: TextDecoder,
  chunk: Uint8Array | undefined,
  text: Pick<PageBody, 'name' | 'open'>,
  passed: number,
): Promise<Buffer> {
  try {
    return Buffer.from(
      chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true }),
      'utf8',
    )
  } catch (cause) {
    const line = await lineAt(text, passed)
    const message = `${text.name}, near line ${line}, behind byte ${passed}: not ${decoder.encoding}; set encoding in the city file`
    const facts = { file: text.name, line, byteOffset: passed, encoding: decoder.encoding }
    throw new WardbookError('encoding-broken', 'fix-source', message, facts, { cause })
  }
}
