import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { WardbookError } from '../kernel/errors.js'
import type { Clock } from '../kernel/time.js'
import { signalsOfFailure } from '../sources/decode/decode-json.js'
import type { DecodedPage, PageBody } from '../sources/decode/decoded-page.js'
import { dropColumns } from '../sources/decode/drop-columns.js'
import { sameColumn } from '../sources/files/read-csv.js'
import type { PageRecord, PageRequest, PageSignals, Source } from '../sources/source.js'
import { decodePage } from './decode-page.js'
import { FileAppender } from './file-appender.js'
import type { SpooledPage } from './spool.js'

/** What receiving works with. */
export interface Receiving {
  readonly source: Source
  /** Published columns that never enter. */
  readonly drops: readonly string[]
  /** Empty local folder. */
  readonly folder: string
  readonly clock: Clock
}

/** A page in local files, received whole, not read yet. */
export interface ReceivedPage {
  readonly decoded: DecodedPage
  readonly file: string
  readonly form: SpooledPage['form']
  /** The record, once its rows are counted. */
  record(rows: number): PageRecord
}

const READ_CHUNK_BYTES = 1024 * 1024

/**
 * Asks for a page, takes its body in as a stream, and makes it readable.
 * @throws WardbookError of the source and of `decodePage`; 'source-empty' (fix-source) for a body without a byte
 */
export async function receivePage(receiving: Receiving, request: PageRequest): Promise<ReceivedPage> {
  const { source, folder, clock, drops } = receiving
  const { bytes: body, ...answer } = await source.fetch(request)
  const file = join(folder, `page-${request.page}.received`)
  const { sha256, bytes } = await receiveFile(file, body)
  if (bytes === 0) throw emptyBody(request)
  const { decoded, endsInLine } = watchEnd(await decode(source, request, bodyOf(request.url, file), folder))
  const readAt = clock().toISOString()
  const record = (rows: number): PageRecord => {
    const signals: PageSignals = { ...decoded.signals, rows, ...endsInLine() }
    const failure = source.failureOf(request, signals)
    if (failure !== undefined) throw failure
    return { request, ...answer, sha256, bytes, readAt, signals: withoutColumns(signals, drops) }
  }
  if (drops.length === 0) return { decoded, file, form: 'received', record }
  const kept = dropColumns(decoded, drops)
  const strict = join(folder, `page-${request.page}.strict`)
  await pipeline(kept.open(), createWriteStream(strict))
  await rm(file) // what was dropped is nowhere any more
  const open = bodyOf(request.url, strict).open
  return { decoded: { ...kept, form: 'strict', delimiter: ',', open }, file: strict, form: 'strict', record }
}

/** A local file as the body of a page. */
export function bodyOf(name: string, file: string): PageBody {
  return { name, file, open: () => createReadStream(file, { highWaterMark: READ_CHUNK_BYTES }) }
}

/** The page, and what its text ends with once it was read: a CSV that stops within a line was cut off, however well its transfer ended. */
function watchEnd(decoded: DecodedPage): { decoded: DecodedPage; endsInLine(): { endsInLine?: boolean } } {
  if (decoded.form === 'strict') return { decoded, endsInLine: () => ({}) }
  let last: number | undefined
  const open = async function* () {
    for await (const chunk of decoded.open()) {
      last = chunk.at(-1) ?? last
      yield chunk
    }
  }
  return { decoded: { ...decoded, open }, endsInLine: () => ({ endsInLine: last === 0x0a || last === 0x0d }) }
}

/** What an answer without rows says of itself comes before what is wrong with it. */
async function decode(
  source: Source,
  request: PageRequest,
  body: PageBody,
  folder: string,
): Promise<DecodedPage> {
  try {
    return await decodePage(body, request.format, folder)
  } catch (thrown) {
    const signals = signalsOfFailure(thrown)
    throw (signals && source.failureOf(request, signals)) ?? thrown
  }
}

async function receiveFile(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  const appender = await FileAppender.open(file)
  let bytes = 0
  try {
    for await (const chunk of chunks) {
      hash.update(chunk)
      bytes += chunk.length
      await appender.append(chunk)
    }
    await appender.finish()
  } finally {
    await appender.close()
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** The record tells of no column that never enters. */
function withoutColumns(signals: PageSignals, drops: readonly string[]): PageSignals {
  const stays = (name: string) => !drops.some((drop) => sameColumn(drop, name))
  const { lastRow } = signals
  const kept = lastRow && Object.fromEntries(Object.entries(lastRow).filter(([name]) => stays(name)))
  return { ...signals, columns: signals.columns.filter(stays), lastRow: kept }
}

function emptyBody({ url }: PageRequest): WardbookError {
  const message = `${url} is empty: it has no bytes`
  return new WardbookError('source-empty', 'fix-source', message, { file: url, bytes: 0 })
}
