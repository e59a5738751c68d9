import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adopt, foreignSql, planAdopt, writeForeign } from '../../../testkit/hive-folder.js'
import {
  childRunner,
  copyLake,
  counting,
  failingAt,
  inProcessRunner,
  keysOf,
  makeLake,
  queryTable,
  rowsOf,
  type TestLake,
  worldOf,
} from '../../../testkit/lake-fixture.js'
import {
  type CityChanges,
  DATASET,
  harmonize,
  ingest,
  measure,
  SOURCE,
  testCity,
  writeFiles,
} from '../../../testkit/test-city.js'
import type { Step } from '../../contracts/progress.js'
import { DeltaTable } from '../../lake/delta/table.js'
import { literal } from '../../lake/duckdb/sql.js'
import { isOwnPart } from '../../lake/parts.js'
import { tables } from '../../lake/tables.js'

const RAW = tables.raw(DATASET, SOURCE)
const TYPES = ['Pothole', 'Graffiti', 'Noise']

/** `rows` requests of one district as a foreign writer types them. */
function requests(rows: number, from = 0): string {
  const types = TYPES.map(literal).join(', ')
  return (
    `SELECT (i + ${from})::BIGINT AS id, [${types}][1 + i % 3] AS "Type", ` +
    `TIMESTAMP '2026-01-01 08:00:00' + to_hours(i::BIGINT) AS "Opened", i % 2 = 0 AS "Open", ` +
    `CASE WHEN i % 4 <> 0 THEN i / 8 END AS lat FROM range(${rows}) t(i)`
  )
}

/** The same without a type that our tables lack: a table may name such files as they are. */
function plainRequests(rows: number, from = 0): string {
  return `SELECT * REPLACE (strftime("Opened", '%Y-%m-%d %H:%M:%S') AS "Opened") FROM (${requests(rows, from)})`
}

let lake: TestLake
let folder: string

beforeEach(async () => {
  lake = await makeLake()
  folder = await mkdtemp(join(tmpdir(), 'wardbook-hive-'))
})
afterEach(async () => {
  await lake.remove()
  await rm(folder, { recursive: true, force: true })
})

const hive = (source: object = {}, changes: CityChanges = {}) =>
  testCity({ ...changes, source: { family: 'hive', ...source } })
const copyCity = (changes: CityChanges = {}) => hive({ from: folder }, changes)
const inPlace = () => join(lake.folder, RAW)

async function rawRows(select: string, orderBy = 'ALL') {
  return queryTable<Record<string, unknown>>(
    lake.store,
    RAW,
    `SELECT ${select} FROM {table} ORDER BY ${orderBy}`,
  )
}

async function liveFiles() {
  const snapshot = await new DeltaTable(lake.store, RAW).snapshot()
  return [...(snapshot?.files.values() ?? [])]
}

/** Names, sizes, times and digests of all files of a folder. */
async function pictureOf(base: string): Promise<string[]> {
  const names = (await readdir(base, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
  const lines = names.map(async (one) => {
    const file = join(one.parentPath, one.name)
    const { size, mtimeMs } = await stat(file)
    const digest = createHash('sha256')
      .update(await readFile(file))
      .digest('hex')
    return `${file} ${size} ${mtimeMs} ${digest}`
  })
  return (await Promise.all(lines)).sort()
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: { code: string }) => error.code,
  )
}

