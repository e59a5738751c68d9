import { rm } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { startFileServer } from '../../testkit/file-server.js'
import { freshFolder, freshLake } from '../../testkit/fresh.js'
import {
  childRunner,
  copyLake,
  counting,
  failingAt,
  keysOf,
  makeLake,
  queryTable,
  rowsOf,
  worldOf,
} from '../../testkit/lake-fixture.js'
import { type CityChanges, DATASET, ingest, SOURCE, testCity, writeFiles } from '../../testkit/test-city.js'
import { DeltaTable } from '../lake/delta/table.js'
import { tables } from '../lake/tables.js'
import { FAST } from './profiles.js'

const RAW = tables.raw(DATASET, SOURCE)
const QUARANTINE = tables.quarantine('ingest', DATASET, SOURCE)
const HEADER = 'id,District,Type,Opened'

const lake = freshLake()
const mirror = freshFolder('mirror')

/** Writes the files and ingests them. */
async function ingestFiles(files: Record<string, string | Uint8Array>, changes: CityChanges = {}) {
  await rm(mirror.path, { recursive: true })
  await writeFiles(mirror.path, files)
  return ingest(lake.store, testCity(changes), { mirror: mirror.path })
}

function csv(rows: readonly string[], header = HEADER): string {
  return `${[header, ...rows].join('\n')}\n`
}

function rawRows(columns = '*', orderBy = 'ALL') {
  return queryTable<Record<string, unknown>>(
    lake.store,
    RAW,
    `SELECT ${columns} FROM {table} ORDER BY ${orderBy}`,
  )
}

async function liveFiles(): Promise<Map<string, string[]>> {
  const snapshot = await new DeltaTable(lake.store, RAW).snapshot()
  const files = new Map<string, string[]>()
  for (const { key, partition } of snapshot?.files.values() ?? []) {
    const division = partition.council_district as string
    files.set(division, [...(files.get(division) ?? []), key].sort())
  }
  return files
}

