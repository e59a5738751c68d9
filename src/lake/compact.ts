import type { Column } from '../contracts/columns.js'
import { asWardbookError, WardbookError } from '../kernel/errors.js'
import { type CompactionRules, ownTags, planCompaction } from './compact-plan.js'
import { type LiveFile, SINCE_TAG, type Snapshot } from './delta/snapshot.js'
import type { DeltaTable, NewFile } from './delta/table.js'
import { type Engine, LEAN, withEngine } from './duckdb/engine.js'
import { concatSql } from './duckdb/scan.js'
import { writeParquet } from './duckdb/write.js'
import { putPart } from './parts.js'
import type { StagedFile } from './store.js'

/** What a compaction did; `overtaken`: another writer removed one of the files meanwhile, and nothing changed. */
export interface Compaction {
  readonly outcome: 'nothing' | 'compacted' | 'overtaken'
  /** Files that were merged. */
  readonly files: number
  /** Files that they became. */
  readonly into: number
}

const NOTHING: Compaction = { outcome: 'nothing', files: 0, into: 0 }

/**
 * Merges small files of a table's newest version, in one commit that changes no row. Memory: one engine of the LEAN profile; disk:
 * the files of one merge. Appends beside it are no conflict. After a kill nothing has changed, or all of it.
 * @throws WardbookError of store and engine; 'row-count-differs' (report-bug): nothing was committed
 */
export async function compactTable(table: DeltaTable, rules: CompactionRules): Promise<Compaction> {
  const base = await table.snapshot()
  const groups = base ? planCompaction(base.files.values(), rules) : []
  if (base === undefined || groups.length === 0) return NOTHING
  const adds: NewFile[] = []
  for (const group of groups) adds.push(await mergeFiles(table, base, group))
  const removes = groups.flat()
  try {
    await table.commit(base, { operation: 'OPTIMIZE', adds, removes, dataChange: false })
    return { outcome: 'compacted', files: removes.length, into: adds.length }
  } catch (thrown) {
    if (asWardbookError(thrown).code !== 'commit-conflict') throw thrown
    return { ...NOTHING, outcome: 'overtaken' } // the next one finds what is left to merge
  }
}

async function mergeFiles(table: DeltaTable, base: Snapshot, group: readonly LiveFile[]): Promise<NewFile> {
  const { store, root } = table
  const scratch = await store.scratch()
  const staged: StagedFile[] = []
  try {
    for (const { key } of group) staged.push(await store.stage(`${root}/${key}`))
    const finished = await withEngine(LEAN, scratch.folder, (engine) =>
      writeMerged(engine, scratch.folder, base, group, staged),
    )
    demandAllRows(root, group, finished?.rows ?? 0)
    const since = String(Math.max(...group.map((file) => file.since)))
    const tags = { ...ownTags(group[0] as LiveFile), [SINCE_TAG]: since }
    return await putPart(store, root, base.version, { ...(finished as NonNullable<typeof finished>), tags })
  } finally {
    for (const file of staged) await file.release()
    await scratch.remove()
  }
}

function writeMerged(
  engine: Engine,
  folder: string,
  base: Snapshot,
  group: readonly LiveFile[],
  staged: readonly StagedFile[],
) {
  const stored = base.columns.filter(({ name }) => !base.partitionColumns.includes(name))
  const files = staged.map(({ file }) => file)
  const { sql, orderBy } = concatSql(files, stored)
  return writeParquet(engine, folder, 'merged', sql, stored as Column[], partitionOf(group), orderBy)
}

/** Our own files have a value for every partition column. */
function partitionOf([first]: readonly LiveFile[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(first?.partition ?? {}).map(([name, value]) => [name, value ?? '']),
  )
}

function demandAllRows(root: string, group: readonly LiveFile[], rows: number): void {
  const expected = group.reduce((sum, file) => sum + (file.rows ?? 0), 0)
  if (rows === expected) return
  throw new WardbookError(
    'row-count-differs',
    'report-bug',
    `${root}: ${group.length} files of ${expected} rows merged into one of ${rows}; nothing was committed`,
    { table: root, expected, rows, files: group.map(({ key }) => key) },
  )
}