describe('copying a hive folder', () => {
  it('gives its rows as text, by division, with what the folder names say as columns', async () => {
    await writeForeign(folder, 'year=2026/District=07/a.parquet', requests(2))
    await writeForeign(folder, 'year=2026/District=Ward%203/b.parquet', requests(1, 10))
    await writeForeign(folder, 'year=2025/District=__HIVE_DEFAULT_PARTITION__/c.parquet', requests(1, 20))
    expect(await adopt(lake.store, copyCity())).toMatchObject({ verdict: 'committed', rows: 4, snapshot: 0 })
    expect(await rawRows('* EXCLUDE (_row_hash, _source_page)', 'id')).toEqual([
      {
        id: '0',
        Type: 'Pothole',
        Opened: '2026-01-01 08:00:00',
        Open: 'true',
        lat: null,
        year: '2026',
        District: '07',
        council_district: '07',
      },
      {
        id: '1',
        Type: 'Graffiti',
        Opened: '2026-01-01 09:00:00',
        Open: 'false',
        lat: '0.125',
        year: '2026',
        District: '07',
        council_district: '07',
      },
      {
        id: '10',
        Type: 'Pothole',
        Opened: '2026-01-01 08:00:00',
        Open: 'true',
        lat: null,
        year: '2026',
        District: 'Ward 3',
        council_district: 'Ward 3',
      },
      {
        id: '20',
        Type: 'Pothole',
        Opened: '2026-01-01 08:00:00',
        Open: 'true',
        lat: null,
        year: '2025',
        District: null,
        council_district: 'unassigned',
      },
    ])
  })

  it('flags the columns that were not text, in the schema and in a line', async () => {
    await writeForeign(folder, 'District=1/a.parquet', requests(2))
    const steps: Step[] = []
    await adopt(lake.store, copyCity(), { report: (step) => steps.push(step) })
    const snapshot = await new DeltaTable(lake.store, RAW).snapshot()
    const typed = Object.fromEntries(
      (snapshot?.columns ?? []).map(({ name, type, metadata }) => [name, [type, metadata?.published_type]]),
    )
    expect(typed).toMatchObject({
      id: ['string', 'BIGINT'],
      Opened: ['string', 'TIMESTAMP'],
      Type: ['string', undefined],
      District: ['string', undefined],
    })
    expect(steps.map(({ message }) => message).join('\n')).toContain(
      'not text as published, so the exact text is not known: id (BIGINT), Opened (TIMESTAMP), Open (BOOLEAN), lat (DOUBLE)',
    )
  })

  it('keeps nested values as JSON, bytes as hexadecimal, UTC instants with Z, decimals to the last digit', async () => {
    const query = `SELECT 1 AS id, {'a': [1, 2]} AS nest, '\\xAA\\x01'::BLOB AS bytes, 1.50::DECIMAL(9,2) AS fee,
      TIMESTAMPTZ '2026-01-05 03:00:00-05' AS at, DATE '2026-02-03' AS day, ['x'] AS list, NULL::TINYINT AS none`
    await writeForeign(folder, 'District=1/a.parquet', query)
    await adopt(lake.store, copyCity())
    expect(await rawRows('* EXCLUDE (_row_hash, _source_page, District, council_district)')).toEqual([
      {
        id: '1',
        nest: '{"a":[1,2]}',
        bytes: 'AA01',
        fee: '1.50',
        at: '2026-01-05T08:00:00Z',
        day: '2026-02-03',
        list: '["x"]',
        none: null,
      },
    ])
  })

  it('adds nothing the second time, not an object', async () => {
    await writeForeign(folder, 'District=1/a.parquet', requests(5))
    await adopt(lake.store, copyCity())
    const before = await keysOf(lake.store)
    expect(await adopt(lake.store, copyCity())).toMatchObject({ verdict: 'unchanged', rows: 5, snapshot: 0 })
    expect(await keysOf(lake.store)).toEqual(before)
  })

  it('touches only divisions with new, changed or vanished files', async () => {
    for (const district of ['1', '2', '3'])
      await writeForeign(folder, `District=${district}/a.parquet`, requests(4, Number(district) * 100))
    await writeForeign(folder, 'District=3/b.parquet', requests(2, 350))
    await adopt(lake.store, copyCity())
    const keyOf = async (district: string) =>
      (await liveFiles()).filter((file) => file.partition.council_district === district).map(({ key }) => key)
    const [one, two] = [await keyOf('1'), await keyOf('2')]

    await writeForeign(folder, 'District=2/a.parquet', requests(6, 200)) // changed
    await writeForeign(folder, 'District=0/new.parquet', requests(1, 900)) // new, first in order
    await rm(join(folder, 'District=3/b.parquet'))
    const plan = await planAdopt(lake.store, copyCity())
    expect(plan?.kept).toEqual(['1'])
    expect(plan?.written.map(({ division }) => division)).toEqual(['0', '2', '3'])
    expect(await adopt(lake.store, copyCity())).toMatchObject({ snapshot: 1, rows: 4 + 6 + 4 + 1 })
    expect(await keyOf('1')).toEqual(one)
    expect(await keyOf('2')).not.toEqual(two)

    await rm(join(folder, 'District=3'), { recursive: true })
    expect((await planAdopt(lake.store, copyCity()))?.gone).toEqual(['3'])
    expect(await adopt(lake.store, copyCity())).toMatchObject({ snapshot: 2, rows: 11 })
    expect(await keyOf('3')).toEqual([])
  })

  it('reads no file again that kept name, size and time', async () => {
    await writeForeign(folder, 'District=1/a.parquet', requests(4))
    await writeForeign(folder, 'District=2/a.parquet', requests(4, 50))
    const day = new Date('2026-01-01T00:00:00Z')
    const { utimes } = await import('node:fs/promises')
    for (const district of ['1', '2']) await utimes(join(folder, `District=${district}/a.parquet`), day, day)
    await adopt(lake.store, copyCity())
    const surveyed: string[] = []
    const inner = inProcessRunner(lake.store)
    const runner = {
      run: <Job extends object, Result>(task: string, job: Job) => {
        if (task === 'ingest.survey') surveyed.push(...((job as { paths?: string[] }).paths ?? []))
        return inner.run<Job, Result>(task, job)
      },
    }
    expect(await adopt(lake.store, copyCity(), { runner })).toMatchObject({ verdict: 'unchanged' })
    expect(surveyed).toEqual([])
    await writeForeign(folder, 'District=2/b.parquet', requests(1, 90))
    await adopt(lake.store, copyCity(), { runner })
    expect(surveyed).toEqual(['District=2/b.parquet'])
  })

  it('leaves the table as it is when every file vanished, and refuses a folder that never had one', async () => {
    expect(await codeOf(adopt(lake.store, copyCity()))).toBe('source-empty-list')
    await writeForeign(folder, 'District=1/a.parquet', requests(5))
    await adopt(lake.store, copyCity())
    await rm(join(folder, 'District=1'), { recursive: true })
    expect(await codeOf(adopt(lake.store, copyCity()))).toBe('all-rows-vanished')
    expect(await rawRows('count(*) AS rows')).toEqual([{ rows: 5 }])
  })

  it('splits a division over the budget by its key, merges small files, and keeps every row once', async () => {
    const parts = { maxRows: 1_000, maxUncompressedBytes: 10_000_000 }
    const city = copyCity({ dataset: { key: 'id' }, city: { parts } })
    await writeForeign(folder, 'District=1/big.parquet', requests(3_500))
    await writeForeign(folder, 'District=1/again.parquet', requests(500)) // keys that the big file has too
    for (let at = 0; at < 5; at++)
      await writeForeign(folder, `District=2/${at}.parquet`, requests(20, at * 100))
    await adopt(lake.store, city)
    const live = await liveFiles()
    expect(live.filter((file) => file.partition.council_district === '2')).toHaveLength(1)
    expect(live.length).toBeGreaterThan(4)
    for (const file of live) expect(file.rows).toBeLessThanOrEqual(1_000)
    expect(await rawRows('count(*) AS rows, count(DISTINCT id) AS ids', '1')).toEqual([
      { rows: 4_100, ids: 3_500 },
    ])
    await harmonize(lake.store, city)
    const tidy = await queryTable(lake.store, tables.tidy(DATASET), 'SELECT count(*) AS rows FROM {table}')
    expect(tidy).toEqual([{ rows: 3_600 }])
  })

  it('leaves the originals as they were, to the byte and the second, and puts nothing beside them', async () => {
    await writeForeign(folder, 'District=1/a.parquet', requests(50))
    const before = await pictureOf(folder)
    const names = await readdir(folder, { recursive: true })
    await adopt(lake.store, copyCity(), { runner: childRunner(lake) })
    expect(await pictureOf(folder)).toEqual(before)
    expect(await readdir(folder, { recursive: true })).toEqual(names)
  })

  it('reads what is data and says what is not', async () => {
    await writeForeign(folder, 'District=1/a.parquet', requests(3))
    await writeFiles(folder, {
      _SUCCESS: '',
      'District=1/.a.parquet.crc': 'x',
      '_temporary/District=1/z.parquet': 'x',
      'notes.txt': 'x',
    })
    expect(await adopt(lake.store, copyCity())).toMatchObject({ rows: 3 })
    await writeFiles(folder, { 'District=1/broken.parquet': 'PAR1 not' })
    expect(await codeOf(adopt(lake.store, copyCity()))).toBe('parquet-unreadable')
    await rm(join(folder, 'District=1/broken.parquet'))
    await writeForeign(folder, 'loose.parquet', requests(1))
    expect(await codeOf(adopt(lake.store, copyCity()))).toBe('hive-key-missing')
    await rm(join(folder, 'loose.parquet'))
    await writeFiles(folder, { '_delta_log/00000000000000000000.json': '{}' })
    expect(await codeOf(adopt(lake.store, copyCity()))).toBe('hive-is-delta')
  })

  it('refuses rows that say another division than their folder, and takes those that say it in another type', async () => {
    const stored = (value: string) => `SELECT *, ${value} AS district FROM (${requests(10)})`
    await writeForeign(folder, 'District=7/a.parquet', stored('7.0::DOUBLE'))
    expect(await adopt(lake.store, copyCity())).toMatchObject({ rows: 10 })
    expect(await rawRows('DISTINCT council_district, "District"')).toEqual([
      { council_district: '7', District: '7' },
    ])
    await writeForeign(folder, 'District=8/a.parquet', stored("CASE WHEN id < 3 THEN '9' ELSE '8' END"))
    await expect(adopt(lake.store, copyCity())).rejects.toMatchObject({
      code: 'folder-disagrees',
      facts: { rows: 3, example: '9', folder: '8' },
    })
    expect(await rawRows('count(*) AS rows')).toEqual([{ rows: 10 }])
  })

  it('fails when a file changes under it, and commits nothing', async () => {
    await writeForeign(folder, 'District=1/a.parquet', requests(10))
    const inner = inProcessRunner(lake.store)
    const runner = {
      run: async <Job extends object, Result>(task: string, job: Job) => {
        if (task === 'ingest.adopt') await writeForeign(folder, 'District=1/a.parquet', requests(11))
        return inner.run<Job, Result>(task, job)
      },
    }
    expect(await codeOf(adopt(lake.store, copyCity(), { runner }))).toBe('changed-during-read')
    expect(await worldOf(lake.store)).toEqual({})
  })

  it('refuses a folder inside the lake, and one that is not there', async () => {
    await writeForeign(inPlace(), 'District=1/a.parquet', requests(1))
    expect(await codeOf(adopt(lake.store, hive({ from: inPlace() })))).toBe('originals-in-lake')
    expect(await codeOf(adopt(lake.store, hive({ from: join(folder, 'none') })))).toBe('originals-missing')
  })
})

