import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { inChunks } from '../../testkit/chunks.js'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import { literal } from '../lake/duckdb/sql.js'
import { divisionFromColumn } from './division-rule.js'
import { partOf } from './plan-parts.js'
import { BOUNDED } from './profiles.js'
import { PageSplitter } from './split-pages.js'
import type { WriteJob } from './write-job.js'
import { writeParts } from './write-parts.js'

let lake: TestLake
beforeEach(async () => {
  lake = await makeLake()
})
afterEach(() => lake.remove())

/** The write of one page whose columns are `a` and `District`, all of one division. */
async function jobOf(text: string, emptyIsNull: boolean, change: Partial<WriteJob> = {}): Promise<WriteJob> {
  const rule = divisionFromColumn({ column: 'District', values: {} })
  const splitter = await PageSplitter.open(join(lake.folder, 'rows'), rule)
  await splitter.take({ page: 3, url: 'a', delimiter: ',', emptyIsNull, bytes: inChunks(Buffer.from(text)) })
  const { divisions } = await splitter.finish()
  return {
    table: 'raw/a/b',
    snapshot: 0,
    columns: ['a', 'District'],
    partitionColumn: 'division',
    layouts: [{ columns: ['a', 'District'], delimiter: ',', emptyIsNull }],
    parts: divisions.map(({ division, runs }) => partOf(division, runs)),
    compressionLevel: BOUNDED.compressionLevel,
    live: [],
    ...change,
  }
}

async function cellsOf({ parts }: { parts: readonly { key: string }[] }): Promise<object[]> {
  const { file } = await lake.store.stage(`raw/a/b/${parts[0]?.key}`)
  const sql = `SELECT a, _source_page AS page FROM read_parquet(${literal(file)}, hive_partitioning = false)`
  return withEngine(LEAN, lake.folder, (engine) => engine.rows<object>(sql))
}

describe('writing parts', () => {
  it('keeps null and an empty text apart where the page does, and knows no null where it does not', async () => {
    const text = 'a,District\n"",7\n,7\n"x",7\n'
    const rows = (second: string | null) => [
      { a: '', page: 3 },
      { a: second, page: 3 },
      { a: 'x', page: 3 },
    ]
    expect(await cellsOf(await writeParts(lake.store, await jobOf(text, true)))).toEqual(rows(null))
    expect(await cellsOf(await writeParts(lake.store, await jobOf(text, false)))).toEqual(rows(''))
  })

  it('sees a cell that became null as another content, though its row hash is the same', async () => {
    const before = await writeParts(lake.store, await jobOf('a,District\n"",7\n', true))
    const tags = before.parts[0]?.tags as { content: string }
    const live = [{ division: '7', sha256: 'x', content: tags.content }]
    const again = await writeParts(lake.store, await jobOf('a,District\n"",7\n', true, { live }))
    expect(again).toMatchObject({ parts: [], kept: [{ sha256: 'x' }] })
    const changed = await writeParts(lake.store, await jobOf('a,District\n,7\n', true, { live }))
    expect(changed).toMatchObject({ kept: [], rows: 1 })
  })

  it('stops when the runs of a part hold another number of rows than were put there', async () => {
    const job = await jobOf('a,District\n1,7\n2,7\n', false)
    const parts = job.parts.map((part) => ({ ...part, rows: 3 }))
    await expect(writeParts(lake.store, { ...job, parts })).rejects.toMatchObject({
      code: 'row-count-differs',
      remedy: 'report-bug',
      facts: { counted: 3, written: 2 },
    })
  })
})
