import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Action, parseAction } from '../delta/actions.js'
import type { CheckpointFormat } from '../delta/checkpoint.js'
import type { ObjectStore, StagedFile } from '../store.js'
import { LEAN, withEngine } from './engine.js'
import { identifier, literal, PARQUET_OPTIONS } from './sql.js'

const TEXTS = 'MAP(VARCHAR, VARCHAR)'
/** Longest action in bytes: a schema with thousands of columns, or a file's statistics. */
const MAX_ACTION_BYTES = 16_777_216

/** Columns of a checkpoint as Delta's protocol has them, one action a row. @see PROTOCOL.md, "Checkpoint Schema" */
const CHECKPOINT_COLUMNS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  txn: { appId: 'VARCHAR', version: 'BIGINT', lastUpdated: 'BIGINT' },
  add: {
    path: 'VARCHAR',
    partitionValues: TEXTS,
    size: 'BIGINT',
    modificationTime: 'BIGINT',
    dataChange: 'BOOLEAN',
    stats: 'VARCHAR',
    tags: TEXTS,
  },
  remove: {
    path: 'VARCHAR',
    deletionTimestamp: 'BIGINT',
    dataChange: 'BOOLEAN',
    extendedFileMetadata: 'BOOLEAN',
    partitionValues: TEXTS,
    size: 'BIGINT',
  },
  metaData: {
    id: 'VARCHAR',
    name: 'VARCHAR',
    description: 'VARCHAR',
    format: `STRUCT(provider VARCHAR, options ${TEXTS})`,
    schemaString: 'VARCHAR',
    partitionColumns: 'VARCHAR[]',
    configuration: TEXTS,
    createdTime: 'BIGINT',
  },
  protocol: { minReaderVersion: 'INTEGER', minWriterVersion: 'INTEGER' },
}

/** Checkpoints as Parquet files, written and read by the engine in the store's scratch. */
export const parquetCheckpoints: CheckpointFormat = { write: writeCheckpoint, read: readCheckpoint }

async function writeCheckpoint(
  store: ObjectStore,
  key: string,
  actions: readonly Action[],
): Promise<'created' | 'exists'> {
  const scratch = await store.scratch()
  try {
    const source = join(scratch.folder, 'actions.ndjson')
    const file = join(scratch.folder, 'checkpoint.parquet')
    await writeFile(source, actions.map((action, _order) => JSON.stringify({ ...action, _order })).join('\n'))
    const columns = Object.keys(CHECKPOINT_COLUMNS).map(identifier).join(', ')
    await withEngine(LEAN, scratch.folder, (engine) =>
      engine.run(
        `COPY (SELECT ${columns} FROM ${actionsSql(source)} ORDER BY _order) TO ${literal(file)} (${PARQUET_OPTIONS})`,
      ),
    )
    return await store.createIfAbsent(key, { file })
  } finally {
    await scratch.remove()
  }
}

function actionsSql(file: string): string {
  const types = Object.entries(CHECKPOINT_COLUMNS).map(([name, fields]) => {
    const members = Object.entries(fields).map(([field, type]) => `${identifier(field)} ${type}`)
    return `${identifier(name)}: ${literal(`STRUCT(${members.join(', ')})`)}`
  })
  return (
    `read_json(${literal(file)}, format = 'newline_delimited', maximum_object_size = ${MAX_ACTION_BYTES}, ` +
    `columns = {${[...types, "_order: 'BIGINT'"].join(', ')}})`
  )
}

async function readCheckpoint(
  store: ObjectStore,
  keys: readonly string[],
  withRemoved: boolean,
): Promise<Action[]> {
  const scratch = await store.scratch()
  const staged: StagedFile[] = []
  try {
    for (const key of keys) staged.push(await store.stage(key))
    return await withEngine(LEAN, scratch.folder, async (engine) => {
      const actions: Action[] = []
      for (const [index, { file }] of staged.entries()) {
        const rows = await engine.rows<{ action: string }>(rowsSql(file, withRemoved))
        const key = keys[index] as string
        for (const [row, { action }] of rows.entries()) {
          actions.push(parseAction(() => withoutNulls(action), store.address, key, row + 1))
        }
      }
      return actions
    })
  } finally {
    for (const file of staged) await file.release()
    await scratch.remove()
  }
}

/** One row a JSON text, in the order of the file: positions stand in the order of their last movement. */
function rowsSql(file: string, withRemoved: boolean): string {
  const left = withRemoved ? 'file_row_number' : 'file_row_number, remove'
  const where = withRemoved ? '' : 'WHERE remove IS NULL '
  return (
    `SELECT to_json(f)::VARCHAR AS action FROM (SELECT * EXCLUDE (${left}) FROM read_parquet(${literal(file)}, ` +
    `hive_partitioning = false, file_row_number = true) ${where}ORDER BY file_row_number) f`
  )
}

/** A row has a member for each action and each of its fields: those that are null were not there. */
function withoutNulls(json: string): unknown {
  const row = present(JSON.parse(json))
  return Object.fromEntries(Object.entries(row).map(([name, action]) => [name, present(action as object)]))
}

function present(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}
