import { epochMs } from '../src/demo/portals/arcgis/feature-table.js'
import type { PortalRequest } from '../src/demo/portals/portal-server.js'
import type { PortalTable } from '../src/demo/portals/portal-table.js'
import type { SourceRow } from './read-source.js'

/** Rows as the source has to give them: in the characters that were sent. @param oid object id of a row by its number */
export function asArcgisRows(
  table: PortalTable,
  oid: (row: number) => bigint,
  geometryColumn?: string,
): readonly SourceRow[] {
  return Array.from({ length: table.rowCount }, (_none, index) => {
    const cells = table.columns.map(({ name, type }, at) => {
      const cell = table.row(index)[at] ?? null
      if (name === geometryColumn) return ['geometry', cell]
      if (cell !== null && type === 'date') return [name, String(epochMs(cell))]
      return [name, cell !== null && type === 'boolean' ? String(Number(cell === 'true')) : cell]
    })
    return Object.fromEntries([['OBJECTID', String(oid(index))], ...cells]) as SourceRow
  })
}

/** Parameters of a query, of its address and of a posted form. */
export function askedOf({ query, body }: PortalRequest): URLSearchParams {
  return new URLSearchParams([...query, ...new URLSearchParams(body)])
}

/** True for requests of pages, not for questions of the plan, which ask for the object id alone or for one row. */
export function isArcgisPage(request: PortalRequest): boolean {
  const asked = askedOf(request)
  const isQuestion = ['returnCountOnly', 'returnIdsOnly', 'outStatistics'].some((name) => asked.has(name))
  return request.path.endsWith('/query') && !isQuestion && asked.get('outFields') !== 'OBJECTID'
}

/** Gives what happens on pages from a number on, from 0, so many times. */
export function onArcgisPages<T>(what: T, from = 0, times = Number.POSITIVE_INFINITY) {
  let seen = 0
  let done = 0
  return (request: PortalRequest): T | undefined => {
    if (!isArcgisPage(request) || seen++ < from || done >= times) return undefined
    done += 1
    return what
  }
}
