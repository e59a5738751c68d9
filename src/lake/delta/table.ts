import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Column } from '../../contracts/columns.js'
import { asWardbookError, WardbookError } from '../../kernel/errors.js'
import { type Clock, systemClock } from '../../kernel/time.js'
import { parquetCheckpoints } from '../duckdb/checkpoint-file.js'
import { fromLogPath, toLogPath } from '../keys.js'
import type { ObjectStore } from '../store.js'
import {
  type Action,
  type AddAction,
  demandWritable,
  formatCommit,
  READER_VERSION,
  type TxnAction,
  toSchemaString,
  WRITER_VERSION,
} from './actions.js'
import {
  CHECKPOINT_EVERY_COMMITS,
  type CheckpointFormat,
  checkpointActions,
  TOMBSTONE_RETENTION_MS,
} from './checkpoint.js'
import { DeltaLog, type Start } from './log.js'
import { checkpointKeys, commitKey, lastCheckpointKey } from './log-files.js'
import { NEW_TABLE_PROPERTIES } from './properties.js'
import { LEAST_RETENTION_MS } from './retention.js'
import { finishReplay, type LiveFile, type Replay, replayCommit, type Snapshot } from './snapshot.js'

/** A finished data file that a commit makes visible. Its object is already in the store. */
export interface NewFile {
  /** Key below the table. */
  readonly key: string
  readonly partition: Readonly<Record<string, string>>
  readonly size: number
  readonly rows: number
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string
  readonly uncompressedBytes: number
  /** `add.stats` as JSON text: numRecords, minValues, maxValues, nullCount; by default the rows alone. */
  readonly stats?: string
  readonly tags?: Readonly<Record<string, string>>
}

/** How far a writer is: it has taken in everything up to `version` of its upstream. */
export interface Position {
  readonly appId: string
  readonly version: number
}

/** What one commit does. Output and position become visible together or not at all. */
export interface Change {
  readonly operation: string
  /** The schema, when the table is new or its columns change. */
  readonly schema?: { readonly columns: readonly Column[]; readonly partitionColumns: readonly string[] }
  /** Table properties to set on a table that is there; the others stay. A new table has `NEW_TABLE_PROPERTIES`. */
  readonly properties?: Readonly<Record<string, string>>
  /** Live files to tell again as they are, where other engines have lost sight of them; no row changes. */
  readonly restates?: readonly LiveFile[]
  readonly adds?: readonly NewFile[]
  /** Live files to replace, as read from the snapshot the change was planned on. */
  readonly removes?: readonly LiveFile[]
  readonly positions?: readonly Position[]
  /**
   * False for a change that brings and takes away no row, as merging files does: it removes only what it read, so rows that
   * others add to the same partition meanwhile are no conflict. Default: true.
   */
  readonly dataChange?: boolean
  /** Our own provenance; it lands in `commitInfo.wardbook`. */
  readonly provenance?: Readonly<Record<string, unknown>>
}

/** `superseded`: another writer has already brought one of our positions this far; nothing was written. */
export interface CommitResult {
  readonly outcome: 'committed' | 'superseded'
  readonly version: number
  /** Only where this commit was the one to write a checkpoint. The commit stands, whatever became of that. */
  readonly checkpoint?: CheckpointResult
}

/** `failed` loses nothing: readers read more commits, and the next due writer writes a checkpoint. */
export type CheckpointResult =
  | { readonly outcome: 'written' | 'exists' }
  | { readonly outcome: 'failed'; readonly error: WardbookError }

/** When checkpoints are written, and how they are stored. */
export interface Checkpoints {
  /** Each commit whose version is a multiple of this writes one; more means fewer writes, and more commits to read. */
  readonly everyCommits: number
  readonly format: CheckpointFormat
}

const CHECKPOINTS: Checkpoints = { everyCommits: CHECKPOINT_EVERY_COMMITS, format: parquetCheckpoints }

/** A commit as its log entry tells it. */
export interface CommitRecord {
  readonly version: number
  readonly timestamp: number | undefined
  readonly operation: string | undefined
  readonly positions: readonly Position[]
  readonly provenance: Record<string, unknown>
}

type Replayed = Pick<Start, 'replay' | 'version'>

const MAX_COMMIT_TRIES = 1_000 // a race lost this often is no race

