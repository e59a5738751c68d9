import { chmodSync, cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../../testkit/lake-fixture.js'
import { findShared, titleWith } from '../../../testkit/shared-folder.js'
import { LEAN, withEngine } from '../duckdb/engine.js'
import { scanFiles } from '../duckdb/scan.js'
import { identifier } from '../duckdb/sql.js'
import { commitKey, lastCheckpointKey } from './log-files.js'
import type { Snapshot } from './snapshot.js'
import { DeltaTable } from './table.js'
import type { Field, FieldType } from './types.js'

/** Tables that delta-io/delta's own writer made, and their rows as another engine reads them (SOURCES.md there). */
const TABLES = findShared('fixtures', 'delta')

/** Read whole. */
const READ: readonly string[] = [
  '125-iterator-bug',
  'basic-decimal-table',
  'basic-with-inserts-deletes-checkpoint',
  'data-reader-escaped-chars',
  'data-reader-partition-values',
  'data-reader-primitives',
  'data-reader-timestamp_ntz',
  'kernel-timestamp-INT96',
  'kernel-timestamp-PST',
  'log-replay-latest-metadata-protocol',
  'multi-part-checkpoint',
  'snapshot-data1',
  'time-travel-partition-changes-b',
  'time-travel-schema-changes-b',
]

/** Versions of their checkpoints. */
const CHECKPOINTED: Readonly<Record<string, number>> = {
  '125-iterator-bug': 10,
  'basic-with-inserts-deletes-checkpoint': 10,
  'multi-part-checkpoint': 1,
}

/** Never read: what each error has to name. */
const REFUSED: Readonly<Record<string, { readonly code: string; readonly named: string }>> = {
  'deltalog-invalid-protocol-version': { code: 'delta-unsupported', named: 'reader version 99' },
  'dv-partitioned-with-checkpoint': { code: 'delta-unsupported', named: 'feature deletionVectors' },
  'table-with-columnmapping-mode-name': { code: 'delta-unsupported', named: 'column mapping' },
  'type-widening': { code: 'delta-unsupported', named: 'feature typeWidening-preview' },
  'v2-checkpoint-json': { code: 'delta-unsupported', named: 'v2 checkpoints' },
  'versions-not-contiguous': { code: 'delta-log-gap', named: 'commit 1 before it is gone' },
}

describe.skipIf(TABLES === undefined)(titleWith(TABLES, 'tables of another writer'), () => {
  let lake: TestLake
  beforeEach(async () => {
    lake = await makeLake()
  })
  afterEach(() => lake.remove())

  it.each(READ)('gives the rows of %s that another engine reads', async (name) => {
    const expected = expectedOf(name)
    const rows = await rowsOf(lake, copyTable(lake, name))
    expect(rows.length).toBe(expected.rows)
    const types = Object.fromEntries(expected.columns.map((column) => [column.name, column.clickhouse_type]))
    expect(sorted(rows.map((row) => asForeign(row, types)))).toEqual(sorted(expected.data))
  })

  it.each(READ)('gives the columns of %s with the types that another engine sees', async (name) => {
    const { fields } = (await copyTable(lake, name).snapshot()) as Snapshot
    const ours = Object.fromEntries(fields.map((field) => [field.name, foreignType(field.type)]))
    const theirs = expectedOf(name).columns.map((column) => [column.name, oneLine(column.clickhouse_type)])
    expect(ours).toEqual(Object.fromEntries(theirs))
  })

  it.each(Object.entries(CHECKPOINTED))(
    'gives them of %s also where only its checkpoint tells of them',
    async (name, version) => {
      const table = copyTable(lake, name)
      for (let gone = 0; gone <= version; gone++) await lake.store.delete(commitKey(name, gone))
      const expected = expectedOf(name)
      const types = Object.fromEntries(
        expected.columns.map((column) => [column.name, column.clickhouse_type]),
      )
      for (const withHint of [true, false]) {
        if (!withHint) await lake.store.delete(lastCheckpointKey(name))
        const rows = await rowsOf(lake, withHint ? table : new DeltaTable(lake.store, name))
        expect(sorted(rows.map((row) => asForeign(row, types)))).toEqual(sorted(expected.data))
      }
    },
  )

  it.each(Object.entries(REFUSED))('refuses %s and says why', async (name, { code, named }) => {
    const message = expect.stringContaining(named)
    await expect(copyTable(lake, name).snapshot()).rejects.toMatchObject({
      code,
      remedy: 'fix-source',
      message,
    })
  })

  it('reads each version of a table whose partitioning changed', async () => {
    const table = copyTable(lake, 'time-travel-partition-changes-b')
    const shape = async (version: number) => {
      const { partitionColumns, files } = (await table.snapshot(version)) as Snapshot
      return { partitionColumns, files: files.size }
    }
    expect(await shape(0)).toEqual({ partitionColumns: ['part5'], files: 10 })
    expect(await shape(1)).toEqual({ partitionColumns: ['part2'], files: 4 })
    expect(sorted(await rowsOf(lake, table, 0))).toEqual(
      sorted(Array.from({ length: 10 }, (_, id) => ({ id, part5: id % 5 }))),
    )
  })

  it('reads each version of a table whose columns grew', async () => {
    const table = copyTable(lake, 'time-travel-schema-changes-b')
    expect(sorted(await rowsOf(lake, table, 0))).toEqual(
      sorted(Array.from({ length: 10 }, (_, id) => ({ id }))),
    )
    expect(await rowsOf(lake, table, 1)).toHaveLength(20)
    expect(await table.snapshot(2)).toBeUndefined()
  })

  it('leaves no table out', () => {
    const known = [...READ, ...Object.keys(REFUSED)].sort()
    const there = readdirSync(TABLES as string, { withFileTypes: true })
    expect(
      there.filter((entry) => entry.isDirectory() && entry.name !== 'expected').map(({ name }) => name),
    ).toEqual(known)
  })
})

/** A copy of a table in a lake of its own: opening a store writes beside what it holds. */
function copyTable(lake: TestLake, name: string): DeltaTable {
  const root = join(lake.folder, name)
  cpSync(join(TABLES as string, name), root, { recursive: true })
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o755)
  }
  chmodSync(root, 0o755)
  return new DeltaTable(lake.store, name)
}

