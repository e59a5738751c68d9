import { gzipSync } from 'node:zlib'
import type { PortalAnswer, PortalHooks, PortalRequest } from '../src/demo/portals/portal-server.js'
import type { PortalTable } from '../src/demo/portals/portal-table.js'

/** Whether a request asks for rows: not for metadata, a catalog or a count. */
export type AsksForRows = (request: PortalRequest) => boolean

/** Rows of the demo's Socrata and CKAN portals, by SODA 2, SODA 3, `datastore_search`, a dump or a file. */
export const asksForRows: AsksForRows = ({ path, query, body }) => {
  if (/count\(\*\)/.test(`${query.get('$select')} ${body}`) || query.get('limit') === '0') return false
  return /^\/resource\/|\/v3\/views\/|datastore_search|\/datastore\/dump\/|\/download\//.test(path)
}

/** Changes the answers to some requests for rows. @param which numbers of those requests, from 1; none: all */
export function alterRows(
  change: (answer: PortalAnswer) => PortalAnswer,
  which: readonly number[] = [],
  asks: AsksForRows = asksForRows,
): PortalHooks {
  let asked = 0
  return {
    alter: (request, answer) => {
      if (!asks(request)) return answer
      asked += 1
      return which.length === 0 || which.includes(asked) ? change(answer) : answer
    },
  }
}

/** The portal gives at most so many rows, whatever was asked, and says nothing of it. */
export function capsSilently(rows: number): PortalHooks {
  return {
    rewrite: (request) => {
      const query = new URLSearchParams(request.query)
      for (const name of ['$limit', 'limit']) {
        if (Number(query.get(name)) > rows) query.set(name, String(rows))
      }
      const body = request.body
        .replace(/LIMIT (\d+)/, (_all, limit) => `LIMIT ${Math.min(Number(limit), rows)}`)
        .replace(/"limit":(\d+)/, (_all, limit) => `"limit":${Math.min(Number(limit), rows)}`)
      return { ...request, query, body }
    },
  }
}

/** Answers as faults make them of good ones. */
export const spoilt = {
  html: (): PortalAnswer => {
    const body = ['<!DOCTYPE html><html><body>Please enable JavaScript to continue.</body></html>']
    return { status: 200, headers: { 'content-type': 'text/html' }, body }
  },
  throttled: (): PortalAnswer => ({ status: 429, headers: { 'retry-after': '1' }, body: ['slow down'] }),
  broken: (bytes: number) => (answer: PortalAnswer) => ({ ...answer, breakAfterBytes: bytes }),
  truncated: (bytes: number) => (answer: PortalAnswer) => ({
    ...answer,
    body: [bytesOf(answer).subarray(0, bytes)],
  }),
  zipped: (answer: PortalAnswer) => ({ ...answer, body: [gzipSync(bytesOf(answer))] }),
  /** CSV with its first rows only. */
  shortened: (rows: number) => (answer: PortalAnswer) => {
    const lines = bytesOf(answer).toString('utf8').split('\n')
    return {
      ...answer,
      body: [
        lines
          .slice(0, rows + 1)
          .map((line) => `${line}\n`)
          .join(''),
      ],
    }
  },
}

/** A page for people comes instead, with a good status. */
export function answersHtml(...which: number[]): PortalHooks {
  return alterRows(spoilt.html, which)
}

/** Too many requests; with a time to wait. */
export function throttles(...which: number[]): PortalHooks {
  return alterRows(spoilt.throttled, which)
}

/** The server fails. */
export function fails(status: number, ...which: number[]): PortalHooks {
  return alterRows(() => ({ status, headers: {}, body: ['<html>Internal Server Error</html>'] }), which)
}

/** The answer is still being made. */
export function isNotReady(...which: number[]): PortalHooks {
  return alterRows(() => ({ status: 202, headers: {}, body: ['{}'] }), which)
}

/** The connection is cut after so many bytes of a body that began well. */
export function breaksAfter(bytes: number, ...which: number[]): PortalHooks {
  return alterRows(spoilt.broken(bytes), which)
}

/** The body ends early as if it were whole. */
export function truncates(bytes: number, ...which: number[]): PortalHooks {
  return alterRows(spoilt.truncated(bytes), which)
}

/** Compressed once more than the headers say. */
export function zipsTwice(...which: number[]): PortalHooks {
  return alterRows(spoilt.zipped, which)
}

/** An empty list where there are rows, with a good status. */
export function answersNothing(...which: number[]): PortalHooks {
  return alterRows((answer) => ({ ...answer, body: ['[\n]\n'] }), which)
}

/** The count is wrong by so many rows. */
export function liesAboutCount(by: number): PortalHooks {
  const wrong = (text: string) =>
    text
      .replace(/"count":"(\d+)"/, (_all, count) => `"count":"${Number(count) + by}"`)
      .replace(/"total(_count)?":(\d+)/, (_all, name = '', count) => `"total${name}":${Number(count) + by}`)
  return { alter: (_request, answer) => ({ ...answer, body: [wrong(bytesOf(answer).toString('utf8'))] }) }
}

function bytesOf({ body }: PortalAnswer): Buffer {
  return Buffer.concat([...body].map((part) => Buffer.from(part as string)))
}

/** Several faults at once. */
export function together(...faults: readonly PortalHooks[]): PortalHooks {
  return {
    rewrite: (request) => faults.reduce((seen, fault) => fault.rewrite?.(seen) ?? seen, request),
    alter: (request, answer) => faults.reduce((seen, fault) => fault.alter?.(request, seen) ?? seen, answer),
  }
}

/** A table whose rows stand elsewhere at each request for rows, whatever order is asked for. */
export function reordering(
  table: PortalTable,
  asks: AsksForRows = asksForRows,
): { table: PortalTable; hooks: PortalHooks } {
  let turn = 0
  const place = (index: number) => (index + turn) % table.rowCount
  return {
    table: { ...table, row: (index) => table.row(place(index)), rowId: place },
    hooks: {
      rewrite: (request) => {
        if (asks(request)) turn += 1
        return request
      },
    },
  }
}

/** A table that becomes another one before the request for rows with this number. */
export function changing(
  before: PortalTable,
  after: PortalTable,
  which: number,
  asks: AsksForRows = asksForRows,
): { table: () => PortalTable; hooks: PortalHooks } {
  let asked = 0
  return {
    table: () => (asked >= which ? after : before),
    hooks: {
      rewrite: (request) => {
        if (asks(request)) asked += 1
        return request
      },
    },
  }
}
