import { asWardbookError, WardbookError } from '../../kernel/errors.js'
import type { ObjectStore } from '../store.js'
import { type Action, parseCommit } from './actions.js'
import { type CheckpointFormat, type Hint, parseHint, replayCheckpoint } from './checkpoint.js'
import {
  type CheckpointName,
  checkpointKeys,
  commitKey,
  type LogFile,
  lastCheckpointKey,
  logPrefix,
  parseLogKey,
} from './log-files.js'
import { emptyReplay, type Replay } from './snapshot.js'

/** Versions that are listed at once when looking back for a checkpoint. */
const LOOK_BACK_VERSIONS = 200
/** Commits that are asked for before the first of them is needed. */
const READ_AHEAD = 8

/** Where replay begins: after `version`, -1 for before the first commit. */
export interface Start {
  readonly replay: Replay
  readonly version: number
  /** The last commit of a listing from `version` on, where one was made: up to there no commit is missed unseen. */
  readonly listedTo: number | undefined
  /** Whether the hint alone led here: there may be newer checkpoints. */
  readonly isHinted: boolean
  /** Why checkpoints that are there were not used. */
  readonly unusable: readonly WardbookError[]
  /** The version that was asked for; Infinity for the newest. */
  readonly limit: number
}

/** A file of the log as a listing shows it. */
export type LogEntry = LogFile & { readonly key: string; readonly modifiedAtMs: number }

interface Listing {
  /** Newest first. */
  readonly checkpoints: readonly (CheckpointName | 'v2')[]
  /** Infinity and -1 where there is none. */
  readonly firstCommit: number
  readonly lastCommit: number
}

/** Reads a table's log: commits by number, and the state that a checkpoint keeps. */
export class DeltaLog {
  constructor(
    private readonly store: ObjectStore,
    private readonly root: string,
    private readonly format: CheckpointFormat,
  ) {}

  /** The actions of a commit; undefined when there is none. @throws WardbookError 'delta-log-broken' (fix-source) */
  async commit(version: number): Promise<Action[] | undefined> {
    const bytes = await this.store.get(commitKey(this.root, version))
    return bytes && parseCommit(new TextDecoder().decode(bytes), this.root, version)
  }

  /** The actions of these commits in their order, undefined where there is none: several are on their way at a time. */
  async *commits(from: number, to: number): AsyncGenerator<Action[] | undefined> {
    const asked: Promise<Action[] | undefined>[] = []
    try {
      for (let next = from; next <= to || asked.length > 0; ) {
        while (next <= to && asked.length < READ_AHEAD) {
          const commit = this.commit(next++)
          commit.catch(() => {}) // told to whoever gets there
          asked.push(commit)
        }
        yield await asked.shift()
      }
    } finally {
      await Promise.allSettled(asked)
    }
  }

  /**
   * Looks again for a commit that was not there: undefined at the log's end, the commit when it came meanwhile.
   * @throws WardbookError 'version-vacuumed' (fix-source) when the log up to there was cleaned up; 'delta-log-gap' (fix-source) when
   *   later ones are there all the same: the log is broken, not at its end
   */
  async commitAfterGap(version: number, { unusable, limit }: Start): Promise<Action[] | undefined> {
    const later = await this.firstCommitAfter(version)
    if (later === undefined) return undefined
    const actions = await this.commit(version)
    if (actions !== undefined) return actions
    if (limit !== Number.POSITIVE_INFINITY) await this.demandNotCleaned(version, limit)
    const reasons = unusable.map(({ message }) => `; a checkpoint is unusable: ${message}`)
    throw new WardbookError(
      'delta-log-gap',
      'fix-source',
      `${this.root}: the log has ${later}, and commit ${version} before it is gone${reasons.join('')}`,
      { table: this.root, version, later },
      { cause: unusable[0] },
    )
  }

