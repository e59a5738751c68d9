import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeForeign } from '../../testkit/hive-folder.js'
import {
  inProcessRunner,
  keysOf,
  makeLake,
  NOON,
  queryTable,
  type TestLake,
} from '../../testkit/lake-fixture.js'
import { DATASET, SOURCE, testCity } from '../../testkit/test-city.js'
import type { CityFile } from '../contracts/city-file.js'
import { BOUNDED } from '../ingest/profiles.js'
import { tables } from '../lake/tables.js'
import { createEmbeddedQueue } from '../queue/embedded/embedded-queue.js'
import { adoptHive } from './adopt-hive.js'
import { openOriginals } from './open-store.js'
import { catchUp, connectStages, type PipelineParts, runPipeline } from './pipeline.js'

const ROWS = (from: number) =>
  `SELECT i + ${from} AS id, 'Noise' AS "Type", TIMESTAMP '2026-01-01' + to_hours(i) AS "Opened" FROM range(6) t(i)`

let lake: TestLake
let folder: string
let city: CityFile

beforeEach(async () => {
  lake = await makeLake()
  folder = await mkdtemp(join(tmpdir(), 'wardbook-hive-'))
  city = testCity({ source: { family: 'hive', from: folder } })
  await writeForeign(folder, 'District=1/a.parquet', ROWS(0))
})
afterEach(async () => {
  await lake.remove()
  await rm(folder, { recursive: true, force: true })
})

function parts(): PipelineParts {
  const made: PipelineParts = {
    ...{
      store: lake.store,
      city,
      queue: createEmbeddedQueue(),
      runner: inProcessRunner(lake.store),
      ingestProfile: BOUNDED,
      clock: NOON,
    },
    report: () => {},
    openSource: () => {
      throw new Error('no portal is read')
    },
    openOriginals: (from) => openOriginals(from, lake.store.address),
  }
  connectStages(made)
  return made
}

async function rowsIn(table: string): Promise<number> {
  const [found] = await queryTable<{ rows: number }>(
    lake.store,
    table,
    'SELECT count(*) AS rows FROM {table}',
  )
  return found?.rows ?? 0
}

describe('files that arrive', () => {
  it('are adopted when a message says so, and the stages after it follow', async () => {
    const { queue } = parts()
    await queue.send('ingest', { v: 1, kind: 'files.arrived', dataset: DATASET, source: SOURCE })
    expect(await queue.drain()).toEqual([])
    for (const table of [tables.raw(DATASET, SOURCE), tables.tidy(DATASET)])
      expect(await rowsIn(table)).toBe(6)
    const events = await keysOf(lake.store, 'ledger/')
    expect(events.length).toBeGreaterThan(0)
  })

  it('are adopted by a run and by catch-up too, and nothing happens where none came', async () => {
    expect(await runPipeline(parts())).toEqual([])
    const before = await keysOf(lake.store)
    for (const again of [runPipeline, catchUp]) {
      expect(await again(parts())).toEqual([])
      expect(await keysOf(lake.store)).toEqual(before)
    }
    await writeForeign(folder, 'District=2/b.parquet', ROWS(10))
    expect(await catchUp(parts())).toEqual([])
    expect(await rowsIn(tables.tidy(DATASET))).toBe(12)
  })

  it('make a dead letter when the message names a source of another family', async () => {
    const { queue } = parts()
    await queue.send('ingest', { v: 1, kind: 'files.arrived', dataset: DATASET, source: 'other' })
    expect(await queue.drain()).toMatchObject([
      { topic: 'ingest', tries: 1, error: { code: 'adopt-needs-hive' } },
    ])
  })
})

describe('adopting by name', () => {
  it('plans without writing an object, then adopts, then finds nothing to do', async () => {
    const name = `${DATASET}/${SOURCE}`
    expect(await adoptHive(parts(), [name], true)).toMatchObject({
      adopted: [{ verdict: 'planned', rows: 6 }],
    })
    expect(await keysOf(lake.store)).toEqual([])
    expect(await adoptHive(parts(), [], false)).toMatchObject({
      adopted: [{ verdict: 'committed', rows: 6 }],
      failures: [],
    })
    expect(await adoptHive(parts(), [name], false)).toMatchObject({ adopted: [{ verdict: 'unchanged' }] })
    expect(await adoptHive(parts(), [name], true)).toMatchObject({ adopted: [{ verdict: 'unchanged' }] })
  })

  it('refuses a name that is no hive source, and tells what fails', async () => {
    await expect(adoptHive(parts(), ['calls/nope'], false)).rejects.toMatchObject({
      code: 'adopt-needs-hive',
    })
    city = testCity()
    await expect(adoptHive(parts(), [], false)).rejects.toThrow(
      'this city file has no source of the family hive',
    )
    city = testCity({ source: { family: 'hive', from: join(folder, 'none') } })
    expect(await adoptHive(parts(), [], false)).toMatchObject({
      adopted: [],
      failures: [{ error: { code: 'originals-missing' } }],
    })
  })
})
