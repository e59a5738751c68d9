import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inProcessRunner, makeLake, NOON, queryTable, type TestLake } from '../../testkit/lake-fixture.js'
import { runInProcess } from '../../testkit/whole-pipeline.js'
import { addDays } from '../kernel/time.js'
import { tables } from '../lake/tables.js'
import { type DemoPortal, startDemoPortal } from './demo-portal.js'
import {
  FIRST_DAY,
  LAST_DAY,
  PLANTED,
  type PlantedRise,
  simulateRequests,
  WARDS,
} from './simulate-requests.js'

const DATASET = 'service-requests'

/** Bytes of all files of a portal. */
async function download(portal: DemoPortal): Promise<Buffer[]> {
  return Promise.all(portal.urls.map(async (url) => Buffer.from(await (await fetch(url)).arrayBuffer())))
}

let portal: DemoPortal

beforeAll(async () => {
  portal = await startDemoPortal(311)
})
afterAll(() => portal.close())

describe('the simulated city', () => {
  it('publishes the same bytes for the same seed, one file a year', async () => {
    const again = await startDemoPortal(311)
    const files = await download(again)
    expect(files).toHaveLength(5)
    expect((await download(portal)).every((file, at) => file.equals(files[at] as Buffer))).toBe(true)
    await again.close()
  })

  it('has requests of every day, numbered once, in every ward, and others under another seed', () => {
    const requests = [...simulateRequests(312).values()].flat()
    expect(new Set(requests.map(({ number }) => number)).size).toBe(requests.length)
    const days = requests.map(({ opened }) => opened.slice(0, 10))
    expect([days[0], days.at(-1)]).toEqual([FIRST_DAY, LAST_DAY])
    expect(new Set(requests.map(({ ward }) => ward))).toEqual(new Set([...WARDS, '']))
    expect(requests.length).not.toBe([...simulateRequests(311).values()].flat().length)
  })

  it('answers for its files as a real portal does, and 404 for others', async () => {
    const [url] = portal.urls
    const head = await fetch(url as string, { method: 'HEAD' })
    expect(head.headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/)
    expect(Date.parse(head.headers.get('last-modified') ?? '')).toBeGreaterThan(Date.parse(LAST_DAY))
    expect((await fetch(`${portal.url}/other.csv`)).status).toBe(404)
  })
})

describe('the pipeline over the simulated city', () => {
  let lake: TestLake

  beforeAll(async () => {
    lake = await makeLake()
    const runner = inProcessRunner(lake.store)
    expect(await runInProcess({ store: lake.store, city: portal.city, runner, clock: NOON })).toEqual([])
  })
  afterAll(() => lake.remove())

  interface PublishedEvent {
    readonly division: string
    readonly category: string
    readonly state: string
    readonly from: string
  }

  const published = () =>
    queryTable<PublishedEvent>(
      lake.store,
      tables.findings(),
      'SELECT division, category, state, window_from::VARCHAR AS "from" FROM {table} WHERE finding IS NOT NULL',
    )
  const belongs = (event: PublishedEvent, { ward, type, from, to }: PlantedRise) =>
    event.division === ward && event.category === type && from <= event.from && event.from < addDays(to, 21)

  it('publishes every rise of several weeks that was put into it', async () => {
    const events = await published()
    const rises = PLANTED.filter(({ from, to }) => addDays(from, 7) < to)
    expect(rises).toHaveLength(4)
    expect(rises.filter((rise) => events.some((event) => belongs(event, rise)))).toEqual(rises)
  })

  it('has the rise of one week outside its range: one of so few cases waits for a second week', async () => {
    const [rise] = PLANTED.filter(({ from, to }) => addDays(from, 7) === to)
    const [week] = await queryTable<{ outside: boolean; q_value: number }>(
      lake.store,
      tables.runs('detect'),
      `SELECT outside, q_value FROM {table} WHERE division = '${rise?.ward}' AND category = '${rise?.type}' ` +
        `AND week_on = DATE '${rise?.from}'`,
    )
    expect(week?.outside).toBe(true)
    expect(week?.q_value).toBeGreaterThan(0.01)
  })

  it('publishes little else: at most two other findings in two years over nine wards', async () => {
    const others = (await published()).filter((event) => !PLANTED.some((rise) => belongs(event, rise)))
    expect(others.filter(({ state }) => state === 'new').length).toBeLessThanOrEqual(2)
  })

  it('keeps faulty rows in quarantine: a line a year that cannot be read, a date a year that is none', async () => {
    const count = async (stage: 'ingest' | 'harmonize') => {
      const sql = 'SELECT count(*) AS rows FROM {table}'
      const rows = await queryTable<{ rows: number }>(
        lake.store,
        tables.quarantine(stage, DATASET, 'yearly'),
        sql,
      )
      return rows[0]?.rows
    }
    expect([await count('ingest'), await count('harmonize')]).toEqual([5, 5])
  })
})
