import type { CityFile, DatasetConfig } from '../contracts/city-file.js'
import type { PartRunner } from '../contracts/part-runner.js'
import { configDigests, positionId } from '../contracts/positions.js'
import type { Report } from '../contracts/progress.js'
import type { PagedSourceConfig } from '../contracts/source-config.js'
import type { Clock } from '../kernel/time.js'
import type { Snapshot } from '../lake/delta/snapshot.js'
import { DeltaTable } from '../lake/delta/table.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'
import type { Source } from '../sources/source.js'
import { type Corrections, readCorrections } from './corrections.js'
import { type PartitionRule, ruleOfPartition } from './divisions/rule-of-partition.js'
import type { IngestProfile } from './profiles.js'
import { type SettleScope, type SnapshotProvenance, settleSnapshot } from './settle.js'
import { Spool } from './spool.js'

/** What ingestion works with; the store handle is scoped to `ingest`. */
export interface IngestContext {
  readonly store: ObjectStore
  readonly city: CityFile
  readonly runner: PartRunner
  readonly ingestProfile: IngestProfile
  readonly clock: Clock
  readonly report: Report
  openSource(name: string, config: PagedSourceConfig): Promise<Source>
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

/** One source of one dataset, of whatever family, and its tables. */
export interface RawWork extends SettleScope {
  readonly raw: DeltaTable
  readonly quarantine: DeltaTable
}

/** A source that is read page by page, and where its things lie. */
export interface SourceWork extends RawWork {
  readonly source: Source
  readonly config: PagedSourceConfig
  readonly division: PartitionRule
  readonly spool: Spool
  /** What people decided about its bad rows; undefined when nothing. */
  readonly corrections: Corrections | undefined
}

/** What a source of the city file needs to be read. */
export async function workOn(
  context: IngestContext,
  datasetId: string,
  sourceId: string,
): Promise<SourceWork> {
  const work = tablesOf(context, datasetId, sourceId)
  const config = work.dataset.sources[sourceId] as PagedSourceConfig
  return {
    ...work,
    config,
    source: await context.openSource(`${datasetId}/${sourceId}`, config),
    division: await ruleOfPartition(context.city, work.dataset),
    spool: new Spool(context.store, `spool/${datasetId}/${sourceId}`, config),
    corrections: await readCorrections(context.store, datasetId, sourceId),
  }
}

/** The tables of a source, and the name of its position under today's city file. */
export function tablesOf(
  { city, store, clock }: Pick<IngestContext, 'city' | 'store' | 'clock'>,
  datasetId: string,
  sourceId: string,
): RawWork {
  const digest = configDigests(city, datasetId).ingest
  return {
    store,
    datasetId,
    dataset: city.datasets[datasetId] as DatasetConfig,
    sourceId,
    appId: positionId({ stage: 'ingest', dataset: datasetId, source: sourceId, digest }),
    raw: new DeltaTable(store, tables.raw(datasetId, sourceId), clock),
    quarantine: new DeltaTable(store, tables.quarantine('ingest', datasetId, sourceId), clock),
  }
}

/** Where a source's raw table is. */
export interface Head {
  readonly base: Snapshot | undefined
  readonly last: SnapshotProvenance | undefined
}

/**
 * The raw table, and its newest snapshot when that was made under today's city file: one made under an earlier one is history.
 * @param lastOf reads that snapshot; by default it also brings the records to where the table is
 */
export async function readHead(
  work: RawWork,
  lastOf: (scope: SettleScope) => Promise<SnapshotProvenance | undefined> = settleSnapshot,
): Promise<Head> {
  const base = await work.raw.snapshot()
  const last = await lastOf(work)
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
  context: Pick<IngestContext, 'report'>,
  work: RawWork,
  message: string,
  facts: Record<string, unknown>,
): void {
  context.report({ stage: 'ingest', dataset: work.datasetId, source: work.sourceId, message, facts })
}