describe('a snapshot of a source', () => {
  it('holds as many rows as the files, in the table or in quarantine, and says so file by file', async () => {
    const result = await ingestFiles({
      'a.csv': csv(['1,7,Noise,2026-01-01', 'broken', '2,07,Noise,2026-01-01', '', '3,,Noise,2026-01-01']),
      'b.csv.gz': gzipSync(csv(['4, 7 ,Noise,2026-01-01', 'x,"7'])),
    })
    expect(result).toMatchObject({ rows: 4, quarantined: 2, snapshot: 0, verdict: 'committed' })
    expect(await rawRows('id, council_district, _source_page', 'id')).toEqual([
      { id: '1', council_district: '7', _source_page: 0 },
      { id: '2', council_district: '07', _source_page: 0 },
      { id: '3', council_district: 'unassigned', _source_page: 0 },
      { id: '4', council_district: '7', _source_page: 1 },
    ])
    const runs = await rowsOf(lake.store, tables.runs('ingest'), 'page')
    expect(runs).toMatchObject([
      { url: 'a.csv', rows_in: 4, rows_quarantined: 1, snapshot: 0 },
      { url: 'b.csv.gz', rows_in: 2, rows_quarantined: 1, snapshot: 0 },
    ])
    const [proposal] = await rowsOf<{ kind: string; body: string }>(lake.store, tables.outbox('ingest'))
    expect(proposal?.kind).toBe('dataset.published')
    expect(JSON.parse(proposal?.body ?? '')).toMatchObject({ rows: 4, quarantined: 2, snapshot: 0 })
    expect(await keysOf(lake.store, 'spool/')).toEqual([])
  })

  it('is not taken twice: the same publication again leaves the same set of files', async () => {
    const files = { 'a.csv': csv(['1,7,Noise,2026-01-01', 'bad']) }
    await ingestFiles(files)
    const before = await keysOf(lake.store)
    expect(await ingestFiles(files)).toMatchObject({
      verdict: 'unchanged',
      rows: 1,
      quarantined: 1,
      snapshot: 0,
    })
    expect(await keysOf(lake.store)).toEqual(before)
  })

  it('follows on the last one; divisions whose content did not change keep their file', async () => {
    const lines = Array.from({ length: 60_000 }, (_, at) => `${at},${(at % 3) + 1},Noise,2026-01-01`)
    await ingestFiles({ 'a.csv': csv(lines) })
    const before = await liveFiles()
    const changed = lines.map((line, at) =>
      at === 4 ? `4,2,Pothole,2026-01-01\n4b,2,Pothole,2026-01-01` : line,
    )
    expect(await ingestFiles({ 'a.csv': csv(changed) })).toMatchObject({ snapshot: 1, rows: 60_001 })
    const after = await liveFiles()
    expect(after.get('1')).toEqual(before.get('1'))
    expect(after.get('3')).toEqual(before.get('3'))
    expect(after.get('2')).not.toEqual(before.get('2'))
    expect(await rawRows('count(*) AS rows, count(DISTINCT id) AS ids')).toEqual([
      { rows: 60_001, ids: 60_001 },
    ])
  })

  it('has the same rows in either profile, and a change of profile rewrites no division that did not change', async () => {
    const lines = Array.from({ length: 9_000 }, (_, at) => `${at},${(at % 3) + 1},"Noise\n${at}",2026-01-01`)
    await ingestFiles({ 'a.csv': csv(lines) })
    const before = await liveFiles()
    await writeFiles(mirror.path, { 'a.csv': csv(lines.with(4, '4,2,Pothole,2026-01-01')) })
    const fast = { mirror: mirror.path, profile: FAST, runner: childRunner(lake) }
    expect(await ingest(lake.store, testCity(), fast)).toMatchObject({ snapshot: 1, rows: 9_000 })
    const after = await liveFiles()
    expect([after.get('1'), after.get('3')]).toEqual([before.get('1'), before.get('3')])
    expect(after.get('2')).not.toEqual(before.get('2'))
    expect(await rawRows('count(*) AS rows, count(DISTINCT Type) AS types')).toEqual([
      { rows: 9_000, types: 9_000 },
    ])
  })

  it('is taken again when the city file changes what it gives, and again when that is taken back', async () => {
    const files = { 'a.csv': csv(['1,0,Noise,2026-01-01']) }
    const renamed = {
      dataset: { partition: { column: 'council_district', from: 'District', values: { '0': 'unassigned' } } },
    }
    const divisions = async () => (await rawRows('council_district')).map((row) => row.council_district)
    await ingestFiles(files)
    expect(await divisions()).toEqual(['0'])
    expect(await ingestFiles(files, renamed)).toMatchObject({ verdict: 'committed', snapshot: 1 })
    expect(await divisions()).toEqual(['unassigned'])
    expect(await ingestFiles(files)).toMatchObject({ verdict: 'committed', snapshot: 2 })
    expect(await divisions()).toEqual(['0'])
    expect(await ingestFiles(files)).toMatchObject({ verdict: 'unchanged', snapshot: 2 })
  })

  it('empties the quarantine when the publisher mended the rows', async () => {
    await ingestFiles({ 'a.csv': csv(['1,7,Noise,2026-01-01', 'bad']) })
    expect(await rowsOf(lake.store, QUARANTINE)).toHaveLength(1)
    await ingestFiles({ 'a.csv': csv(['1,7,Noise,2026-01-01', '2,7,Noise,2026-01-01']) })
    expect(await rowsOf(lake.store, QUARANTINE)).toHaveLength(0)
  })

  it('is the same when a child process writes it', async () => {
    await ingestFiles({ 'a.csv': csv(['1,7,Noise,2026-01-01', 'bad', '2,8,Noise,2026-01-01']) })
    const other = await makeLake()
    try {
      await ingest(other.store, testCity(), { mirror: mirror.path, runner: childRunner(other) })
      expect(await worldOf(other.store)).toEqual(await worldOf(lake.store))
    } finally {
      await other.remove()
    }
  })
})

