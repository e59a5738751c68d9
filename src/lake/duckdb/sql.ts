import type { FieldType } from '../delta/types.js'

/** Rows a Parquet row group holds: small groups are what keeps a wide partitioned write in its memory. */
export const ROW_GROUP_ROWS = 8_192

/** Options of every Parquet file that we write. */
export const PARQUET_OPTIONS = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}`

/** What a Parquet file of ours may look like beyond the common options. */
export interface ParquetForm {
  /** zstd's level: more gives smaller files for more time. */
  readonly compressionLevel: number
  /** `common`: plain and dictionary, since Parquet 1.0. `newer`: delta encodings of Parquet 2 as well, which take less room. */
  readonly encodings: 'common' | 'newer'
  /** Different values of a column in a row group up to which they go into a dictionary; by default a fifth of the group's rows. */
  readonly dictionaryValues?: number
}

/**
 * Options of a Parquet file that is written whole in one pass, without a partitioned write beside it: its groups may be larger.
 * No bloom filters: nobody asks our files for a single value.
 * @param groupRows rows of a row group, a multiple of 2,048
 */
export function parquetOptions(
  { compressionLevel, encodings, dictionaryValues }: ParquetForm,
  groupRows: number,
): string {
  const dictionary = dictionaryValues === undefined ? '' : `DICTIONARY_SIZE_LIMIT ${dictionaryValues}, `
  return (
    `FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL ${compressionLevel}, ` +
    `PARQUET_VERSION ${encodings === 'newer' ? 'v2' : 'v1'}, ${dictionary}WRITE_BLOOM_FILTER false, ROW_GROUP_SIZE ${groupRows}`
  )
}

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
