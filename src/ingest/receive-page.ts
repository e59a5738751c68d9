import { createReadStream, createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { WardbookError } from '../kernel/errors.js'
import type { Clock } from '../kernel/time.js'
import { signalsOfFailure } from '../sources/decode/decode-json.js'
import type { DecodedPage, PageBody } from '../sources/decode/decoded-page.js'
import { dropColumns } from '../sources/decode/drop-columns.js'
import type { GuessedEncoding } from '../sources/decode/text-encoding.js'
import { sameColumn } from '../sources/files/read-csv.js'
import type { PageRecord, PageRequest, PageSignals, Source } from '../sources/source.js'
import { decodePage } from './decode-page.js'
import { GrowingFile } from './growing-file.js'
import type { SpooledPage } from './spool.js'

/** What receiving works with. */
export interface Receiving {
  readonly source: Source
  /** Published columns that never enter. */
  readonly drops: readonly string[]
  /** Empty local folder. */
  readonly folder: string
  readonly clock: Clock
  /** Told of a body's bytes as they come. */
  onGrown?(bytes: number): void
}

/** A page that can be read, also while it is still being received. */
export interface ReceivedPage {
  readonly decoded: DecodedPage
  readonly file: string
  readonly form: SpooledPage['form']
  /** The page again, its text in this encoding, once its reader found that it is not what it seemed to be. */
  decodeAs(encoding: GuessedEncoding): Promise<ReceivedPage>
  /** The record, once its rows are counted and all bytes are there. @throws what ended the transfer early, what the source says of the answer */
  record(rows: number): Promise<PageRecord>
  /** Ends the transfer; the file may be removed then. */
  abandon(): Promise<void>
}

const READ_CHUNK_BYTES = 1024 * 1024

/**
 * Asks for a page and makes it readable. Where nothing stands against it, its rows can be read while more of them arrive: its reader learns of a
 * transfer that breaks.
 * @param isReadOnce false where the page is read more often than once, or changed: it is received whole then, and its encoding is sure
 * @throws WardbookError of the source and of `decodePage`; 'source-empty' (fix-source) for a body without a byte
 */
export async function receivePage(
  receiving: Receiving,
  request: PageRequest,
  isReadOnce: boolean,
): Promise<ReceivedPage> {
  const { source, folder, drops } = receiving
  const { bytes: body, ...answer } = await source.fetch(request)
  const file = join(folder, `page-${request.page}.received`)
  const growing = new GrowingFile(request.url, file, body, receiving.onGrown)
  try {
    if (!isReadOnce || request.format.kind === 'json') await growing.whole()
    await demandBytes(growing, request)
    const page = await decode(source, request, growing.body(), folder)
    const decoded = isReadOnce ? page : await decodedSurely(page, source, request, growing.body(), folder)
    const received = receivedPage(receiving, request, growing, answer, decoded)
    return drops.length === 0 ? received : await withoutDropped(receiving, request, received)
  } catch (thrown) {
    await growing.abandon()
    throw thrown
  }
}

type Answer = Omit<Awaited<ReturnType<Source['fetch']>>, 'bytes'>

function receivedPage(
  receiving: Receiving,
  request: PageRequest,
  growing: GrowingFile,
  answer: Answer,
  page: DecodedPage,
): ReceivedPage {
  const { source, folder, clock, drops } = receiving
  const { plain: _, ...streamed } = page // for what is cut off goes with its file
  const { decoded, endsInLine } = watchEnd(drops.length === 0 ? page : streamed)
  return {
    decoded,
    file: growing.body().file,
    form: 'received',
    abandon: () => growing.abandon(),
    decodeAs: async (encoding) => {
      const again = await decode(source, withEncoding(request, encoding), growing.body(), folder)
      return receivedPage(receiving, request, growing, answer, again)
    },
    record: async (rows) => {
      const { sha256, bytes } = await growing.received()
      const readAt = clock().toISOString()
      const signals: PageSignals = { ...decoded.signals, rows, ...(await endsInLine()) }
      const failure = source.failureOf(request, signals)
      if (failure !== undefined) throw failure
      return { request, ...answer, sha256, bytes, readAt, signals: withoutColumns(signals, drops) }
    },
  }
}

/** The page without its dropped columns, in a file that has nothing of them. */
async function withoutDropped(
  { drops, folder }: Receiving,
  request: PageRequest,
  received: ReceivedPage,
): Promise<ReceivedPage> {
  const kept = dropColumns(received.decoded, drops)
  const strict = join(folder, `page-${request.page}.strict`)
  await pipeline(kept.open(), createWriteStream(strict))
  await rm(received.file) // what was dropped is nowhere any more
  const open = bodyOf(request.url, strict).open
  const decoded: DecodedPage = { ...kept, form: 'strict', delimiter: ',', open }
  return { ...received, decoded, file: strict, form: 'strict' }
}

function withEncoding(request: PageRequest, encoding: GuessedEncoding): PageRequest {
  const { format } = request
  return format.kind === 'file' ? { ...request, format: { ...format, encoding } } : request
}

async function decodedSurely(
  page: DecodedPage,
  source: Source,
  request: PageRequest,
  body: PageBody,
  folder: string,
): Promise<DecodedPage> {
  if (page.surely === undefined) return page
  return decode(source, withEncoding(request, await page.surely()), body, folder)
}

async function demandBytes(growing: GrowingFile, request: PageRequest): Promise<void> {
  for await (const _first of growing.body().open()) return
  throw emptyBody(request)
}

/** A local file as the body of a page; it is opened when its first byte is asked for. */
export function bodyOf(name: string, file: string): PageBody {
  const open = async function* () {
    yield* createReadStream(file, { highWaterMark: READ_CHUNK_BYTES })
  }
  return { name, file, open }
}

/** The page, and what its text ends with once it was read: a CSV that stops within a line was cut off, however well its transfer ended. */
function watchEnd(decoded: DecodedPage): {
  decoded: DecodedPage
  endsInLine(): Promise<{ endsInLine?: boolean }>
} {
  const { form, plain } = decoded
  if (form === 'strict') return { decoded, endsInLine: async () => ({}) }
  if (plain !== undefined)
    return { decoded, endsInLine: async () => ({ endsInLine: isLineEnd(await lastByteOf(plain.file)) }) }
  let last: number | undefined
  const watched = async function* () {
    for await (const chunk of decoded.open()) {
      last = chunk.at(-1) ?? last
      yield chunk
    }
  }
  return { decoded: { ...decoded, open: watched }, endsInLine: async () => ({ endsInLine: isLineEnd(last) }) }
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d
}

async function lastByteOf(file: string): Promise<number | undefined> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1))
    return bytesRead === 0 ? undefined : buffer[0]
  } finally {
    await handle.close()
  }
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
