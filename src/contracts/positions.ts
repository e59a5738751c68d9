import { digestOf, type Json } from '../kernel/ids.js'
import { chooseBoundary } from './chosen-boundary.js'
import type { CityFile, DatasetConfig } from './city-file.js'
import type { Stage } from './message.js'
import type { SourceConfig } from './source-config.js'

/**
 * Raised when a stage's output for the same input and the same city file changes. It is part of the config digest, so
 * tables made by an earlier release are made again by themselves.
 */
const STAGE_REVISIONS: Record<Exclude<Stage, 'ledger'>, number> = {
  ingest: 1,
  harmonize: 1,
  measure: 1,
  detect: 1,
}

const DIGEST_DIGITS = 16

/** What each stage's output of one dataset depends on, as digests; a stage's digest holds its upstream's. */
export interface ConfigDigests {
  readonly ingest: string
  readonly harmonize: string
  readonly measure: string
  readonly detect: string
}

/** The config digests of a dataset: 16 hexadecimal digits each. A changed setting changes the digests from its stage on. */
export function configDigests(city: CityFile, datasetId: string): ConfigDigests {
  const dataset = city.datasets[datasetId] as DatasetConfig
  const { key, mapping } = dataset
  const { slug, timeZone } = city.city
  const ingest = chain('ingest', '', {
    ...{ partition: partitionSettings(city, dataset), key, parts: city.parts },
    delimiters: settingsOf(dataset),
  })
  const harmonize = chain('harmonize', ingest, { mapping, timeZone, kind: kindSetting(dataset) })
  const measure = chain('measure', harmonize, {})
  const detect = chain('detect', measure, { ...city.detect, slug, sources: Object.keys(dataset.sources) })
  return { ingest, harmonize, measure, detect }
}

/** Service requests stand without their kind: in the first release there was no other. */
function kindSetting({ kind }: DatasetConfig): string | undefined {
  return kind === 'service-requests' ? undefined : kind
}

/** What the split depends on. A map counts by its content and meaning, wherever its file lies; without `by: point` nothing of maps does. */
function partitionSettings({ divisions }: CityFile, { partition }: DatasetConfig): object {
  const { column, from, values } = partition
  if (partition.by === 'citywide') return { column, by: partition.by }
  if (partition.by !== 'point') return { column, from, values }
  const chosen = chooseBoundary(divisions.boundaries ?? [], partition)
  if (!('boundary' in chosen)) return partition
  const { id, sha256, property, values: names } = chosen.boundary
  return { ...partition, boundary: { id, sha256, property, values: names } }
}

/**
 * Settings of sources that decide what their rows are, by source; those that only decide how they are fetched are left out, as are
 * defaults: a new plain source, or another page size, changes no digest.
 */
function settingsOf({ sources }: DatasetConfig): Record<string, Json> | undefined {
  const special = Object.entries(sources).flatMap(([source, config]) => {
    const settings = rowSettings(config)
    return settings === undefined ? [] : [[source, settings] as const]
  })
  return special.length === 0 ? undefined : Object.fromEntries(special)
}

/** A files source's separator stands alone: so it did in the first release. */
function rowSettings(config: SourceConfig): Json | undefined {
  const chosen = Object.entries(config).filter(
    ([name, value]) => ROW_SETTINGS[config.family].includes(name) && !isDefault(name, value),
  )
  if (chosen.length === 0) return undefined
  const [[name, value]] = chosen as [[string, Json]]
  return chosen.length === 1 && name === 'delimiter' ? value : (Object.fromEntries(chosen) as Json)
}

const FILE_SETTINGS = ['drops', 'delimiter', 'encoding', 'headerRows', 'sheet', 'member']
const ROW_SETTINGS: Record<SourceConfig['family'], readonly string[]> = {
  files: FILE_SETTINGS,
  socrata: ['drops', 'read', 'api'],
  ckan: ['drops', 'read'],
  arcgis: ['drops', 'where', 'domains', 'geometry'],
  opendatasoft: ['drops', 'read', 'timeZone'],
  legistar: ['drops', 'since'],
  hive: [],
  module: ['drops', 'path', 'options'],
}

function isDefault(name: string, value: unknown): boolean {
  if (name === 'drops' || name === 'options') return Object.keys(value as object).length === 0
  return (
    value === undefined || (name === 'delimiter' && value === ',') || (name === 'headerRows' && value === 1)
  )
}

function chain(stage: keyof ConfigDigests, upstream: string, settings: object): string {
  const content = { stage, revision: STAGE_REVISIONS[stage], upstream, settings }
  return digestOf(JSON.parse(JSON.stringify(content)) as Json).slice(0, DIGEST_DIGITS)
}

/** Which work a position is about. */
export interface PositionScope {
  readonly stage: Stage
  readonly dataset: string
  readonly source: string
  /** Absent where a stage moves all divisions at once. */
  readonly division?: string
  readonly digest: string
}

/** The `appId` of a position: `<stage>/<dataset>/<source>[/<division>]/<config digest>`, the division URI-encoded. */
export function positionId({ stage, dataset, source, division, digest }: PositionScope): string {
  const parts = [
    stage,
    dataset,
    source,
    ...(division === undefined ? [] : [encodeURIComponent(division)]),
    digest,
  ]
  return parts.join('/')
}

/** appId, in `findings/`, of the ledger's position in a stage's outbox: every commit up to there is taken in. */
export function outboxAppId(stage: Stage): string {
  return `ledger/outbox/${stage}`
}

/**
 * How far a table is in the work that a position names; -1 when it never did that work, or when the same work was done under
 * another config digest since: a setting that is changed and changed back is done again.
 * @param positions a table's, in the order of their last movement; undefined when there is no table yet
 */
export function reachedVersion(positions: ReadonlyMap<string, number> | undefined, appId: string): number {
  return newestPositions(positions).get(appId) ?? -1
}

/** Of positions that differ in their config digest only, the one that moved last. */
function newestPositions(positions: ReadonlyMap<string, number> | undefined): Map<string, number> {
  const newest = new Map<string, string>()
  for (const appId of positions?.keys() ?? []) newest.set(appId.slice(0, appId.lastIndexOf('/')), appId)
  return new Map([...newest.values()].map((appId) => [appId, positions?.get(appId) ?? -1]))
}

/** How far each division of a source is: {@link reachedVersion} of every {@link positionId} with this digest. */
export function divisionPositions(
  positions: ReadonlyMap<string, number>,
  scope: Omit<PositionScope, 'division'>,
): { readonly division: string; readonly version: number }[] {
  const start = `${scope.stage}/${scope.dataset}/${scope.source}/`
  const end = `/${scope.digest}`
  return [...newestPositions(positions)]
    .filter(
      ([appId]) => appId.startsWith(start) && appId.endsWith(end) && appId.length > start.length + end.length,
    )
    .map(([appId, version]) => ({
      division: decodeURIComponent(appId.slice(start.length, -end.length)),
      version,
    }))
}