describe('columns over the files of a source', () => {
  it('are joined by name, whatever their order, case and outer blanks; what a file lacks is null', async () => {
    await ingestFiles({
      'a.csv': csv(['1,7,Noise,2026-01-01']),
      'b.csv': csv(['2026-01-02,Pothole,8,2,app'], ' opened ,TYPE,DISTRICT,ID,Channel'),
    })
    expect(await rawRows('id, District, Type, Opened, Channel', 'id')).toEqual([
      { id: '1', District: '7', Type: 'Noise', Opened: '2026-01-01', Channel: null },
      { id: '2', District: '8', Type: 'Pothole', Opened: '2026-01-02', Channel: 'app' },
    ])
  })

  it('stay in the table when the publisher drops one, and follow at the end when one is new', async () => {
    await ingestFiles({ 'a.csv': csv(['1,7,Noise,2026-01-01']) })
    await ingestFiles({ 'a.csv': csv(['1,7,2026-01-01,web'], 'id,District,Opened,Channel') })
    expect(await rawRows('id, District, Type, Opened, Channel')).toEqual([
      { id: '1', District: '7', Type: null, Opened: '2026-01-01', Channel: 'web' },
    ])
    const snapshot = await new DeltaTable(lake.store, RAW).snapshot()
    const names = snapshot?.columns.map(({ name }) => name)
    expect(names?.slice(0, 5)).toEqual(['id', 'District', 'Type', 'Opened', 'Channel'])
  })

  it('keep duplicate and empty header cells apart', async () => {
    await ingestFiles({ 'a.csv': csv(['a,7,b,c,d'], ',District,note,,Note') })
    const [row] = await rawRows()
    expect(row).toMatchObject({ _column_1: 'a', note: 'b', _column_4: 'c', Note_2: 'd' })
    const snapshot = await new DeltaTable(lake.store, RAW).snapshot()
    const published = snapshot?.columns.map(({ metadata }) => metadata?.published)
    expect(published?.slice(0, 5)).toEqual(['', 'District', 'note', '', 'Note'])
  })
})

describe('splitting by the partition key', () => {
  it('names folder and column after partition.column and takes the values that `values` gives', async () => {
    await ingestFiles(
      { 'a.csv': csv(['1,5.0,x,x', '2,0.0,x,x', '3,07,x,x', '4, ,x,x']) },
      {
        dataset: {
          partition: { column: 'ward', from: 'district', values: { '5.0': '5', '0.0': 'unassigned' } },
        },
      },
    )
    expect(await rawRows('id, ward, District', 'id')).toEqual([
      { id: '1', ward: '5', District: '5.0' },
      { id: '2', ward: 'unassigned', District: '0.0' },
      { id: '3', ward: '07', District: '07' },
      { id: '4', ward: 'unassigned', District: ' ' },
    ])
    expect((await keysOf(lake.store, `${RAW}/ward=07/`)).length).toBe(1)
  })

  it('keeps awkward values as they are', async () => {
    const values = [
      'a/b',
      '..',
      '.',
      '50%',
      'A=B',
      "O'Hare",
      'Ñuñoa',
      '中'.repeat(20),
      '-',
      '1 2',
      '__NULL__',
      'a\tb',
      'null',
    ]
    const rows = values.map((value, at) => `${at},"${value}",x,x`)
    await ingestFiles({ 'a.csv': csv(rows) })
    const found = await rawRows('id, council_district', 'id::INT')
    expect(found).toEqual(values.map((value, at) => ({ id: String(at), council_district: value })))
  })

  it('is done anew when the city file names another column', async () => {
    const rows = ['1,7,x,x', '2,8,y,x']
    await ingestFiles({ 'a.csv': csv(rows) })
    const byType = { dataset: { partition: { column: 'type' } } }
    expect(await ingestFiles({ 'a.csv': csv(rows) }, byType)).toMatchObject({ snapshot: 1, rows: 2 })
    expect(await rawRows('id, type, District', 'id')).toEqual([
      { id: '1', type: 'x', District: '7' },
      { id: '2', type: 'y', District: '8' },
    ])
  })
})

