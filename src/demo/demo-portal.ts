import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { CityFile } from '../contracts/city-file.js'
import { sha256Hex } from '../kernel/ids.js'
import { demoCity } from './demo-city.js'
import { LAST_DAY, type SimulatedRequest, simulateRequests } from './simulate-requests.js'

/** A portal of plain files on this machine, with the city that it publishes. */
export interface DemoPortal {
  readonly url: string
  readonly city: CityFile
  /** Addresses of its files, a year each. */
  readonly urls: readonly string[]
  close(): Promise<void>
}

const DEMO_SEED = 311
const HEADER = [
  'Request Number',
  'Opened',
  'Closed',
  'Type',
  'Department',
  'Ward',
  'Address',
  'Channel',
  'Note',
] as const
/** The simulated city published its files in the morning after the last day. */
const PUBLISHED_AT = new Date(Date.parse(`${LAST_DAY}T00:00:00Z`) + 36 * 3_600_000)

interface PublishedFile {
  readonly body: Buffer
  readonly etag: string
}

/** Starts the portal: one gzip CSV a year, with ETag and Last-Modified as a real one has them. */
export async function startDemoPortal(seed = DEMO_SEED): Promise<DemoPortal> {
  const files = publish(seed)
  const server = createServer((request, response) => {
    serveFile(files.get(request.url ?? ''), request.method ?? 'GET', response)
  })
  server.keepAliveTimeout = 0 // a slow reader on a busy machine finds its connection as it left it
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const urls = [...files.keys()].map((path) => `${url}${path}`)
  return { url, city: demoCity(urls), urls, close: () => close(server) }
}

function publish(seed: number): Map<string, PublishedFile> {
  const files = new Map<string, PublishedFile>()
  for (const [year, requests] of simulateRequests(seed)) {
    const body = gzipSync(csvOf(requests), { level: 6 })
    files.set(`/requests-${year}.csv.gz`, { body, etag: `"${sha256Hex(body).slice(0, 32)}"` })
  }
  return files
}

/** The files have the small faults that real ones have: a date that is none, and a line whose quote never closes. */
function csvOf(requests: readonly SimulatedRequest[]): string {
  const lines = requests.map((request, index) => {
    const opened = index === 500 ? 'not recorded' : request.opened
    const { number, closed, type, department, ward, address, channel, note } = request
    const cells = [number, opened, closed, type, department, ward, address, channel, note]
    return index === 900 ? `${cells.slice(0, 8).join(',')},"unclosed` : cells.map(csvCell).join(',')
  })
  return `${HEADER.join(',')}\n${lines.join('\n')}\n`
}

function csvCell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function serveFile(file: PublishedFile | undefined, method: string, response: ServerResponse): void {
  if (file === undefined) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('no such file\n')
    return
  }
  response.writeHead(200, {
    'content-type': 'application/gzip',
    'content-length': file.body.length,
    etag: file.etag,
    'last-modified': PUBLISHED_AT.toUTCString(),
  })
  response.end(method === 'HEAD' ? undefined : file.body)
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
