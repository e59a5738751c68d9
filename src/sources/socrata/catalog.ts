import { z } from 'zod'
import { type CatalogEntry, describedBy } from '../catalog.js'
import { readJson, unusable } from '../http/read-json.js'
import { type PortalTools, tokenOf } from '../portal-tools.js'
import type { PublishedColumn } from '../source.js'
import { pageOf } from './requests.js'

const texts = z.array(z.string()).default([])

const Resource = z.object({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  description: z.string().nullish(),
  updatedAt: z.string().nullish(),
  data_updated_at: z.string().nullish(),
  columns_name: texts,
  columns_field_name: texts,
  columns_datatype: texts,
})

const CatalogPage = z.object({
  results: z.array(
    z.object({
      resource: Resource,
      permalink: z.string().nullish(),
      link: z.string().nullish(),
      metadata: z.object({ domain: z.string().nullish() }).nullish(),
    }),
  ),
  resultSetSize: z.number().int().nonnegative(),
})
export type CatalogPage = z.infer<typeof CatalogPage>

/** Entries a request: with columns and descriptions they are about two megabytes. */
const PAGE_ENTRIES = 200

/** Beyond it the catalog is walked by scrolling, not by offset. */
const MAX_OFFSET_ENTRIES = 10_000

/** What to look for in a catalog. */
export interface CatalogSearch {
  /** Words that name, description or columns hold; default: everything. */
  readonly words?: string
  readonly tokenVariable?: string
}

/**
 * Lists the tables of a portal, page by page, each once; memory is that of a page.
 * @param portal its address, e.g. https://data.example.gov
 * @throws WardbookError 'portal-answer-unusable' (fix-source) when it is no Socrata catalog; what a request throws
 */
export async function* socrataCatalog(
  portal: string,
  tools: PortalTools,
  search: CatalogSearch = {},
): AsyncIterable<CatalogEntry> {
  const seen = new Set<string>()
  let place: CatalogPlace | undefined = { offset: 0 }
  while (place !== undefined) {
    const page = await fetchCatalogPage(portal, tools, search, place)
    for (const entry of entriesOf(page, portal)) {
      if (!seen.has(entry.id)) yield entry
      seen.add(entry.id)
    }
    place = placeAfter(place, page)
  }
}

/** Where a page of the catalog begins: so many entries from the start, or behind an id. */
export type CatalogPlace = { readonly offset: number } | { readonly scrollId: string }

/**
 * The place after a page, or undefined at the end. A catalog larger than offsets reach is scrolled from its second page on: scrolling has an
 * order of its own, so what both orders brought is listed once.
 */
export function placeAfter(place: CatalogPlace, page: CatalogPage): CatalogPlace | undefined {
  const last = page.results.at(-1)
  if (last === undefined) return undefined
  if ('scrollId' in place) return { scrollId: last.resource.id }
  if (page.resultSetSize > MAX_OFFSET_ENTRIES) return { scrollId: FIRST_SCROLL_ID }
  const offset = place.offset + page.results.length
  return offset < page.resultSetSize ? { offset } : undefined
}

/** Stands before every id. */
const FIRST_SCROLL_ID = '0000-0000'

async function fetchCatalogPage(
  portal: string,
  tools: PortalTools,
  { words = '', tokenVariable = 'SOCRATA_APP_TOKEN' }: CatalogSearch,
  place: CatalogPlace,
): Promise<CatalogPage> {
  const { host } = new URL(portal)
  const query = new URLSearchParams({ domains: host, search_context: host, only: 'dataset' })
  if (words !== '') query.set('q', words)
  query.set('limit', String(PAGE_ENTRIES))
  if ('offset' in place) query.set('offset', String(place.offset))
  else query.set('scroll_id', place.scrollId)
  const token = tokenOf(tools, tokenVariable)
  const answer = await tools.http.send({
    url: `${portal}/api/catalog/v1?${query}`,
    ...(token === undefined ? {} : { secretHeaders: { 'x-app-token': token } }),
  })
  return parseCatalogPage(await readJson(answer), answer.url)
}

/** @throws WardbookError 'portal-answer-unusable' (fix-source) when it is no page of a Socrata catalog */
export function parseCatalogPage(answer: unknown, url: string): CatalogPage {
  const read = CatalogPage.safeParse(answer)
  if (read.success) return read.data
  throw unusable(url, `is no catalog: ${z.prettifyError(read.error)}`, { remedy: 'fix-source' })
}

/** The tables of a page of the catalog. */
export function entriesOf(page: CatalogPage, portal: string): readonly CatalogEntry[] {
  return page.results.map(({ resource, permalink }) => {
    const updatedAt = resource.data_updated_at ?? resource.updatedAt
    return {
      id: resource.id,
      name: resource.name,
      ...describedBy(resource.description),
      columns: catalogColumns(resource),
      ...(updatedAt == null ? {} : { updatedAt }),
      kind: resource.type,
      link: permalink ?? pageOf(portal, resource.id),
      family: 'socrata' as const,
    }
  })
}

function catalogColumns(resource: z.infer<typeof Resource>): readonly PublishedColumn[] {
  const { columns_field_name: names, columns_datatype: types, columns_name: labels } = resource
  return names
    .map((name, index) => ({
      name,
      ...(types[index] === undefined ? {} : { type: types[index] }),
      ...(labels[index] === undefined || labels[index] === name ? {} : { label: labels[index] }),
    }))
    .filter(({ name }) => !name.startsWith(':'))
}