describe('the part budget', () => {
  const parts = (over: object) => ({ city: { parts: over } })

  it('splits a division that is larger: every row once, equal keys together, no part beyond either limit', async () => {
    const lines = Array.from(
      { length: 6_000 },
      (_, at) => `${at % 2_500},${at % 5 === 0 ? 8 : 7},Noise ${at},2026-01-01`,
    )
    const maxUncompressedBytes = 60_000
    await ingestFiles(
      { 'a.csv': csv(lines) },
      { dataset: { key: 'id' }, ...parts({ maxRows: 1_000, maxUncompressedBytes }) },
    )
    const snapshot = await new DeltaTable(lake.store, RAW).snapshot()
    const files = [...(snapshot?.files.values() ?? [])]
    expect(files.length).toBeGreaterThan(6)
    for (const file of files) {
      expect(file.rows).toBeLessThanOrEqual(1_000)
      expect(Number(file.tags.uncompressedBytes)).toBeLessThanOrEqual(maxUncompressedBytes)
    }
    expect(await rawRows('count(*) AS rows, count(DISTINCT Type) AS types')).toEqual([
      { rows: 6_000, types: 6_000 },
    ])
    expect(await keysInSeveralParts(files.map(({ key }) => key))).toBe(0)
  })

  it('splits by the whole row where there is no key', async () => {
    const lines = Array.from({ length: 2_500 }, (_, at) => `${at},7,Noise,2026-01-01`)
    const result = await ingestFiles({ 'a.csv': csv(lines) }, parts({ maxRows: 1_000 }))
    expect(result.rows).toBe(2_500)
    expect((await liveFiles()).get('7')?.length).toBeGreaterThanOrEqual(3)
  })

  it('refuses too many rows of one key, and commits nothing', async () => {
    const lines = Array.from({ length: 1_500 }, (_, at) => `same,7,Noise ${at},2026-01-01`)
    const reading = ingestFiles(
      { 'a.csv': csv(lines) },
      { dataset: { key: 'id' }, ...parts({ maxRows: 1_000 }) },
    )
    await expect(reading).rejects.toMatchObject({
      code: 'part-too-large',
      remedy: 'shrink',
      facts: { division: '7', rows: 1_500 },
    })
    expect(await worldOf(lake.store)).toEqual({})
  })

  async function keysInSeveralParts(keys: readonly string[]): Promise<number> {
    const seen = new Map<string, string>()
    let shared = 0
    for (const row of await partsOfKeys(keys)) {
      const before = seen.get(`${row.division} ${row.id}`)
      if (before !== undefined && before !== row.part) shared += 1
      seen.set(`${row.division} ${row.id}`, row.part)
    }
    return shared
  }

  /** Each key with the part that holds it, read part by part. */
  async function partsOfKeys(keys: readonly string[]) {
    const rows: { id: string; division: string; part: string }[] = []
    for (const key of keys) {
      const division = key.split('/')[0] as string
      const { file } = await lake.store.stage(`${RAW}/${key}`)
      const found = await queryTable<{ id: string }>(
        lake.store,
        RAW,
        `SELECT DISTINCT id FROM read_parquet('${file}', hive_partitioning = false)`,
      )
      rows.push(...found.map(({ id }) => ({ id, division, part: key })))
    }
    return rows
  }
})

describe('the policy for bad rows', () => {
  const bad = (count: number) => Array.from({ length: count }, () => 'bad')
  const good = (count: number) => Array.from({ length: count }, (_, at) => `${at},7,Noise,2026-01-01`)
  const quarantine = (over: object) => ({ dataset: { quarantine: over } })

  it("'fail' stops at the first bad row", async () => {
    const reading = ingestFiles({ 'a.csv': csv([...good(5), ...bad(1)]) }, quarantine({ policy: 'fail' }))
    await expect(reading).rejects.toMatchObject({ code: 'too-many-bad-rows', facts: { bad: 1, allowed: 0 } })
  })

  it('allows 100 rows, and beyond that maxRate of all rows', async () => {
    const at = (rows: string[], maxRate: number) =>
      ingestFiles({ 'a.csv': csv(rows) }, quarantine({ maxRate }))
    expect(await at([...good(10), ...bad(100)], 0)).toMatchObject({ rows: 10, quarantined: 100 })
    await expect(at([...good(10), ...bad(101)], 0)).rejects.toMatchObject({ code: 'too-many-bad-rows' })
    expect(await at([...good(800), ...bad(200)], 0.2)).toMatchObject({ rows: 800, quarantined: 200 })
    await expect(at([...good(799), ...bad(201)], 0.2)).rejects.toMatchObject({ facts: { allowed: 200 } })
  })

  it('takes no file of which every row is bad', async () => {
    await expect(ingestFiles({ 'a.csv': csv(bad(3)) })).rejects.toMatchObject({ code: 'too-many-bad-rows' })
  })
})

