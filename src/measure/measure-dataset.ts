import type { CityFile, DatasetConfig } from '../contracts/city-file.js'
import { SERIES_COLUMNS } from '../contracts/columns.js'
import { inLanes } from '../contracts/in-lanes.js'
import { packForLanes } from '../contracts/pack-parts.js'
import type { PartRunner } from '../contracts/part-runner.js'
import { configDigests, divisionPositions, positionId, reachedVersion } from '../contracts/positions.js'
import type { Report } from '../contracts/progress.js'
import type { Clock } from '../kernel/time.js'
import type { LiveFile, Snapshot } from '../lake/delta/snapshot.js'
import { DeltaTable, type Position } from '../lake/delta/table.js'
import { partitionValues } from '../lake/partitions.js'
import { schemaChange } from '../lake/schema-change.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'
import type { MeasureInput, MeasureJob, MeasureResult } from './measure-job.js'

/** What measure works with; the store handle is scoped to `measure`. */
export interface MeasureContext {
  readonly store: ObjectStore
  readonly city: CityFile
  readonly runner: PartRunner
  readonly clock: Clock
  readonly report: Report
}

/**
 * Brings a dataset's series to where its tidy table is: divisions that are behind are counted anew, a few small ones to a worker.
 * Each division's positions are the raw versions that its tidy rows come from.
 * @returns version of the series table, or -1 when there is no tidy table yet
 */
export async function measureDataset(context: MeasureContext, datasetId: string): Promise<number> {
  const { store, city, clock } = context
  const dataset = city.datasets[datasetId] as DatasetConfig
  const series = new DeltaTable(store, tables.series(datasetId), clock)
  const tidy = await new DeltaTable(store, tables.tidy(datasetId), clock).snapshot()
  if (tidy === undefined) return -1
  const scope: MeasureScope = { context, datasetId, dataset, series, tidy }
  const behind = await divisionsBehind(scope)
  const { runner } = context
  const jobs = packForLanes(behind, city.parts, runner.lanes).map((divisions): MeasureJob => {
    return {
      table: series.root,
      tidyVersion: tidy.version,
      partitionColumn: dataset.partition.column,
      kind: dataset.kind,
      divisions,
    }
  })
  const counted = inLanes(jobs, runner.lanes ?? 1, (job) =>
    runner.run<MeasureJob, MeasureResult[]>('measure.count', job),
  )
  for await (const { result } of counted) await commitResults(scope, result)
  report(scope, behind)
  return (await series.snapshot())?.version ?? -1
}

interface MeasureScope {
  readonly context: MeasureContext
  readonly datasetId: string
  readonly dataset: DatasetConfig
  readonly series: DeltaTable
  readonly tidy: Snapshot
}

async function divisionsBehind(scope: MeasureScope): Promise<MeasureInput[]> {
  const { tidy, dataset } = scope
  const column = dataset.partition.column
  const series = await scope.series.snapshot()
  const divisions = new Set([
    ...partitionValues(tidy, column),
    ...(series ? partitionValues(series, column) : []),
  ])
  for (const position of tidyPositions(scope)) divisions.add(position.division)
  return [...divisions]
    .sort()
    .filter((division) =>
      positionsOf(scope, division).some(
        ({ appId, version }) => version > reachedVersion(series?.positions, appId),
      ),
    )
    .map((division) => inputOf(scope, division))
}

/** Where each source and division of the tidy table is, under today's city file. */
function tidyPositions({ context, datasetId, dataset, tidy }: MeasureScope) {
  const digest = configDigests(context.city, datasetId).harmonize
  return Object.keys(dataset.sources).flatMap((source) =>
    divisionPositions(tidy.positions, { stage: 'harmonize', dataset: datasetId, source, digest }).map(
      (position) => ({
        source,
        ...position,
      }),
    ),
  )
}

/** The positions that a division's series must reach. */
function positionsOf(scope: MeasureScope, division: string): Position[] {
  const { context, datasetId } = scope
  const digest = configDigests(context.city, datasetId).measure
  return tidyPositions(scope)
    .filter((position) => position.division === division)
    .map(({ source, version }) => ({
      appId: positionId({ stage: 'measure', dataset: datasetId, source, division, digest }),
      version,
    }))
}

function inputOf({ tidy, dataset, datasetId }: MeasureScope, division: string): MeasureInput {
  const files = [...tidy.files.values()].filter(
    (file) => file.partition[dataset.partition.column] === division,
  )
  return {
    division,
    parts: files.map(({ key }) => `${tables.tidy(datasetId)}/${key}`),
    rows: files.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
    bytes: files.reduce((sum, { tags, size }) => sum + Number(tags.uncompressedBytes ?? size), 0),
  }
}

async function commitResults(scope: MeasureScope, results: readonly MeasureResult[]): Promise<void> {
  const base = await scope.series.snapshot()
  const column = scope.dataset.partition.column
  const schema = schemaChange(base, SERIES_COLUMNS, [column])
  const redone = new Set(results.map(({ division }) => division))
  const resplit = base !== undefined && base.partitionColumns[0] !== column // the city file names another column now
  const isReplaced = (file: LiveFile) => resplit || redone.has(file.partition[column] ?? '')
  await scope.series.commit(base, {
    operation: 'MEASURE',
    ...schema,
    adds: results.flatMap(({ parts }) => parts),
    removes: [...(base?.files.values() ?? [])].filter(isReplaced),
    positions: results.flatMap(({ division }) => positionsOf(scope, division)),
    provenance: { stage: 'measure', dataset: scope.datasetId, tidyVersion: scope.tidy.version },
  })
}

function report({ context, datasetId, tidy }: MeasureScope, behind: readonly MeasureInput[]): void {
  const rows = behind.reduce((sum, input) => sum + input.rows, 0)
  const message =
    behind.length === 0
      ? `unchanged: tidy version ${tidy.version} is already counted`
      : `counted ${rows} rows of ${behind.length} divisions by category and day`
  context.report({ stage: 'measure', dataset: datasetId, message, facts: { rows, divisions: behind.length } })
}
