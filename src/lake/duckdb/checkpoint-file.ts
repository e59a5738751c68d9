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
        const batches = await engine.rows<{ actions: string }>(batchesSql(file, withRemoved))
        const key = keys[index] as string
        let row = 0
        for (const batch of batches)
          for (const action of JSON.parse(batch.actions) as object[])
            actions.push(parseAction(() => withoutNulls(action), store.address, key, ++row))
      }
      return actions
    })
  } finally {
    for (const file of staged) await file.release()
    await scratch.remove()
  }
}

/** Actions that come as one text: fewer take longer, more take memory. */
const BATCH_ACTIONS = 500

/** Place of a row in its file; no action is called so. */
const PLACE = '_place,'

/** JSON lists of actions, in the order of the file: positions stand in the order of their last movement. */
function batchesSql(file: string, withRemoved: boolean): string {
  const left = withRemoved ? 'file_row_number' : 'file_row_number, remove'
  const where = withRemoved ? '' : 'WHERE remove IS NULL '
  const place = identifier(PLACE)
  return (
    `SELECT '[' || string_agg(to_json(f)::VARCHAR, ',' ORDER BY ${place}) || ']' AS actions ` +
    `FROM (SELECT * EXCLUDE (${left}), file_row_number AS ${place} FROM read_parquet(${literal(file)}, ` +
    `hive_partitioning = false, file_row_number = true) ${where}) f ` +
    `GROUP BY ${place} // ${BATCH_ACTIONS} ORDER BY ${place} // ${BATCH_ACTIONS}`
  )
}

/** A row has a member for each action and each of its fields: those that are null were not there. */
function withoutNulls(row: object): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const [name, action] of Object.entries(row))
    if (action !== null && name !== PLACE) found[name] = present(action as object)
  return found
}

function present(fields: object): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) if (value !== null) found[name] = value
  return found
}