describe('a killed run', () => {
  const files = {
    'a.csv': csv(['1,7,Noise,2026-01-01', 'bad', '2,8,Noise,2026-01-01']),
    'b.csv': csv(['3,7,Noise,2026-01-02']),
  }
  const next = { ...files, 'b.csv': csv(['3,7,Noise,2026-01-02', '4,7,Noise,2026-01-03', 'worse']) }

  /** What a run makes that nobody kills: after a first publication, it reads the next one. */
  async function calmRun() {
    await writeFiles(mirror.path, files)
    await ingest(lake.store, testCity(), { mirror: mirror.path })
    await writeFiles(mirror.path, next)
    const calm = await copyLake(lake)
    const store = counting(calm.store)
    await ingest(store, testCity(), { mirror: mirror.path })
    const expected = await worldOf(calm.store)
    await calm.remove()
    return { expected, writes: store.writes() }
  }

  it('leaves, after a clean one, the same world, wherever it was killed', async () => {
    const { expected, writes } = await calmRun()
    expect(writes).toBeGreaterThan(10)

    for (let fatal = 1; fatal <= writes; fatal++) {
      const crashed = await copyLake(lake)
      const killed = ingest(failingAt(crashed.store, fatal, fatal % 2 === 0), testCity(), {
        mirror: mirror.path,
      })
      await expect(killed, `write ${fatal}`).rejects.toThrow()
      await ingest(crashed.store, testCity(), { mirror: mirror.path })
      expect(await worldOf(crashed.store), `write ${fatal}`).toEqual(expected)
      expect(await keysOf(crashed.store, 'spool/')).toEqual([])
      expect(await rowsOf(crashed.store, tables.runs('ingest'))).toHaveLength(4)
      expect(await rowsOf(crashed.store, tables.outbox('ingest'))).toHaveLength(2)
      await crashed.remove()
    }
  }, 300_000)

  it('leaves no bad row of its own in quarantine where another publication comes first, and loses none of that', async () => {
    const { writes } = await calmRun()
    const quarantine = tables.quarantine('ingest', DATASET, SOURCE)
    for (let fatal = 1; fatal <= writes; fatal++) {
      const crashed = await copyLake(lake)
      await writeFiles(mirror.path, next)
      await expect(
        ingest(failingAt(crashed.store, fatal, true), testCity(), { mirror: mirror.path }),
      ).rejects.toThrow()
      await writeFiles(mirror.path, { ...files, 'b.csv': csv(['9,7,Noise,2026-01-09', 'worst', 'ever']) })
      expect(await ingest(crashed.store, testCity(), { mirror: mirror.path })).toMatchObject({ rows: 3 })
      const bad = await queryTable<{ text: string }>(
        crashed.store,
        quarantine,
        'SELECT raw_text AS text FROM {table} ORDER BY 1',
      )
      expect(
        bad.map(({ text }) => text),
        `write ${fatal}`,
      ).toEqual(['bad', 'ever', 'worst'])
      await crashed.remove()
    }
  }, 300_000)

  it('does not ask again for pages that it had received, while their change token is the same', async () => {
    const server = await startFileServer()
    try {
      const names = ['/a.csv', '/b.csv', '/c.csv']
      for (const name of names) server.serve(name, { body: csv([`${name},7,x,x`]), headers: { etag: '"1"' } })
      server.serve('/c.csv', { body: 'x'.repeat(500), cutAfter: 100, headers: { etag: '"1"' } })
      const city = testCity({ source: { mirror: [], urls: names.map((name) => `${server.url}${name}`) } })
      await expect(ingest(lake.store, city)).rejects.toMatchObject({ code: 'portal-broke-off' })

      server.serve('/b.csv', { body: csv(['new,7,x,x']), headers: { etag: '"2"' } })
      server.serve('/c.csv', { body: csv(['c,7,x,x']), headers: { etag: '"1"' } })
      server.requests.length = 0
      expect(await ingest(lake.store, city)).toMatchObject({ rows: 3 })
      expect(server.requests.filter((request) => request.startsWith('GET'))).toEqual([
        'GET /b.csv',
        'GET /c.csv',
      ])
      expect((await rawRows('id', 'id')).map(({ id }) => id)).toEqual(['/a.csv', 'c', 'new'])
    } finally {
      await server.close()
    }
  })
})