/**
 * How long an object may take its replay for the newest without looking at the log's beginning again. Clean-up never takes
 * commits younger than {@link LEAST_RETENTION_MS}, so up to then the next commit cannot have come and gone.
 */
const REPLAY_LIFE_MS = LEAST_RETENTION_MS / 2

/**
 * One Delta table: a log of commits below `root`, each created if absent, and checkpoints that save reading it from the start.
 * Reader version 1, writer version 2; anything newer is refused by name before a byte of data is read.
 */
export class DeltaTable {
  private readonly log: DeltaLog
  private cached: { replay: Replay; version: number; lookedAtMs: number } | undefined
  /** Reads of the head follow one another: they share the replay that they move forward. */
  private lastRead: Promise<unknown> = Promise.resolve()

  constructor(
    readonly store: ObjectStore,
    readonly root: string,
    private readonly clock: Clock = systemClock,
    private readonly checkpoints: Checkpoints = CHECKPOINTS,
  ) {
    this.log = new DeltaLog(store, root, checkpoints.format)
  }

  /**
   * The table as of a version, by default the newest.
   * @returns undefined when the table, or that version, does not exist (yet)
   * @throws WardbookError 'delta-log-broken', 'delta-log-gap' or 'delta-unsupported' (fix-source)
   */
  async snapshot(version?: number): Promise<Snapshot | undefined> {
    if (version === undefined) {
      const read = this.lastRead.then(() => this.newest())
      this.lastRead = read.catch(() => undefined)
      return read
    }
    const replay = await this.replayAt(version)
    return replay && finishReplay(replay, version, this.root)
  }

  /** The newest position of one writer, or -1 when it has not committed here. */
  async position(appId: string): Promise<number> {
    return (await this.snapshot())?.positions.get(appId) ?? -1
  }

  /** What commit `version` says about itself, or undefined when there is none. */
  async commitRecord(version: number): Promise<CommitRecord | undefined> {
    const actions = await this.log.commit(version)
    return actions && describeCommit(actions, version)
  }

  /**
   * The newest commit that moved a writer's position; undefined when there is none, or the log before it was cleaned up. One
   * request more than a snapshot; only below a checkpoint of another program it walks back from the head.
   */
  async lastCommitOf(appId: string): Promise<CommitRecord | undefined> {
    const newest = await this.snapshot()
    const movement = this.cached?.replay.txns.get(appId)
    if (newest === undefined || movement === undefined) return undefined
    const told = movement.movedAt === undefined ? undefined : await this.log.commit(movement.movedAt)
    if (told !== undefined && moves(told, movement.txn))
      return describeCommit(told, movement.movedAt as number)
    for (let version = newest.version; version >= 0; version--) {
      const record = await this.commitRecord(version)
      if (record === undefined) return undefined
      if (record.positions.some((position) => position.appId === appId)) return record
    }
    return undefined
  }

  /**
   * The newest version up to a snapshot's that brought something: rows, or a writer's position. Housekeeping (table properties,
   * compaction) makes versions in which stages that follow this table find nothing to do.
   * Walks back from the snapshot; a commit that is gone counts as one that brought something.
   */
  async progressVersion({ version: newest }: Snapshot): Promise<number> {
    for (let version = newest; version > 0; version--) {
      const actions = await this.log.commit(version)
      if (actions === undefined || actions.some(isProgress)) return version
    }
    return 0
  }

  /**
   * Live files that were removed and added by one commit, as releases of format 1 did when rows came out equal. Other engines may
   * take the removal for the later of the two, see {@link fileActions}. Reads each commit that added a live file.
   */
  async ambiguousFiles({ files }: Snapshot): Promise<LiveFile[]> {
    const removedIn = new Map<number, ReadonlySet<string>>()
    for (const { since } of files.values()) {
      if (removedIn.has(since)) continue
      const actions = (await this.log.commit(since)) ?? []
      removedIn.set(
        since,
        new Set(actions.flatMap(({ remove }) => (remove ? [fromLogPath(remove.path)] : []))),
      )
    }
    return [...files.values()].filter(({ key, since }) => removedIn.get(since)?.has(key))
  }

