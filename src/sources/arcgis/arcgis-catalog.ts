import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import { type CatalogEntry, describedBy } from '../catalog.js'
import { listOf, memberOf, textOf } from '../exact-json.js'
import { type PortalTools, tokenOf } from '../portal-tools.js'
import { Asker } from './ask-layer.js'
import { listedLayers, splitService } from './find-layers.js'
import { type Layer, layerOf } from './layer.js'

/** Items a request of a Hub's search. */
const HUB_PAGE = 100
/** Folders of a services directory have no folders of their own. */
const READABLE = /^(Feature|Map)Server$/

/** A service, and what its publisher calls it. */
interface ListedService {
  readonly url: string
  readonly title: string | undefined
  readonly description: string | undefined
}

/**
 * Layers and tables that a portal lists: of a services directory (an address that ends in `/rest/services`), of one service, or of a Hub site.
 * A service that refuses is passed over: a catalog lists what can be read without asking its owner.
 * @param tokenVariable environment variable of the token
 */
export async function* arcgisCatalog(
  portal: string,
  tools: PortalTools,
  { tokenVariable = 'ARCGIS_TOKEN' }: { readonly tokenVariable?: string } = {},
): AsyncIterable<CatalogEntry> {
  const token = tokenOf(tools, tokenVariable)
  const asker = new Asker(tools.http, token === undefined ? {} : { token })
  for await (const service of servicesOf(asker, portal.replace(/\/+$/, ''))) {
    for (const { layer, description } of await layersOf(asker, service.url))
      yield entryOf(service, layer, description)
  }
}

function servicesOf(asker: Asker, portal: string): AsyncIterable<ListedService> {
  if (/\/(Feature|Map)Server(\/\d+)?$/i.test(portal)) return oneService(portal)
  return /\/rest\/services(\/|$)/i.test(portal) ? directory(asker, portal) : hub(asker, portal)
}

async function* oneService(url: string): AsyncIterable<ListedService> {
  yield { url, title: undefined, description: undefined }
}

async function* directory(asker: Asker, root: string): AsyncIterable<ListedService> {
  const record = await asker.record(root)
  for (const service of listOf(record, 'services')) {
    const [name, type] = [textOf(service, 'name'), textOf(service, 'type') ?? '']
    if (name === undefined || !READABLE.test(type)) continue
    // Names of services in a folder begin with it: the address of the folder already has it.
    const own = name.split('/').at(-1) as string
    yield { url: `${root}/${own}/${type}`, title: undefined, description: undefined }
  }
  for (const folder of listOf(record, 'folders')) {
    if (typeof folder === 'string') yield* directory(asker, `${root}/${folder}`)
  }
}

/** The search of a Hub site: pages of items, each with the address of its service or layer. */
async function* hub(asker: Asker, site: string): AsyncIterable<ListedService> {
  const seen = new Set<string>()
  for (let start = 1; ; start += HUB_PAGE) {
    const query = new URLSearchParams({ limit: String(HUB_PAGE), startindex: String(start) })
    const page = await asker.json(`${site}/api/search/v1/collections/dataset/items?${query}`)
    const items = listOf(page, 'features')
    for (const item of items) {
      const url = textOf(item, 'properties', 'url')?.replace(/\/+$/, '')
      if (url === undefined || seen.has(url) || !/\/(Feature|Map)Server(\/\d+)?$/i.test(url)) continue
      seen.add(url)
      yield {
        url,
        title: textOf(item, 'properties', 'title'),
        description: textOf(item, 'properties', 'description'),
      }
    }
    if (items.length === 0) return
  }
}

interface DescribedLayer {
  readonly layer: Layer
  readonly description: string | undefined
}

/** The layers of a service in one request where it can, else one by one; none where it refuses. */
async function layersOf(asker: Asker, url: string): Promise<readonly DescribedLayer[]> {
  const { service, layer } = splitService(url)
  try {
    if (layer !== undefined) return readable(url, await asker.record(url))
    const all = await asker.record(`${service}/layers`).catch(() => undefined)
    const found = [...listOf(all, 'layers'), ...listOf(all, 'tables')].flatMap((json) =>
      readable(`${service}/${memberOf(json, 'id')}`, json),
    )
    return found.length > 0 ? found : await oneByOne(asker, service)
  } catch (thrown) {
    if (thrown instanceof WardbookError && thrown.remedy !== 'retry') return []
    throw thrown
  }
}

async function oneByOne(asker: Asker, service: string): Promise<readonly DescribedLayer[]> {
  const found: DescribedLayer[] = []
  for (const { id } of listedLayers(await asker.record(service))) {
    found.push(...readable(`${service}/${id}`, await asker.record(`${service}/${id}`)))
  }
  return found
}

function readable(url: string, json: Json): readonly DescribedLayer[] {
  const layer = layerOf(url, json)
  if (layer === undefined || !layer.canQuery || layer.type === 'Group Layer') return []
  return layer.fields.length === 0 ? [] : [{ layer, description: textOf(json, 'description') }]
}

function entryOf({ title, description }: ListedService, layer: Layer, own: string | undefined): CatalogEntry {
  const columns = layer.fields.map(({ name, type, alias }) => ({
    name,
    type,
    ...(alias === undefined ? {} : { label: alias }),
  }))
  const name = title === undefined || title === layer.name ? layer.name : `${title}: ${layer.name}`
  return {
    ...{ id: layer.url, name, columns, kind: layer.type, link: layer.url, family: 'arcgis' },
    ...describedBy((own ?? description)?.replaceAll(/<[^>]*>/g, ' ')),
    ...(layer.lastEditMs === undefined ? {} : { updatedAt: new Date(layer.lastEditMs).toISOString() }),
  }
}
