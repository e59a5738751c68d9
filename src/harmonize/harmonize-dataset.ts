import type { CityFile, DatasetConfig } from '../contracts/city-file.js'
import {
  HARMONIZE_RUN_COLUMNS,
  QUARANTINE_COLUMNS,
  RAW_COLUMNS,
  REQUIRED_FIELDS,
  TIDY_COLUMNS,
} from '../contracts/columns.js'
import { packParts } from '../contracts/pack-parts.js'
import type { PartRunner } from '../contracts/part-runner.js'
import { configDigests, positionId, reachedVersion } from '../contracts/positions.js'
import type { Report } from '../contracts/progress.js'
import { WardbookError } from '../kernel/errors.js'
import type { Clock } from '../kernel/time.js'
import { appendRows } from '../lake/append-rows.js'
import type { LiveFile, Snapshot } from '../lake/delta/snapshot.js'
import { DeltaTable, type Position } from '../lake/delta/table.js'
import type { PlainRow } from '../lake/duckdb/rows.js'
import { partitionValues } from '../lake/partitions.js'
import { schemaChange } from '../lake/schema-change.js'
import type { ObjectStore } from '../lake/store.js'
import { RUNS_PARTITION, tables } from '../lake/tables.js'
import type { DivisionInput, DivisionResult, HarmonizeJob } from './harmonize-job.js'
import { candidatesOf, columnOf, planFields } from './typing-sql.js'

/** What harmonize works with; the store handle is scoped to `harmonize`. */
export interface HarmonizeContext {
  readonly store: ObjectStore
  readonly city: CityFile
  readonly runner: PartRunner
  readonly clock: Clock
  readonly report: Report
}

/**
 * Brings a dataset's tidy table to where its raw tables are: each division that is behind is typed anew, a few small ones to a
 * worker; a division whose raw files did not change only moves its position.
 * @returns version of the tidy table, or -1 when there is no raw table yet
 */
export async function harmonizeDataset(context: HarmonizeContext, datasetId: string): Promise<number> {
  const { store, city, clock } = context
  const dataset = city.datasets[datasetId] as DatasetConfig
  const tidy = new DeltaTable(store, tables.tidy(datasetId), clock)
  const raws: RawTable[] = []
  for (const source of Object.keys(dataset.sources)) {
    const table = new DeltaTable(store, tables.raw(datasetId, source), clock)
    const snapshot = await table.snapshot()
    if (snapshot !== undefined) raws.push({ source, table, snapshot })
  }
  demandColumns(datasetId, dataset, raws)
  for (const raw of raws) await harmonizeSource({ context, datasetId, dataset, tidy, raw })
  return (await tidy.snapshot())?.version ?? -1
}

interface RawTable {
  readonly source: string
  readonly table: DeltaTable
  readonly snapshot: Snapshot
}

interface SourceScope {
  readonly context: HarmonizeContext
  readonly datasetId: string
  readonly dataset: DatasetConfig
  readonly tidy: DeltaTable
  readonly raw: RawTable
}

async function harmonizeSource(scope: SourceScope): Promise<void> {
  const plan = await planDivisions(scope)
  await settleRuns(scope, plan.all)
  if (plan.unchanged.length > 0) await commitResults(scope, plan.unchanged, [])
  const { context, raw } = scope
  for (const divisions of packParts(plan.changed, context.city.parts)) {
    const results = await context.runner.run<HarmonizeJob, DivisionResult[]>(
      'harmonize.type',
      jobOf(scope, divisions),
    )
    const names = divisions.map(({ division }) => division)
    await commitQuarantine(scope, names, results)
    await commitResults(scope, names, results)
    await settleRuns(scope, names)
    reportResults(scope, results)
  }
  if (plan.changed.length === 0) {
    step(scope, `unchanged: raw version ${raw.snapshot.version} is already harmonized`, {
      version: raw.snapshot.version,
    })
  }
}

/** Which divisions are behind the raw table, and which of them have other rows than before. */
async function planDivisions(scope: SourceScope) {
  const { raw, dataset } = scope
  const tidy = await scope.tidy.snapshot()
  const column = dataset.partition.column
  const quarantine = await quarantineOf(scope).snapshot()
  const all = [
    ...new Set([
      ...partitionValues(raw.snapshot, column),
      ...tidyDivisions(tidy, column, raw.source),
      ...(quarantine ? partitionValues(quarantine, column) : []),
    ]),
  ].sort()
  const changed: DivisionInput[] = []
  const unchanged: string[] = []
  for (const division of all) {
    const position = reachedVersion(tidy?.positions, appIdOf(scope, division))
    if (position >= raw.snapshot.version) continue
    const files = filesOf(raw.snapshot, column, division)
    const before = position < 0 ? undefined : await raw.table.snapshot(position)
    if (before && keysOf(filesOf(before, column, division)) === keysOf(files)) unchanged.push(division)
    else changed.push(inputOf(raw, division, files))
  }
  return { all, changed, unchanged }
}

