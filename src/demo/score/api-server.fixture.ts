import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ApiEvent, ApiSeries } from './read-api.js'

/** What a server that speaks the two lists of the API answers with. */
export interface ServedLists {
  readonly findings: readonly ApiEvent[]
  /** Absent: it has no such list, as an earlier release. */
  readonly series?: readonly ApiSeries[]
  /** Most elements a page. */
  readonly pageSize?: number
}

/** A server of this machine with the two lists, page by page; `asked` are the paths in the order they came. */
export async function serveLists({ findings, series, pageSize = 2 }: ServedLists) {
  const lists: Record<string, readonly object[] | undefined> = { findings, series }
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
    asked.push(request.url ?? '')
    const name = pathname.replace('/api/v1/', '')
    const list = lists[name]
    if (list === undefined) return response.writeHead(404).end('{"status":404}')
    const from = Number(searchParams.get('cursor') ?? 0)
    const next = from + pageSize < list.length ? String(from + pageSize) : null
    response.setHeader('Content-Type', 'application/json')
    return response.end(JSON.stringify({ [name]: list.slice(from, from + pageSize), next }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
