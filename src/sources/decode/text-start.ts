import { WardbookError } from '../../kernel/errors.js'
import type { PageBody } from './decoded-page.js'

/** Bytes to have before a text is judged, and that an error keeps. */
const START_BYTES = 2_048

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]
const LINE_FEED = 0x0a

/** The first 2 KiB of a body. */
export async function startOf(body: Pick<PageBody, 'open'>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body.open()) {
    pieces.push(Buffer.from(piece))
    bytes += piece.length
    if (bytes >= START_BYTES) break
  }
  return Buffer.concat(pieces).subarray(0, START_BYTES)
}

/** The beginning of a body as an error shows it: UTF-8 where it is, else byte by byte. */
export function describeStart(start: Buffer): string {
  const text = start.toString('utf8')
  return (text.includes('\ufffd') ? start.toString('latin1') : text).trimStart()
}

/** How pages for people begin, and no header of CSV does. */
const HTML_SIGN = /^<(!doctype|!--|html|\?xml|head|body|error>)/i

/** A page for people is no table, whatever its status said. @param sign how it begins @throws WardbookError 'answered-html' (fix-source) */
export function refuseHtml(name: string, start: Buffer, sign: RegExp = HTML_SIGN): void {
  const text = describeStart(start).replace(/^\ufeff\s*/, '')
  if (!sign.test(text)) return
  const message = `${name} is an HTML page, not a table; it begins with: ${text.slice(0, 120)}`
  throw new WardbookError('answered-html', 'fix-source', message, { file: name, line: 1, start: text })
}

/** UTF-8 without the mark that some programs put before it. @param start the first bytes */
export async function* withoutMark(
  chunks: AsyncIterable<Uint8Array>,
  start: Uint8Array,
): AsyncIterable<Uint8Array> {
  let skipped = BYTE_ORDER_MARK.length - markBytes(start)
  for await (const chunk of chunks) {
    const cut = Math.min(chunk.length, BYTE_ORDER_MARK.length - skipped)
    skipped += cut
    if (cut < chunk.length) yield cut === 0 ? chunk : chunk.subarray(cut)
  }
}

/** Bytes of the byte order mark of UTF-8 at the start of a text: 3 or none. */
export function markBytes(start: Uint8Array): number {
  return BYTE_ORDER_MARK.every((byte, index) => start[index] === byte) ? BYTE_ORDER_MARK.length : 0
}

/** The line, from 1, in which a byte stands. */
export async function lineAt(body: Pick<PageBody, 'open'>, byteOffset: number): Promise<number> {
  let line = 1
  let passed = 0
  for await (const chunk of body.open()) {
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) {
      if (passed + at >= byteOffset) return line
      line += 1
    }
    passed += chunk.length
    if (passed > byteOffset) return line
  }
  return line
}
