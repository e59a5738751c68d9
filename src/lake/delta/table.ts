import { randomUUID } from 'node:crypto'
import type { Column } from '../../contracts/columns.js'
import { asWardbookError, WardbookError } from '../../kernel/errors.js'
import { type Clock, systemClock } from '../../kernel/time.js'
import { toLogPath } from '../keys.js'
import type { ObjectStore } from '../store.js'
import {
  type Action,
  demandWritable,
  formatCommit,
  parseCommit,
  READER_VERSION,
  toSchemaString,
  WRITER_VERSION,
} from './actions.js'
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
  readonly adds?: readonly NewFile[]
  /** Live files to replace, as read from the snapshot the change was planned on. */
  readonly removes?: readonly LiveFile[]
  readonly positions?: readonly Position[]
  /** Our own provenance; it lands in `commitInfo.wardbook`. */
  readonly provenance?: Readonly<Record<string, unknown>>
}

/** `superseded`: another writer has already brought one of our positions this far; nothing was written. */
export type CommitResult = { readonly outcome: 'committed' | 'superseded'; readonly version: number }

/** A commit as its log entry tells it. */
export interface CommitRecord {
  readonly version: number
  readonly timestamp: number | undefined
  readonly operation: string | undefined
  readonly positions: readonly Position[]
  readonly provenance: Record<string, unknown>
}

const MAX_COMMIT_TRIES = 1_000 // a race lost this often is no race
const VERSION_DIGITS = 20

/**
 * One Delta table: a log of commits below `root`, each created if absent.
 * Reader version 1, writer version 2; anything newer is refused by name before a byte of data is read.
 */
export class DeltaTable {
  private cached: { replay: Replay; version: number } | undefined
  /** Reads of the head follow one another: they share the replay that they move forward. */
  private lastRead: Promise<unknown> = Promise.resolve()

  constructor(
    readonly store: ObjectStore,
    readonly root: string,
    private readonly clock: Clock = systemClock,
  ) {}

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
    let state = emptyReplay()
    for (let next = 0; next <= version; next++) {
      const actions = (await this.readCommit(next)) ?? (await this.readAfterGap(next))
      if (actions === undefined) return undefined
      state = replayCommit(state, actions, next)
    }
    return finishReplay(state, version, this.root)
  }

  /** The newest position of one writer, or -1 when it has not committed here. */
  async position(appId: string): Promise<number> {
    return (await this.snapshot())?.positions.get(appId) ?? -1
  }

  /** What commit `version` says about itself, or undefined when there is none. */
  async commitRecord(version: number): Promise<CommitRecord | undefined> {
    const actions = await this.readCommit(version)
    return actions && describeCommit(actions, version)
  }

  /** The newest commit that moved a writer's position, or undefined. Walks back from the head. */
  async lastCommitOf(appId: string): Promise<CommitRecord | undefined> {
    const newest = await this.snapshot()
    for (let version = newest?.version ?? -1; version >= 0; version--) {
      const record = await this.commitRecord(version)
      if (record?.positions.some((position) => position.appId === appId)) return record
    }
    return undefined
  }

  /**
   * Commits a change on top of the snapshot it was planned on (undefined: no table yet).
   * A lost race is retried on the next version after the winners were read and do not conflict: nobody changed schema or
   * protocol, removed a file that we remove, or added to a partition that we rewrite.
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
      if (winner === undefined) return { outcome: 'committed', version }
      if (nonceOf(winner) === nonce) return { outcome: 'committed', version } // our own write, its reply was lost
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
    const key = this.commitKey(version)
    let failure: unknown
    try {
      if ((await this.store.createIfAbsent(key, text)) === 'created') return undefined
    } catch (thrown) {
      if (asWardbookError(thrown).remedy !== 'retry') throw thrown
      failure = thrown // the service failed: the commit may have been stored all the same
    }
    const winner = await this.readCommit(version)
    if (winner !== undefined) return winner
    throw failure ?? new WardbookError('object-missing', 'retry', `${key} exists and cannot be read`, { key })
  }

  private async newest(): Promise<Snapshot | undefined> {
    let { replay, version } = this.cached ?? { replay: emptyReplay(), version: -1 }
    for (;;) {
      const next = version + 1
      // Looking for gaps costs a listing: once an object, as commits follow one another from then on.
      const actions =
        (await this.readCommit(next)) ??
        (this.cached === undefined ? await this.readAfterGap(next) : undefined)
      if (actions === undefined) break
      version = next
      replay = replayCommit(replay, actions, version)
    }
    if (version < 0) return undefined
    this.cached = { replay, version }
    return finishReplay(replay, version, this.root)
  }

  /**
   * Looks again for a commit that was not there: undefined at the log's end, the commit when it came meanwhile.
   * @throws WardbookError 'delta-log-gap' (fix-source) when later ones are there: the log is broken, not at its end
   */
  private async readAfterGap(version: number): Promise<Action[] | undefined> {
    const later = await this.firstCommitAfter(version)
    if (later === undefined) return undefined
    const actions = await this.readCommit(version)
    if (actions !== undefined) return actions
    const message = `${this.root}: the log has ${later}, and commit ${version} before it is gone`
    throw new WardbookError('delta-log-gap', 'fix-source', message, { table: this.root, version, later })
  }

  private async firstCommitAfter(version: number): Promise<string | undefined> {
    for await (const { key } of this.store.list(`${this.root}/_delta_log/`, this.commitKey(version))) {
      if (/\/\d{20}\.json$/.test(key)) return key
    }
    return undefined
  }

  private async readCommit(version: number): Promise<Action[] | undefined> {
    const bytes = await this.store.get(this.commitKey(version))
    return bytes && parseCommit(new TextDecoder().decode(bytes), this.root, version)
  }

  private commitKey(version: number): string {
    return `${this.root}/_delta_log/${String(version).padStart(VERSION_DIGITS, '0')}.json`
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
      ...(change.schema ? [metaDataAction(base, change.schema, this.root, now)] : []),
      ...(change.positions ?? []).map((position) => ({ txn: { ...position, lastUpdated: now } })),
      ...(change.removes ?? []).map((file) => removeAction(file, now)),
      ...(change.adds ?? []).map((file) => addAction(file, now)),
    ]
  }
}

