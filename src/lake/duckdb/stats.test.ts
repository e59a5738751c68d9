import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../../testkit/lake-fixture.js'
import type { Column, ColumnType } from '../../contracts/columns.js'
import { DeltaTable } from '../delta/table.js'
import { putPart } from '../parts.js'
import { type Engine, LEAN, openEngine } from './engine.js'
import { type PlainRow, writeRows } from './rows.js'
import { ROW_GROUP_ROWS } from './sql.js'

interface Stats {
  readonly numRecords: number
  readonly minValues: Record<string, unknown>
  readonly maxValues: Record<string, unknown>
  readonly nullCount: Record<string, number>
}

let lake: TestLake
let folder: string
let engine: Engine
let close: () => void
beforeEach(async () => {
  lake = await makeLake()
  folder = (await lake.store.scratch()).folder
  ;({ engine, close } = await openEngine(LEAN, folder))
})
afterEach(async () => {
  close()
  await lake.remove()
})

describe('the statistics of a file', () => {
  it('are least, greatest and nulls of every type, in the form of the log', async () => {
    const columns = (['string', 'long', 'integer', 'double', 'boolean', 'date', 'timestamp'] as const).map(
      (type): Column => ({ name: type, type }),
    )
    const rows: PlainRow[] = [
      {
        string: 'b',
        long: '9223372036854775807',
        integer: 3,
        double: 0.1,
        boolean: true,
        date: '2024-02-29',
        timestamp: '2024-03-10T06:59:59.123456Z',
      },
      {
        string: 'a',
        long: '-9007199254740993',
        integer: -1,
        double: -1e300,
        boolean: null,
        date: '1969-12-31',
        timestamp: '1969-12-31T23:59:59.999999Z',
      },
      { string: null, long: 0, integer: null, double: null, boolean: null, date: null, timestamp: null },
    ]
    expect(await textOf(rows, columns)).toBe(
      '{"numRecords":3,' +
        '"minValues":{"string":"a","long":-9007199254740993,"integer":-1,"double":-1e+300,' +
        '"date":"1969-12-31","timestamp":"1969-12-31T23:59:59.999Z"},' +
        '"maxValues":{"string":"b","long":9223372036854775807,"integer":3,"double":0.1,' +
        '"date":"2024-02-29","timestamp":"2024-03-10T06:59:59.124Z"},' +
        '"nullCount":{"string":1,"long":0,"integer":1,"double":1,"boolean":2,"date":1,"timestamp":1}}',
    )
  })

  it('cut text at 32 characters, the greatest upwards, never inside a character', async () => {
    const long = '🏙'.repeat(40)
    const { minValues, maxValues } = await statsOf([{ text: long }], 'string')
    expect(minValues.text).toBe('🏙'.repeat(32))
    expect(maxValues.text).toBe(`${'🏙'.repeat(32)}\u{10FFFF}`)
    const exact = await statsOf([{ text: 'x'.repeat(32) }], 'string')
    expect(exact.maxValues.text).toBe('x'.repeat(32))
    expect((await statsOf([{ text: '\u{10FFFF}'.repeat(40) }], 'string')).maxValues).toEqual({})
  })

  it('take all row groups together, also such that hold only nulls', async () => {
    const rows = Array.from({ length: 2 * ROW_GROUP_ROWS + 5 }, (_, n) => ({
      n: n < ROW_GROUP_ROWS ? null : n,
    }))
    expect(await statsOf(rows, 'integer')).toEqual({
      numRecords: rows.length,
      minValues: { n: ROW_GROUP_ROWS },
      maxValues: { n: rows.length - 1 },
      nullCount: { n: ROW_GROUP_ROWS },
    })
  })

  it('leave out the bounds of nulls only, of NaN and of what ISO 8601 has no four digits for', async () => {
    const only = async (value: string | null, type: ColumnType) => {
      const { minValues, maxValues } = await statsOf([{ v: value }], type)
      return { ...minValues, ...maxValues }
    }
    expect(await only(null, 'string')).toEqual({})
    expect(await only('NaN', 'double')).toEqual({})
    expect(await only('infinity', 'double')).toEqual({})
    expect(await only('12024-01-01', 'date')).toEqual({})
    expect(await only('infinity', 'date')).toEqual({})
  })

  it('cover the first 32 columns, whatever their names', async () => {
    const names = ['a.b', 'say "no"', "it's", ...Array.from({ length: 40 }, (_, n) => `c${n}`)]
    const columns = names.map((name): Column => ({ name, type: 'integer' }))
    const row = Object.fromEntries(names.map((name, at) => [name, at]))
    const { nullCount, minValues } = JSON.parse(await textOf([row], columns)) as Stats
    expect(Object.keys(nullCount)).toEqual(names.slice(0, 32))
    expect(minValues).toEqual(Object.fromEntries(names.slice(0, 32).map((name, at) => [name, at])))
  })

  it('bound every text of a file, by the order of its bytes', async () => {
    const anyText = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !text.includes('\0'))
    await fc.assert(
      fc.asyncProperty(fc.array(anyText, { minLength: 1, maxLength: 5 }), async (texts) => {
        const { minValues, maxValues } = await statsOf(
          texts.map((v) => ({ v })),
          'string',
        )
        for (const text of texts) {
          if ('v' in minValues) expect(compare(String(minValues.v), text)).toBeLessThanOrEqual(0)
          if ('v' in maxValues) expect(compare(String(maxValues.v), text)).toBeGreaterThanOrEqual(0)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('travel with the part into the log', async () => {
    const columns: Column[] = [{ name: 'n', type: 'integer' }]
    const finished = await writeRows(engine, folder, 'part', [{ n: 4 }], columns, {})
    const file = await putPart(lake.store, 'tidy/calls', 0, finished as NonNullable<typeof finished>)
    const table = new DeltaTable(lake.store, 'tidy/calls')
    await table.commit(undefined, {
      operation: 'WRITE',
      schema: { columns, partitionColumns: [] },
      adds: [file],
    })
    const [live] = [...((await table.snapshot())?.files.values() ?? [])]
    expect(live?.rows).toBe(1)
    expect(JSON.parse(live?.action.stats ?? '')).toEqual({
      numRecords: 1,
      minValues: { n: 4 },
      maxValues: { n: 4 },
      nullCount: { n: 0 },
    })
  })
})

async function textOf(rows: readonly PlainRow[], columns: readonly Column[]): Promise<string> {
  return (await writeRows(engine, folder, 'part', rows, columns, {}))?.stats as string
}

/** Statistics of rows that have one column. */
async function statsOf(rows: readonly PlainRow[], type: ColumnType): Promise<Stats> {
  const [name] = Object.keys(rows[0] ?? {}) as [string]
  return JSON.parse(await textOf(rows, [{ name, type }])) as Stats
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
