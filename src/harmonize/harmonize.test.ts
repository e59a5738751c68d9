import { rm } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { freshFolder, freshLake } from '../../testkit/fresh.js'
import {
  copyLake,
  counting,
  failingAt,
  inProcessRunner,
  keysOf,
  queryTable,
  rowsOf,
  worldOf,
} from '../../testkit/lake-fixture.js'
import {
  type CityChanges,
  DATASET,
  harmonize,
  ingest,
  SOURCE,
  testCity,
  writeFiles,
} from '../../testkit/test-city.js'
import { DeltaTable } from '../lake/delta/table.js'
import { tables } from '../lake/tables.js'

const TIDY = tables.tidy(DATASET)
const QUARANTINE = tables.quarantine('harmonize', DATASET, SOURCE)
const RUNS = tables.runs('harmonize')
const HEADER = 'id,District,Type,Opened'
const MAPPING = {
  service_request_id: 'id',
  service_name: 'Type',
  requested_at: { from: 'Opened', formats: ['%Y-%m-%d %H:%M:%S', '%m/%d/%Y %I:%M:%S %p', '%Y-%m-%d'] },
}

const lake = freshLake()
const mirror = freshFolder('mirror')

/** Writes the files, ingests and harmonizes them. */
async function run(files: Record<string, readonly string[]>, changes: CityChanges = {}): Promise<void> {
  await rm(mirror.path, { recursive: true })
  const texts = Object.entries(files).map(([name, lines]) => [name, `${lines.join('\n')}\n`])
  await writeFiles(mirror.path, Object.fromEntries(texts))
  await ingest(lake.store, testCity(changes), { mirror: mirror.path })
  await harmonize(lake.store, testCity(changes))
}

function tidyRows(columns: string, orderBy = 'service_request_id'): Promise<Record<string, unknown>[]> {
  return queryTable(lake.store, TIDY, `SELECT ${columns} FROM {table} ORDER BY ${orderBy}`)
}

/** Sums over the newest record of each division. */
async function balance() {
  const [sums] = await queryTable<Record<string, number>>(
    lake.store,
    RUNS,
    'SELECT sum(rows_in)::BIGINT AS rows_in, sum(rows_out)::BIGINT AS out, sum(rows_quarantined)::BIGINT AS bad, ' +
      'sum(rows_duplicate)::BIGINT AS twice FROM {table} WHERE snapshot = (SELECT max(snapshot) FROM {table})',
  )
  return sums
}

