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

/** Changes the answers to some requests for rows. @param which numbers of those requests, from 1; default: all */
function alterRows(
  change: (answer: PortalAnswer) => PortalAnswer,
  which: readonly number[] | undefined,
): PortalHooks {
  let asked = 0
  return {
    alter: (request, answer) => {
      if (!asksForRows(request)) return answer
      asked += 1
      return which === undefined || which.includes(asked) ? change(answer) : answer
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

/** A page for people comes instead, with a good status. */
export function answersHtml(...which: number[]): PortalHooks {
  const body = ['<!DOCTYPE html><html><body>Please enable JavaScript to continue.</body></html>']
  const page = { status: 200, headers: { 'content-type': 'text/html' }, body }
  return alterRows(() => page, which)
}

/** Too many requests; with a time to wait. */
export function throttles(...which: number[]): PortalHooks {
  return alterRows(() => ({ status: 429, headers: { 'retry-after': '1' }, body: ['slow down'] }), which)
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
  return alterRows((answer) => ({ ...answer, breakAfterBytes: bytes }), which)
}

/** The body ends early as if it were whole. */
export function truncates(bytes: number, ...which: number[]): PortalHooks {
  return alterRows((answer) => ({ ...answer, body: [bytesOf(answer).subarray(0, bytes)] }), which)
}

/** Compressed once more than the headers say. */
export function zipsTwice(...which: number[]): PortalHooks {
  return alterRows((answer) => ({ ...answer, body: [gzipSync(bytesOf(answer))] }), which)
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
      .replace(/"total":(\d+)/, (_all, count) => `"total":${Number(count) + by}`)
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
export function reordering(table: PortalTable): { table: PortalTable; hooks: PortalHooks } {
  let turn = 0
  return {
    table: { ...table, row: (index) => table.row((index + turn) % table.rowCount) },
    hooks: {
      rewrite: (request) => {
        if (asksForRows(request)) turn += 1
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
): { table: () => PortalTable; hooks: PortalHooks } {
  let asked = 0
  return {
    table: () => (asked >= which ? after : before),
    hooks: {
      rewrite: (request) => {
        if (asksForRows(request)) asked += 1
        return request
      },
    },
  }
}
