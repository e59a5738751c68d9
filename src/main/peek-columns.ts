import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, gunzipSync } from 'node:zlib'
import { decodePage } from '../ingest/decode-page.js'
import { bodyOf } from '../ingest/receive-page.js'
import type { Offer, Source } from '../sources/source.js'

/** Enough for a header line and some rows, also compressed. */
const PEEK_BYTES = 64 * 1024
const LINE_FEED = 0x0a
const ZIP_MARK = Buffer.from([0x50, 0x4b, 0x03, 0x04])

/**
 * The columns of an offer that no description tells, from the start of its first page: the rest is not downloaded.
 * @returns undefined where a start does not tell them (archives, workbooks, JSON)
 * @throws WardbookError of the source; of decoding where the start is no table
 */
export async function peekColumns(source: Source, offer: Offer): Promise<readonly string[] | undefined> {
  const request = source.nextPage(offer, [])
  if (request === undefined) return undefined
  const { bytes } = await source.fetch(request)
  const start = unpacked(await startOf(bytes))
  if (start === undefined) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-peek-'))
  try {
    const file = join(folder, 'start')
    await writeFile(file, start)
    return (await decodePage(bodyOf(request.url, file), request.format, folder)).columns
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function startOf(chunks: AsyncIterable<Uint8Array>): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const taken: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    taken.push(chunk)
    length += chunk.length
    if (length >= PEEK_BYTES) return { bytes: Buffer.concat(taken), isWhole: false } // ends the transfer
  }
  return { bytes: Buffer.concat(taken), isWhole: true }
}

/** Whole lines of text; undefined for what only its end explains. */
function unpacked({ bytes, isWhole }: { bytes: Buffer; isWhole: boolean }): Buffer | undefined {
  if (isWhole) return bytes
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b
  const text = isZipped
    ? gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 256 * 1024 * 1024 })
    : bytes
  if (text.indexOf(ZIP_MARK) === 0 || /^(PAR1|\s*[[{])/.test(text.toString('latin1', 0, 64))) return undefined
  const end = text.lastIndexOf(LINE_FEED)
  return end < 0 ? undefined : text.subarray(0, end + 1)
}
