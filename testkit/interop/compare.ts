import type { Column, ColumnType } from '../../src/contracts/columns.js'
import { DeltaTable } from '../../src/lake/delta/table.js'
import { QUERY, withEngine } from '../../src/lake/duckdb/engine.js'
import { scanFiles } from '../../src/lake/duckdb/scan.js'
import { identifier } from '../../src/lake/duckdb/sql.js'
import { openLocalStore } from '../../src/lake/local/local-store.js'
import type { ObjectStore } from '../../src/lake/store.js'
import { type ForeignTable, readForeign } from './foreign-reader.js'
import type { Verdict } from './verdict.js'

/** ClickHouse's type of each of ours; a column of Delta may be null. */
const FOREIGN_TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'String',
  long: 'Int64',
  integer: 'Int32',
  double: 'Float64',
  boolean: 'Bool',
  date: 'Date32',
  timestamp: 'DateTime64(6)',
}

/** A table, and which versions of it are compared. */
export interface Comparison {
  /** What is compared, for the report. */
  readonly name: string
  readonly table: string
  /** By default the newest, read without asking for one. */
  readonly versions?: readonly number[]
}

interface OurTable {
  readonly columns: readonly Column[]
  readonly rows: readonly Record<string, unknown>[]
}

/** Reads tables below one folder with both engines, and compares types, rows and values. */
export async function compareTables(folder: string, comparisons: readonly Comparison[]): Promise<Verdict[]> {
  const asked = comparisons.flatMap(({ name, table, versions = [undefined] }) =>
    versions.map((version) => ({ name, table, ...(version === undefined ? {} : { version }) })),
  )
  const foreign = readForeign(folder, asked)
  const store = await openLocalStore(folder)
  const verdicts: Verdict[] = []
  for (const [index, { name, table, version }] of asked.entries()) {
    const title = version === undefined ? name : `${name} at version ${version}`
    const ours = await readOurs(store, table, version)
    verdicts.push(judge(title, ours, foreign[index] as ForeignTable))
  }
  return verdicts
}

/** A line that says how many versions agree, or the verdicts of those that do not: tables have many versions. */
export function asOne(name: string, verdicts: readonly Verdict[]): Verdict[] {
  const wrong = verdicts.filter(({ same }) => !same)
  if (wrong.length > 0 || verdicts.length === 0) return wrong
  return [{ name, same: true, detail: `${verdicts.length} versions, rows, values and types` }]
}

async function readOurs(store: ObjectStore, table: string, version: number | undefined): Promise<OurTable> {
  const snapshot = await new DeltaTable(store, table).snapshot(version)
  if (snapshot === undefined) throw new Error(`${table} has no version ${version}`)
  const scratch = await store.scratch()
  const scan = await scanFiles(store, table, snapshot)
  try {
    const cells = snapshot.columns.map(exactSql).join(', ')
    const rows = await withEngine(QUERY, scratch.folder, (engine) =>
      engine.rows<Record<string, unknown>>(`SELECT ${cells} FROM ${scan.sql}`),
    )
    return { columns: snapshot.columns, rows }
  } finally {
    await scan.release()
    await scratch.remove()
  }
}

/** Every digit counts: 64-bit integers, days and instants come as text. */
function exactSql({ name, type }: Column): string {
  const column = identifier(name)
  if (type === 'timestamp') return `epoch_us(${column})::VARCHAR AS ${column}`
  return type === 'long' || type === 'date' ? `${column}::VARCHAR AS ${column}` : column
}

function judge(
  name: string,
  { columns, rows }: OurTable,
  { types, rows: theirs, error }: ForeignTable,
): Verdict {
  if (error !== undefined) return { name, same: false, detail: `not read: ${error.slice(0, 300)}` }
  const wrongTypes = columns.flatMap((column) => {
    const expected = `Nullable(${FOREIGN_TYPES[column.type]})`
    return types[column.name] === expected ? [] : [`${column.name} ${types[column.name]}, not ${expected}`]
  })
  const names = [columns.length, Object.keys(types).length]
  if (names[0] !== names[1]) wrongTypes.push(`${names[0]} columns, theirs ${names[1]}`)
  const difference = firstDifference(columns, rows, theirs)
  const detail = [`${rows.length} rows, theirs ${theirs.length}`, ...wrongTypes, ...difference].join('; ')
  return { name, same: wrongTypes.length === 0 && difference.length === 0, detail }
}

function firstDifference(
  columns: readonly Column[],
  ours: OurTable['rows'],
  theirs: ForeignTable['rows'],
): string[] {
  const a = ours.map((row) => lineOf(columns, row, (_column, value) => value)).sort()
  const b = theirs.map((row) => lineOf(columns, row, ourForm)).sort()
  const at = a.findIndex((line, index) => line !== b[index])
  if (at < 0 && a.length === b.length) return []
  const place = at < 0 ? a.length : at
  return [`first difference: ours ${a[place]?.slice(0, 300)}, theirs ${b[place]?.slice(0, 300)}`]
}

type Form = (column: Column, value: unknown) => unknown

function lineOf(columns: readonly Column[], row: Readonly<Record<string, unknown>>, form: Form): string {
  return JSON.stringify(
    columns.map((column) => (row[column.name] == null ? null : form(column, row[column.name]))),
  )
}

/** Their instants are text to the microsecond, with `T` and `Z`; everything else is as ours. */
function ourForm({ type }: Column, value: unknown): unknown {
  if (type !== 'timestamp') return value
  const [, second = '', micros = '0'] = /^(.*?)(?:\.(\d+))?Z$/.exec(String(value)) ?? []
  return String(BigInt(Date.parse(`${second}Z`)) * 1_000n + BigInt(micros.padEnd(6, '0')))
}
