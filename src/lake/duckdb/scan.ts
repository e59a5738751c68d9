import type { Column } from '../../contracts/columns.js'
import { WardbookError } from '../../kernel/errors.js'
import type { LiveFile, Snapshot } from '../delta/snapshot.js'
import type { ObjectStore, StagedFile } from '../store.js'
import { identifier, literal, sqlType } from './sql.js'

/** Live files of a table, staged for the engine; `sql` stands where a table name may stand. */
export interface Scan {
  readonly sql: string
  release(): Promise<void>
}

/**
 * Some live files of a table version as something to select from: all columns, partition columns included with their true
 * text values. Only files of the log are named, never a glob: replaced files still lie in the folder.
 * @param files by default all live files of the snapshot
 */
export async function scanFiles(
  store: ObjectStore,
  root: string,
  snapshot: Snapshot,
  files: readonly LiveFile[] = [...snapshot.files.values()],
): Promise<Scan> {
  const staged: StagedFile[] = []
  for (const file of files) staged.push(await store.stage(`${root}/${file.key}`))
  return {
    sql: scanSql(snapshot, files, staged),
    release: async () => {
      for (const file of staged) await file.release()
    },
  }
}

function scanSql(snapshot: Snapshot, files: readonly LiveFile[], staged: readonly StagedFile[]): string {
  if (files.length === 0) return emptySql(snapshot.columns)
  const list = staged.map(({ file }) => literal(file)).join(', ')
  const values = files.map((file, index) => {
    const cells = snapshot.partitionColumns.map((column) => partitionLiteral(file, column))
    return `(${[index, ...cells].join(', ')})`
  })
  const names = ['_file', ...snapshot.partitionColumns].map(identifier).join(', ')
  const stored = snapshot.columns.filter(({ name }) => !snapshot.partitionColumns.includes(name))
  const columns = [
    ...stored.map(({ name }) => `f.${identifier(name)}`),
    ...snapshot.partitionColumns.map((name) => `p.${identifier(name)}`),
  ]
  return (
    `(SELECT ${columns.join(', ')} FROM read_parquet([${list}], hive_partitioning = false, union_by_name = true) f ` +
    `JOIN (VALUES ${values.join(', ')}) p(${names}) ON f.file_index = p._file)`
  )
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

function emptySql(columns: readonly Column[]): string {
  const cells = columns.map(({ name, type }) => `NULL::${sqlType(type)} AS ${identifier(name)}`)
  return `(SELECT ${cells.join(', ')} WHERE false)`
}
