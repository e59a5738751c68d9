import { WardbookError } from '../kernel/errors.js'
import { type Clock, systemClock } from '../kernel/time.js'
import type { Compaction } from '../lake/compact.js'
import { ON_DEMAND } from '../lake/compact-plan.js'
import { LEAST_RETENTION_MS } from '../lake/delta/retention.js'
import { DeltaTable } from '../lake/delta/table.js'
import { type Owner, ownerOf, scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { isMerged, tendTable } from '../lake/tend-table.js'
import { findTables, planTableVacuum, type TableVacuum, vacuumTable } from '../lake/vacuum.js'
import { readCitations } from '../ledger/citations.js'
import { readLakeFile } from './claim-lake.js'
import { absoluteAddress } from './lake-address.js'
import { NOTHING_CITED, needsOf, readDownstream } from './lake-needs.js'
import { openLake } from './open-lake.js'

/** What became of a table's small files. */
export interface TableCompaction extends Compaction {
  readonly table: string
}

/**
 * Merges the small files of every table of records. Each table through its owner's handle.
 * @param lake address of a lake
 * @throws WardbookError of store and engine; 'lake-missing', 'lake-newer-format', 'bad-lake-address' (fix-config)
 */
export async function compactLake(lake: string, onTable: (table: TableCompaction) => void): Promise<void> {
  const store = await openLake(absoluteAddress(lake))
  await readLakeFile(store) // of a newer release: what its files mean is not known here
  for (const root of (await findTables(scopeTo('ledger', store))).filter(isMerged)) {
    const table = new DeltaTable(scopeTo(writerOf(root), store), root)
    const done = await tendTable(table, await table.snapshot(), ON_DEMAND)
    onTable({ table: root, ...(done ?? { outcome: 'nothing', files: 0, into: 0 }) })
  }
}

/** How far vacuum goes. */
export interface VacuumOptions {
  /** What was stored or replaced since stays, in days; at least 1. More keeps more old versions readable, and takes more room. */
  readonly retentionDays: number
  /** Plan only. */
  readonly dryRun: boolean
  /** Take also what the ledger's events rest on: their evidence can then no longer be read again. */
  readonly forgetsCited: boolean
}

const DAY_MS = 24 * 3_600_000

/**
 * Removes the data files that no kept version of a table needs, table by table, and the log below a checkpoint of tables whose old
 * versions nobody cites. Everything is planned, and the whole ledger read, before the first file goes.
 * @param lake address of a lake
 * @param onTable is told each table's plan, once it is carried out (or would be)
 * @throws WardbookError 'retention-too-short', 'lake-newer-format' (fix-config); those of a ledger that cannot be read: nothing was removed
 */
export async function vacuumLake(
  lake: string,
  options: VacuumOptions,
  onTable: (plan: TableVacuum) => void,
  clock: Clock = systemClock,
): Promise<void> {
  const store = await openLake(absoluteAddress(lake))
  await readLakeFile(store) // of a newer release: what its files mean is not known here
  for (const plan of await planLakeVacuum(store, options, clock)) {
    if (!options.dryRun) await vacuumTable(scopeTo(writerOf(plan.table), store), plan)
    onTable(plan)
  }
}

/** The plans of all tables of a lake; writes nothing. @throws as {@link vacuumLake} */
export async function planLakeVacuum(
  store: ObjectStore,
  { retentionDays, forgetsCited }: Omit<VacuumOptions, 'dryRun'>,
  clock: Clock,
): Promise<TableVacuum[]> {
  const youngerThanMs = clock().getTime() - demandRetention(retentionDays)
  const reader = scopeTo('ledger', store)
  const cited = forgetsCited ? NOTHING_CITED : await readCitations(reader)
  const roots = await findTables(reader)
  const downstream = await readDownstream(reader, roots)
  const plans: TableVacuum[] = []
  for (const root of roots) {
    const plan = await planTableVacuum(reader, root, needsOf(root, cited, downstream), youngerThanMs)
    if (plan !== undefined) plans.push(plan)
  }
  return plans
}

function demandRetention(days: number): number {
  if (days * DAY_MS >= LEAST_RETENTION_MS) return days * DAY_MS
  throw new WardbookError(
    'retention-too-short',
    'fix-config',
    `a retention of ${days} days is too short: 1 day or more, as running writers and readers rest on younger files`,
    { days },
  )
}

function writerOf(root: string): Owner {
  const owner = ownerOf(`${root}/`)
  if (owner !== undefined) return owner
  throw new WardbookError('outside-prefix', 'report-bug', `nobody may write the table '${root}'`, { root })
}