async function rowsOf(lake: TestLake, table: DeltaTable, version?: number): Promise<Row[]> {
  const snapshot = (await table.snapshot(version)) as Snapshot
  const scratch = await lake.store.scratch()
  const scan = await scanFiles(lake.store, table.root, snapshot)
  const cells = snapshot.fields.map(exactSql).join(', ')
  return withEngine(LEAN, scratch.folder, (engine) => engine.rows<Row>(`SELECT ${cells} FROM ${scan.sql}`))
}

/** Days, decimals and local times as text: JavaScript has not the former, and not all digits of the latter. */
function exactSql({ name, type }: Field): string {
  const isExact =
    type === 'date' || type === 'timestamp_ntz' || (typeof type !== 'string' && type.type === 'decimal')
  return isExact ? `${identifier(name)}::VARCHAR AS ${identifier(name)}` : identifier(name)
}

type Row = Record<string, unknown>

interface Expected {
  readonly columns: readonly { readonly name: string; readonly clickhouse_type: string }[]
  readonly rows: number
  readonly data: readonly Row[]
}

function expectedOf(name: string): Expected {
  return JSON.parse(readFileSync(join(TABLES as string, 'expected', `${name}.json`), 'utf8')) as Expected
}

/** A row as the expected files say it: 64-bit integers as text, instants to the microsecond without zone, bytes as UTF-8. */
function asForeign(row: Row, types: Readonly<Record<string, string>>): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      const type = types[name] ?? 'absent'
      if (value === null) return [name, null]
      if (/^Nullable\(Int64/.test(type)) return [name, String(value)]
      if (type.includes('DateTime64')) return [name, inMicroseconds(String(value))]
      if (type.includes('Decimal')) return [name, String(value).replace(/\.0+$|(\.\d*[1-9])0+$/, '$1')]
      if (value instanceof Uint8Array) return [name, new TextDecoder().decode(value)]
      return [name, quotingBigints(value)]
    }),
  )
}

const FOREIGN_TYPES: Readonly<Record<Extract<FieldType, string>, string>> = {
  ...{
    string: 'String',
    binary: 'String',
    boolean: 'Bool',
    date: 'Date32',
    float: 'Float32',
    double: 'Float64',
  },
  ...{ byte: 'Int8', short: 'Int16', integer: 'Int32', long: 'Int64' },
  ...{ timestamp: 'DateTime64(6)', timestamp_ntz: 'DateTime64(6)' },
}

/** ClickHouse's name of a type: what holds others is not null there, keys of maps neither. */
function foreignType(type: FieldType): string {
  if (typeof type === 'string') return `Nullable(${FOREIGN_TYPES[type]})`
  switch (type.type) {
    case 'decimal':
      return `Nullable(Decimal(${type.precision}, ${type.scale}))`
    case 'array':
      return `Array(${foreignType(type.elementType)})`
    case 'map':
      return `Map(${foreignType(type.keyType).slice('Nullable('.length, -1)}, ${foreignType(type.valueType)})`
    case 'struct':
      return `Tuple(${type.fields.map((field) => `${field.name} ${foreignType(field.type)}`).join(', ')})`
  }
}

function oneLine(type: string): string {
  return type.replaceAll(/,\n */g, ', ').replaceAll(/\n */g, '')
}

function inMicroseconds(instant: string): string {
  return instant.replace('T', ' ').replace('Z', '000')
}

function quotingBigints(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_name, cell) => (typeof cell === 'bigint' ? String(cell) : cell)))
}

/** Rows in one order, whatever the order of their members. */
function sorted(rows: readonly Row[]): string[] {
  return rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
}
