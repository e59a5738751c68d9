import type { CityFile, DatasetConfig } from '../contracts/city-file.js'
import type { PagedSourceConfig } from '../contracts/source-config.js'
import { divisionFromColumn } from '../ingest/division-rule.js'
import { lastProvenance, type SnapshotProvenance } from '../ingest/settle.js'
import { tablesOf } from '../ingest/source-work.js'
import { asWardbookError, exitCodeOf } from '../kernel/errors.js'
import { systemClock } from '../kernel/time.js'
import type { Snapshot } from '../lake/delta/snapshot.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { sameColumn } from '../sources/files/read-csv.js'
import { httpClient, systemEffects } from '../sources/http/client.js'
import { directFetch } from '../sources/http/direct-fetch.js'
import { mirrorFetch } from '../sources/http/mirror.js'
import { openSource, type SourceEffects } from '../sources/open-source.js'
import type { Offer, Source } from '../sources/source.js'
import { checkLake } from './claim-lake.js'
import { absoluteAddress } from './lake-address.js'
import { type LoadedMap, loadMaps } from './load-boundaries.js'
import type { Check } from './machine-checks.js'
import { checkMap, checkNames, mapOf } from './map-checks.js'
import { openLake } from './open-lake.js'
import { type Peeked, peekTable } from './peek-columns.js'
import { checkChanges, checkColumns, type OfferColumns, type SourceCheck } from './source-checks.js'

/** What is compared, and with which means. */
export interface CityCheckOrder {
  readonly city: CityFile
  readonly cityFolder: string
  readonly mirror: string | undefined
  /** Lake whose last snapshots are compared with; undefined: none. */
  readonly lake: string | undefined
  readonly effects?: SourceEffects
}

/** A check of one source, or of one map of the divisions. */
export interface CityCheck extends Check {
  readonly dataset?: string
  readonly source?: string
  /** Id of the boundary version. */
  readonly boundary?: string
}

/** What the last snapshot of a source tells. */
interface Before {
  /** Published names of its columns; undefined in commits of earlier releases. */
  readonly columns: readonly string[] | undefined
  /** Divisions that the publisher's column named, as far as the table tells them. */
  readonly divisions: readonly string[]
}

/**
 * Compares what portals publish with what a city file says, source by source, and looks at the maps of the divisions. No table is downloaded: of
 * a file only the start.
 * @throws WardbookError 'lake-missing', 'lake-of-other-city' (fix-config); what a source meets is a check
 */
export async function* checkCity(order: CityCheckOrder): AsyncIterable<CityCheck> {
  const { lake } = order
  const maps = await loadMaps(order.city, order.cityFolder)
  const city = withMaps(order.city, maps)
  const store = lake === undefined ? undefined : await openLake(absoluteAddress(lake))
  if (store !== undefined) await checkLake(store, city.city.slug)
  const effects = order.effects ?? effectsOf(order)
  for (const map of maps)
    for (const check of checkMap(map, city.divisions))
      yield { boundary: map.boundary.id, facts: {}, ...check }
  for (const [datasetId, dataset] of Object.entries(city.datasets)) {
    for (const [sourceId, config] of Object.entries(dataset.sources)) {
      const place = { dataset: datasetId, source: sourceId }
      if (config.family === 'hive') {
        const message = 'Parquet files are looked at by wardbook lake adopt --dry-run'
        yield { ...place, check: 'answer', state: 'told', message, facts: {} }
        continue
      }
      const open = () => openSource(`${datasetId}/${sourceId}`, config, effects)
      const before = store && (await snapshotBefore(city, store, datasetId, sourceId))
      const map = mapOf(maps, dataset)
      for await (const check of checkSource({ dataset, config, open, before, map }))
        yield { ...place, facts: {}, ...check }
    }
  }
}

/** 0 when all fits, 65 when portal and file disagree, 78 when the file or a token is wrong, 75 when there was no answer. */
export function exitCodeOfCity(checks: readonly CityCheck[]): number {
  const unfit = checks.filter(({ state }) => state === 'unfit')
  if (unfit.some(({ facts }) => facts.remedy === 'fix-config')) return exitCodeOf('fix-config')
  if (unfit.length > 0) return exitCodeOf('fix-source')
  return checks.some(({ state }) => state === 'unreachable') ? exitCodeOf('retry') : 0
}

/** As ingestion had it: the digests of snapshots hold those of the maps. */
function withMaps(city: CityFile, maps: readonly LoadedMap[]): CityFile {
  if (maps.length === 0) return city
  const boundaries = maps.map(({ boundary }) => boundary)
  return { ...city, divisions: { ...city.divisions, boundaries } }
}

function effectsOf({ mirror, cityFolder }: CityCheckOrder): SourceEffects {
  const network = mirror === undefined ? directFetch : mirrorFetch(mirror)
  return { http: httpClient(systemEffects(network)), env: process.env, mirror, cityFolder, now: Date.now }
}

