import type { Column } from '../src/contracts/columns.js'
import { compactTable } from '../src/lake/compact.js'
import { type CompactionRules, ON_DEMAND } from '../src/lake/compact-plan.js'
import { cleanLog, planCleanLog } from '../src/lake/delta/clean-log.js'
import type { Snapshot } from '../src/lake/delta/snapshot.js'
import { DeltaTable, type NewFile } from '../src/lake/delta/table.js'
import { parquetCheckpoints } from '../src/lake/duckdb/checkpoint-file.js'
import { LEAN, withEngine } from '../src/lake/duckdb/engine.js'
import { writeRows } from '../src/lake/duckdb/rows.js'
import { scanFiles } from '../src/lake/duckdb/scan.js'
import { putPart } from '../src/lake/parts.js'
import type { ObjectStore } from '../src/lake/store.js'
import { planTableVacuum, vacuumTable } from '../src/lake/vacuum.js'

/** A table whose commits are groups of rows over several divisions: a reader of half a commit would see half a group. */
export const ROOT = 'findings'
const COLUMNS: readonly Column[] = [
  { name: 'group', type: 'long' },
  { name: 'row', type: 'long' },
]
const SCHEMA = {
  columns: [...COLUMNS, { name: 'division', type: 'string' as const }],
  partitionColumns: ['division'],
}
const DIVISIONS = ['1', '2', 'unassigned']
const ROWS_A_DIVISION = 2
export const ROWS_A_GROUP = DIVISIONS.length * ROWS_A_DIVISION

/** Three files of one partition are many, so that tests compact often. */
export const EAGER: CompactionRules = { ...ON_DEMAND, leastFiles: 3 }

/** A table object as another process would have; with a checkpoint every other commit by default. */
export function openGroups(store: ObjectStore, everyCommits = 2): DeltaTable {
  return new DeltaTable(store, ROOT, undefined, { everyCommits, format: parquetCheckpoints })
}

/** Commits the group of this number, once: a file a division, and the position. */
export async function commitGroup(table: DeltaTable, group: number): Promise<void> {
  const base = await table.snapshot()
  if ((base?.positions.get('groups') ?? -1) >= group) return
  const adds: NewFile[] = []
  const scratch = await table.store.scratch()
  try {
    await withEngine(LEAN, scratch.folder, async (engine) => {
      for (const division of DIVISIONS) {
        const rows = Array.from({ length: ROWS_A_DIVISION }, (_, row) => ({ group, row }))
        const finished = await writeRows(engine, scratch.folder, division, rows, COLUMNS, { division })
        if (finished) adds.push(await putPart(table.store, ROOT, group, finished))
      }
    })
  } finally {
    await scratch.remove()
  }
  const schema = base === undefined ? { schema: SCHEMA } : {}
  await table.commit(base, {
    operation: 'WRITE',
    ...schema,
    adds,
    positions: [{ appId: 'groups', version: group }],
  })
}

/** Rows by group at a version, read from the data files; undefined when there is no such version. */
export async function groupsAt(
  store: ObjectStore,
  snapshot: Snapshot | undefined,
): Promise<Record<string, number> | undefined> {
  if (snapshot === undefined) return undefined
  const scratch = await store.scratch()
  const scan = await scanFiles(store, ROOT, snapshot).catch(async (thrown) => {
    await scratch.remove()
    throw thrown
  })
  try {
    const rows = await withEngine(LEAN, scratch.folder, (engine) =>
      engine.rows<{ group: number; rows: number }>(
        `SELECT "group", count(DISTINCT (row, division)) * 1000 + count(*) AS rows FROM ${scan.sql} GROUP BY 1 ORDER BY 1`,
      ),
    )
    return Object.fromEntries(rows.map(({ group, rows: counted }) => [group, counted]))
  } finally {
    await scan.release()
    await scratch.remove()
  }
}

/** What {@link groupsAt} gives when the groups [0, count) are whole, each row once. */
export function wholeGroups(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, group) => [group, ROWS_A_GROUP * 1001]))
}

/** Everything that changes a table, one at a time, each fit to be done again. */
export const PHASES = ['commit', 'compact', 'vacuum', 'clean'] as const
export type Phase = (typeof PHASES)[number]

/** Groups of {@link prepareGroups}, its newest version, the version that is cited, and the one that clean-up leaves as the oldest. */
export const PREPARED = { groups: 11, version: 11, cited: 3, cut: 10 }

/** Versions 0 to 11: groups, one compaction at version 7, checkpoints at each even version. */
export async function prepareGroups(store: ObjectStore): Promise<void> {
  for (let group = 0; group < 7; group++) await commitGroup(openGroups(store), group)
  await compactTable(openGroups(store), EAGER)
  for (let group = 7; group < PREPARED.groups; group++) await commitGroup(openGroups(store), group)
}

/** Does a phase on the prepared table, or what is left of it. Everything counts as older than the retention. */
export async function runPhase(store: ObjectStore, phase: Phase): Promise<void> {
  const youngerThanMs = Date.now() + 3_600_000
  if (phase === 'commit') await commitGroup(openGroups(store), PREPARED.groups)
  if (phase === 'compact') await compactTable(openGroups(store), EAGER)
  if (phase === 'clean')
    await cleanLog(store, await planCleanLog(store, ROOT, { youngerThanMs }, parquetCheckpoints))
  if (phase === 'vacuum') {
    const plan = await planTableVacuum(store, ROOT, { versions: [PREPARED.cited] }, youngerThanMs)
    if (plan !== undefined) await vacuumTable(store, plan)
  }
}
