import type { CityFile, DatasetConfig } from '../contracts/city-file.js'
import type { PartRunner } from '../contracts/part-runner.js'
import { configDigests, positionId } from '../contracts/positions.js'
import type { Report } from '../contracts/progress.js'
import type { Clock } from '../kernel/time.js'
import type { Snapshot } from '../lake/delta/snapshot.js'
import { DeltaTable, type Position } from '../lake/delta/table.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'

/** What harmonize works with; the store handle is scoped to `harmonize`. */
export interface HarmonizeContext {
  readonly store: ObjectStore
  readonly city: CityFile
  readonly runner: PartRunner
  readonly clock: Clock
  readonly report: Report
}

/** A raw table as of the version that is worked. */
export interface RawTable {
  readonly source: string
  readonly table: DeltaTable
  readonly snapshot: Snapshot
  /** Its newest version that brought rows: what positions say, so that housekeeping of the table is no work for us. */
  readonly version: number
}

/** One source of one dataset. */
export interface SourceScope {
  readonly context: HarmonizeContext
  readonly datasetId: string
  readonly dataset: DatasetConfig
  readonly tidy: DeltaTable
  readonly raw: RawTable
}

/** Where this stage keeps the rows of a source that could not be typed. */
export function quarantineOf({ context, datasetId, raw }: SourceScope): DeltaTable {
  return new DeltaTable(context.store, tables.quarantine('harmonize', datasetId, raw.source), context.clock)
}

/** Names the position of one division: how far its rows are typed under today's city file. */
export function appIdOf({ context, datasetId, raw }: SourceScope, division: string): string {
  const digest = configDigests(context.city, datasetId).harmonize
  return positionId({ stage: 'harmonize', dataset: datasetId, source: raw.source, division, digest })
}

/** The positions of some divisions, at the raw version that is worked. */
export function positionsOf(scope: SourceScope, divisions: readonly string[]): Position[] {
  return divisions.map((division) => ({
    appId: appIdOf(scope, division),
    version: scope.raw.version,
  }))
}
