import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, rowsOf, type TestLake } from '../../testkit/lake-fixture.js'
import { HARMONIZE_RUN_COLUMNS } from '../contracts/columns.js'
import { appendRows } from './append-rows.js'
import { DeltaTable } from './delta/table.js'
import { isLogCleaned, isMerged } from './tend-table.js'

let lake: TestLake
beforeEach(async () => {
  lake = await makeLake()
})
afterEach(() => lake.remove())

describe('a table of records', () => {
  it('keeps few files however often it is appended to, and every row', async () => {
    const table = new DeltaTable(lake.store, 'runs/harmonize')
    for (let version = 0; version < 19; version++) {
      await appendRows(table, {
        columns: HARMONIZE_RUN_COLUMNS,
        partition: { dataset: 'calls' },
        positions: [{ appId: 'harmonize/calls/portal/x', version }],
        operation: 'RECORD RUN',
        rows: async () => [{ source: 'portal', snapshot: version, division: '7', rows_in: 1 }],
      })
    }
    const snapshot = await table.snapshot()
    expect(snapshot?.files.size).toBe(2)
    const rows = await rowsOf<{ snapshot: number }>(lake.store, 'runs/harmonize', 'snapshot')
    expect(rows.map((row) => row.snapshot)).toEqual(Array.from({ length: 19 }, (_, version) => version))
  })
})

describe('what is done to which table', () => {
  it.each([
    'raw/calls/portal',
    'tidy/calls',
    'series/calls',
    'quarantine/ingest/calls/portal',
    'links',
    'power/statements',
  ])('nothing by itself to %s: its files and versions are known to others', (root) => {
    expect([isMerged(root), isLogCleaned(root)]).toEqual([false, false])
  })
})
