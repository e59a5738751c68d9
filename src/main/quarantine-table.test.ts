import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { ingest, testCity, writeFiles } from '../../testkit/test-city.js'
import { type QuarantinedRow, QuarantineTable } from './quarantine-table.js'

const PLACE = { stage: 'ingest', dataset: 'calls', source: 'portal' } as const
const BAD_ROWS = 7_000 // more than the engine hands on at a time

let lake: TestLake
let folder: string
beforeEach(async () => {
  lake = await makeLake()
  folder = await mkdtemp(join(tmpdir(), 'wardbook-bad-rows-'))
  const bad = Array.from({ length: BAD_ROWS }, (_none, at) => `row ${at},1\n`).join('')
  await writeFiles(folder, { 'calls.csv': `id,District,Type,Opened\n1,1,Pothole,2026-01-05\n${bad}` })
  const city = testCity({ dataset: { quarantine: { maxRate: 1 } } })
  await ingest(lake.store, city, { mirror: folder })
})
afterEach(async () => {
  await lake.remove()
  await rm(folder, { recursive: true, force: true })
})

async function texts(limit: number, stopAfter = limit): Promise<string[]> {
  const read: QuarantinedRow[] = []
  await QuarantineTable.read(lake.store, PLACE, async (table) => {
    for await (const row of table.rows('too-few-columns', limit)) {
      read.push(row)
      if (read.length === stopAfter) break
    }
    expect(await table.reasons()).toEqual([{ reason: 'too-few-columns', rows: BAD_ROWS }])
  })
  return read.map(({ raw_text: text }) => text)
}
const expected = (count: number) => Array.from({ length: count }, (_none, at) => `row ${at},1`)

describe('rows of a quarantine table', () => {
  it.each([0, 1, 50, 51, 3_000, BAD_ROWS])('are the first %d in the order of the source', async (limit) => {
    expect(await texts(limit)).toEqual(expected(limit))
  })

  it('may be left in the middle, and the table is asked further', async () => {
    expect(await texts(BAD_ROWS, 5)).toEqual(expected(5))
  })
})
