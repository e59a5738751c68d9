import type { CityFile, DatasetConfig, FilesSourceConfig } from '../contracts/city-file.js'
import type { PartRunner } from '../contracts/part-runner.js'
import { configDigests, positionId } from '../contracts/positions.js'
import type { Report } from '../contracts/progress.js'
import type { Clock } from '../kernel/time.js'
import type { Snapshot } from '../lake/delta/snapshot.js'
import { DeltaTable } from '../lake/delta/table.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'
import type { Source } from '../sources/source.js'
import type { DivisionSettings } from './division-rule.js'
import type { IngestProfile } from './profiles.js'
import { type SettleScope, type SnapshotProvenance, settleSnapshot } from './settle.js'

/** What ingestion works with; the store handle is scoped to `ingest`. */
export interface IngestContext {
  readonly store: ObjectStore
  readonly city: CityFile
  readonly runner: PartRunner
  readonly ingestProfile: IngestProfile
  readonly clock: Clock
  readonly report: Report
  openSource(name: string, config: FilesSourceConfig): Source
}

/** What came of reading a source. */
export interface IngestResult {
  readonly verdict: 'committed' | 'unchanged'
  /** Version of the raw table that holds the snapshot. */
  readonly version: number
  readonly snapshot: number
  readonly rows: number
  readonly quarantined: number
}

/** One source of one dataset, and where its things lie. */
export interface SourceWork extends SettleScope {
  readonly source: Source
  readonly config: FilesSourceConfig
  readonly division: DivisionSettings
  readonly raw: DeltaTable
  readonly quarantine: DeltaTable
  readonly spoolRoot: string
}

/** What a source of the city file needs to be read. */
export function workOn(context: IngestContext, datasetId: string, sourceId: string): SourceWork {
  const { city, store } = context
  const dataset = city.datasets[datasetId] as DatasetConfig
  const config = dataset.sources[sourceId] as FilesSourceConfig
  const digest = configDigests(city, datasetId).ingest
  return {
    store,
    datasetId,
    dataset,
    sourceId,
    config,
    appId: positionId({ stage: 'ingest', dataset: datasetId, source: sourceId, digest }),
    source: context.openSource(`${datasetId}/${sourceId}`, config),
    division: {
      column: dataset.partition.from ?? dataset.partition.column,
      values: dataset.partition.values,
    },
    raw: new DeltaTable(store, tables.raw(datasetId, sourceId), context.clock),
    quarantine: new DeltaTable(store, tables.quarantine('ingest', datasetId, sourceId), context.clock),
    spoolRoot: `spool/${datasetId}/${sourceId}`,
  }
}

/** Where a source's raw table is. */
export interface Head {
  readonly base: Snapshot | undefined
  readonly last: SnapshotProvenance | undefined
}

/** The raw table, and its newest snapshot when that was made under today's city file: one made under an earlier one is history. */
export async function readHead(work: SourceWork): Promise<Head> {
  const base = await work.raw.snapshot()
  const last = await settleSnapshot(work)
  return { base, last: last?.snapshot === nextSnapshot(base) - 1 ? last : undefined }
}

/** Snapshots of a source are numbered from 0 over all its configurations. */
export function nextSnapshot(base: Snapshot | undefined): number {
  return Math.max(-1, ...(base?.positions.values() ?? [])) + 1
}

/** Rows of a table version, from its log. */
export function rowsOf(snapshot: Snapshot): number {
  return [...snapshot.files.values()].reduce((sum, file) => sum + (file.rows ?? 0), 0)
}

/** Tells a finished step of this source. */
export function step(
  context: IngestContext,
  work: SourceWork,
  message: string,
  facts: Record<string, unknown>,
): void {
  context.report({ stage: 'ingest', dataset: work.datasetId, source: work.sourceId, message, facts })
}