/** A source, and what it is compared with. */
interface SourceOrder {
  readonly dataset: DatasetConfig
  readonly config: PagedSourceConfig
  open(): Promise<Source>
  readonly before: Before | undefined
  /** Of the dataset's divisions. */
  readonly map: LoadedMap | undefined
}

async function* checkSource({ dataset, config, open, before, map }: SourceOrder): AsyncIterable<SourceCheck> {
  try {
    const source = await open()
    const { offers, missing } = await source.describe()
    yield answer(offers)
    if (missing.length > 0) {
      const message = `the portal does not list: ${missing.join(', ')}`
      const todo = 'look there for its new name, or set find.through'
      yield { check: 'years', state: 'unfit', message, todo, facts: { missing } }
    }
    const named = map === undefined ? undefined : columnOfDivision(dataset)
    const columns: OfferColumns[] = []
    const cells: string[] = []
    for (const offer of offers) {
      const start =
        offer.columns === undefined || named !== undefined ? await peekTable(source, offer, named) : undefined
      columns.push(columnsOf(offer, start, config.drops))
      cells.push(...(start?.cells ?? []))
    }
    yield* checkColumns(dataset, columns)
    if (map !== undefined && named !== undefined) {
      yield* checkNames(map, cells.map(divisionOf(dataset, named)), 'the first rows')
      if (before !== undefined) yield* checkNames(map, before.divisions, 'the last snapshot')
    }
    if (before?.columns !== undefined) yield* checkChanges(before.columns, columns)
  } catch (thrown) {
    const { code, remedy, message } = asWardbookError(thrown)
    const state = remedy === 'retry' ? 'unreachable' : 'unfit'
    yield { check: 'answer', state, message, todo: `docs/errors.md: ${code}`, facts: { code, remedy } }
  }
}

function answer(offers: readonly Offer[]): SourceCheck {
  const counted = offers.flatMap(({ rows }) => rows ?? [])
  const rows = counted.reduce((sum, count) => sum + count, 0)
  const known = counted.length === offers.length ? `${rows} rows` : 'rows are not told'
  const latest = offers
    .flatMap(({ publishedAt }) => publishedAt ?? [])
    .toSorted()
    .at(-1)
  const changed = latest === undefined ? '' : `, last changed ${latest.slice(0, 10)}`
  const what = offers.length === 1 ? '1 table' : `${offers.length} tables`
  const facts = { offers: offers.map((offer) => ({ name: offer.name, rows: offer.rows ?? null })) }
  return { check: 'answer', state: 'fit', message: `${what}, ${known}${changed}`, facts }
}

/** The publisher's column that names the division; undefined where points alone tell it, and where there is none. */
function columnOfDivision({ partition: { by, from, column } }: DatasetConfig): string | undefined {
  if (by === 'citywide') return undefined
  return by === 'point' ? from : (from ?? column)
}

function divisionOf({ partition: { values } }: DatasetConfig, column: string): (cell: string) => string {
  const rule = divisionFromColumn({ column, values })
  return (cell) => rule.of([cell])
}

/** As a raw table would have them: with what is added, without what is cut off. */
function columnsOf(offer: Offer, start: Peeked | undefined, drops: readonly string[]): OfferColumns {
  const { name, columns, key, derived = [] } = offer
  const published = columns?.map((column) => column.name) ?? start?.columns
  const hidden = key?.hidden === true ? [key.column] : []
  const cut = [...drops, ...hidden]
  const kept = published?.filter((column) => !cut.some((dropped) => sameColumn(dropped, column)))
  return { name, columns: kept && [...kept, ...derived.map((column) => column.name)] }
}

/** The last snapshot of a source; undefined where there is none. */
async function snapshotBefore(
  city: CityFile,
  store: ObjectStore,
  dataset: string,
  source: string,
): Promise<Before | undefined> {
  const work = tablesOf({ city, store: scopeTo('main', store), clock: systemClock }, dataset, source)
  const [last, raw] = [await lastProvenance(work), await work.raw.snapshot()]
  if (last === undefined || raw === undefined) return undefined
  const columns = last.columns?.map(
    (name) => raw.columns.find((column) => column.name === name)?.metadata?.published ?? name,
  )
  return { columns, divisions: divisionsBefore(last, raw) }
}

/** By point, a name that the map lacks is among the differences of column and point; else it is the partition itself. */
function divisionsBefore(
  { points }: SnapshotProvenance,
  { files, partitionColumns: [column = ''] }: Snapshot,
): string[] {
  if (points !== undefined) return (points.pairs ?? []).flatMap(({ from, to }) => [from, to])
  return [...files.values()].flatMap(({ partition }) => partition[column] ?? [])
}
