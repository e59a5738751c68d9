import type { ColumnType } from '../../contracts/columns.js'

/** Ends the type of an instant with nanoseconds, which Delta tables do not have. */
export const NANOSECONDS = ' (nanoseconds)'

/** Engine types of the columns that our tables hold as they are. */
const OURS: Readonly<Record<string, ColumnType>> = {
  VARCHAR: 'string',
  BIGINT: 'long',
  INTEGER: 'integer',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  DATE: 'date',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
}

/** The column type of an engine type, or undefined when our tables have none. */
export function ourTypeOf(engineType: string): ColumnType | undefined {
  return OURS[engineType]
}

/**
 * A typed cell as the text of a raw table: what the engine prints; a UTC instant in ISO 8601 with `Z`; nested values as JSON; bytes
 * as hexadecimal. Null stays null.
 * @param cell       SQL of the cell
 * @param engineType as DESCRIBE gives it
 */
export function textCellSql(cell: string, engineType: string): string {
  if (engineType === 'VARCHAR') return cell
  if (engineType.startsWith('TIMESTAMP WITH TIME ZONE'))
    return `(replace(timezone('UTC', ${cell})::VARCHAR, ' ', 'T') || 'Z')`
  if (engineType === 'BLOB') return `hex(${cell})`
  return isNested(engineType) ? `to_json(${cell})::VARCHAR` : `${cell}::VARCHAR`
}

/** How a column was published, for people: its type, and what became of it where that is not the printed value. */
export function publishedTypeOf(engineType: string): string {
  if (engineType === 'BLOB') return 'BLOB as hexadecimal'
  return isNested(engineType) ? `${engineType} as JSON` : engineType
}

function isNested(engineType: string): boolean {
  return /^(STRUCT|MAP|UNION|VARIANT)\b/.test(engineType) || engineType.endsWith(']')
}