function protocolAction(): Action {
  return { protocol: { minReaderVersion: READER_VERSION, minWriterVersion: WRITER_VERSION } }
}

function metaDataAction(
  base: Snapshot | undefined,
  schema: NonNullable<Change['schema']>,
  name: string,
  now: number,
): Action {
  return {
    metaData: {
      id: base?.metaData.id ?? randomUUID(),
      name,
      format: { provider: 'parquet', options: {} },
      schemaString: toSchemaString(schema.columns),
      partitionColumns: [...schema.partitionColumns],
      configuration: base?.metaData.configuration ?? { 'wardbook.formatVersion': '1' },
      createdTime: base?.metaData.createdTime ?? now,
    },
  }
}

function addAction(file: NewFile, now: number): Action {
  return {
    add: {
      path: toLogPath(file.key),
      partitionValues: file.partition,
      size: file.size,
      modificationTime: now,
      dataChange: true,
      stats: JSON.stringify({ numRecords: file.rows }),
      tags: { sha256: file.sha256, uncompressedBytes: String(file.uncompressedBytes), ...file.tags },
    },
  }
}

function removeAction(file: LiveFile, now: number): Action {
  return {
    remove: {
      path: file.action.path,
      deletionTimestamp: now,
      dataChange: true,
      extendedFileMetadata: true,
      partitionValues: file.partition,
      size: file.size,
    },
  }
}

function emptyReplay(): Replay {
  return { protocol: undefined, metaData: undefined, files: new Map(), positions: new Map() }
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
  const removed = new Set((change.removes ?? []).map((file) => file.action.path))
  const rewritten = new Set((change.removes ?? []).map((file) => partitionKey(file.partition)))
  for (const action of winner) {
    if (action.protocol || action.metaData) return 'changed the schema or protocol'
    if (action.remove && removed.has(action.remove.path)) return 'removed a file that this change removes'
    if (action.add && rewritten.has(partitionKey(action.add.partitionValues)))
      return 'added to a division that this change rewrites'
  }
  return undefined
}

function partitionKey(values: Readonly<Record<string, string | null>>): string {
  return JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)))
}
