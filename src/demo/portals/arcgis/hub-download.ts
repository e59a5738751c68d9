import type { PortalAnswer, PortalRequest } from '../portal-server.js'
import { type PortalTable, rowsOf } from '../portal-table.js'
import { sparseRecord } from '../write-csv.js'
import type { ArcgisVariant } from './variant.js'

/** What a Hub site has made of its downloads. */
export interface HubSite {
  /** How often each file is answered with 202 before it is there. */
  readonly makes: number
  /** Requests for each file that were no looks. */
  readonly asked: Map<string, number>
}

/** @param variant `hubMakes` of it */
export function hubSite({ hubMakes }: ArcgisVariant): HubSite {
  return { makes: hubMakes, asked: new Map() }
}

/**
 * A layer as the file that a Hub site makes of it when somebody asks: 202 with a JSON body until it is there, then CSV. A HEAD asks for
 * nothing to be made.
 * @returns undefined for every other address
 */
export function hubDownload(
  { path, method }: PortalRequest,
  tables: readonly PortalTable[],
  { makes, asked }: HubSite,
): PortalAnswer | undefined {
  const layer = /^\/datasets\/[0-9a-f]+_(\d+)\.csv$/.exec(path)?.[1]
  const table = layer === undefined ? undefined : tables[Number(layer)]
  if (table === undefined) return undefined
  const before = asked.get(path) ?? 0
  if (method !== 'HEAD') asked.set(path, before + 1)
  return before < makes ? stillMaking(before) : csvOf(table)
}

function stillMaking(before: number): PortalAnswer {
  const body = JSON.stringify({ processingTime: `${before + 1} seconds`, status: 'Processing' })
  return { status: 202, headers: { 'content-type': 'application/json; charset=utf-8' }, body: [body] }
}

function csvOf(table: PortalTable): PortalAnswer {
  const etag = `"${table.updatedAt.toString(16)}-${table.rowCount.toString(16)}"`
  const headers = {
    ...{ 'content-type': 'text/csv', etag, 'last-modified': new Date(table.updatedAt).toUTCString() },
    'x-amz-meta-retrieved_at': new Date(table.updatedAt).toISOString(),
  }
  return { status: 200, headers, body: recordsOf(table) }
}

function* recordsOf(table: PortalTable): Iterable<string> {
  yield sparseRecord(table.columns.map(({ label, name }) => label ?? name))
  for (const { cells } of rowsOf(table, 0, table.rowCount)) yield sparseRecord(cells)
}
