import type { Column } from '../../contracts/columns.js'
import { WardbookError } from '../../kernel/errors.js'
import { fromLogPath } from '../keys.js'
import {
  type Action,
  type AddAction,
  demandReadable,
  fromSchemaString,
  type MetaDataAction,
  type ProtocolAction,
  type RemoveAction,
  type TxnAction,
} from './actions.js'
import { type Field, isOurs } from './types.js'

/**
 * Tag of an `add` that tells which version brought the file's rows, where its own commit does not: in a checkpoint, and of a file
 * that was merged from others. No reader of a snapshot sees it.
 */
export const SINCE_TAG = 'wardbook.since'

/** One data file of a table version. */
export interface LiveFile {
  /** Key below the table, as on disk: the log's path, decoded. */
  readonly key: string
  /** Values of the partition columns, text; null where another writer left none. */
  readonly partition: Readonly<Record<string, string | null>>
  /** Size in bytes. */
  readonly size: number
  /** Number of rows; undefined when another writer gave no statistics. */
  readonly rows: number | undefined
  /** Ours: `sha256` of the file, `uncompressedBytes` of its text, and a stage's own. */
  readonly tags: Readonly<Record<string, string | null>>
  /** Version whose commit brought the file's rows; of a merged file the greatest of its sources'. */
  readonly since: number
  /** The action as it stands in the log: what a `remove` must repeat. */
  readonly action: AddAction
}

/** A table as of one version: what a reader of that version sees, and how far its writers are. */
export interface Snapshot {
  readonly version: number
  /** All columns, in the order of the schema, of whatever type. */
  readonly fields: readonly Field[]
  /** The columns whose type we write: all columns of a table of ours. */
  readonly columns: readonly Column[]
  readonly partitionColumns: readonly string[]
  readonly metaData: MetaDataAction
  readonly protocol: ProtocolAction
  /** Live files by key. */
  readonly files: ReadonlyMap<string, LiveFile>
  /** Highest `txn` version by appId: each writer's position, the one that moved last at the end. */
  readonly positions: ReadonlyMap<string, number>
}

/** How far a writer is, and the commit that moved it last; undefined where a checkpoint of another program does not tell. */
export interface Movement {
  readonly txn: TxnAction
  readonly movedAt: number | undefined
}

/** What replay keeps between commits; a Snapshot is a finished one. */
export interface Replay {
  readonly protocol: ProtocolAction | undefined
  readonly metaData: MetaDataAction | undefined
  readonly files: Map<string, LiveFile>
  /** Files removed and not added again, by key, the last at the end; absent for readers, as only checkpoints tell of them. */
  readonly removed?: Map<string, RemoveAction>
  /** The highest version of each writer, the one that moved last at the end. */
  readonly txns: Map<string, Movement>
}

/** The state before the first commit. @param keepsRemoved whether it is for a checkpoint */
export function emptyReplay(keepsRemoved: boolean): Replay {
  const state = { protocol: undefined, metaData: undefined, files: new Map(), txns: new Map() }
  return keepsRemoved ? { ...state, removed: new Map() } : state
}

/** The state after one more commit. `state` is changed in place. */
export function replayCommit(state: Replay, actions: readonly Action[], version: number): Replay {
  let { protocol, metaData } = state
  for (const action of actions) {
    protocol = action.protocol ?? protocol
    metaData = action.metaData ?? metaData
    if (action.remove) removeFile(state, action.remove)
    if (action.add) addFile(state, liveFile(action.add, version))
    if (action.txn) moveWriter(state, action.txn, version)
  }
  return { ...state, protocol, metaData }
}

function removeFile(state: Replay, remove: RemoveAction): void {
  const key = fromLogPath(remove.path)
  state.files.delete(key)
  state.removed?.delete(key)
  state.removed?.set(key, remove)
}

function addFile(state: Replay, file: LiveFile): void {
  state.removed?.delete(file.key)
  state.files.set(file.key, file)
}

/** Positions stand in the order of their last movement. */
function moveWriter(state: Replay, txn: TxnAction, movedAt: number): void {
  const version = Math.max(txn.version, state.txns.get(txn.appId)?.txn.version ?? -1)
  state.txns.delete(txn.appId)
  state.txns.set(txn.appId, { txn: { ...txn, version }, movedAt })
}

/** @throws WardbookError 'delta-log-broken' (fix-source) when the log names no protocol or schema; 'delta-unsupported' */
export function finishReplay(state: Replay, version: number, table: string): Snapshot {
  const { protocol, metaData } = state
  if (protocol === undefined || metaData === undefined) {
    throw new WardbookError(
      'delta-log-broken',
      'fix-source',
      `${table}: no protocol or schema up to version ${version}`,
      {
        table,
        version,
      },
    )
  }
  demandReadable(protocol, metaData, table)
  const fields = fromSchemaString(metaData.schemaString, table)
  return {
    version,
    fields,
    columns: fields.filter(isOurs),
    partitionColumns: metaData.partitionColumns,
    metaData,
    protocol,
    files: new Map(state.files),
    positions: new Map([...state.txns].map(([appId, { txn }]) => [appId, txn.version])),
  }
}

function liveFile(add: AddAction, version: number): LiveFile {
  const { [SINCE_TAG]: since, ...tags } = add.tags ?? {}
  return {
    key: fromLogPath(add.path),
    partition: add.partitionValues,
    size: add.size,
    rows: rowsOf(add.stats),
    tags,
    since: since ? Number(since) : version,
    action: since ? { ...add, tags } : add,
  }
}

/** Ours, and most others', say it first: then nothing of the statistics is parsed once more. */
const ROWS_FIRST = /^\{"numRecords":(\d{1,15})[,}]/

function rowsOf(stats: string | null | undefined): number | undefined {
  if (!stats) return undefined
  const first = ROWS_FIRST.exec(stats)?.[1]
  if (first !== undefined && stats.lastIndexOf('"numRecords"') === 1) return Number(first)
  const rows = (JSON.parse(stats) as { numRecords?: unknown } | null)?.numRecords
  return typeof rows === 'number' ? rows : undefined
}
