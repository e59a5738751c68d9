import type { DatasetConfig } from '../contracts/city-file.js'
import { RAW_COLUMNS } from '../contracts/columns.js'
import { inLanes } from '../contracts/in-lanes.js'
import { requiredFields } from '../contracts/kinds.js'
import { packForLanes } from '../contracts/pack-parts.js'
import { WardbookError } from '../kernel/errors.js'
import { DeltaTable } from '../lake/delta/table.js'
import { tables } from '../lake/tables.js'
import { commitQuarantine, commitResults, settleRuns } from './commit-divisions.js'
import type { DivisionInput, DivisionResult, HarmonizeJob } from './harmonize-job.js'
import { planDivisions } from './plan-divisions.js'
import type { HarmonizeContext, RawTable, SourceScope } from './source-scope.js'
import { candidatesOf, columnOf, planFields } from './typing-sql.js'

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
    if (snapshot === undefined) continue
    raws.push({ source, table, snapshot, version: await table.progressVersion(snapshot) })
  }
  demandColumns(datasetId, dataset, raws)
  for (const raw of raws) await harmonizeSource({ context, datasetId, dataset, tidy, raw })
  return (await tidy.snapshot())?.version ?? -1
}

async function harmonizeSource(scope: SourceScope): Promise<void> {
  const plan = await planDivisions(scope)
  await settleRuns(scope, plan.all)
  if (plan.unchanged.length > 0) await commitResults(scope, plan.unchanged, [])
  const { context, raw } = scope
  const { runner, city } = context
  const typed = inLanes(
    packForLanes(plan.changed, city.parts, runner.lanes),
    runner.lanes ?? 1,
    (divisions) => runner.run<HarmonizeJob, DivisionResult[]>('harmonize.type', jobOf(scope, divisions)),
  )
  for await (const { item: divisions, result: results } of typed) {
    const names = divisions.map(({ division }) => division)
    await commitQuarantine(scope, names, results)
    await commitResults(scope, names, results)
    await settleRuns(scope, names)
    reportResults(scope, results)
  }
  if (plan.changed.length === 0) {
    step(scope, `unchanged: raw version ${raw.version} is already harmonized`, {
      version: raw.version,
    })
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
    rawVersion: raw.version,
    partitionColumn: dataset.partition.column,
    timeZone: context.city.city.timeZone,
    kind: dataset.kind,
    fields: planFields(dataset, rawColumns, context.city.city.timeZone),
    key: dataset.key === undefined ? undefined : columnOf(rawColumns, dataset.key),
    rawColumns: rawColumns.map(({ name }) => name),
    divisions,
  }
}

/** A field whose column no source has is a mistake in the city file, or the publisher renamed it. */
function demandColumns(datasetId: string, dataset: DatasetConfig, raws: readonly RawTable[]): void {
  if (raws.length === 0) return
  for (const [field, setting] of Object.entries(dataset.mapping)) {
    const names = candidatesOf(setting)
    const having = raws.filter(({ snapshot }) =>
      names.some((name) => columnOf(snapshot.columns, name) !== undefined),
    )
    const needed = requiredFields(dataset.kind).includes(field) ? raws.length : 1
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
