import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import type { Clock } from '../kernel/time.js'
import type { ObjectStore, Scratch } from '../lake/store.js'
import { isGzip } from '../sources/files/decompress.js'
import type { PageOffer, Source } from '../sources/source.js'
import { FileAppender } from './file-appender.js'

/** A page that was received whole and lies in the spool. */
const SpooledPage = z.strictObject({
  page: z.int(),
  url: z.string(),
  changeToken: z.string().nullable(),
  publishedAt: z.string().nullable(),
  readAt: z.string(),
  /** Object that holds the body exactly as received. */
  body: z.string(),
  /** SHA-256 of the body as received, hexadecimal. */
  sha256: z.string(),
  /** Bytes as received. */
  bytes: z.int(),
  gzip: z.boolean(),
})
export type SpooledPage = z.infer<typeof SpooledPage>

/** What the spool works with. */
export interface SpoolContext {
  readonly store: ObjectStore
  /** `spool/<dataset>/<source>` */
  readonly root: string
  readonly scratch: Scratch
  readonly clock: Clock
}

/** Reads a body to its end. What it throws does not stop the body from being received: see {@link ReceivedPage}. */
export type ReadBody = (bytes: AsyncIterable<Uint8Array>) => Promise<void>

/** A page in the spool. */
export interface ReceivedPage {
  readonly page: SpooledPage
  /** True when an interrupted run had received it. */
  readonly resumed: boolean
  /** What the reader threw: the body came whole, but cannot be read. */
  readonly fault: unknown
}

/**
 * A page's body in the spool, read while it arrives. One that an interrupted run received whole is used again while the
 * publisher's change token is the same; anything else is received anew.
 * @throws the errors of the source and of the store; nothing is recorded then
 */
export async function spoolPage(
  context: SpoolContext,
  source: Source,
  offer: PageOffer,
  read: ReadBody,
): Promise<ReceivedPage> {
  const kept = await keptPage(context, offer)
  if (kept === undefined) return receivePage(context, source, offer, read)
  const fault = await faultOf(() => read(readSpooled(context.store, kept)))
  return { page: kept, resumed: true, fault }
}

async function faultOf(work: () => Promise<void>): Promise<unknown> {
  try {
    await work()
    return undefined
  } catch (thrown) {
    return thrown
  }
}

/** The bytes of a spooled page as received. */
export async function* readSpooled(store: ObjectStore, page: SpooledPage): AsyncIterable<Uint8Array> {
  const staged = await store.stage(page.body)
  try {
    for await (const chunk of createReadStream(staged.file, { highWaterMark: 256 * 1024 }))
      yield chunk as Uint8Array
  } finally {
    await staged.release()
  }
}

/** Empties the spool of a source after its pages are committed. */
export async function clearSpool(store: ObjectStore, root: string): Promise<void> {
  for await (const { key } of store.list(`${root}/`)) await store.delete(key)
}

async function keptPage(context: SpoolContext, offer: PageOffer): Promise<SpooledPage | undefined> {
  const bytes = await context.store.get(recordKey(context.root, offer))
  if (bytes === undefined || offer.changeToken === undefined) return undefined
  const record = SpooledPage.safeParse(JSON.parse(new TextDecoder().decode(bytes)))
  const same =
    record.success && record.data.url === offer.url && record.data.changeToken === offer.changeToken
  return same && (await context.store.stat(record.data.body)) !== undefined ? record.data : undefined
}

async function receivePage(
  context: SpoolContext,
  source: Source,
  offer: PageOffer,
  read: ReadBody,
): Promise<ReceivedPage> {
  const { store, root, scratch, clock } = context
  const file = join(scratch.folder, `page-${offer.page}.part`)
  const { fault, sha256, bytes, gzip } = await receiveFile(file, (await source.read(offer)).bytes, read)
  if (bytes === 0) throw emptyBody(offer)
  const body = `${root}/${pageName(offer)}-${sha256.slice(0, 24)}.csv${gzip ? '.gz' : ''}`
  await store.createIfAbsent(body, { file })
  const page: SpooledPage = {
    page: offer.page,
    url: offer.url,
    changeToken: offer.changeToken ?? null,
    publishedAt: offer.publishedAt ?? null,
    readAt: clock().toISOString(),
    body,
    sha256,
    bytes,
    gzip,
  }
  await store.delete(recordKey(root, offer))
  await store.createIfAbsent(recordKey(root, offer), new TextEncoder().encode(JSON.stringify(page)))
  return { page, resumed: false, fault }
}

/** What a body was, once all of it lies in a file. */
interface ReceivedFile {
  readonly fault: unknown
  readonly sha256: string
  readonly bytes: number
  readonly gzip: boolean
}

/** Writes and hashes a body while a reader takes it; what the reader leaves is received all the same. */
async function receiveFile(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
  read: ReadBody,
): Promise<ReceivedFile> {
  const hash = createHash('sha256')
  const appender = await FileAppender.open(file)
  const body = chunks[Symbol.asyncIterator]()
  let bytes = 0
  let start: Uint8Array = new Uint8Array()
  let broken: { readonly thrown: unknown } | undefined
  async function* taps(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { done, value } = await body.next().catch((thrown) => {
        broken = { thrown }
        throw thrown
      })
      if (done) return
      if (start.length < 2) start = Buffer.concat([start, value.subarray(0, 2)])
      hash.update(value)
      bytes += value.length
      await appender.append(value)
      yield value
    }
  }
  try {
    const fault = await faultOf(() => read(taps()))
    if (broken === undefined) for await (const _rest of taps()); // what the reader did not take
    if (broken !== undefined) throw (broken as { thrown: unknown }).thrown
    await appender.finish()
    return { fault, sha256: hash.digest('hex'), bytes, gzip: isGzip(start) }
  } finally {
    await appender.close()
    await body.return?.()
  }
}

function emptyBody(offer: PageOffer): WardbookError {
  return new WardbookError('source-empty', 'fix-source', `${offer.url} is empty: it has no bytes`, {
    file: offer.url,
    bytes: 0,
  })
}

function recordKey(root: string, offer: PageOffer): string {
  return `${root}/${pageName(offer)}.json`
}

function pageName(offer: PageOffer): string {
  return `page-${String(offer.page).padStart(6, '0')}`
}
