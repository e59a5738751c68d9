import { digestOf, type Json } from '../kernel/ids.js'
import type { CityFile, DatasetConfig } from './city-file.js'
import type { Stage } from './message.js'

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
  const { partition, key, mapping } = dataset
  const { slug, timeZone } = city.city
  const ingest = chain('ingest', '', { partition, key, parts: city.parts })
  const harmonize = chain('harmonize', ingest, { mapping, timeZone })
  const measure = chain('measure', harmonize, {})
  const detect = chain('detect', measure, { ...city.detect, slug, sources: Object.keys(dataset.sources) })
  return { ingest, harmonize, measure, detect }
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

/** How far each division of a source is: the inverse of {@link positionId} over a table's positions. */
export function divisionPositions(
  positions: ReadonlyMap<string, number>,
  scope: Omit<PositionScope, 'division'>,
): { readonly division: string; readonly version: number }[] {
  const start = `${scope.stage}/${scope.dataset}/${scope.source}/`
  const end = `/${scope.digest}`
  return [...positions]
    .filter(
      ([appId]) => appId.startsWith(start) && appId.endsWith(end) && appId.length > start.length + end.length,
    )
    .map(([appId, version]) => ({
      division: decodeURIComponent(appId.slice(start.length, -end.length)),
      version,
    }))
}
