import { type CatalogEntry, describedBy } from '../catalog.js'
import { type PortalTools, tokenOf } from '../portal-tools.js'
import { CkanApi } from './api.js'
import { Found, instantOf, type Package, type Resource } from './resource.js'

/** Packages a request. CKAN allows 1,000, but some packages have hundreds of resources. */
const PAGE_PACKAGES = 100

/** Formats in which a table may come; a resource with a datastore is a table whatever its format. */
const TABULAR = /^\.?(csv|tsv|xlsx?|json|ndjson|geojson|parquet|zip|comma separated values)$/i

/**
 * Lists the tables of a portal, page by page in the order of package ids; memory is that of a page. Columns and rows are only known
 * of each datastore itself, so an entry has none.
 * @param portal its address
 * @param search words that a package holds, and the token's variable
 * @throws WardbookError 'portal-answer-unusable' (fix-source) when it is no CKAN portal; what a request throws
 */
export async function* ckanCatalog(
  portal: string,
  tools: PortalTools,
  { words = '', tokenVariable = 'CKAN_API_TOKEN' }: { words?: string; tokenVariable?: string } = {},
): AsyncIterable<CatalogEntry> {
  const api = new CkanApi(tools.http, portal, tokenOf(tools, tokenVariable), tokenVariable)
  for (let start = 0; ; ) {
    const parameters = { q: words, sort: 'id asc', rows: String(PAGE_PACKAGES), start: String(start) }
    const { count, results } = await api.action('package_search', parameters, Found)
    for (const found of results) yield* entriesOf(found, portal)
    start += results.length // some portals give fewer than asked
    if (results.length === 0 || start >= count) return
  }
}

/** The tables of a package. */
export function entriesOf(found: Package, portal: string): readonly CatalogEntry[] {
  return found.resources
    .filter(({ state, datastore_active, format }) => {
      return state !== 'deleted' && (datastore_active === true || TABULAR.test(format?.trim() ?? ''))
    })
    .map((resource) => entryOf(found, resource, portal))
}

function entryOf(found: Package, resource: Resource, portal: string): CatalogEntry {
  const title = found.title || found.name || found.id
  const updatedAt = instantOf(resource.last_modified) ?? instantOf(found.metadata_modified)
  return {
    id: resource.id,
    name: resource.name ? `${title} / ${resource.name}` : title,
    ...describedBy(resource.description || found.notes),
    columns: [],
    ...(updatedAt === undefined ? {} : { updatedAt }),
    kind: resource.datastore_active === true ? 'datastore' : resource.format?.trim() || 'file',
    link: `${portal}/dataset/${found.name || found.id}/resource/${resource.id}`,
    family: 'ckan',
  }
}
