import { type Column, ROW_HASH, SOURCE_PAGE } from '../../contracts/columns.js'
import { rowHashSql } from '../../lake/duckdb/row-hash.js'
import { identifier, literal, sqlType } from '../../lake/duckdb/sql.js'
import { textCellSql } from '../../lake/duckdb/text-cell.js'
import type { FileInput } from './adopt-job.js'

/** A file that lies ready for the engine. */
export interface OpenFile {
  readonly input: FileInput
  readonly local: string
}

/** Rows of some files as the raw table holds them: the publisher's columns, row hash and page. */
export function rawRowsOfFilesSql(files: readonly OpenFile[], columns: readonly Column[]): string {
  return groupsOf(files)
    .map((group) => groupSql(group, columns))
    .join(' UNION ALL ')
}

/** Files that one reader can take together: the same columns of the same types, and the same columns in the path. */
function groupsOf(files: readonly OpenFile[]): OpenFile[][] {
  const groups = new Map<string, OpenFile[]>()
  for (const file of files) {
    const { cells, folder, repeated } = file.input
    const repeats = repeated.map(({ from }) => from)
    const shape = JSON.stringify([cells, Object.keys(folder), repeats])
    groups.set(shape, [...(groups.get(shape) ?? []), file])
  }
  return [...groups.values()]
}

function groupSql(group: readonly OpenFile[], columns: readonly Column[]): string {
  const { cells, folder } = (group[0] as OpenFile).input
  const types = new Map(cells.map(({ column, type }) => [column, type]))
  const inPath = Object.keys(folder)
  const read = [
    ...cells.map(({ column, from }) => `${identifier(from)} AS ${identifier(column)}`),
    ...inPath.map((name) => `${ofFile(group, ({ folder }) => folder[name] ?? null)} AS ${identifier(name)}`),
    `${ofFile(group, ({ page }) => page)} AS ${SOURCE_PAGE}`,
  ]
  const textOf = (name: string) => textCellSql(identifier(name), types.get(name) ?? 'VARCHAR')
  const present = new Set([...types.keys(), ...inPath])
  const isText = columns.every(({ type }) => type === 'string')
  const stored = columns.map(({ name, type }) => {
    if (!present.has(name)) return `NULL::${sqlType(type)} AS ${identifier(name)}`
    return `${type === 'string' ? textOf(name) : `${identifier(name)}::${sqlType(type)}`} AS ${identifier(name)}`
  })
  const names = columns.map(({ name }) => name)
  const rows = `SELECT ${read.join(', ')} FROM ${readSql(group)}`
  if (!isText) {
    const hash = rowHashSql(names, present, textOf)
    return `SELECT ${stored.join(', ')}, ${hash} AS ${ROW_HASH}, ${SOURCE_PAGE} FROM (${rows})`
  }
  const texts = `SELECT ${stored.join(', ')}, ${SOURCE_PAGE} FROM (${rows})` // each text is made once
  return `SELECT ${names.map(identifier).join(', ')}, ${rowHashSql(names, present)} AS ${ROW_HASH}, ${SOURCE_PAGE} FROM (${texts})`
}

function readSql(group: readonly OpenFile[]): string {
  return `read_parquet([${group.map(({ local }) => literal(local)).join(', ')}], hive_partitioning = false)`
}

/** A value that is one for all rows of a file. */
function ofFile(group: readonly OpenFile[], pick: (input: FileInput) => string | number | null): string {
  const values = group.map(({ input }) => pick(input))
  const shown = values.map((value) => (typeof value === 'string' ? literal(value) : String(value ?? 'NULL')))
  const type = values.some((value) => typeof value === 'number') ? 'INTEGER' : 'VARCHAR'
  if (new Set(shown).size === 1) return `${shown[0]}::${type}`
  return `list_extract([${shown.join(', ')}]::${type}[], (file_index + 1)::BIGINT)`
}

/**
 * Number of rows whose own cell does not say what the path says: as text, or as a value of the cell's type (`7.0` agrees
 * with `ward=7`). Blank and null are one.
 */
export function disagreeingRowsSql(
  local: string,
  { from, type, value }: FileInput['repeated'][number],
): string {
  const cell = identifier(from)
  const text = `coalesce(trim(${textCellSql(cell, type)}, E' \\t\\r\\n'), '')`
  const inPath = `trim(${literal(value ?? '')}, E' \\t\\r\\n')`
  const agrees = `${text} = ${inPath} OR coalesce(${cell} = TRY_CAST(${inPath} AS ${type}), false)`
  return (
    `SELECT count(*) AS rows, any_value(${text}) AS example ` +
    `FROM read_parquet(${literal(local)}, hive_partitioning = false) WHERE NOT (${agrees})`
  )
}

/** Number of keys that occur in more than one of the files. */
export function sharedKeysSql(files: readonly OpenFile[], key: string): string {
  const keys = files.map(({ input, local }) => {
    const cell = input.cells.find(({ column }) => column === key)
    if (cell === undefined) return 'SELECT NULL AS key, 0 AS page WHERE false'
    const text = textCellSql(identifier(cell.from), cell.type)
    return (
      `SELECT DISTINCT nullif(trim(${text}, E' \\t\\r\\n'), '') AS key, ${input.page} AS page ` +
      `FROM read_parquet(${literal(local)}, hive_partitioning = false)`
    )
  })
  const all = keys.join(' UNION ALL ')
  return `SELECT count(*) AS keys FROM (SELECT key FROM (${all}) WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1)`
}