describe('typing', () => {
  const instantOf = async (opened: string, requested_at: object) => {
    await run(
      { 'a.csv': [HEADER, `1,7,Noise,"${opened}"`] },
      { dataset: { mapping: { ...MAPPING, requested_at } } },
    )
    return tidyRows('requested_at, requested_on::VARCHAR AS requested_on')
  }

  it('reads instants in several forms, tried in order', async () => {
    const forms = ['2026-03-01 07:30:00', '03/01/2026 07:30:00 AM', '2026-03-01']
    await run(
      { 'a.csv': [HEADER, ...forms.map((form, at) => `${at},7,Noise,${form}`)] },
      { dataset: { mapping: MAPPING } },
    )
    expect((await tidyRows('requested_at')).map(({ requested_at }) => requested_at)).toEqual([
      '2026-03-01T12:30:00.000Z',
      '2026-03-01T12:30:00.000Z',
      '2026-03-01T05:00:00.000Z',
    ])
  })

  it("reads a publisher's clock in its own zone and gives the day in the city's", async () => {
    const formats = ['%Y-%m-%d %H:%M:%S']
    expect(await instantOf('2026-01-02 03:00:00', { from: 'Opened', formats, timeZone: 'UTC' })).toEqual([
      { requested_at: '2026-01-02T03:00:00.000Z', requested_on: '2026-01-01' },
    ])
    expect(await instantOf('2026-01-02 03:00:00', { from: 'Opened', formats })).toEqual([
      { requested_at: '2026-01-02T08:00:00.000Z', requested_on: '2026-01-02' },
    ])
  })

  it('reads milliseconds since 1970 where the form says so; 0 is no instant', async () => {
    const formats = ['epoch-ms', '%Y-%m-%d']
    const instants: Record<string, string[]> = {
      '1767321000123': ['2026-01-02T02:30:00.123Z'],
      '1767321000000.0': ['2026-01-02T02:30:00.000Z'],
      '-86400000': ['1969-12-31T00:00:00.000Z'],
      '2026-01-02': ['2026-01-02T05:00:00.000Z'],
      '0': [],
    }
    for (const [text, found] of Object.entries(instants)) {
      const rows = await instantOf(text, { from: 'Opened', formats })
      expect(rows.map(({ requested_at }) => requested_at)).toEqual(found)
    }
  })

  it('believes a text that says how far its clock is from UTC, and the other forms beside it none the less', async () => {
    const formats = ['%Y-%m-%dT%H:%M:%S%z', '%Y-%m-%d %H:%M:%S', '%Y-%m-%d']
    const instants: Record<string, [at: string, on: string]> = {
      '2026-01-02T03:00:00+00:00': ['2026-01-02T03:00:00.000Z', '2026-01-01'],
      '2026-07-01T23:30:00-04:00': ['2026-07-02T03:30:00.000Z', '2026-07-01'],
      '2026-11-01T01:30:00-04:00': ['2026-11-01T05:30:00.000Z', '2026-11-01'],
      '2026-11-01T01:30:00-05:00': ['2026-11-01T06:30:00.000Z', '2026-11-01'],
      '2026-01-02 03:00:00': ['2026-01-02T08:00:00.000Z', '2026-01-02'],
      '2026-01-02': ['2026-01-02T05:00:00.000Z', '2026-01-02'],
    }
    const lines = Object.keys(instants).map((text, at) => `${at},7,Noise,${text}`)
    const requested = { from: 'Opened', formats }
    await run(
      { 'a.csv': [HEADER, ...lines] },
      { dataset: { mapping: { ...MAPPING, requested_at: requested } } },
    )
    expect(await tidyRows('requested_at, requested_on::VARCHAR AS requested_on')).toEqual(
      Object.values(instants).map(([requested_at, requested_on]) => ({ requested_at, requested_on })),
    )
    const named = { from: 'Opened', formats: ['epoch-ms', ...formats], timeZone: 'Asia/Tokyo' }
    expect(await instantOf('2026-01-02T03:00:00-05:00', named)).toEqual([
      { requested_at: '2026-01-02T08:00:00.000Z', requested_on: '2026-01-02' },
    ])
  })

  it('keeps the day and moves on by an hour at most where clocks change', async () => {
    const local = [
      '2026-03-08 01:59:59', // before the gap
      '2026-03-08 02:30:00', // never shown by a clock
      '2026-03-08 03:00:00',
      '2026-11-01 00:59:59',
      '2026-11-01 01:30:00', // shown twice
      '2026-11-01 02:00:00',
      '2026-11-01 23:59:59',
    ]
    await run({ 'a.csv': [HEADER, ...local.map((form, at) => `${at},7,Noise,${form}`)] })
    const rows = await tidyRows('requested_at, requested_on::VARCHAR AS day')
    const instants = rows.map(({ requested_at }) => requested_at as string)
    expect(instants.filter((_instant, at) => at !== 1 && at !== 4)).toEqual([
      '2026-03-08T06:59:59.000Z',
      '2026-03-08T07:00:00.000Z',
      '2026-11-01T04:59:59.000Z',
      '2026-11-01T07:00:00.000Z',
      '2026-11-02T04:59:59.000Z',
    ])
    expect(['2026-03-08T06:30:00.000Z', '2026-03-08T07:30:00.000Z']).toContain(instants[1])
    expect(['2026-11-01T05:30:00.000Z', '2026-11-01T06:30:00.000Z']).toContain(instants[4])
    expect(rows.map(({ day }) => day)).toEqual(local.map((form) => form.slice(0, 10)))
  })

  it('takes the first candidate that is not blank, and cuts outer blanks', async () => {
    const mapping = { ...MAPPING, service_name: ['Subtype', 'Type', 'Nowhere'], lat: 'Lat' }
    await run(
      {
        'a.csv': [`${HEADER},Subtype,Lat`, '1,7,Noise,2026-01-01, Loud ,42.5', '2,7, Noise ,2026-01-01, \t,'],
        'b.csv': [HEADER, '3,7,Pothole,2026-01-01'],
      },
      { dataset: { mapping } },
    )
    expect(await tidyRows('service_name, lat')).toEqual([
      { service_name: 'Loud', lat: 42.5 },
      { service_name: 'Noise', lat: null },
      { service_name: 'Pothole', lat: null },
    ])
  })

  it('sets a row aside whose required field is missing or unreadable, with reason, detail and the whole row', async () => {
    await run({
      'a.csv': [HEADER, '1,7,Noise,soon', '2,7, ,2026-01-01', '3,8,Noise,', '4,7,Noise,2026-01-01'],
    })
    const rows = await rowsOf<{ raw_text: string }>(lake.store, QUARANTINE, 'reason')
    expect(rows).toMatchObject([
      { reason: 'missing-requested_at', council_district: '8' },
      { reason: 'missing-service_name', council_district: '7' },
      {
        reason: 'unreadable-requested_at',
        detail: 'service_name: Noise; requested_at: soon',
        source_page: 0,
      },
    ])
    expect(JSON.parse(rows[2]?.raw_text ?? '')).toEqual({
      id: '1',
      District: '7',
      Type: 'Noise',
      Opened: 'soon',
    })
    expect(await balance()).toEqual({ rows_in: 4, out: 1, bad: 3, twice: 0 })
  })

  it('sets a row aside whose instant lies in no plausible year', async () => {
    await run({
      'a.csv': [HEADER, '1,7,Pothole,0001-01-01', '2,7,Pothole,9026-01-02', '3,7,Pothole,2026-01-02'],
    })
    const reasons = (await rowsOf<{ reason: string }>(lake.store, QUARANTINE)).map(({ reason }) => reason)
    expect(reasons).toEqual(['implausible-requested_at', 'implausible-requested_at'])
    expect(await tidyRows('service_request_id')).toHaveLength(1)
  })

  it('keeps a row whose optional field cannot be read, without it, and counts the cell', async () => {
    const mapping = { ...MAPPING, lat: 'Lat', closed_at: { from: 'Closed', formats: ['%Y-%m-%d'] } }
    await run(
      { 'a.csv': [`${HEADER},Lat,Closed`, '1,7,Noise,2026-01-01,north,never', '2,7,Noise,2026-01-01,,'] },
      { dataset: { mapping } },
    )
    expect(await tidyRows('lat, closed_at')).toEqual([
      { lat: null, closed_at: null },
      { lat: null, closed_at: null },
    ])
    const [record] = await rowsOf<{ untyped_cells: string }>(lake.store, RUNS)
    expect(JSON.parse(record?.untyped_cells ?? '')).toEqual({ lat: 1, closed_at: 1 })
  })

  it('refuses a mapping that names a column which the source does not have', async () => {
    const mapping = { ...MAPPING, service_name: 'Kind' }
    await expect(run({ 'a.csv': [HEADER, '1,7,x,y'] }, { dataset: { mapping } })).rejects.toMatchObject({
      code: 'mapped-column-missing',
      remedy: 'fix-config',
      facts: { field: 'service_name', names: ['Kind'] },
    })
  })
})

