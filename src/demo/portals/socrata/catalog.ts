import type { PortalTable } from '../portal-table.js'
import { SOCRATA_TYPES } from './view.js'

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 10_000

/** A page of the catalog: tables whose name or description holds all words of `q`, by offset or behind an id. */
export function catalogOf(tables: readonly PortalTable[], query: URLSearchParams, host: string): string {
  const words = (query.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  const found = tables.filter(({ name, description = '' }) => {
    const text = `${name} ${description}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
  const limit = Math.min(Number(query.get('limit') ?? DEFAULT_LIMIT), MAX_LIMIT)
  const page = pageOf(found, query, limit)
  const results = page.map((table) => resultOf(table, host))
  return JSON.stringify({ results, resultSetSize: found.length, timings: { searchMillis: 1 }, warnings: [] })
}

function pageOf(
  found: readonly PortalTable[],
  query: URLSearchParams,
  limit: number,
): readonly PortalTable[] {
  const behind = query.get('scroll_id')
  const offset = Number(query.get('offset') ?? 0)
  if (behind === null) return found.slice(offset, offset + limit)
  return [...found]
    .sort((one, other) => (one.id < other.id ? -1 : 1))
    .filter(({ id }) => id > behind)
    .slice(0, limit)
}

function resultOf(table: PortalTable, host: string) {
  const updatedAt = new Date(table.updatedAt).toISOString()
  const resource = {
    name: table.name,
    id: table.id,
    resource_name: null,
    parent_fxf: [],
    description: table.description ?? '',
    type: 'dataset',
    updatedAt,
    data_updated_at: updatedAt,
    columns_name: table.columns.map(({ name, label }) => label ?? name),
    columns_field_name: table.columns.map(({ name }) => name),
    columns_datatype: table.columns.map(({ type }) => SOCRATA_TYPES[type]),
  }
  return {
    resource,
    classification: { categories: [], tags: [] },
    metadata: { domain: host },
    permalink: `http://${host}/d/${table.id}`,
    link: `http://${host}/d/${table.id}`,
  }
}
