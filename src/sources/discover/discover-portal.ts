import type { SourceConfig, SourceFamily } from '../../contracts/source-config.js'
import { asWardbookError, WardbookError } from '../../kernel/errors.js'
import type { CatalogEntry } from '../catalog.js'
import type { Source } from '../source.js'
import { type Candidate, findCandidates, isUsable } from './candidates.js'
import { rolesOf } from './column-roles.js'

/** A catalog of one family, as it may be walked at an address. */
export interface Catalog {
  readonly family: SourceFamily
  /** @throws WardbookError when the address is no portal of the family */
  list(portal: string): AsyncIterable<CatalogEntry>
  /** Settings of a source that reads one entry, to ask the portal for its columns. */
  sourceOf(portal: string, entry: CatalogEntry): SourceConfig
}

/** What discovery works with. */
export interface DiscoverEffects {
  /** In the order in which they are tried. */
  readonly catalogs: readonly Catalog[]
  openSource(name: string, config: SourceConfig): Promise<Source>
  now(): Date
  /** Most entries that are described one by one, the most promising first; default {@link DEFAULT_MAX_DESCRIBED}. */
  readonly maxDescribed?: number
}

/** What a portal has for a city file. */
export interface Discovery {
  readonly family: SourceFamily
  /** Tables in the catalog. */
  readonly listed: number
  /** True where the catalog has more than the entries that were kept. */
  readonly isCut: boolean
  /** Entries whose columns or rows were asked for one by one. */
  readonly described: number
  /** Entries that did not answer when they were asked for it. */
  readonly failed: number
  /** Entries that should have been asked for it, and were beyond `maxDescribed`. */
  readonly leftOut: number
  readonly candidates: readonly Candidate[]
}

/** Entries kept in memory; a catalog of more is cut, and that is said. */
const MAX_ENTRIES = 50_000
/** Descriptions asked for of entries whose catalog tells no columns or no rows: each is one or two requests. */
export const DEFAULT_MAX_DESCRIBED = 60
/** What cities call the data that change from day to day. */
const PROMISING =
  /311|service.?(request|call)|request|complaint|permit|violation|crime|offense|incident|crash|collision|accident|inspection|licen[cs]e|arrest|stop|call/i

/**
 * Walks a portal's catalog and finds what a city file could name.
 * @throws WardbookError 'portal-unknown' (fix-config) when no family's catalog answers at the address; 'portal-unreachable' and the like
 *   (retry) when it cannot be told
 */
export async function discoverPortal(portal: string, effects: DiscoverEffects): Promise<Discovery> {
  const address = portal.replace(/\/+$/, '')
  const refusals: WardbookError[] = []
  for (const catalog of effects.catalogs) {
    try {
      const { entries, isCut } = await listed(catalog.list(address))
      if (entries.length === 0) continue
      const { entries: known, ...counts } = await withColumns(address, catalog, entries, effects)
      const candidates = findCandidates(known, effects.now())
      return { family: catalog.family, listed: entries.length, isCut, ...counts, candidates }
    } catch (thrown) {
      const error = asWardbookError(thrown)
      if (error.remedy === 'report-bug' || OF_THE_MIRROR.includes(error.code)) throw error
      refusals.push(error)
    }
  }
  throw unknown(address, effects.catalogs, refusals)
}

/** What says nothing of the portal: it was not asked. */
const OF_THE_MIRROR: readonly string[] = ['mirror-missing', 'mirror-index-broken']

async function listed(catalog: AsyncIterable<CatalogEntry>): Promise<Pick<Discovery, 'isCut'> & Entries> {
  const entries: CatalogEntry[] = []
  for await (const entry of catalog) {
    if (entries.length === MAX_ENTRIES) return { entries, isCut: true }
    entries.push(entry)
  }
  return { entries, isCut: false }
}

interface Entries {
  readonly entries: readonly CatalogEntry[]
}

/**
 * Asks for the columns of promising entries that the catalog tells nothing of, and for the rows of those that could be candidates; one that fails
 * stays without.
 */
async function withColumns(
  portal: string,
  catalog: Catalog,
  entries: readonly CatalogEntry[],
  { openSource, maxDescribed = DEFAULT_MAX_DESCRIBED }: DiscoverEffects,
): Promise<Pick<Discovery, 'described' | 'failed' | 'leftOut'> & Entries> {
  const wanted = toDescribe(entries)
  const asked = wanted.slice(0, maxDescribed)
  const told = new Map<CatalogEntry, CatalogEntry>()
  for (const entry of asked) {
    const offer = await openSource(entry.name, catalog.sourceOf(portal, entry))
      .then((source) => source.describe())
      .then(({ offers }) => offers[0])
      .catch(() => undefined) // one table that cannot be described is no reason to find none
    if (offer === undefined) continue
    const rows = offer.rows ?? entry.rows
    told.set(entry, {
      ...entry,
      columns: offer.columns ?? entry.columns,
      ...(rows === undefined ? {} : { rows }),
    })
  }
  return {
    entries: entries.map((entry) => told.get(entry) ?? entry),
    described: told.size,
    failed: asked.length - told.size,
    leftOut: wanted.length - asked.length,
  }
}

/** Entries whose description would tell more: what sounds promising first, then the last changed. */
function toDescribe(entries: readonly CatalogEntry[]): CatalogEntry[] {
  const sounds = ({ name, description = '' }: CatalogEntry) => PROMISING.test(`${name} ${description}`)
  return entries
    .filter((entry) =>
      entry.columns.length === 0
        ? sounds(entry)
        : entry.rows === undefined && isUsable(rolesOf(entry.columns)),
    )
    .map((entry) => ({ entry, first: `${sounds(entry) ? 1 : 0} ${entry.updatedAt ?? ''}` }))
    .toSorted((a, b) => (a.first < b.first ? 1 : a.first > b.first ? -1 : 0))
    .map(({ entry }) => entry)
}

function unknown(
  portal: string,
  catalogs: readonly Catalog[],
  refusals: readonly WardbookError[],
): WardbookError {
  const unreachable = refusals.find(({ remedy }) => remedy === 'retry')
  if (unreachable !== undefined) return unreachable
  const families = catalogs.map(({ family }) => family).join(', ')
  const message = `${portal} answers like no portal that wardbook knows (${families}): give the address of the portal's first page`
  return new WardbookError(
    'portal-unknown',
    'fix-config',
    message,
    { portal, answers: refusals.map(({ message: said }) => said.slice(0, 300)) },
    { cause: refusals[0] },
  )
}
