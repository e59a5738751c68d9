import type { FieldType } from '../delta/types.js'

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

const SQL_TYPES: Record<Extract<FieldType, string>, string> = {
  string: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  timestamp_ntz: 'TIMESTAMP',
  short: 'SMALLINT',
  byte: 'TINYINT',
  float: 'FLOAT',
  binary: 'BLOB',
}

/** The engine's name of a column type. */
export function sqlType(type: FieldType): string {
  if (typeof type === 'string') return SQL_TYPES[type]
  switch (type.type) {
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`
    case 'array':
      return `${sqlType(type.elementType)}[]`
    case 'map':
      return `MAP(${sqlType(type.keyType)}, ${sqlType(type.valueType)})`
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `${identifier(field.name)} ${sqlType(field.type)}`).join(', ')})`
  }
}