describe('rows published twice', () => {
  const keyed = { dataset: { key: 'id' } }

  it('leave one row a key: that of the latest page', async () => {
    await run(
      {
        '2024.csv': [HEADER, '1,7,Old,2026-01-01', '2,7,Only,2026-01-01'],
        '2025.csv': [HEADER, '1,7,New,2026-01-01'],
      },
      keyed,
    )
    expect(await tidyRows('service_request_id, service_name')).toEqual([
      { service_request_id: '1', service_name: 'New' },
      { service_request_id: '2', service_name: 'Only' },
    ])
    expect(await balance()).toEqual({ rows_in: 3, out: 2, bad: 0, twice: 1 })
  })

  it('leave one row also when the whole row is the same, or when a page has the key twice', async () => {
    await run({ 'a.csv': [HEADER, '1,7,A,2026-01-01', '1,7,A,2026-01-01', ' 1 ,7,B,2026-01-01'] }, keyed)
    expect(await tidyRows('service_request_id')).toHaveLength(1)
    expect(await balance()).toEqual({ rows_in: 3, out: 1, bad: 0, twice: 2 })
  })

  it('are not made of rows without a key', async () => {
    await run(
      {
        'a.csv': [
          HEADER,
          ',7,A,2026-01-01',
          ',7,A,2026-01-01',
          ' ,7,A,2026-01-01',
          '\t,7,A,2026-01-01',
          '\t,7,A,2026-01-01',
        ],
      },
      keyed,
    )
    expect(await tidyRows('service_name')).toHaveLength(5)
  })

  it('do not count a row that is set aside', async () => {
    await run({ 'a.csv': [HEADER, '1,7,A,2026-01-01'], 'b.csv': [HEADER, '1,7,A,soon'] }, keyed)
    expect(await tidyRows('service_name')).toEqual([{ service_name: 'A' }])
    expect(await balance()).toEqual({ rows_in: 2, out: 1, bad: 1, twice: 0 })
  })

  it('are all kept where the dataset has no key', async () => {
    await run({ 'a.csv': [HEADER, '1,7,A,2026-01-01', '1,7,A,2026-01-01'] })
    expect(await balance()).toEqual({ rows_in: 2, out: 2, bad: 0, twice: 0 })
  })
})

