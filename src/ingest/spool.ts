import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import type { Clock } from '../kernel/time.js'
import type { ObjectStore, Scratch } from '../lake/store.js'
import { isGzip } from '../sources/files/decompress.js'
import type { PageOffer, Source } from '../sources/source.js'

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

/**
 * A page's body in the spool. One that an interrupted run received whole is used again while the publisher's change token
 * is the same; anything else is received anew.
 */
export async function spoolPage(
  context: SpoolContext,
  source: Source,
  offer: PageOffer,
): Promise<{ page: SpooledPage; resumed: boolean }> {
  const kept = await keptPage(context, offer)
  if (kept !== undefined) return { page: kept, resumed: true }
  return { page: await receivePage(context, source, offer), resumed: false }
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

async function receivePage(context: SpoolContext, source: Source, offer: PageOffer): Promise<SpooledPage> {
  const { store, root, scratch, clock } = context
  const file = join(scratch.folder, `page-${offer.page}.part`)
  const { sha256, bytes, gzip } = await receiveFile(file, (await source.read(offer)).bytes)
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
  return page
}

async function receiveFile(
  file: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ sha256: string; bytes: number; gzip: boolean }> {
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
  return { sha256: hash.digest('hex'), bytes, gzip: isGzip(await startOfFile(file)) }
}

async function startOfFile(file: string): Promise<Uint8Array> {
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
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
