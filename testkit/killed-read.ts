import type { PortalRequest } from '../src/demo/portals/portal-server.js'
import type { ReadingWay } from './adversary-trial.js'

/** A process that is gone: no error of a portal. */
export class ReadKilled extends Error {}

/** A network for one run whose process dies when it asks for one page more than so many. */
export function diesBehind(pages: number, way: ReadingWay): typeof fetch {
  let asked = 0
  return async (input, init) => {
    const url = new URL(String(input instanceof Request ? input.url : input))
    if (isPage(way, url, init) && asked++ >= pages) throw new ReadKilled()
    return fetch(input, init)
  }
}

function isPage(way: ReadingWay, url: URL, init: RequestInit | undefined): boolean {
  const body = typeof init?.body === 'string' ? init.body : ''
  const headers = Object.fromEntries(new Headers(init?.headers))
  return way.asks({ number: 0, method: 'GET', path: url.pathname, query: url.searchParams, headers, body })
}

/** Requests for pages, each as one text. */
export function pagesAsked({ asks }: ReadingWay, requests: readonly PortalRequest[]): string[] {
  return requests.filter(asks).map(({ path, query, body }) => `${path}?${query} ${body}`)
}