  /**
   * The newest usable checkpoint at or below a version, else the empty table before commit 0. `_last_checkpoint` is asked first,
   * then a listing; a checkpoint that is gone, torn or garbled is passed over.
   * @param limit Infinity for the newest
   * @param keepsRemoved whether the state tells of removed files too, for a checkpoint
   * @param takesHint    false where the hint has misled
   * @throws WardbookError 'delta-unsupported' (fix-source) where the newest checkpoint is a v2 checkpoint; 'store-unavailable'
   */
  async start(limit: number, keepsRemoved = false, takesHint = true): Promise<Start> {
    const unusable: WardbookError[] = []
    const hint = takesHint ? await this.hint() : undefined
    const hinted = hint && hint.version <= limit ? nameOf(hint, this.root) : undefined
    if (hinted !== undefined) {
      const [found, listedTo] = await Promise.all([
        this.checkpoint(hinted, keepsRemoved, unusable),
        limit === Number.POSITIVE_INFINITY ? this.lastCommitFrom(hinted.version) : undefined,
      ])
      if (found !== undefined) return { ...found, listedTo, isHinted: true, unusable, limit }
    }
    for await (const { checkpoints, lastCommit } of this.listings(limit)) {
      const listedTo = limit === Number.POSITIVE_INFINITY ? lastCommit : undefined
      for (const name of checkpoints) {
        if (name === 'v2') throw v2Unsupported(this.root)
        if (name.version === hinted?.version && name.parts === hinted.parts) continue
        const found = await this.checkpoint(name, keepsRemoved, unusable)
        if (found !== undefined) return { ...found, listedTo, isHinted: false, unusable, limit }
      }
      if (listedTo !== undefined) return { ...beginning(keepsRemoved), listedTo, unusable, limit }
    }
    return { ...beginning(keepsRemoved), listedTo: undefined, unusable, limit }
  }

  /** Every file of the log that is a commit or a checkpoint, in the order of the listing: by version. */
  async *entries(): AsyncGenerator<LogEntry> {
    for await (const { key, modifiedAt } of this.store.list(logPrefix(this.root))) {
      const file = parseLogKey(key)
      if (file !== undefined) yield { ...file, key, modifiedAtMs: modifiedAt.getTime() }
    }
  }

  private async hint(): Promise<Hint | undefined> {
    const bytes = await this.store.get(lastCheckpointKey(this.root))
    return bytes && parseHint(new TextDecoder().decode(bytes))
  }

  /**
   * The state that a checkpoint tells; undefined when it is gone, torn or garbled, and the reason is added to `unusable`.
   * @throws WardbookError of a store that fails for now (retry)
   */
  async checkpoint(
    name: CheckpointName,
    keepsRemoved = false,
    unusable: WardbookError[] = [],
  ): Promise<Pick<Start, 'replay' | 'version'> | undefined> {
    try {
      const actions = await this.format.read(this.store, checkpointKeys(this.root, name), keepsRemoved)
      const replay = replayCheckpoint(actions, name.version, keepsRemoved)
      if (replay.protocol && replay.metaData) return { replay, version: name.version }
      unusable.push(incomplete(this.root, name))
    } catch (thrown) {
      const error = asWardbookError(thrown)
      if (error.remedy === 'retry' && error.code !== 'object-missing') throw error
      unusable.push(error)
    }
    return undefined
  }

  /** The log up to a version: whole for the newest, else first its end and then the rest, as few would need that. */
  private async *listings(limit: number): AsyncIterable<Listing> {
    if (limit === Number.POSITIVE_INFINITY) {
      yield await this.list(0, limit)
      return
    }
    const from = Math.max(0, limit - LOOK_BACK_VERSIONS)
    yield await this.list(from, limit)
    if (from > 0) yield await this.list(0, from - 1)
  }