  /**
   * Commits a change on top of the snapshot it was planned on (undefined: no table yet).
   * A lost race is retried on the next version after the winners were read and do not conflict: nobody changed schema or
   * protocol, removed a file that we remove, or (unless `dataChange` is false) added to a partition that we rewrite.
   * @throws WardbookError 'commit-conflict' (retry): plan again on the newest snapshot; 'delta-unsupported' (fix-source) when
   *   another writer made the table and it asks more of its writers than we do
   */
  async commit(base: Snapshot | undefined, change: Change): Promise<CommitResult> {
    if (base !== undefined) {
      demandWritable(base.protocol, base.metaData, (change.removes ?? []).length > 0, this.root)
    }
    const nonce = randomUUID()
    const text = new TextEncoder().encode(formatCommit(this.actionsOf(base, change, nonce)))
    for (let version = (base?.version ?? -1) + 1, tries = 0; tries < MAX_COMMIT_TRIES; version++, tries++) {
      const winner = await this.takeVersion(version, text)
      const isOurs = winner === undefined || nonceOf(winner) === nonce // our own write, its reply was lost
      if (isOurs) {
        await this.demandFollows(version)
        return { outcome: 'committed', version, ...(await this.checkpointIfDue(version)) }
      }
      if (overtakes(winner, change.positions ?? [])) return { outcome: 'superseded', version }
      demandNoConflict(winner, change, this.root, version)
    }
    throw new WardbookError(
      'commit-conflict',
      'retry',
      `${this.root}: ${MAX_COMMIT_TRIES} races for a commit were lost`,
      {
        table: this.root,
      },
    )
  }

  /** Creates a commit, or gives the one that stands there: another's, or our own when the store's reply was lost. */
  private async takeVersion(version: number, text: Uint8Array): Promise<Action[] | undefined> {
    const key = commitKey(this.root, version)
    let failure: unknown
    try {
      if ((await this.store.createIfAbsent(key, text)) === 'created') return undefined
    } catch (thrown) {
      if (asWardbookError(thrown).remedy !== 'retry') throw thrown
      failure = thrown // the service failed: the commit may have been stored all the same
    }
    const winner = await this.log.commit(version)
    if (winner !== undefined) return winner
    throw failure ?? unreadable(key)
  }

  /**
   * A commit that was planned on a version whose log has been cleaned up since (its process slept for days) fills a gap below the
   * cut, which nobody reads: it is taken back. The log goes in order, so the commit before, or a checkpoint of it, tells; nobody
   * need ask where this object has looked at the log's end not long ago.
   * @throws WardbookError 'commit-conflict' (retry)
   */
  private async demandFollows(version: number): Promise<void> {
    if (version === 0 || this.isBeyondFreshEnd(version)) return
    const before = commitKey(this.root, version - 1)
    if ((await this.store.stat(before)) !== undefined) return
    for await (const _file of this.store.list(before.replace(/json$/, ''))) return
    await this.store.delete(commitKey(this.root, version))
    const message = `${this.root}: the log before version ${version} was cleaned up meanwhile; read it and plan again`
    throw new WardbookError('commit-conflict', 'retry', message, { table: this.root, version })
  }

  private isBeyondFreshEnd(version: number): boolean {
    const known = this.cached
    return known !== undefined && version > known.version && this.isFresh(known.lookedAtMs)
  }

  private isFresh(lookedAtMs: number): boolean {
    return this.clock().getTime() - lookedAtMs < REPLAY_LIFE_MS
  }

  /** Replays what is new. Looking for gaps costs a listing: once an object, as commits follow one another from then on. */
  private async newest(): Promise<Snapshot | undefined> {
    const lookedAtMs = this.clock().getTime()
    const known = this.cached
    const isKept = known !== undefined && this.isFresh(known.lookedAtMs)
    const start = isKept ? undefined : await this.log.start(Number.POSITIVE_INFINITY)
    const { replay, version } = start ? await this.replayFrom(start) : await this.replayOn(known as Replayed)
    if (version < 0) return undefined
    this.cached = { replay, version, lookedAtMs }
    return finishReplay(replay, version, this.root)
  }

  /** A hint may name a checkpoint above which commits were cleaned up: then the newest one of a listing is asked. */
  private async replayFrom(start: Start): Promise<Replayed> {
    try {
      return await this.replayOn(start, start)
    } catch (thrown) {
      if (asWardbookError(thrown).code !== 'delta-log-gap' || !start.isHinted) throw thrown
      const listed = await this.log.start(Number.POSITIVE_INFINITY, false, false)
      if (listed.version <= start.version) throw thrown
      return this.replayOn(listed, listed)
    }
  }

