import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { WardbookError } from '../../kernel/errors.js'
import { exchangeKey, INDEX_FILE, type MirroredAnswer, type MirrorIndex, parseIndex } from './exchange.js'

/** Statuses that never have a body. */
const BODILESS: readonly number[] = [204, 205, 304]

/**
 * A folder in place of the network, for every family: requests are answered from the files that its `mirror.json` names. What it does not name is
 * not there (404) for who only looks, and an error for who reads.
 *
 * A file that was put there by hand has its size and time of change as ETag and Last-Modified; a recorded answer has its own.
 * @throws WardbookError from the fetch: 'mirror-missing', 'mirror-lacks-url', 'mirror-index-broken' (fix-config), 'source-not-found' (fix-source)
 */
export function mirrorFetch(folder: string): typeof fetch {
  return async (input, init = {}) => {
    const { url, method, body, headers } = new Asked(input, init)
    const answer = Object.entries(await mirrorIndex(folder)).find(
      ([key]) => key === exchangeKey(url, body),
    )?.[1]
    const onlyLooks = method === 'HEAD' || headers.has('range')
    if (answer !== undefined) return respond(folder, answer, method === 'HEAD')
    if (onlyLooks) return new Response(null, { status: 404 })
    const index = join(folder, INDEX_FILE)
    const message = `${index} has no answer to ${exchangeKey(url, body)}`
    throw new WardbookError('mirror-lacks-url', 'fix-config', message, { folder, url: exchangeKey(url) })
  }
}

/**
 * The index of a mirror; empty where there is none.
 * @throws WardbookError 'mirror-missing', 'mirror-index-broken' (fix-config)
 */
export async function mirrorIndex(folder: string): Promise<MirrorIndex> {
  await demandFolder(folder)
  const file = join(folder, INDEX_FILE)
  const text = await readFile(file, 'utf8').catch(() => '{}') // a mirror may do with the city file's patterns alone
  return parseIndex(text, file)
}

/** @throws WardbookError 'mirror-missing' (fix-config) */
export async function demandFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined)
  if (found?.isDirectory()) return
  const message = `the mirror folder ${folder} does not exist`
  throw new WardbookError('mirror-missing', 'fix-config', message, { folder })
}

/** What a fetch was asked for. */
export class Asked {
  readonly url: string
  readonly method: string
  readonly body: string | undefined
  readonly headers: Headers

  constructor(input: string | URL | Request, init: RequestInit) {
    this.url = input instanceof Request ? input.url : String(input)
    this.method = (init.method ?? 'GET').toUpperCase()
    this.body = this.method === 'POST' ? String(init.body ?? '') : undefined
    this.headers = new Headers(init.headers)
  }
}

async function respond(folder: string, answer: MirroredAnswer, isHead: boolean): Promise<Response> {
  const { file, status, headers } = answer
  if (file === undefined) return new Response(null, { status, headers: headers ?? {} })
  const path = join(folder, file)
  const found = await stat(path).catch((cause) => {
    throw new WardbookError('source-not-found', 'fix-source', `the mirror lacks ${path}`, { path }, { cause })
  })
  const own = { 'last-modified': found.mtime.toUTCString(), etag: `"${found.size}-${found.mtimeMs}"` }
  const told = headers ?? own
  const body =
    isHead || BODILESS.includes(status)
      ? null
      : (Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array> as unknown as BodyInit)
  return new Response(body, { status, headers: { 'content-length': String(found.size), ...told } })
}