describe('a new snapshot', () => {
  const first = ['1,7,Noise,2026-01-01', '2,8,Noise,2026-01-01', '3,9,Noise,soon', '4,9,Noise,2026-01-01']
  const files = (lines: readonly string[]) => ({ 'a.csv': [HEADER, ...lines] })
  const live = async () =>
    [...((await new DeltaTable(lake.store, TIDY).snapshot())?.files.keys() ?? [])].sort()

  it('types only the divisions whose rows changed; the others move their position', async () => {
    await run(files(first))
    const before = await live()
    const tasks: string[] = []
    await writeFiles(mirror.path, { 'a.csv': `${[HEADER, ...first, '5,8,Pothole,2026-01-02'].join('\n')}\n` })
    await ingest(lake.store, testCity(), { mirror: mirror.path })
    const runner = {
      run: async <Result>(task: string, job: object): Promise<Result> => {
        tasks.push(
          ...(job as { divisions: { division: string }[] }).divisions.map(({ division }) => division),
        )
        return inProcessRunner(lake.store).run(task, job)
      },
    }
    await harmonize(lake.store, testCity(), { runner })
    expect(tasks).toEqual(['8'])
    expect((await live()).filter((key) => before.includes(key))).toHaveLength(2)
    const positions = [...((await new DeltaTable(lake.store, TIDY).snapshot())?.positions.values() ?? [])]
    expect(positions).toEqual([1, 1, 1])
  })

  it('does nothing when there is none', async () => {
    await run(files(first))
    const before = await keysOf(lake.store)
    await harmonize(lake.store, testCity())
    expect(await keysOf(lake.store)).toEqual(before)
  })

  it('removes the rows of a division that vanished, in the table and in quarantine', async () => {
    await run(files([...first, '9,10,Noise,soon']))
    await run(files(first.slice(0, 2)))
    expect(await tidyRows('service_request_id')).toHaveLength(2)
    expect(await rowsOf(lake.store, QUARANTINE)).toEqual([])
  })

  it('is typed anew as a whole under another mapping', async () => {
    await run(files(first))
    await run(files(first), { dataset: { mapping: { ...MAPPING, service_name: 'District' } } })
    expect((await tidyRows('service_name')).map((row) => row.service_name)).toEqual(['7', '8', '9'])
    expect(await rowsOf(lake.store, QUARANTINE)).toHaveLength(1)
  })

  it('is typed anew also when a mapping comes back that was in force before', async () => {
    await run(files(first))
    const once = await tidyRows('service_name')
    await run(files(first), { dataset: { mapping: { ...MAPPING, service_name: 'District' } } })
    await run(files(first))
    expect(await tidyRows('service_name')).toEqual(once)
  })

  it('is split anew as a whole when the city file names another partition column', async () => {
    await run(files(first))
    await run(files(first), { dataset: { partition: { column: 'kind', from: 'Type' } } })
    expect(await tidyRows('service_request_id, kind')).toEqual([
      { service_request_id: '1', kind: 'Noise' },
      { service_request_id: '2', kind: 'Noise' },
      { service_request_id: '4', kind: 'Noise' },
    ])
    expect(await rowsOf(lake.store, QUARANTINE)).toMatchObject([{ kind: 'Noise' }])
  })

  it('keeps rows of several parts of one division', async () => {
    const lines = Array.from({ length: 2_200 }, (_, at) => `${at},7,Noise,2026-01-01`)
    await run(files(lines), { city: { parts: { maxRows: 1_000 } } })
    expect((await live()).length).toBeGreaterThanOrEqual(3)
    expect(await tidyRows('count(DISTINCT service_request_id) AS ids, count(*) AS rows', 'ALL')).toEqual([
      { ids: 2_200, rows: 2_200 },
    ])
  })
})

