import type { Stage } from '../contracts/message.js'
import { outboxAppId } from '../contracts/positions.js'
import type { Clock } from '../kernel/time.js'
import { type Compaction, compactTable } from './compact.js'
import { type CompactionRules, planCompaction, WHILE_WRITING } from './compact-plan.js'
import { cleanLog, planCleanLog } from './delta/clean-log.js'
import { LEAST_RETENTION_MS, RETENTION_MS } from './delta/retention.js'
import type { Snapshot } from './delta/snapshot.js'
import { DeltaTable } from './delta/table.js'
import { parquetCheckpoints } from './duckdb/checkpoint-file.js'
import { tables } from './tables.js'

/**
 * Tables whose files are merged: those of records and of the read view. Files of the others are parts that published events and
 * the next stage know by their digests and names.
 */
const MERGED = /^(findings|runs\/[^/]+|outbox\/[^/]+)$/

/** Tables whose old versions nobody cites, so that their log may be cleaned up without asking the ledger. */
const UNCITED = /^(findings|runs\/[^/]+|outbox\/[^/]+)$/

/** True for a table whose small files are merged. */
export function isMerged(root: string): boolean {
  return MERGED.test(root)
}

/** True for a table whose log is cleaned up. */
export function isLogCleaned(root: string): boolean {
  return UNCITED.test(root)
}

/**
 * Merges a table's small files when a partition has many. Costs no request while there are few. For the table's owner, after it
 * has written; does nothing to tables whose files others know by name.
 * @param seen the table as the caller saw it last, for a first look
 */
export async function tendTable(
  table: DeltaTable,
  seen: Snapshot | undefined,
  rules: CompactionRules = WHILE_WRITING,
): Promise<Compaction | undefined> {
  if (seen === undefined || !isMerged(table.root)) return undefined
  if (planCompaction(seen.files.values(), rules).length === 0) return undefined
  return compactTable(table, { ...rules, ...(await untouched(table)) })
}

/**
 * Cleans up the log of a table whose old versions nobody cites: what lies below a checkpoint and is older than the retention goes.
 * @returns how many files went
 */
export async function shortenLog(
  { store, root }: DeltaTable,
  clock: Clock,
  retentionMs: number = RETENTION_MS,
): Promise<number> {
  if (!isLogCleaned(root)) return 0
  const youngerThanMs = clock().getTime() - Math.max(retentionMs, LEAST_RETENTION_MS)
  return cleanLog(store, await planCleanLog(store, root, { youngerThanMs }, parquetCheckpoints))
}

/** The ledger takes an outbox in commit by commit: what it has not taken in yet stays as it was committed. */
async function untouched({ store, root }: DeltaTable): Promise<Partial<CompactionRules>> {
  const stage = /^outbox\/([^/]+)$/.exec(root)?.[1]
  if (stage === undefined) return {}
  const taken = await new DeltaTable(store, tables.findings()).position(outboxAppId(stage as Stage))
  return { mayMerge: (file) => file.since <= taken }
}
