import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

/** A client that hears of the break drops what it has not read yet: it is given some time. */
const BREAK_DELAY_MS = 60

/** A file at the server, and how the server treats it. */
export interface ServedFile {
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  /** HEAD is answered with this status. */
  readonly headStatus?: number
  /** Ranges are ignored: the whole file comes. */
  readonly noRanges?: boolean
  /** The transfer is compressed (`Content-Encoding`). */
  readonly encoded?: boolean
}

/** A server of files that knows ranges, and breaks transfers when told to. */
export interface RangeServer {
  readonly url: string
  /** Method, path, and range where there was one: `GET /a.csv bytes=5-`. */
  readonly requests: string[]
  readonly files: Map<string, ServedFile>
  /** The next transfers break after so many bytes of their bodies each. */
  readonly breaks: number[]
  close(): Promise<void>
}

export async function startRangeServer(): Promise<RangeServer> {
  const files = new Map<string, ServedFile>()
  const [requests, breaks]: [string[], number[]] = [[], []]
  const server = createServer((request, response) => {
    const { method, url = '', headers } = request
    requests.push([method, url, headers.range].filter((part) => part !== undefined).join(' '))
    const file = files.get(url)
    if (file === undefined) response.writeHead(404).end()
    else answer(request, response, file, breaks)
  })
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ requests, files, breaks },
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile,
  breaks: number[],
): void {
  const whole = Buffer.from(file.body as string)
  if (request.method === 'HEAD') {
    const status = file.headStatus ?? 200
    response
      .writeHead(status, status === 200 ? { 'content-length': whole.length, ...file.headers } : {})
      .end()
    return
  }
  const part = file.noRanges ? undefined : partOf(request, file, whole)
  const body = file.encoded ? gzipSync(whole) : (part?.body ?? whole)
  response.writeHead(part === undefined ? 200 : 206, {
    'content-length': body.length,
    ...(file.encoded ? { 'content-encoding': 'gzip' } : {}),
    ...(part === undefined ? {} : { 'content-range': part.range }),
    ...file.headers,
  })
  const at = request.headers.range === 'bytes=0-0' ? undefined : breaks.shift()
  if (at === undefined) response.end(body)
  else response.write(body.subarray(0, at), () => setTimeout(() => response.destroy(), BREAK_DELAY_MS))
}

function partOf(
  { headers }: IncomingMessage,
  file: ServedFile,
  whole: Buffer,
): { body: Buffer; range: string } | undefined {
  const found = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '')
  const condition = headers['if-range']
  const isSame =
    condition === undefined ||
    [file.headers?.etag, file.headers?.['last-modified']].includes(condition as string)
  if (found === null || !isSame) return undefined
  const from = Number(found[1])
  const to = found[2] === '' ? whole.length - 1 : Number(found[2])
  return {
    body: whole.subarray(from, to + 1),
    range: `bytes ${from}-${Math.min(to, whole.length - 1)}/${whole.length}`,
  }
}