  private async list(from: number, to: number): Promise<Listing> {
    const files: LogFile[] = []
    const startAfter = from > 0 ? commitKey(this.root, from - 1) : undefined
    for await (const { key } of this.store.list(logPrefix(this.root), startAfter)) {
      const file = parseLogKey(key)
      if (file !== undefined && file.version > to) break
      if (file !== undefined) files.push(file)
    }
    const commits = files.flatMap((file) => (file.kind === 'commit' ? [file.version] : []))
    const [firstCommit = Number.POSITIVE_INFINITY] = commits
    return { checkpoints: checkpointsOf(files), firstCommit, lastCommit: commits.at(-1) ?? -1 }
  }

  /** Clean-up takes commits in their order: none is left before the missing one, and a checkpoint stands for them all. */
  private async demandNotCleaned(missing: number, wanted: number): Promise<void> {
    const { checkpoints, firstCommit } = await this.list(0, Number.POSITIVE_INFINITY)
    if (firstCommit < missing) return
    for (const name of checkpoints.toReversed()) {
      if (name === 'v2' || name.version < missing) continue
      if ((await this.checkpoint(name)) !== undefined) throw cleanedUp(this.root, wanted, name.version)
    }
  }

  private async lastCommitFrom(version: number): Promise<number> {
    const { lastCommit } = await this.list(version + 1, Number.POSITIVE_INFINITY)
    return Math.max(version, lastCommit)
  }

  private async firstCommitAfter(version: number): Promise<string | undefined> {
    for await (const { key } of this.store.list(logPrefix(this.root), commitKey(this.root, version))) {
      if (parseLogKey(key)?.kind === 'commit') return key
    }
    return undefined
  }
}

function beginning(keepsRemoved: boolean): Pick<Start, 'replay' | 'version' | 'isHinted'> {
  return { replay: emptyReplay(keepsRemoved), version: -1, isHinted: false }
}

/** Complete checkpoints, newest first; at one version those of fewer files first, and v2 checkpoints last. */
export function checkpointsOf(files: readonly LogFile[]): (CheckpointName | 'v2')[] {
  const found = new Map<string, { name: CheckpointName | 'v2'; version: number; missing: number }>()
  for (const file of files) {
    if (file.kind === 'commit') continue
    const parts = file.kind === 'checkpoint' ? file.parts : Number.MAX_SAFE_INTEGER
    const id = `${file.version} ${parts}`
    const name = file.kind === 'checkpoint' ? { version: file.version, parts } : 'v2'
    const known = found.get(id) ?? { name, version: file.version, missing: name === 'v2' ? 1 : parts }
    found.set(id, { ...known, missing: known.missing - 1 })
  }
  const rank = (name: CheckpointName | 'v2') => (name === 'v2' ? Number.MAX_SAFE_INTEGER : name.parts)
  return [...found.values()]
    .filter(({ missing }) => missing <= 0)
    .sort((a, b) => b.version - a.version || rank(a.name) - rank(b.name))
    .map(({ name }) => name)
}

function nameOf({ version, parts, v2Checkpoint }: Hint, root: string): CheckpointName {
  if (v2Checkpoint) throw v2Unsupported(root)
  return { version, parts: parts ?? 1 }
}

function v2Unsupported(root: string): WardbookError {
  return new WardbookError(
    'delta-unsupported',
    'fix-source',
    `${root} needs v2 checkpoints (feature v2Checkpoint), which wardbook does not read`,
    { table: root },
  )
}

function cleanedUp(root: string, version: number, oldest: number): WardbookError {
  return new WardbookError(
    'version-vacuumed',
    'fix-source',
    `${root}: version ${version} can no longer be read, the log before version ${oldest} was cleaned up; ` +
      `read version ${oldest} or a newer one`,
    { table: root, version, oldest },
  )
}

function incomplete(root: string, { version }: CheckpointName): WardbookError {
  const message = `${root}: the checkpoint of version ${version} has no protocol or schema`
  return new WardbookError('delta-log-broken', 'fix-source', message, { table: root, version })
}
