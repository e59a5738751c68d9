import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { constants, gunzipSync } from 'node:zlib'
import { decodePage } from '../ingest/decode-page.js'
import { bodyOf } from '../ingest/receive-page.js'
import type { DecodedPage } from '../sources/decode/decoded-page.js'
import { cellsOf } from '../sources/files/csv-records.js'
import { readCsv, sameColumn } from '../sources/files/read-csv.js'
import type { Offer, Source } from '../sources/source.js'

/** Enough for a header line and some rows, also compressed. */
const PEEK_BYTES = 64 * 1024
const LINE_FEED = 0x0a
const ZIP_MARK = Buffer.from([0x50, 0x4b, 0x03, 0x04])

/** What the start of a page tells. */
export interface Peeked {
  readonly columns: readonly string[]
  /** Different cells of the column that was asked for, in the order of the rows; none where it is not there. */
  readonly cells: readonly string[]
}

/**
 * The columns of an offer that no description tells, from the start of its first page: the rest is not downloaded.
 * @param column whose cells are wanted, too
 * @returns undefined where a start does not tell them (archives, workbooks, JSON)
 * @throws WardbookError of the source; of decoding where the start is no table
 */
export async function peekTable(source: Source, offer: Offer, column?: string): Promise<Peeked | undefined> {
  const request = source.nextPage(offer, [])
  if (request === undefined) return undefined
  const { bytes } = await source.fetch(request)
  const start = unpacked(await startOf(bytes))
  if (start === undefined) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-peek-'))
  try {
    const file = join(folder, 'start')
    await writeFile(file, start)
    const page = await decodePage(bodyOf(request.url, file), request.format, folder)
    return { columns: page.columns, cells: column === undefined ? [] : await cellsOfColumn(page, column) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function cellsOfColumn(page: DecodedPage, column: string): Promise<string[]> {
  const cells = new Set<string>()
  if (!page.columns.some((name) => sameColumn(name, column))) return []
  const reading = { delimiter: page.delimiter, wanted: [column], isDivision: false, file: 'start' }
  await readCsv(page.open(), reading, {
    onGood: (buffer, _start, _end, _isRegular, [from = 0, to = 0]) => {
      const text = buffer.toString('utf8', from, to)
      cells.add(text.startsWith('"') ? (cellsOf(text, '\0')[0] ?? '') : text)
    },
  })
  return [...cells]
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