function quarantineOf({ context, datasetId, raw }: SourceScope): DeltaTable {
  return new DeltaTable(context.store, tables.quarantine('harmonize', datasetId, raw.source), context.clock)
}

function tidyDivisions(tidy: Snapshot | undefined, column: string, source: string): string[] {
  const files = [...(tidy?.files.values() ?? [])].filter((file) => file.tags.source === source)
  return files.flatMap((file) => file.partition[column] ?? [])
}

function filesOf(snapshot: Snapshot, column: string, division: string): LiveFile[] {
  return [...snapshot.files.values()].filter((file) => file.partition[column] === division)
}

function keysOf(files: readonly LiveFile[]): string {
  return files
    .map(({ key }) => key)
    .sort()
    .join('\n')
}

function inputOf(raw: RawTable, division: string, files: readonly LiveFile[]): DivisionInput {
  return {
    division,
    parts: files.map(({ key }) => `${raw.table.root}/${key}`),
    rows: files.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
    bytes: files.reduce((sum, { tags, size }) => sum + Number(tags.uncompressedBytes ?? size), 0),
  }
}

function jobOf(scope: SourceScope, divisions: readonly DivisionInput[]): HarmonizeJob {
  const { context, dataset, datasetId, raw } = scope
  const ours = new Set([...RAW_COLUMNS.map(({ name }) => name), dataset.partition.column])
  const rawColumns = raw.snapshot.columns.filter(({ name }) => !ours.has(name))
  return {
    table: scope.tidy.root,
    quarantineTable: tables.quarantine('harmonize', datasetId, raw.source),
    source: raw.source,
    rawVersion: raw.snapshot.version,
    partitionColumn: dataset.partition.column,
    timeZone: context.city.city.timeZone,
    fields: planFields(dataset, rawColumns, context.city.city.timeZone),
    key: dataset.key === undefined ? undefined : columnOf(rawColumns, dataset.key),
    rawColumns: rawColumns.map(({ name }) => name),
    divisions,
  }
}

function appIdOf({ context, datasetId, raw }: SourceScope, division: string): string {
  const digest = configDigests(context.city, datasetId).harmonize
  return positionId({ stage: 'harmonize', dataset: datasetId, source: raw.source, division, digest })
}

function positionsOf(scope: SourceScope, divisions: readonly string[]): Position[] {
  return divisions.map((division) => ({
    appId: appIdOf(scope, division),
    version: scope.raw.snapshot.version,
  }))
}

/** Quarantine comes first, under the same positions: a row is never missing from both. */
async function commitQuarantine(
  scope: SourceScope,
  divisions: readonly string[],
  results: readonly DivisionResult[],
): Promise<void> {
  const table = quarantineOf(scope)
  const base = await table.snapshot()
  const column = scope.dataset.partition.column
  const adds = results.flatMap(({ quarantined }) => quarantined)
  const isReplaced = (file: LiveFile) => divisions.includes(file.partition[column] ?? '')
  const removes = [...(base?.files.values() ?? [])].filter(
    (file) => isResplit(base, column) || isReplaced(file),
  )
  if (adds.length === 0 && removes.length === 0) return
  await table.commit(base, {
    operation: 'QUARANTINE',
    ...schemaChange(base, QUARANTINE_COLUMNS, [column]),
    adds,
    removes,
    positions: positionsOf(scope, divisions),
  })
}

/** Output and position of some divisions in one commit; divisions without a result only move their position. */
async function commitResults(
  scope: SourceScope,
  divisions: readonly string[],
  results: readonly DivisionResult[],
): Promise<void> {
  const { dataset, raw, datasetId } = scope
  const base = await scope.tidy.snapshot()
  const column = dataset.partition.column
  const schema = schemaChange(base, TIDY_COLUMNS, [column])
  const redone = new Set(results.map(({ division }) => division))
  const isReplaced = (file: LiveFile) =>
    file.tags.source === raw.source && redone.has(file.partition[column] ?? '')
  await scope.tidy.commit(base, {
    operation: 'HARMONIZE',
    ...schema,
    adds: results.flatMap(({ parts }) => parts),
    removes: [...(base?.files.values() ?? [])].filter((file) => isResplit(base, column) || isReplaced(file)),
    positions: positionsOf(scope, divisions),
    provenance: {
      stage: 'harmonize',
      dataset: datasetId,
      source: raw.source,
      runs: results.map(runRow(scope)),
    },
  })
}

