import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

/** A request as a portal sees it. */
export interface PortalRequest {
  /** From 1, in the order of arrival. */
  readonly number: number
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface PortalAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The body in pieces; asked for one by one, so it may be longer than memory. */
  readonly body: Iterable<string | Uint8Array>
  /** The connection is cut after so many bytes of the uncompressed body. */
  readonly breakAfterBytes?: number
}

/** What a test may change of the traffic: the place where faults go in. */
export interface PortalHooks {
  /** What the portal sees instead of a request. */
  rewrite?(request: PortalRequest): PortalRequest
  /** What the client gets instead of an answer. */
  alter?(request: PortalRequest, answer: PortalAnswer): PortalAnswer
}

/** A portal on this machine. */
export interface RunningPortal {
  readonly url: string
  /** Requests as they came, in order; for tests that count them. */
  readonly requests: readonly PortalRequest[]
  close(): Promise<void>
}

const MAX_BODY_BYTES = 1024 * 1024

/**
 * Serves a protocol on a port of the loopback interface that the system chooses. Bodies go out in pieces without a length, compressed where
 * the client takes gzip, as real portals send them.
 */
export async function startPortal(
  handle: (request: PortalRequest) => PortalAnswer,
  hooks: PortalHooks = {},
): Promise<RunningPortal> {
  const requests: PortalRequest[] = []
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy())
  })
  const serve = async (incoming: IncomingMessage, response: ServerResponse) => {
    const asked = await requestOf(incoming, requests.length + 1)
    requests.push(asked)
    const request = hooks.rewrite?.(asked) ?? asked
    const answer = handle(request)
    await send(hooks.alter?.(request, answer) ?? answer, request, response)
  }
  server.keepAliveTimeout = 0 // a slow reader on a busy machine finds its connection as it left it
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, requests, close: () => close(server) }
}

async function requestOf(incoming: IncomingMessage, number: number): Promise<PortalRequest> {
  const url = new URL(`http://portal${incoming.url ?? '/'}`)
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
  )
  const path = decodeURIComponent(url.pathname).replaceAll(/\/{2,}/g, '/')
  const method = incoming.method ?? 'GET'
  return { number, method, path, query: url.searchParams, headers, body: await textOf(incoming) }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new Error('a request longer than any of ours')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function send(answer: PortalAnswer, request: PortalRequest, response: ServerResponse): Promise<void> {
  const { status, headers, breakAfterBytes } = answer
  const breaks = breakAfterBytes !== undefined
  const zipped = !breaks && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  response.writeHead(status, { ...headers, ...(zipped ? { 'content-encoding': 'gzip' } : {}) })
  if (request.method === 'HEAD') response.end()
  else if (breaks) await sendStart(answer.body, breakAfterBytes, response)
  else if (zipped) await pipeline(Readable.from(pieces(answer.body)), createGzip({ level: 1 }), response)
  else await pipeline(Readable.from(pieces(answer.body)), response)
}

async function sendStart(body: PortalAnswer['body'], bytes: number, response: ServerResponse): Promise<void> {
  let left = bytes
  for (const piece of pieces(body)) {
    const part = piece.subarray(0, left)
    await new Promise<void>((resolve) => response.write(part, () => resolve()))
    left -= part.length
    if (left <= 0) break
  }
  response.socket?.destroy()
}

const PIECE_CHARACTERS = 64 * 1024

/** Joins small texts, so that a row is not a packet. */
function* pieces(body: PortalAnswer['body']): Iterable<Buffer> {
  let text = ''
  for (const part of body) {
    if (typeof part !== 'string') {
      if (text !== '') yield Buffer.from(text)
      text = ''
      yield Buffer.from(part)
      continue
    }
    text += part
    if (text.length < PIECE_CHARACTERS) continue
    yield Buffer.from(text)
    text = ''
  }
  if (text !== '') yield Buffer.from(text)
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
