import { z } from 'zod'
import type { ObjectStore } from '../store.js'
import type { Action } from './actions.js'
import { RETENTION_MS } from './retention.js'
import {
  emptyReplay,
  type LiveFile,
  type Movement,
  type Replay,
  replayCommit,
  SINCE_TAG,
} from './snapshot.js'

/** Commits from one checkpoint to the next: more make an open read more commits, fewer make writers write more. */
export const CHECKPOINT_EVERY_COMMITS = 20

/** How long a checkpoint tells of a removed file; Delta's own default. */
export const TOMBSTONE_RETENTION_MS = RETENTION_MS

/**
 * Begins the appId of a `txn` that only checkpoints have: its version is the commit that last moved the writer named behind it,
 * which a checkpoint would lose. To other readers it is one more writer's position.
 */
const MOVED_PREFIX = 'wardbook.moved/'

/** How the actions of a checkpoint become Parquet and come back. */
export interface CheckpointFormat {
  /**
   * Stores the actions, in their order, as one file, if the name is free.
   * @throws WardbookError 'engine-failed' (report-bug) or the store's; nothing is then stored
   */
  write(store: ObjectStore, key: string, actions: readonly Action[]): Promise<'created' | 'exists'>
  /**
   * The actions of a checkpoint's files, in their order.
   * @param withRemoved whether tombstones too: there may be far more of them than of live files
   * @throws WardbookError 'object-missing' (retry), 'engine-failed', 'delta-log-broken' for a file that is gone, torn or none
   */
  read(store: ObjectStore, keys: readonly string[], withRemoved: boolean): Promise<Action[]>
}

/** Files of one checkpoint that a hint may name; a listing finds checkpoints of more. */
const MAX_PARTS = 1_000

/** What `_last_checkpoint` says. Nothing of it is trusted: it saves a listing when it is right. */
const Hint = z.looseObject({
  version: z.int().nonnegative(),
  size: z.number().nullish(),
  parts: z.int().positive().max(MAX_PARTS).nullish(),
  v2Checkpoint: z.unknown().optional(),
})

export type Hint = z.infer<typeof Hint>

/** The hint's text as read from the store; undefined when it is torn or says something else. */
export function parseHint(text: string): Hint | undefined {
  try {
    return Hint.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/**
 * A table's state as the rows of a checkpoint: protocol, schema, positions in the order of their last movement, live files in
 * order, and tombstones.
 * @param removedAfter ms; files removed before are no longer told of
 */
export function checkpointActions(state: Replay, removedAfter: number): Action[] {
  const { protocol, metaData } = state
  const removed = [...(state.removed?.values() ?? [])].filter(
    (remove) => (remove.deletionTimestamp ?? 0) >= removedAfter,
  )
  return [
    ...(protocol ? [{ protocol }] : []),
    ...(metaData ? [{ metaData }] : []),
    ...[...state.txns.values()].map(({ txn }) => ({ txn })),
    ...[...state.txns.values()].flatMap(movedAction),
    ...[...state.files.values()].map((file) => ({ add: addOf(file) })),
    ...removed.map((remove) => ({ remove: { ...remove, dataChange: false } })),
  ]
}

/**
 * The state that a checkpoint of `version` tells. A file in a checkpoint of another writer counts as added by `version`: which
 * commit added it is not told there, nor which one moved a position.
 */
export function replayCheckpoint(actions: readonly Action[], version: number, keepsRemoved: boolean): Replay {
  const isMoved = ({ txn }: Action) => txn?.appId.startsWith(MOVED_PREFIX) === true
  const told = actions.filter((action) => !isMoved(action))
  const state = replayCommit(emptyReplay(keepsRemoved), told, version)
  const movedAt = new Map(
    actions.filter(isMoved).map(({ txn }) => [txn?.appId.slice(MOVED_PREFIX.length), txn?.version]),
  )
  for (const [appId, { txn }] of state.txns) state.txns.set(appId, { txn, movedAt: movedAt.get(appId) })
  return state
}

function movedAction({ txn, movedAt }: Movement): Action[] {
  if (movedAt === undefined) return []
  return [{ txn: { ...txn, appId: `${MOVED_PREFIX}${txn.appId}`, version: movedAt } }]
}

function addOf({ action, since }: LiveFile): NonNullable<Action['add']> {
  return { ...action, dataChange: false, tags: { ...action.tags, [SINCE_TAG]: String(since) } }
}
