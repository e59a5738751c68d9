import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

/** What a portal answers before anything is done to it. */
export interface PortalAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** A request as a portal sees it. */
export interface PortalRequest {
  /** Number of the request at this portal, from 0. */
  readonly number: number
  readonly method: string
  readonly path: string
  /** Parameters of the address and of a posted form. */
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
}

/**
 * What goes wrong with an answer on its way, whatever the portal: another status, a page of a proxy, a connection that breaks after the
 * status or in the middle, a body that ends early as if it were whole, a body that is compressed once more.
 */
export type TransferFault =
  | {
      readonly kind: 'status'
      readonly status: number
      readonly body?: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'html' }
  | { readonly kind: 'break'; readonly afterBytes: number }
  | { readonly kind: 'truncate'; readonly bytes: number }
  | { readonly kind: 'gzip-twice' }

/** Decides for each request whether something goes wrong with its answer. */
export type TransferFaults = (request: PortalRequest) => TransferFault | undefined

/** A portal on this machine. */
export interface RunningPortal {
  readonly url: string
  /** `GET /path?query`, in order; a posted form is shown like a query. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

/** Starts a portal on a port of loopback that the system chooses. Bodies are compressed where the client says that it can. */
export async function startPortal(
  answer: (request: PortalRequest) => PortalAnswer,
  faults: TransferFaults = () => undefined,
): Promise<RunningPortal> {
  const requests: string[] = []
  const server = createServer(async (incoming, response) => {
    const request = await requestOf(incoming, requests.length)
    requests.push(`${request.method} ${request.path}?${request.query}`)
    send(request, response, answer, faults(request))
  })
  server.keepAliveTimeout = 0 // a slow reader on a busy machine finds its connection as it left it
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () => close(server),
  }
}

/** A portal's answer in JSON. @param text its JSON, or a value to write as JSON */
export function jsonAnswer(text: unknown, more: Omit<PortalAnswer, 'body'> = {}): PortalAnswer {
  const headers = { 'content-type': 'application/json; charset=utf-8', ...more.headers }
  return { ...more, headers, body: typeof text === 'string' ? text : JSON.stringify(text) }
}

async function requestOf(incoming: IncomingMessage, number: number): Promise<PortalRequest> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://portal')
  const chunks: Uint8Array[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'))
  const query = new URLSearchParams([...searchParams, ...form])
  return { number, method: incoming.method ?? 'GET', path: pathname, query, headers: incoming.headers }
}

function send(
  request: PortalRequest,
  response: ServerResponse,
  answer: (request: PortalRequest) => PortalAnswer,
  fault: TransferFault | undefined,
): void {
  if (fault?.kind === 'status') {
    response
      .writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
      .end(fault.body ?? '')
    return
  }
  if (fault?.kind === 'html') {
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!DOCTYPE html><html><body>Maintenance</body></html>')
    return
  }
  const { status = 200, headers = {}, body } = answer(request)
  sendBody(request, response, { status, headers, body }, fault)
}

function sendBody(
  request: PortalRequest,
  response: ServerResponse,
  { status, headers, body }: Required<PortalAnswer>,
  fault: Exclude<TransferFault, { kind: 'status' | 'html' }> | undefined,
): void {
  const plain = Buffer.from(body as string)
  const whole = fault?.kind === 'truncate' ? plain.subarray(0, fault.bytes) : plain
  const isCompressed =
    fault?.kind === 'gzip-twice' || String(request.headers['accept-encoding'] ?? '').includes('gzip')
  const bytes =
    fault?.kind === 'gzip-twice'
      ? gzipSync(gzipSync(whole))
      : isCompressed
        ? gzipSync(whole, { level: 1 })
        : whole
  response.writeHead(status, { ...headers, ...(isCompressed ? { 'content-encoding': 'gzip' } : {}) })
  if (fault?.kind !== 'break') response.end(bytes)
  else response.write(bytes.subarray(0, fault.afterBytes), () => response.socket?.destroy())
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