describe('registering files in place', () => {
  it('names them as they are, with types, digests and statistics, and moves nothing', async () => {
    await writeForeign(inPlace(), 'District=Ward%203/a.parquet', plainRequests(8))
    await writeForeign(inPlace(), 'District=07/b.parquet', plainRequests(4, 100))
    const before = await pictureOf(inPlace())
    expect(await adopt(lake.store, hive())).toMatchObject({ rows: 12 })
    const after = await pictureOf(inPlace())
    expect(after.filter((line) => before.includes(line))).toEqual(before)
    expect((await keysOf(lake.store, RAW)).filter(isOwnPart)).toEqual([])
    const live = await liveFiles()
    expect(live.map(({ key }) => key).sort()).toEqual([
      'District=07/b.parquet',
      'District=Ward%203/a.parquet',
    ])
    const ward = live.find(({ key }) => key.includes('Ward'))
    expect(ward?.action.path).toBe('District%3DWard%25203/a.parquet')
    expect(ward?.partition).toEqual({ council_district: 'Ward 3' })
    expect(JSON.parse(ward?.tags.registered ?? '')).toEqual({ page: 1, folder: { District: 'Ward 3' } })
    expect(JSON.parse(ward?.action.stats ?? '')).toMatchObject({
      numRecords: 8,
      minValues: { id: 0 },
      maxValues: { id: 7 },
    })
    expect(before.some((line) => line.endsWith(ward?.tags.sha256 ?? '?'))).toBe(true)
    const rows = await rawRows('id, "Type", lat, council_district', 'id')
    expect(rows[9]).toEqual({ id: 101, Type: 'Graffiti', lat: 0.125, council_district: '07' })
  })

  it('gives the next stages the same as a copy does', async () => {
    for (const base of [inPlace(), folder]) {
      await writeForeign(base, 'District=1/a.parquet', plainRequests(50))
      await writeForeign(base, 'District=2/a.parquet', plainRequests(20, 100))
    }
    const other = await makeLake()
    try {
      for (const [store, city] of [
        [lake.store, hive()],
        [other.store, copyCity()],
      ] as const) {
        await adopt(store, city)
        await harmonize(store, city)
        await measure(store, city)
      }
      expect((await liveFiles()).every(({ tags }) => tags.registered !== undefined)).toBe(true)
      for (const table of [tables.tidy(DATASET), tables.series(DATASET)])
        expect(await rowsOf(lake.store, table)).toEqual(await rowsOf(other.store, table))
      expect(await rowsOf(lake.store, tables.tidy(DATASET))).toHaveLength(70)
    } finally {
      await other.remove()
    }
  })

  it('copies and splits a file over the budget; the original stays, outside the table', async () => {
    const city = hive({}, { city: { parts: { maxRows: 1_000, maxUncompressedBytes: 10_000_000 } } })
    await writeForeign(inPlace(), 'District=1/big.parquet', plainRequests(2_500))
    await writeForeign(inPlace(), 'District=1/small.parquet', plainRequests(10, 9_000))
    await adopt(lake.store, city)
    const live = await liveFiles()
    expect(live.map(({ key }) => key)).toContain('District=1/small.parquet')
    expect(live.map(({ key }) => key)).not.toContain('District=1/big.parquet')
    expect(live.filter(({ key }) => isOwnPart(key)).length).toBeGreaterThanOrEqual(3)
    expect(await keysOf(lake.store, RAW)).toContain(`${RAW}/District=1/big.parquet`)
    expect(await rawRows('count(*) AS rows, sum(id) AS ids', '1')).toEqual([
      { rows: 2_510, ids: (2_499 * 2_500) / 2 + 90_045 },
    ])
    await harmonize(lake.store, city)
    const tidy = await queryTable(
      lake.store,
      tables.tidy(DATASET),
      'SELECT count(DISTINCT _row_hash) AS rows FROM {table}',
    )
    expect(tidy).toEqual([{ rows: 2_510 }])
    expect(await adopt(lake.store, city)).toMatchObject({ verdict: 'unchanged' })
  })

  it('keeps no two files of a division as they are when they share a key', async () => {
    const city = hive({}, { dataset: { key: 'id' } })
    await writeForeign(inPlace(), 'District=1/a.parquet', plainRequests(10))
    await writeForeign(inPlace(), 'District=1/b.parquet', plainRequests(10, 5))
    await writeForeign(inPlace(), 'District=2/a.parquet', plainRequests(10, 100))
    await writeForeign(inPlace(), 'District=2/b.parquet', plainRequests(10, 200))
    await adopt(lake.store, city)
    const registered = (await liveFiles()).filter(({ tags }) => tags.registered).map(({ key }) => key)
    expect(registered.sort()).toEqual(['District=2/a.parquet', 'District=2/b.parquet'])
    await harmonize(lake.store, city)
    expect(await rowsOf(lake.store, tables.tidy(DATASET))).toHaveLength(15 + 20)
  })

  it('copies the table where a type or a name is none of ours, or refuses when it was told to register', async () => {
    await writeForeign(inPlace(), 'District=1/a.parquet', requests(5))
    await expect(adopt(lake.store, hive({ mode: 'register' }))).rejects.toMatchObject({
      code: 'cannot-register',
      facts: { reasons: ['column Opened is TIMESTAMP'] },
    })
    const steps: Step[] = []
    await adopt(lake.store, hive(), { report: (step) => steps.push(step) })
    expect(steps.map(({ message }) => message).join('\n')).toContain(
      'not registered: column Opened is TIMESTAMP',
    )
    expect((await liveFiles()).map(({ key }) => isOwnPart(key))).toEqual([true])
    expect(await adopt(lake.store, hive())).toMatchObject({ verdict: 'unchanged' })
  })

  it('takes a file that came again under its name, and the next stage sees it', async () => {
    await writeForeign(inPlace(), 'District=1/a.parquet', plainRequests(5))
    await writeForeign(inPlace(), 'District=2/a.parquet', plainRequests(5, 50))
    await adopt(lake.store, hive())
    await harmonize(lake.store, hive())
    await writeForeign(inPlace(), 'District=1/a.parquet', plainRequests(9))
    expect(await codeOf(harmonizeAnew())).toBe('registered-file-changed')
    expect(await adopt(lake.store, hive())).toMatchObject({ snapshot: 1, rows: 14 })
    await harmonize(lake.store, hive())
    expect(await rowsOf(lake.store, tables.tidy(DATASET))).toHaveLength(14)
    await rename(join(inPlace(), 'District=2/a.parquet'), join(folder, 'gone.parquet'))
    expect(await adopt(lake.store, hive())).toMatchObject({ snapshot: 2, rows: 9 })
  })

  /** Another mapping: every division is worked again. */
  function harmonizeAnew() {
    const mapping = { service_name: 'Type', requested_at: { from: 'Opened', formats: ['%Y-%m-%d %H:%M:%S'] } }
    return harmonize(lake.store, hive({}, { dataset: { mapping } }))
  }
})