/** True when the city file names another partition column than the table has: none of its files may stay. */
function isResplit(base: Snapshot | undefined, column: string): boolean {
  return base !== undefined && base.partitionColumns[0] !== column
}

function runRow(scope: SourceScope): (result: DivisionResult) => PlainRow {
  return (result) => ({
    source: scope.raw.source,
    snapshot: scope.raw.snapshot.version,
    division: result.division,
    rows_in: result.rowsIn,
    rows_out: result.rowsOut,
    rows_quarantined: result.rowsQuarantined,
    rows_duplicate: result.rowsDuplicate,
    untyped_cells: JSON.stringify(result.untypedCells),
  })
}

/** Brings `runs/harmonize/` to where the tidy table is, from the tidy commits' own provenance. */
async function settleRuns(scope: SourceScope, divisions: readonly string[]): Promise<void> {
  const runs = new DeltaTable(scope.context.store, tables.runs('harmonize'), scope.context.clock)
  const [tidy, recorded] = [await scope.tidy.snapshot(), await runs.snapshot()]
  const behind = divisions.flatMap((division) => {
    const appId = appIdOf(scope, division)
    const version = reachedVersion(tidy?.positions, appId)
    return version > reachedVersion(recorded?.positions, appId) ? [{ division, appId, version }] : []
  })
  if (behind.length === 0) return
  await appendRows(runs, {
    columns: HARMONIZE_RUN_COLUMNS,
    partition: { [RUNS_PARTITION[0]]: scope.datasetId },
    positions: behind.map(({ appId, version }) => ({ appId, version })),
    operation: 'RECORD RUN',
    rows: () => recordedRuns(scope, behind),
  })
}

async function recordedRuns(
  scope: SourceScope,
  behind: readonly { division: string; appId: string }[],
): Promise<PlainRow[]> {
  const rows: PlainRow[] = []
  for (const { division, appId } of behind) {
    const record = await scope.tidy.lastCommitOf(appId)
    const runs = (record?.provenance.runs ?? []) as PlainRow[]
    rows.push(...runs.filter((row) => row.division === division))
  }
  return rows
}

/** A field whose column no source has is a mistake in the city file, or the publisher renamed it. */
function demandColumns(datasetId: string, dataset: DatasetConfig, raws: readonly RawTable[]): void {
  if (raws.length === 0) return
  for (const [field, setting] of Object.entries(dataset.mapping)) {
    const names = candidatesOf(setting)
    const having = raws.filter(({ snapshot }) =>
      names.some((name) => columnOf(snapshot.columns, name) !== undefined),
    )
    const needed = REQUIRED_FIELDS.includes(field) ? raws.length : 1
    if (names.length === 0 || having.length >= needed) continue
    const lacking = raws.find((raw) => !having.includes(raw)) as RawTable
    const columns = lacking.snapshot.columns.flatMap(({ metadata }) => metadata?.published ?? [])
    throw new WardbookError(
      'mapped-column-missing',
      'fix-config',
      `${datasetId}/${lacking.source}: mapping.${field} names ${names.join(', ')}, and the source has no such column; ` +
        `it has ${columns.join(', ')}`,
      { dataset: datasetId, source: lacking.source, field, names, columns },
    )
  }
}

function reportResults(scope: SourceScope, results: readonly DivisionResult[]): void {
  const sum = (pick: (result: DivisionResult) => number) =>
    results.reduce((total, result) => total + pick(result), 0)
  const rows = sum(({ rowsOut }) => rowsOut)
  const quarantined = sum(({ rowsQuarantined }) => rowsQuarantined)
  const duplicates = sum(({ rowsDuplicate }) => rowsDuplicate)
  step(
    scope,
    `typed ${rows} rows of ${results.length} divisions, ${quarantined} in quarantine, ${duplicates} published twice`,
    { rows, quarantined, duplicates, divisions: results.length },
  )
}

function step(scope: SourceScope, message: string, facts: Record<string, unknown>): void {
  scope.context.report({
    stage: 'harmonize',
    dataset: scope.datasetId,
    source: scope.raw.source,
    message,
    facts,
  })
}
