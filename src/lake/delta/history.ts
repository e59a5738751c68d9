import { WardbookError } from '../../kernel/errors.js'
import { fromLogPath } from '../keys.js'
import type { ObjectStore } from '../store.js'
import type { Action } from './actions.js'
import type { CheckpointFormat } from './checkpoint.js'
import { checkpointsOf, DeltaLog, type LogEntry } from './log.js'
import { commitKey } from './log-files.js'
import { emptyReplay, type Replay } from './snapshot.js'

/** One stay of a file in a table: readable in the versions [from, until). */
export interface FileStay {
  readonly key: string
  readonly sha256: string | undefined
  readonly from: number
  /** Infinity while it is live. */
  readonly until: number
}

/** A commit that moved a writer, and how far. */
export interface Move {
  readonly version: number
  readonly appId: string
  readonly position: number
}

/** What a table's log tells of all its readable versions. */
export interface TableHistory {
  /** The oldest version that the log can still tell. */
  readonly oldest: number
  readonly newest: number
  /** When each commit was stored, by the store's clock, oldest first. */
  readonly commits: readonly { readonly version: number; readonly atMs: number }[]
  readonly stays: readonly FileStay[]
  readonly moves: readonly Move[]
}

/** Commits that are read at a time: a log in a bucket has a request's wait for each. */
const READ_AT_ONCE = 16

/**
 * Reads the whole log of a table, from its first commit or, where the log was cleaned up, from its oldest checkpoint. Memory: about
 * 300 bytes for each file that ever was.
 * @returns undefined when there is no such table
 * @throws WardbookError 'delta-log-gap', 'delta-log-broken' (fix-source)
 */
export async function readHistory(
  store: ObjectStore,
  root: string,
  format: CheckpointFormat,
): Promise<TableHistory | undefined> {
  const log = new DeltaLog(store, root, format)
  const entries: LogEntry[] = []
  for await (const entry of log.entries()) entries.push(entry)
  const commits = entries.flatMap(({ kind, version, modifiedAtMs }) =>
    kind === 'commit' ? [{ version, atMs: modifiedAtMs }] : [],
  )
  const newest = commits.at(-1)?.version
  if (newest === undefined) return undefined
  const start = await oldestStart(log, root, entries)
  const history = new HistoryFold(start.replay, start.version)
  for (let from = start.version + 1; from <= newest; from += READ_AT_ONCE) {
    const versions = Array.from({ length: Math.min(READ_AT_ONCE, newest - from + 1) }, (_, at) => from + at)
    const read = await Promise.all(versions.map((version) => log.commit(version)))
    for (const [at, actions] of read.entries())
      history.take(demandCommit(actions, root, from + at), from + at)
  }
  const oldest = Math.max(0, start.version)
  return { oldest, newest, commits, stays: history.stays(), moves: history.moves }
}

/** Before the first commit, or the oldest checkpoint from which the log goes on without a gap. */
async function oldestStart(
  log: DeltaLog,
  root: string,
  entries: readonly LogEntry[],
): Promise<{ replay: Replay; version: number }> {
  const first = entries.find(({ kind }) => kind === 'commit')?.version ?? 0
  if (first === 0) return { replay: emptyReplay(false), version: -1 }
  for (const name of checkpointsOf(entries).toReversed()) {
    if (name === 'v2' || name.version < first - 1) continue
    const found = await log.checkpoint(name)
    if (found !== undefined) return found
  }
  throw gap(root, first - 1)
}

/** Follows files in and out of a table. */
class HistoryFold {
  readonly moves: Move[] = []
  private readonly ended: FileStay[] = []
  private readonly live = new Map<string, FileStay>()

  constructor(start: Replay, version: number) {
    for (const { key, tags } of start.files.values()) this.come(key, tags.sha256, version)
    for (const [appId, { txn, movedAt }] of start.txns)
      this.moves.push({ version: Math.min(movedAt ?? version, version), appId, position: txn.version })
  }

  take(actions: readonly Action[], version: number): void {
    for (const { add, remove, txn } of actions) {
      if (remove) this.go(fromLogPath(remove.path), version)
      if (add) this.come(fromLogPath(add.path), add.tags?.sha256, version)
      if (txn) this.moves.push({ version, appId: txn.appId, position: txn.version })
    }
  }

  stays(): FileStay[] {
    return [...this.ended, ...this.live.values()]
  }

  private come(key: string, sha256: string | null | undefined, from: number): void {
    if (!this.live.has(key))
      this.live.set(key, { key, sha256: sha256 ?? undefined, from, until: Number.POSITIVE_INFINITY })
  }

  private go(key: string, until: number): void {
    const stay = this.live.get(key)
    if (stay === undefined) return
    this.live.delete(key)
    this.ended.push({ ...stay, until })
  }
}

function demandCommit(actions: Action[] | undefined, root: string, version: number): Action[] {
  if (actions !== undefined) return actions
  throw gap(root, version)
}

function gap(root: string, version: number): WardbookError {
  const message = `${root}: ${commitKey(root, version)} is gone, and later commits are there: bring it back from a copy`
  return new WardbookError('delta-log-gap', 'fix-source', message, { table: root, version })
}
