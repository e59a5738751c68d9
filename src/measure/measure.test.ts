import { describe, expect, it } from 'vitest'
import { freshFolder, freshLake } from '../../testkit/fresh.js'
import {
  copyLake,
  counting,
  failingAt,
  keysOf,
  makeLake,
  queryTable,
  worldOf,
} from '../../testkit/lake-fixture.js'
import {
  type CityChanges,
  DATASET,
  harmonize,
  ingest,
  measure,
  testCity,
  writeFiles,
} from '../../testkit/test-city.js'
import { seededRandom } from '../demo/random.js'
import { DeltaTable } from '../lake/delta/table.js'
import { tables } from '../lake/tables.js'

const SERIES = tables.series(DATASET)
const TIDY = tables.tidy(DATASET)
const HEADER = 'id,District,Type,Opened'

const lake = freshLake()
const mirror = freshFolder('mirror')

async function run(
  files: Record<string, readonly string[]>,
  changes: CityChanges = {},
  target = lake,
): Promise<void> {
  const texts = Object.entries(files).map(([name, lines]) => [name, `${lines.join('\n')}\n`])
  await writeFiles(mirror.path, Object.fromEntries(texts))
  const city = testCity(changes)
  await ingest(target.store, city, { mirror: mirror.path })
  await harmonize(target.store, city)
  await measure(target.store, city)
}

/** Daily counts by division and category, added up over pages and parts. */
function counts(target = lake): Promise<object[]> {
  return queryTable(
    target.store,
    SERIES,
    'SELECT council_district, category, day::VARCHAR AS day, sum(count)::BIGINT AS count FROM {table} GROUP BY ALL ORDER BY ALL',
  )
}

function recounted(target = lake): Promise<object[]> {
  return queryTable(
    target.store,
    TIDY,
    'SELECT council_district, service_name AS category, requested_on::VARCHAR AS day, count(*) AS count ' +
      'FROM {table} GROUP BY ALL ORDER BY ALL',
  )
}

/** Rows over three districts, two types and a few days. */
function someLines(count: number, seed: number): string[] {
  const random = seededRandom(seed)
  const one = (size: number) => Math.floor(random() * size)
  return Array.from(
    { length: count },
    (_, at) => `${seed}-${at},${one(3) || ''},Type ${one(2)},2026-01-0${1 + one(9)}`,
  )
}

describe('measuring', () => {
  it('counts every tidy row once, by division, category, local day and page', async () => {
    await run({
      'a.csv': [
        HEADER,
        '1,7,Noise,2026-01-01',
        '2,7,Noise,2026-01-01',
        '3,,Noise,2026-01-01',
        '4,7,Noise,soon',
      ],
      'b.csv': [HEADER, '5,7,Noise,2026-01-01', '6,7,Pothole,2026-01-02'],
    })
    const rows = await queryTable(
      lake.store,
      SERIES,
      'SELECT council_district, metric, category, day::VARCHAR AS day, _source_page AS page, count FROM {table} ORDER BY ALL',
    )
    const noise = { metric: 'requests', category: 'Noise', day: '2026-01-01' }
    expect(rows).toEqual([
      { council_district: '7', ...noise, page: 0, count: 2 },
      { council_district: '7', ...noise, page: 1, count: 1 },
      {
        council_district: '7',
        metric: 'requests',
        category: 'Pothole',
        day: '2026-01-02',
        page: 1,
        count: 1,
      },
      { council_district: 'unassigned', ...noise, page: 0, count: 1 },
    ])
  })

  it('gives counts that add up, however the divisions are split into parts', async () => {
    const split = await makeLake()
    try {
      for (const seed of [1, 2]) {
        const files = {
          'a.csv': [HEADER, ...someLines(1_500, seed)],
          'b.csv': [HEADER, ...someLines(700, seed + 10)],
        }
        await run(files)
        await run(files, { city: { parts: { maxRows: 300 } } }, split)
        const parts = [...((await new DeltaTable(split.store, SERIES).snapshot())?.files.values() ?? [])]
        expect(parts.length).toBeGreaterThan(6)
        expect(await counts()).toEqual(await recounted())
        expect(await counts(split)).toEqual(await counts())
      }
    } finally {
      await split.remove()
    }
  })

  it('counts again only what changed, and nothing when nothing did', async () => {
    const lines = ['1,7,Noise,2026-01-01', '2,8,Noise,2026-01-01']
    await run({ 'a.csv': [HEADER, ...lines] })
    const keys = await keysOf(lake.store)
    await measure(lake.store, testCity())
    expect(await keysOf(lake.store)).toEqual(keys)
    await run({ 'a.csv': [HEADER, ...lines, '3,8,Noise,2026-01-02'] })
    expect(await counts()).toEqual(await recounted())
    const snapshot = await new DeltaTable(lake.store, SERIES).snapshot()
    expect([...(snapshot?.positions.values() ?? [])]).toEqual([1, 1])
  })

  it('forgets a division that vanished, and starts anew under another partition column', async () => {
    await run({ 'a.csv': [HEADER, '1,7,Noise,2026-01-01', '2,8,Noise,2026-01-01'] })
    await run({ 'a.csv': [HEADER, '1,7,Noise,2026-01-01'] })
    expect(await counts()).toHaveLength(1)
    await run(
      { 'a.csv': [HEADER, '1,7,Noise,2026-01-01'] },
      { dataset: { partition: { column: 'kind', from: 'Type' } } },
    )
    const rows = await queryTable(lake.store, SERIES, 'SELECT kind, count FROM {table}')
    expect(rows).toEqual([{ kind: 'Noise', count: 1 }])
  })

  it('leaves, killed at any write and run again, the same world', async () => {
    const city = { city: { parts: { maxRows: 2 } } }
    const texts = [
      HEADER,
      '1,7,A,2026-01-01',
      '2,8,A,2026-01-01',
      '3,8,B,2026-01-02',
      '4,9,A,2026-01-02',
    ].join('\n')
    await writeFiles(mirror.path, { 'a.csv': `${texts}\n` })
    await ingest(lake.store, testCity(city), { mirror: mirror.path })
    await harmonize(lake.store, testCity(city))
    const calm = await copyLake(lake)
    const store = counting(calm.store)
    await measure(store, testCity(city))
    const expected = await worldOf(calm.store)
    await calm.remove()
    for (let fatal = 1; fatal <= store.writes(); fatal++) {
      const crashed = await copyLake(lake)
      const killed = measure(failingAt(crashed.store, fatal, fatal % 2 === 0), testCity(city))
      await expect(killed, `write ${fatal}`).rejects.toThrow()
      await measure(crashed.store, testCity(city))
      expect(await worldOf(crashed.store), `write ${fatal}`).toEqual(expected)
      await crashed.remove()
    }
  })
})
