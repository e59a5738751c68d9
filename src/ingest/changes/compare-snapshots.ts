import type { ChangeCounts } from '../../contracts/changes.js'
import type { PartRunner } from '../../contracts/part-runner.js'
import type { LiveFile } from '../../lake/delta/snapshot.js'
import type { NewFile } from '../../lake/delta/table.js'
import { countChanges } from './change-counts.js'
import type { ChangeCell, ComparedPart, CompareJob } from './compare-job.js'

/** The task of the part worker. */
export const COMPARE_TASK = 'ingest.compare'

/** Two snapshots of a raw table, the new one not committed yet. */
export interface Comparison {
  /** The raw table. */
  readonly root: string
  readonly partitionColumn: string
  /** Table columns that the division was told from. */
  readonly partitionFrom: readonly string[]
  /** Table column of the key. */
  readonly key: string | undefined
  /** Live files that the new snapshot does not have. */
  readonly removed: readonly LiveFile[]
  readonly added: readonly NewFile[]
  /** Rows in files that both have. */
  readonly keptRows: number
  /** The publisher's columns of each, as table columns. */
  readonly columnsBefore: readonly string[]
  readonly columnsAfter: readonly string[]
}

/** What became of the rows; {@link compareParts} in a worker of its own does the work. */
export async function compareSnapshots(runner: PartRunner, comparison: Comparison): Promise<ChangeCounts> {
  const job = compareJob(comparison)
  const isSame = job.before.length === 0 && job.after.length === 0
  const cells = isSame ? [] : await runner.run<CompareJob, ChangeCell[]>(COMPARE_TASK, job)
  return countChanges(cells, comparison.keptRows)
}

/** Compared are the columns that both have: a column that came or went makes no row another. */
function compareJob(comparison: Comparison): CompareJob {
  const { root, partitionColumn, partitionFrom, key, removed, added, columnsBefore, columnsAfter } =
    comparison
  const had = new Set(columnsBefore)
  const columns = columnsAfter.filter((name) => had.has(name))
  const part = (file: LiveFile | NewFile): ComparedPart => ({
    division: file.partition[partitionColumn] ?? '',
    object: `${root}/${file.key}`,
    rows: file.rows ?? 0,
  })
  return {
    columns,
    sameColumns: columns.length === columnsAfter.length && columns.length === columnsBefore.length,
    key: key !== undefined && had.has(key) ? key : undefined,
    partitionFrom,
    before: removed.map(part),
    after: added.map(part),
  }
}