  private async replayOn(from: Replayed, start?: Start): Promise<Replayed> {
    let { replay, version } = from
    for await (const actions of this.log.commits(version + 1, start?.listedTo ?? version)) {
      if (actions === undefined) break
      replay = replayCommit(replay, actions, ++version)
    }
    for (;;) {
      const actions = await this.nextCommit(version + 1, start)
      if (actions === undefined) return { replay, version }
      replay = replayCommit(replay, actions, ++version)
    }
  }

  private async replayAt(version: number, keepsRemoved = false): Promise<Replay | undefined> {
    const start = await this.log.start(version, keepsRemoved)
    let replay = start.replay
    for (let next = start.version + 1; next <= version; next++) {
      const actions = await this.nextCommit(next, start)
      if (actions === undefined) return undefined
      replay = replayCommit(replay, actions, next)
    }
    return replay
  }

  private checkpointKey(version: number): string {
    return checkpointKeys(this.root, { version, parts: 1 })[0] as string
  }

  /** @param start of this replay; undefined when the log's end was looked at before */
  private async nextCommit(version: number, start: Start | undefined): Promise<Action[] | undefined> {
    const actions = await this.log.commit(version)
    if (actions !== undefined || start === undefined) return actions
    const isEnd = start.listedTo !== undefined && version > start.listedTo
    return isEnd ? undefined : this.log.commitAfterGap(version, start)
  }

  private async checkpointIfDue(version: number): Promise<Pick<CommitResult, 'checkpoint'>> {
    if (version === 0 || version % this.checkpoints.everyCommits !== 0) return {}
    try {
      return { checkpoint: { outcome: await this.writeCheckpoint(version) } }
    } catch (thrown) {
      return { checkpoint: { outcome: 'failed', error: asWardbookError(thrown) } }
    }
  }

  /** First the checkpoint, then the hint that names it: a hint is never there before what it names. */
  private async writeCheckpoint(version: number): Promise<'written' | 'exists'> {
    const actions = await this.checkpointOf(version)
    const stored = await this.checkpoints.format.write(this.store, this.checkpointKey(version), actions)
    const hint = new TextEncoder().encode(JSON.stringify({ version, size: actions.length }))
    await this.store.put(lastCheckpointKey(this.root), hint)
    return stored === 'created' ? 'written' : 'exists'
  }

  /** From the checkpoint before, as only that one tells of files removed earlier. */
  private async checkpointOf(version: number): Promise<Action[]> {
    const replay = await this.replayAt(version, true)
    if (replay === undefined) throw unreadable(commitKey(this.root, version))
    finishReplay(replay, version, this.root) // what we cannot read, we do not write down
    return checkpointActions(replay, this.clock().getTime() - TOMBSTONE_RETENTION_MS)
  }

  private actionsOf(base: Snapshot | undefined, change: Change, nonce: string): Action[] {
    const now = this.clock().getTime()
    const commitInfo = {
      timestamp: now,
      operation: change.operation,
      operationParameters: {},
      engineInfo: 'wardbook',
      wardbook: { nonce, ...change.provenance },
    }
    return [
      { commitInfo },
      ...(base === undefined ? [protocolAction()] : []),
      ...metaDataActions(base, change, this.root, now),
      ...(change.positions ?? []).map((position) => ({ txn: { ...position, lastUpdated: now } })),
      ...fileActions(change, now),
    ]
  }
}

/**
 * A path stands in a commit once: its actions have no order for other engines, and one that finds the file removed and added drops
 * it. A file that is replaced by itself, as equal rows have equal names, stays; if it is told anew, its `add` replaces the old one.
 */
function fileActions(change: Change, now: number): Action[] {
  const { removes = [], adds = [], restates = [], dataChange = true } = change
  const former = new Map(removes.map((file) => [file.key, file]))
  const added = new Set(adds.map(({ key }) => key))
  const isSame = (file: NewFile) => {
    const live = former.get(file.key)
    return live !== undefined && isToldAlike(live.action, addOf(file, now, dataChange))
  }
  return [
    ...removes.filter(({ key }) => !added.has(key)).map((file) => removeAction(file, now, dataChange)),
    ...adds.filter((file) => !isSame(file)).map((file) => ({ add: addOf(file, now, dataChange) })),
    ...restates.map(({ action }) => ({ add: { ...action, dataChange: false } })),
  ]
}

