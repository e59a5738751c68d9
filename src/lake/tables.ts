import type { Column } from '../contracts/columns.js'
import * as columns from '../contracts/columns.js'
import type { Stage } from '../contracts/message.js'

/** Where each table lives, below the lake's base path. Rules of who may write there: `prefixes.ts`. */
export const tables = {
  raw: (dataset: string, source: string) => `raw/${dataset}/${source}`,
  quarantine: (stage: Stage, dataset: string, source: string) => `quarantine/${stage}/${dataset}/${source}`,
  tidy: (dataset: string) => `tidy/${dataset}`,
  series: (dataset: string) => `series/${dataset}`,
  runs: (stage: Stage) => `runs/${stage}`,
  outbox: (stage: Stage) => `outbox/${stage}`,
  findings: () => 'findings',
} as const

/** The one log of a lake for now; more logs may stand beside it. */
export const LOG_NAME = 'main'

/** Partition columns of the tables that hold several datasets. */
export const RUNS_PARTITION = ['dataset'] as const
export const TESTS_PARTITION = ['dataset', 'division'] as const
export const OUTBOX_PARTITION = ['dataset'] as const
export const FINDINGS_PARTITION = ['division'] as const

/** A table's full schema: its stored columns, then its partition columns (text). */
export function withPartition(stored: readonly Column[], partitionColumns: readonly string[]): Column[] {
  return [...stored, ...partitionColumns.map((name): Column => ({ name, type: 'string' }))]
}

/** Stored columns of the runs table of a stage. */
export const RUN_COLUMNS = {
  ingest: columns.INGEST_RUN_COLUMNS,
  harmonize: columns.HARMONIZE_RUN_COLUMNS,
  detect: columns.TEST_COLUMNS,
} as const
