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
} from './actions.js'

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
  /** Version whose commit added the file. */
  readonly since: number
  /** The action as it stands in the log: what a `remove` must repeat. */
  readonly action: AddAction
}

/** A table as of one version: what a reader of that version sees, and how far its writers are. */
export interface Snapshot {
  readonly version: number
  readonly columns: readonly Column[]
  readonly partitionColumns: readonly string[]
  readonly metaData: MetaDataAction
  readonly protocol: ProtocolAction
  /** Live files by key. */
  readonly files: ReadonlyMap<string, LiveFile>
  /** Highest `txn` version by appId: each writer's position, the one that moved last at the end. */
  readonly positions: ReadonlyMap<string, number>
}

/** What replay keeps between commits; a Snapshot is a finished one. */
export interface Replay {
  readonly protocol: ProtocolAction | undefined
  readonly metaData: MetaDataAction | undefined
  readonly files: Map<string, LiveFile>
  readonly positions: Map<string, number>
}

/** The state after one more commit. `state` is changed in place. */
export function replayCommit(state: Replay, actions: readonly Action[], version: number): Replay {
  let { protocol, metaData } = state
  for (const action of actions) {
    protocol = action.protocol ?? protocol
    metaData = action.metaData ?? metaData
    if (action.remove) state.files.delete(fromLogPath(action.remove.path))
    if (action.add) {
      const file = liveFile(action.add, version)
      state.files.set(file.key, file)
    }
    if (action.txn) {
      const { appId } = action.txn
      const version = Math.max(action.txn.version, state.positions.get(appId) ?? -1)
      state.positions.delete(appId)
      state.positions.set(appId, version) // in the order of their last movement
    }
  }
  return { ...state, protocol, metaData }
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
  return {
    version,
    columns: fromSchemaString(metaData.schemaString, table),
    partitionColumns: metaData.partitionColumns,
    metaData,
    protocol,
    files: new Map(state.files),
    positions: new Map(state.positions),
  }
}

function liveFile(add: AddAction, since: number): LiveFile {
  return {
    key: fromLogPath(add.path),
    partition: add.partitionValues,
    size: add.size,
    rows: rowsOf(add.stats),
    tags: add.tags ?? {},
    since,
    action: add,
  }
}

function rowsOf(stats: string | null | undefined): number | undefined {
  if (!stats) return undefined
  const rows = (JSON.parse(stats) as { numRecords?: unknown } | null)?.numRecords
  return typeof rows === 'number' ? rows : undefined
}
