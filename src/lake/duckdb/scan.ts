import { asWardbookError, WardbookError } from '../../kernel/errors.js'
import type { LiveFile, Snapshot } from '../delta/snapshot.js'
import { DeltaTable } from '../delta/table.js'
import type { Field } from '../delta/types.js'
import type { ObjectStore, StagedFile } from '../store.js'
import { identifier, literal, sqlType } from './sql.js'

/** Live files of a table, staged for the engine; `sql` stands where a table name may stand. */
export interface Scan {
  readonly sql: string
  release(): Promise<void>
}

/**
 * Some live files of a table version as something to select from: all columns, partition columns included with their true
 * values. Only files of the log are named, never a glob: replaced files still lie in the folder.
 * @param files by default all live files of the snapshot
 * @throws WardbookError 'version-vacuumed' (fix-source) for a version whose files are gone; 'object-missing' (retry)
 */
export async function scanFiles(
  store: ObjectStore,
  root: string,
  snapshot: Snapshot,
  files: readonly LiveFile[] = [...snapshot.files.values()],
): Promise<Scan> {
  const staged: StagedFile[] = []
  const release = async () => {
    for (const file of staged) await file.release()
  }
  try {
    for (const file of files) staged.push(await stageFile(store, root, snapshot, file))
    return { sql: scanSql(snapshot, files, staged), release }
  } catch (thrown) {
    await release()
    throw thrown
  }
}

async function stageFile(
  store: ObjectStore,
  root: string,
  { version }: Snapshot,
  { key }: LiveFile,
): Promise<StagedFile> {
  try {
    return await store.stage(`${root}/${key}`)
  } catch (thrown) {
    const newest = isMissing(thrown) ? await new DeltaTable(store, root).snapshot() : undefined
    if (newest === undefined || newest.files.has(key)) throw thrown
    throw new WardbookError(
      'version-vacuumed',
      'fix-source',
      `${root}: version ${version} can no longer be read, vacuum has removed '${key}'; ` +
        `read version ${newest.version}, the newest, or one that the ledger cites`,
      { table: root, version, newest: newest.version, key },
      { cause: thrown },
    )
  }
}

function isMissing(thrown: unknown): boolean {
  return asWardbookError(thrown).code === 'object-missing'
}

/** Names the file of a row; no column of a table may be called so (a comma is refused in column names). */
const FILE = '_file,'

function scanSql(snapshot: Snapshot, files: readonly LiveFile[], staged: readonly StagedFile[]): string {
  const isPartition = ({ name }: Field) => snapshot.partitionColumns.includes(name)
  const stored = snapshot.fields.filter((column) => !isPartition(column))
  const partition = snapshot.fields.filter(isPartition)
  if (files.length === 0) return `(${emptySql([...stored, ...partition])})`
  const list = staged.map(({ file }) => literal(file)).join(', ')
  const rows = files.map((file, index) => {
    const cells = partition.map(({ name }) => partitionLiteral(file, name))
    return `(${[literal((staged[index] as StagedFile).file), ...cells].join(', ')})`
  })
  const names = [FILE, ...partition.map(({ name }) => name)].map(identifier).join(', ')
  const columns = [
    ...stored.map(({ name }) => `f.${identifier(name)}`),
    ...partition.map((field) => `${partitionSql(field)} AS ${identifier(field.name)}`),
  ]
  // The empty second half brings columns that none of these files has: they were added to the table later.
  return (
    `(SELECT ${columns.join(', ')} FROM (SELECT * FROM read_parquet([${list}], hive_partitioning = false, ` +
    `union_by_name = true, filename = ${literal(FILE)}) UNION ALL BY NAME ${emptySql(stored)}) f ` +
    `JOIN (VALUES ${rows.join(', ')}) p(${names}) ON f.${identifier(FILE)} = p.${identifier(FILE)})`
  )
}

/**
 * All rows of some local files of one partition, to be ordered as they lie: file by file, and by their place in each.
 * @param columns the stored columns; a file that lacks one has nulls there
 */
export function concatSql(
  files: readonly string[],
  columns: readonly Field[],
): { readonly sql: string; readonly orderBy: string } {
  const each = files.map(
    (file, place) =>
      `SELECT *, ${place} AS ${identifier(FILE)} FROM read_parquet(${literal(file)}, hive_partitioning = false, ` +
      'file_row_number = true)',
  )
  const sql = [...each, emptySql(columns)].join(' UNION ALL BY NAME ')
  return { sql, orderBy: `${identifier(FILE)}, file_row_number` }
}

/** Values stand in the log as text; bytes as the text that they are in UTF-8. */
function partitionSql({ name, type }: Field): string {
  const text = `p.${identifier(name)}`
  return type === 'binary' ? `encode(${text})` : `${text}::${sqlType(type)}`
}

function partitionLiteral(file: LiveFile, column: string): string {
  const value = file.partition[column]
  if (value === undefined) {
    throw new WardbookError(
      'delta-log-broken',
      'fix-source',
      `${file.key} has no value for partition column ${column}`,
      {
        key: file.key,
        column,
      },
    )
  }
  return value === null ? 'NULL::VARCHAR' : literal(value)
}

function emptySql(columns: readonly Field[]): string {
  const cells = columns.map(({ name, type }) => `NULL::${sqlType(type)} AS ${identifier(name)}`)
  return `SELECT ${cells.join(', ')} WHERE false`
}
