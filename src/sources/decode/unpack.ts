import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { WardbookError } from '../../kernel/errors.js'
import { decompress, isGzip } from '../files/decompress.js'
import type { PageBody } from './decoded-page.js'
import { startOf } from './text-start.js'

/** Most bytes that a compressed file may become. */
export const MAX_EXPANDED_BYTES = 64 * 1024 ** 3

/** Most bytes that one compressed byte may become, once more than {@link RATIO_FROM_BYTES} came out: tables reach 30, deflate 1,032. */
export const MAX_RATIO = 400

/** Below this size any ratio is harmless. */
export const RATIO_FROM_BYTES = 64 * 1024 ** 2

/** Containers inside containers that are opened: gzip twice, or a workbook in an archive. */
export const MAX_LAYERS = 3

/**
 * The bytes of what was compressed, as long as they stay within the caps.
 * @param compressed bytes it came from, as far as they are there
 * @throws WardbookError 'archive-unusable' (fix-source)
 */
export async function* capped(
  chunks: AsyncIterable<Uint8Array>,
  compressed: () => number,
  name: string,
  caps = { bytes: MAX_EXPANDED_BYTES, ratio: MAX_RATIO, ratioFrom: RATIO_FROM_BYTES },
): AsyncIterable<Uint8Array> {
  let expanded = 0
  for await (const chunk of chunks) {
    expanded += chunk.length
    const tooDense = expanded > caps.ratioFrom && expanded > compressed() * caps.ratio
    if (expanded > caps.bytes || tooDense) throw tooLarge(name, expanded, compressed())
    yield chunk
  }
}

/**
 * What gzip holds, also gzip in gzip; other bodies as they are.
 * @throws WardbookError 'archive-unusable' (fix-source) for too many layers; 'gzip-broken', 'gzip-truncated' while it is read
 */
export async function withoutGzip(
  body: PageBody,
  scratch: string,
): Promise<{ body: PageBody; layers: number }> {
  let inner = body
  let layers = 0
  for (; isGzip(await startOf(inner)); layers++) {
    if (layers === MAX_LAYERS) throw tooDeep(body.name)
    inner = gunzipped(inner, await compressedBytes(body), freeName(scratch))
  }
  return { body: inner, layers }
}

/** A name in a folder that may be shared by the pages and layers of a read. */
export function freeName(scratch: string): string {
  return join(scratch, `unpacked-${randomUUID()}`)
}

/** @param file where {@link onDisk} puts it, when it has to */
function gunzipped(body: PageBody, compressed: () => number, file: string): PageBody {
  const { name } = body
  return { name, file, open: () => capped(decompress(body.open(), name), compressed, name) }
}

async function compressedBytes(body: PageBody): Promise<() => number> {
  const { arrival } = body
  if (arrival) return () => arrival.bytes()
  const found = await stat(body.file).catch(() => undefined)
  if (found !== undefined) return () => found.size
  let bytes = 0
  for await (const chunk of body.open()) bytes += chunk.length
  return () => bytes
}

/** The body with its bytes in a local file, which formats that jump need: one that was unpacked on the way is written there. */
export async function onDisk(body: PageBody): Promise<PageBody> {
  await body.arrival?.whole()
  if ((await stat(body.file).catch(() => undefined)) === undefined) {
    await pipeline(body.open(), createWriteStream(body.file))
  }
  const { name, file } = body
  return { name, file, open: () => createReadStream(file, { highWaterMark: 256 * 1024 }) }
}

function tooLarge(file: string, expanded: number, compressed: number): WardbookError {
  const message = `${file} grows from ${compressed} to more than ${expanded} bytes: no table does that`
  return new WardbookError('archive-unusable', 'fix-source', message, { file, expanded, compressed })
}

/** Too many containers in one another. */
export function tooDeep(file: string): WardbookError {
  const message = `${file} is packed more than ${MAX_LAYERS} times over`
  return new WardbookError('archive-unusable', 'fix-source', message, { file, maxLayers: MAX_LAYERS })
}
