import { HARMONIZE_RUN_COLUMNS, QUARANTINE_COLUMNS } from '../contracts/columns.js'
import { tidyColumns } from '../contracts/kinds.js'
import { reachedVersion } from '../contracts/positions.js'
import { appendRows } from '../lake/append-rows.js'
import type { LiveFile, Snapshot } from '../lake/delta/snapshot.js'
import { DeltaTable } from '../lake/delta/table.js'
import type { PlainRow } from '../lake/duckdb/rows.js'
import { schemaChange } from '../lake/schema-change.js'
import { RUNS_PARTITION, tables } from '../lake/tables.js'
import type { DivisionResult } from './harmonize-job.js'
import { appIdOf, positionsOf, quarantineOf, type SourceScope } from './source-scope.js'

/** Quarantine comes first, under the same positions: a row is never missing from both. */
export async function commitQuarantine(
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
export async function commitResults(
  scope: SourceScope,
  divisions: readonly string[],
  results: readonly DivisionResult[],
): Promise<void> {
  const { dataset, raw, datasetId } = scope
  const base = await scope.tidy.snapshot()
  const column = dataset.partition.column
  const schema = schemaChange(base, tidyColumns(dataset.kind), [column])
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
    snapshot: scope.raw.version,
    division: result.division,
    rows_in: result.rowsIn,
    rows_out: result.rowsOut,
    rows_quarantined: result.rowsQuarantined,
    rows_duplicate: result.rowsDuplicate,
    untyped_cells: JSON.stringify(result.untypedCells),
  })
}

/** Brings `runs/harmonize/` to where the tidy table is, from the tidy commits' own provenance. */
export async function settleRuns(scope: SourceScope, divisions: readonly string[]): Promise<void> {
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