describe('an adopted table', () => {
  it('has the tidy rows and row hashes that the same rows have as CSV', async () => {
    const csvFolder = await mkdtemp(join(tmpdir(), 'wardbook-csv-'))
    const other = await makeLake()
    try {
      const all = ['1', 'Ward 3', '']
        .map(
          (district, at) =>
            `SELECT *, ${literal(district)} AS "District" FROM (${plainRequests(40, at * 100)})`,
        )
        .join(' UNION ALL ')
      await foreignSql(
        csvFolder,
        `COPY (${all}) TO ${literal(join(csvFolder, 'all.csv'))} (FORMAT csv, HEADER)`,
        `COPY (SELECT * REPLACE (nullif("District", '') AS "District") FROM (${all})) TO ${literal(folder)}
          (FORMAT parquet, PARTITION_BY ("District"), OVERWRITE_OR_IGNORE)`,
      )
      await ingest(other.store, testCity(), { mirror: csvFolder })
      await adopt(lake.store, copyCity())
      for (const [store, city] of [
        [lake.store, copyCity()],
        [other.store, testCity()],
      ] as const)
        await harmonize(store, city)
      const tidy = 'SELECT * EXCLUDE (_source_page) FROM {table} ORDER BY ALL'
      const rows = await queryTable(lake.store, tables.tidy(DATASET), tidy)
      expect(rows).toHaveLength(120)
      expect(rows).toEqual(await queryTable(other.store, tables.tidy(DATASET), tidy))
    } finally {
      await other.remove()
      await rm(csvFolder, { recursive: true })
    }
  })

  it('has its pages in runs/ and one publication in the outbox, as every raw commit', async () => {
    await writeForeign(folder, 'District=1/a.parquet', requests(5))
    await adopt(lake.store, copyCity())
    expect(await rowsOf(lake.store, tables.runs('ingest'))).toMatchObject([
      { url: 'District=1/a.parquet', rows_in: 5, rows_quarantined: 0, snapshot: 0 },
    ])
    const [proposal] = await rowsOf<{ kind: string; body: string }>(lake.store, tables.outbox('ingest'))
    expect(JSON.parse(proposal?.body ?? '')).toMatchObject({
      kind: 'dataset.published',
      rows: 5,
      snapshot: 0,
    })
  })

  it.each([
    ['copied', () => folder, () => copyCity()],
    ['registered', () => inPlace(), () => hive()],
  ])('is the same when an adoption (%s) is killed at any write and done again', async (_mode, base, city) => {
    for (const district of ['1', '2'])
      await writeForeign(base(), `District=${district}/a.parquet`, plainRequests(20, Number(district)))
    await adopt(lake.store, city())
    await writeForeign(base(), 'District=2/a.parquet', plainRequests(30))
    await writeForeign(base(), 'District=3/b.parquet', plainRequests(3))
    const from = base() === folder
    const calm = await copyLake(lake)
    const store = counting(calm.store)
    await adopt(store, city())
    const expected = await worldOf(calm.store)
    await calm.remove()
    expect(store.writes()).toBeGreaterThan(from ? 6 : 3)
    for (let fatal = 1; fatal <= store.writes(); fatal++) {
      const crashed = await copyLake(lake)
      await expect(
        adopt(failingAt(crashed.store, fatal, fatal % 2 === 0), city()),
        `write ${fatal}`,
      ).rejects.toThrow()
      await adopt(crashed.store, city())
      expect(await worldOf(crashed.store), `write ${fatal}`).toEqual(expected)
      expect(await rowsOf(crashed.store, tables.outbox('ingest'))).toHaveLength(2)
      await crashed.remove()
    }
  })
})