function isToldAlike(a: AddAction, b: AddAction): boolean {
  return (['partitionValues', 'size', 'stats', 'tags'] as const).every((name) =>
    isDeepStrictEqual(a[name], b[name]),
  )
}

function protocolAction(): Action {
  return { protocol: { minReaderVersion: READER_VERSION, minWriterVersion: WRITER_VERSION } }
}

function metaDataActions(
  base: Snapshot | undefined,
  { schema, properties }: Change,
  name: string,
  now: number,
): Action[] {
  if (schema === undefined && properties === undefined) return []
  const former = base?.metaData ?? {
    ...{ id: randomUUID(), name, format: { provider: 'parquet', options: {} } },
    ...{ schemaString: '', partitionColumns: [], configuration: NEW_TABLE_PROPERTIES, createdTime: now },
  }
  const shape = schema && {
    schemaString: toSchemaString(schema.columns),
    partitionColumns: [...schema.partitionColumns],
  }
  return [{ metaData: { ...former, ...shape, configuration: { ...former.configuration, ...properties } } }]
}

function addOf(file: NewFile, now: number, dataChange: boolean): AddAction {
  return {
    path: toLogPath(file.key),
    partitionValues: file.partition,
    size: file.size,
    modificationTime: now,
    dataChange,
    stats: file.stats ?? JSON.stringify({ numRecords: file.rows }),
    tags: { sha256: file.sha256, uncompressedBytes: String(file.uncompressedBytes), ...file.tags },
  }
}

function removeAction(file: LiveFile, now: number, dataChange: boolean): Action {
  return {
    remove: {
      path: file.action.path,
      deletionTimestamp: now,
      dataChange,
      extendedFileMetadata: true,
      partitionValues: file.partition,
      size: file.size,
    },
  }
}

function unreadable(key: string): WardbookError {
  return new WardbookError('object-missing', 'retry', `${key} exists and cannot be read`, { key })
}

function describeCommit(actions: readonly Action[], version: number): CommitRecord {
  const info = actions.find((action) => action.commitInfo)?.commitInfo ?? {}
  return {
    version,
    timestamp: typeof info.timestamp === 'number' ? info.timestamp : undefined,
    operation: typeof info.operation === 'string' ? info.operation : undefined,
    positions: actions.flatMap(({ txn }) => (txn ? [{ appId: txn.appId, version: txn.version }] : [])),
    provenance: (info.wardbook ?? {}) as Record<string, unknown>,
  }
}

function isProgress({ txn, add, remove }: Action): boolean {
  return txn !== undefined || add?.dataChange === true || remove?.dataChange === true
}

/** True for the commit that made a position what it is: a checkpoint of another program may name an earlier one. */
function moves(actions: readonly Action[], { appId, lastUpdated }: TxnAction): boolean {
  return actions.some(({ txn }) => txn?.appId === appId && txn.lastUpdated === lastUpdated)
}

function nonceOf(actions: readonly Action[]): unknown {
  return describeCommit(actions, 0).provenance.nonce
}

/** True when a winner has moved one of our writers at least as far as we would. */
function overtakes(winner: readonly Action[], ours: readonly Position[]): boolean {
  return winner.some(
    ({ txn }) => txn && ours.some(({ appId, version }) => txn.appId === appId && txn.version >= version),
  )
}

function demandNoConflict(winner: readonly Action[], change: Change, table: string, version: number): void {
  const reason = conflictBetween(winner, change)
  if (reason === undefined) return
  throw new WardbookError(
    'commit-conflict',
    'retry',
    `${table}: version ${version} ${reason}; read it and plan again`,
    {
      table,
      version,
    },
  )
}

function conflictBetween(winner: readonly Action[], change: Change): string | undefined {
  const needed = [...(change.removes ?? []), ...(change.restates ?? [])]
  const removed = new Set(needed.map((file) => file.action.path))
  const rewritten = new Set((change.removes ?? []).map((file) => partitionKey(file.partition)))
  for (const action of winner) {
    if (action.protocol || action.metaData) return 'changed the schema or protocol'
    if (action.remove && removed.has(action.remove.path))
      return 'removed a file that this change removes or tells again'
    const isNewData = change.dataChange !== false
    if (isNewData && action.add && rewritten.has(partitionKey(action.add.partitionValues)))
      return 'added to a division that this change rewrites'
  }
  return undefined
}

function partitionKey(values: Readonly<Record<string, string | null>>): string {
  return JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)))
}