describe('a killed run', () => {
  it('leaves, after a clean one, the same world, wherever it was killed', async () => {
    const city = testCity({ dataset: { key: 'id' }, city: { parts: { maxRows: 2 } } })
    const first = [HEADER, '1,7,A,2026-01-01', '2,8,A,2026-01-01', '3,9,A,soon']
    const next = [...first, '4,8,B,2026-01-02', '5,9,B,later']
    await writeFiles(mirror.path, { 'a.csv': `${first.join('\n')}\n` })
    await ingest(lake.store, city, { mirror: mirror.path })
    await harmonize(lake.store, city)
    await writeFiles(mirror.path, { 'a.csv': `${next.join('\n')}\n` })
    await ingest(lake.store, city, { mirror: mirror.path })
    const calm = await copyLake(lake)
    const store = counting(calm.store)
    await harmonize(store, city)
    const [expected, records] = [await worldOf(calm.store), await rowsOf(calm.store, RUNS)]
    await calm.remove()
    expect(store.writes()).toBeGreaterThan(6)
    for (let fatal = 1; fatal <= store.writes(); fatal++) {
      const crashed = await copyLake(lake)
      await expect(harmonize(failingAt(crashed.store, fatal, fatal % 2 === 0), city)).rejects.toThrow()
      await harmonize(crashed.store, city)
      expect(tidyOf(await worldOf(crashed.store)), `write ${fatal}`).toEqual(tidyOf(expected))
      expect(await rowsOf(crashed.store, RUNS)).toEqual(records)
      await crashed.remove()
    }
  })

  /** Records may come in other files when a kill parted them; their rows are compared. */
  function tidyOf(world: Record<string, string[]>): Record<string, string[]> {
    const { [RUNS]: _records, ...tables } = world
    return tables
  }
})
