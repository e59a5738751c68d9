import type { CityFile, DatasetConfig } from '../contracts/city-file.js'
import type { PagedSourceConfig } from '../contracts/source-config.js'
import { lastProvenance } from '../ingest/settle.js'
import { tablesOf } from '../ingest/source-work.js'
import { asWardbookError, exitCodeOf } from '../kernel/errors.js'
import { systemClock } from '../kernel/time.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { sameColumn } from '../sources/files/read-csv.js'
import { httpClient, systemEffects } from '../sources/http/client.js'
import { mirrorFetch } from '../sources/http/mirror.js'
import { openSource, type SourceEffects } from '../sources/open-source.js'
import type { Offer, Source } from '../sources/source.js'
import { checkLake } from './claim-lake.js'
import type { Check } from './machine-checks.js'
import { absoluteAddress, openLake } from './open-store.js'
import { peekColumns } from './peek-columns.js'
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

/** A check of one source. */
export interface CityCheck extends Check {
  readonly dataset: string
  readonly source: string
}

/**
 * Compares what portals publish with what a city file says, source by source. No table is downloaded: of a plain file only the start.
 * @throws WardbookError 'lake-missing', 'lake-of-other-city' (fix-config); what a source meets is a check
 */
export async function* checkCity(order: CityCheckOrder): AsyncIterable<CityCheck> {
  const { city, lake } = order
  const store = lake === undefined ? undefined : await openLake(absoluteAddress(lake))
  if (store !== undefined) await checkLake(store, city.city.slug)
  const effects = order.effects ?? effectsOf(order)
  for (const [datasetId, dataset] of Object.entries(city.datasets)) {
    for (const [sourceId, config] of Object.entries(dataset.sources)) {
      const place = { dataset: datasetId, source: sourceId }
      if (config.family === 'hive') {
        const message = 'Parquet files are looked at by wardbook lake adopt --dry-run'
        yield { ...place, check: 'answer', state: 'told', message, facts: {} }
        continue
      }
      const open = () => openSource(`${datasetId}/${sourceId}`, config, effects)
      const before = store && (await columnsBefore(order, store, datasetId, sourceId))
      for await (const check of checkSource(dataset, config, open, before))
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

function effectsOf({ mirror, cityFolder }: CityCheckOrder): SourceEffects {
  const network = mirror === undefined ? fetch : mirrorFetch(mirror)
  return { http: httpClient(systemEffects(network)), env: process.env, mirror, cityFolder, now: Date.now }
}

async function* checkSource(
  dataset: DatasetConfig,
  config: PagedSourceConfig,
  open: () => Promise<Source>,
  before: readonly string[] | undefined,
): AsyncIterable<SourceCheck> {
  try {
    const source = await open()
    const { offers, missing } = await source.describe()
    yield answer(offers)
    if (missing.length > 0) {
      const message = `the portal does not list: ${missing.join(', ')}`
      const todo = 'look there for its new name, or set find.through'
      yield { check: 'years', state: 'unfit', message, todo, facts: { missing } }
    }
    const columns: OfferColumns[] = []
    for (const offer of offers) columns.push(await columnsOf(source, offer, config.drops))
    yield* checkColumns(dataset, columns)
    if (before !== undefined) yield* checkChanges(before, columns)
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

/** As a raw table would have them: with what is added, without what is cut off. */
async function columnsOf(source: Source, offer: Offer, drops: readonly string[]): Promise<OfferColumns> {
  const { name, columns, key, derived = [] } = offer
  const published = columns?.map((column) => column.name) ?? (await peekColumns(source, offer))
  const hidden = key?.hidden === true ? [key.column] : []
  const cut = [...drops, ...hidden]
  const kept = published?.filter((column) => !cut.some((dropped) => sameColumn(dropped, column)))
  return { name, columns: kept && [...kept, ...derived.map((column) => column.name)] }
}

/** Published names of the columns that the last snapshot had; undefined where there is none. */
async function columnsBefore(
  { city }: CityCheckOrder,
  store: ObjectStore,
  dataset: string,
  source: string,
): Promise<readonly string[] | undefined> {
  const work = tablesOf({ city, store: scopeTo('main', store), clock: systemClock }, dataset, source)
  const [last, raw] = [await lastProvenance(work), await work.raw.snapshot()]
  if (last?.columns === undefined || raw === undefined) return undefined
  return last.columns.map(
    (name) => raw.columns.find((column) => column.name === name)?.metadata?.published ?? name,
  )
}
