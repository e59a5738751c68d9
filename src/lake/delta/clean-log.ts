import type { ObjectStore } from '../store.js'
import type { CheckpointFormat } from './checkpoint.js'
import { checkpointsOf, DeltaLog, type LogEntry } from './log.js'
import type { CheckpointName } from './log-files.js'
import { type LiveFile, type Replay, replayCommit } from './snapshot.js'

/** What a log may do without. */
export interface LogCleaning {
  /** The oldest version that stays readable: that of a checkpoint; undefined where nothing can go. */
  readonly cut: number | undefined
  /** Checkpoints below the cut, then the commits below it, each in ascending order. */
  readonly keys: readonly string[]
}

/** Which versions of a table's log must stay readable. */
export interface LogKept {
  /** Commits younger than this stay, in ms of the store's clock, and the version that was the newest then. */
  readonly youngerThanMs: number
  /** Versions that stay readable whatever their age. */
  readonly versions?: Iterable<number>
}

const NOTHING: LogCleaning = { cut: undefined, keys: [] }

/**
 * Which files of a log may go, below a given checkpoint. Checkpoints come before commits: as long as one of them is there, so are
 * all commits after it, and a hint that still names it leads to the newest version.
 * @param entries the log's files, oldest first
 */
export function planLogCleaning(entries: readonly LogEntry[], cut: number): LogCleaning {
  const below = entries.filter(({ version }) => version < cut)
  const keysOf = (isCommit: boolean) =>
    below.filter(({ kind }) => (kind === 'commit') === isCommit).map(({ key }) => key)
  return { cut, keys: [...keysOf(false), ...keysOf(true)] }
}

/**
 * Checkpoints that may become the cut, newest first: at or below every version that must stay readable.
 * @param entries the log's files, oldest first
 */
export function cutsOf(
  entries: readonly LogEntry[],
  { youngerThanMs, versions = [] }: LogKept,
): CheckpointName[] {
  const old = entries.filter(({ kind, modifiedAtMs }) => kind === 'commit' && modifiedAtMs < youngerThanMs)
  const firstYoung = entries.find((entry) => entry.kind === 'commit' && entry.modifiedAtMs >= youngerThanMs)
  const newestThen = Math.min(
    old.at(-1)?.version ?? -1,
    (firstYoung?.version ?? Number.POSITIVE_INFINITY) - 1,
  )
  let most = newestThen
  for (const version of versions) most = Math.min(most, version)
  return checkpointsOf(entries).filter((name) => name !== 'v2' && name.version <= most) as CheckpointName[]
}

/**
 * Plans the clean-up of a table's log. A checkpoint becomes the cut only after it was read and found to tell what the log before it
 * tells: what is deleted then is told twice.
 * @param format how the table's checkpoints are stored
 * @throws WardbookError 'delta-log-broken', 'delta-log-gap' (fix-source) when the log cannot be read
 */
export async function planCleanLog(
  store: ObjectStore,
  root: string,
  kept: LogKept,
  format: CheckpointFormat,
): Promise<LogCleaning> {
  const log = new DeltaLog(store, root, format)
  const entries: LogEntry[] = []
  for await (const entry of log.entries()) entries.push(entry)
  for (const name of cutsOf(entries, kept)) {
    const plan = planLogCleaning(entries, name.version)
    if (plan.keys.length === 0) return NOTHING
    if (await tellsTheSame(log, name)) return plan
  }
  return NOTHING
}

/**
 * Deletes what a plan names, in its order. A kill at any moment leaves every version from the cut on readable.
 * @returns how many files went
 */
export async function cleanLog(store: ObjectStore, { keys }: LogCleaning): Promise<number> {
  for (const key of keys) await store.delete(key)
  return keys.length
}

/** True when a checkpoint tells the same as replay without it: from the checkpoint before, or from the log's beginning. */
async function tellsTheSame(log: DeltaLog, name: CheckpointName): Promise<boolean> {
  const told = await log.checkpoint(name)
  if (told === undefined) return false
  const replayed = await replayWithout(log, name.version)
  return replayed !== undefined && stateText(told.replay) === stateText(replayed)
}

async function replayWithout(log: DeltaLog, version: number): Promise<Replay | undefined> {
  const start = await log.start(version - 1, false, false)
  let { replay } = start
  for (let next = start.version + 1; next <= version; next++) {
    const actions = await log.commit(next)
    // A clean-up that was killed has left commits without their beginning: it had found the same before.
    if (actions === undefined) return undefined
    replay = replayCommit(replay, actions, next)
  }
  return replay
}

function fileText({ key, size, rows, since, partition, tags }: LiveFile): string {
  const values = Object.entries(partition).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([key, size, rows, since, tags.sha256, values])
}

function stateText({ protocol, metaData, files, txns }: Replay): string {
  const sorted = (texts: Iterable<string>) => [...texts].sort()
  return JSON.stringify([
    protocol?.minReaderVersion,
    protocol?.minWriterVersion,
    metaData?.id,
    metaData?.schemaString,
    metaData?.partitionColumns,
    sorted([...files.values()].map(fileText)),
    sorted([...txns.values()].map(({ txn }) => `${txn.version} ${txn.appId}`)),
  ])
}
