import type { ColumnType } from '../../contracts/columns.js'

/** Rows a Parquet row group holds: small groups are what keeps a wide partitioned write in its memory. */
export const ROW_GROUP_ROWS = 8_192

/** Options of every Parquet file that we write. */
export const PARQUET_OPTIONS = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`

/** A name as SQL: quoted, inner quotes doubled. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Text as SQL: quoted, inner quotes doubled. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

const SQL_TYPES: Record<ColumnType, string> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
}

/** The engine's name of a column type. */
export function sqlType(type: ColumnType): string {
  return SQL_TYPES[type]
}
