import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { WardbookError } from '../kernel/errors.js'
import type { Clock } from '../kernel/time.js'
import { decodePage } from '../sources/decode/decode-page.js'
import type { PageBody } from '../sources/decode/decoded-page.js'
import { dropColumns } from '../sources/decode/drop-columns.js'
import type { PageRecord, PageRequest, Source } from '../sources/source.js'

/** What receiving works with. */
export interface Receiving {
  readonly source: Source
  /** Published columns that never enter. */
  readonly drops: readonly string[]
  /** Empty local folder. */
  readonly folder: string
  readonly clock: Clock
}

/** A page in local files, received whole and read to its end, not stored yet. */
export interface ReceivedPage {
  readonly record: PageRecord
  readonly file: string
  readonly form: 'received' | 'strict'
}

const READ_CHUNK_BYTES = 256 * 1024

/**
 * Asks for a page, takes its body in as a stream, and reads it to its end: what a page says of itself decides how the read goes on.
 * @throws WardbookError of the source and of `decodePage`; 'source-empty' (fix-source) for a body without a byte
 */
export async function receivePage(receiving: Receiving, request: PageRequest): Promise<ReceivedPage> {
  const { source, folder, clock, drops } = receiving
  const answer = await source.fetch(request)
  const file = join(folder, `page-${request.page}.received`)
  const { sha256, bytes } = await receiveFile(file, answer.bytes)
  if (bytes === 0) throw emptyBody(request)
  const decoded = await decodePage(bodyOf(request.url, file), request.format, folder)
  const failure = source.failureOf(request, decoded.signals)
  if (failure !== undefined) throw failure
  const { status, etag, lastModified, requestId, headers } = answer
  const record: PageRecord = {
    ...{ request, status, etag, lastModified, requestId, headers, sha256, bytes },
    readAt: clock().toISOString(),
    signals: decoded.signals,
  }
  if (drops.length === 0) return { record, file, form: 'received' }
  const kept = dropColumns(decoded, drops)
  const strict = join(folder, `page-${request.page}.strict`)
  await pipeline(kept.open(), createWriteStream(strict))
  await rm(file) // what was dropped is nowhere any more
  return { record: withoutDropped(record, drops), file: strict, form: 'strict' }
}

/** A local file as the body of a page. */
export function bodyOf(name: string, file: string): PageBody {
  return { name, file, open: () => createReadStream(file, { highWaterMark: READ_CHUNK_BYTES }) }
}

async function receiveFile(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  const handle = await open(file, 'w')
  let bytes = 0
  try {
    for await (const chunk of chunks) {
      hash.update(chunk)
      bytes += chunk.length
      await handle.writeFile(chunk)
    }
  } finally {
    await handle.close()
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** The record tells of no column that never enters. */
function withoutDropped(record: PageRecord, drops: readonly string[]): PageRecord {
  const dropped = new Set(drops.map((name) => name.trim().toLowerCase()))
  const stays = (name: string) => !dropped.has(name.trim().toLowerCase())
  const { signals } = record
  const last =
    signals.lastRow && Object.fromEntries(Object.entries(signals.lastRow).filter(([name]) => stays(name)))
  return { ...record, signals: { ...signals, columns: signals.columns.filter(stays), lastRow: last } }
}

function emptyBody({ url }: PageRequest): WardbookError {
  const message = `${url} is empty: it has no bytes`
  return new WardbookError('source-empty', 'fix-source', message, { file: url, bytes: 0 })
}
