import { CityFile, type PartsConfig } from '../contracts/city-file.js'
import { SourceConfig } from '../contracts/source-config.js'
import { WardbookError } from '../kernel/errors.js'
import { arcgisCatalog } from '../sources/arcgis/arcgis-catalog.js'
import type { CatalogEntry } from '../sources/catalog.js'
import { ckanCatalog } from '../sources/ckan/catalog.js'
import type { Candidate } from '../sources/discover/candidates.js'
import { cityBlock } from '../sources/discover/city-block.js'
import { type Catalog, type Discovery, discoverPortal } from '../sources/discover/discover-portal.js'
import { type Estimate, estimate } from '../sources/discover/estimate.js'
import { httpClient, systemEffects } from '../sources/http/client.js'
import { directFetch } from '../sources/http/direct-fetch.js'
import { mirrorFetch } from '../sources/http/mirror.js'
import { openSource, type SourceEffects } from '../sources/open-source.js'
import { opendatasoftCatalog } from '../sources/opendatasoft/opendatasoft-catalog.js'
import type { PortalTools } from '../sources/portal-tools.js'
import { socrataCatalog } from '../sources/socrata/catalog.js'

/** What is looked for, and with which means. */
export interface DiscoverOrder {
  /** The portal's address; https where none is said. */
  readonly portal: string
  /** Candidates told, the best ones. */
  readonly limit: number
  /** Words that an entry's name or description holds, all of them. */
  readonly words?: string | undefined
  /** Most tables that are described one by one; default 60. */
  readonly maxTables?: number | undefined
  /** Part budget that estimates are made against; default: that of city files. */
  readonly parts?: Partial<PartsConfig> | undefined
  /** Folder that replaces the network. */
  readonly mirror?: string | undefined
  readonly tools?: PortalTools
}

/** A dataset for a city file. */
export interface Suggestion {
  /** From 1, the best one. */
  readonly rank: number
  readonly candidate: Candidate
  readonly estimate: Estimate
  /** YAML for the city file's `datasets`. */
  readonly block: string
}

/** What a portal has. */
export interface Suggestions extends Omit<Discovery, 'candidates'> {
  readonly portal: string
  /** Datasets with a division and a time. */
  readonly usable: number
  /** What the estimates were made against. */
  readonly parts: PartsConfig
  /** True where `parts` has to stand in the city file, as it is not the default. */
  readonly hasOwnParts: boolean
  readonly suggestions: readonly Suggestion[]
}

/**
 * Walks a portal's catalog and suggests datasets, the best ones first. No row is downloaded.
 * @throws WardbookError 'bad-portal-address', 'portal-unknown' (fix-config), and those of requests
 */
export async function discover(order: DiscoverOrder): Promise<Suggestions> {
  const { limit, words = '', mirror, maxTables, tools = toolsHere(mirror) } = order
  const portal = portalAddress(order.portal)
  const effects: SourceEffects = {
    ...{ http: tools.http, env: tools.env, mirror: undefined, cityFolder: '.' },
    now: tools.now ?? Date.now,
  }
  const found = await discoverPortal(portal, {
    catalogs: catalogs(tools, words),
    openSource: (name, config) => {
      if (config.family === 'hive') throw new Error('no catalog lists hive sources')
      return openSource(name, config, effects)
    },
    now: () => new Date(effects.now()),
    ...(maxTables === undefined ? {} : { maxDescribed: maxTables }),
  })
  const parts = CityFile.shape.parts.parse(order.parts ?? {})
  const suggestions = found.candidates.slice(0, limit).map((candidate, at) => {
    const size = estimate(candidate, parts)
    return { rank: at + 1, candidate, estimate: size, block: cityBlock(candidate, size, portal) }
  })
  const { candidates, ...counts } = found
  const hasOwnParts = Object.keys(order.parts ?? {}).length > 0
  return { ...counts, portal, usable: candidates.length, parts, hasOwnParts, suggestions }
}

function toolsHere(mirror: string | undefined): PortalTools {
  const network = mirror === undefined ? directFetch : mirrorFetch(mirror)
  return { http: httpClient(systemEffects(network)), env: process.env }
}

/** In the order in which they are tried: what says clearly that it is no portal of the family comes first. */
function catalogs(tools: PortalTools, words: string): Catalog[] {
  const search = words === '' ? {} : { words }
  const config = (entry: object) => SourceConfig.parse(entry)
  return [
    {
      family: 'socrata',
      list: (portal) => socrataCatalog(portal, tools, search),
      sourceOf: (portal, { id }) => config({ family: 'socrata', portal, datasets: [id] }),
    },
    {
      family: 'ckan',
      list: (portal) => ckanCatalog(portal, tools, search),
      sourceOf: (portal, { id }) => config({ family: 'ckan', portal, resources: [id] }),
    },
    {
      family: 'opendatasoft',
      list: (portal) => holding(words, opendatasoftCatalog(portal, tools)),
      sourceOf: (portal, { id }) => config({ family: 'opendatasoft', portal, datasets: [id] }),
    },
    {
      family: 'arcgis',
      list: (portal) => holding(words, arcgisCatalog(portal, tools)),
      sourceOf: (_portal, { id }) => {
        const at = id.lastIndexOf('/')
        return config({ family: 'arcgis', service: id.slice(0, at), layers: [Number(id.slice(at + 1))] })
      },
    },
  ]
}

/** Entries that hold all words, for catalogs that cannot be asked for them. */
async function* holding(words: string, entries: AsyncIterable<CatalogEntry>): AsyncIterable<CatalogEntry> {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  for await (const entry of entries) {
    const text = `${entry.name} ${entry.description ?? ''}`.toLowerCase()
    if (wanted.every((word) => text.includes(word))) yield entry
  }
}

/** An address as people type it. @throws WardbookError 'bad-portal-address' (fix-config) */
function portalAddress(typed: string): string {
  const address = /^[a-z]+:\/\//i.test(typed) ? typed : `https://${typed}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.hostname !== '' && url.username === '')
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
  throw new WardbookError(
    'bad-portal-address',
    'fix-config',
    `'${typed}' is no address of a portal: give one like https://data.example.gov`,
    { typed },
  )
}
