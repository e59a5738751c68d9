import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One answer to a GET. */
export interface Answer {
  readonly status?: number
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** The connection is cut after this many bytes of the body; Content-Length announces all of it. */
  readonly cutAfter?: number
}

/** A portal of plain files whose misbehavior is scripted. */
export interface FileServer {
  readonly url: string
  /** `GET /path` and `HEAD /path`, in order. */
  readonly requests: string[]
  /** GETs of a path get these answers, one after the other, then the last one again and again. */
  serve(path: string, ...answers: Answer[]): void
  close(): Promise<void>
}

/** Starts the server on a port that the system chooses. HEAD tells status and headers of the next answer. */
export async function startFileServer(): Promise<FileServer> {
  const scripts = new Map<string, Answer[]>()
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    answer(request, response, scripts.get(request.url ?? ''))
  })
  server.keepAliveTimeout = 0 // a busy test finds its connection as it left it
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    serve: (path, ...answers) => void scripts.set(path, answers),
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function answer(request: IncomingMessage, response: ServerResponse, script: Answer[] | undefined): void {
  const isHead = request.method === 'HEAD'
  const next = !isHead && script !== undefined && script.length > 1 ? script.shift() : script?.[0]
  const { status = 200, body = '', headers = {}, cutAfter } = next ?? { status: 404 }
  const bytes = Buffer.from(body as string)
  response.writeHead(status, { 'content-length': bytes.length, ...headers })
  if (isHead) response.end()
  else if (cutAfter === undefined) response.end(bytes)
  else response.write(bytes.subarray(0, cutAfter), () => response.socket?.destroy())
}
