import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
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
} from '../../testkit/lake-fixture.js'
import {
  DATASET,
  detect,
  harmonize,
  ingest,
  measure,
  SOURCE,
  testCity,
  writeFiles,
} from '../../testkit/test-city.js'
import { type RequestPlan, requestsCsv } from '../../testkit/weekly-requests.js'
import { type FindingProposal, Proposal } from '../contracts/proposal.js'
import { addDays } from '../kernel/time.js'
import { tables } from '../lake/tables.js'

const OUTBOX = tables.outbox('detect')
const TESTS = tables.runs('detect')
const FIRST_MONDAY = '2022-01-03'
const WEEKS = 160
/** Weeks of the rises that were put into the data: from, to, division, category. */
const RISES = [
  [140, 143, '7', 'Noise'],
  [147, 148, '8', 'Pothole'],
  [154, 160, '7', 'Pothole'],
] as const

const PLAN: RequestPlan = {
  from: FIRST_MONDAY,
  weeks: WEEKS,
  divisions: ['7', '8', '9'],
  categories: ['Noise', 'Pothole'],
  count: (division, category, week, day) => {
    const rise = RISES.some(
      ([from, to, where, what]) => from <= week && week < to && where === division && what === category,
    )
    const usual = 1 + ((week * 5 + day * 3 + division.charCodeAt(0)) % 3 === 0 ? 1 : 0)
    return rise ? usual * 4 : usual
  },
}

const weekOn = (week: number) => addDays(FIRST_MONDAY, week * 7)

/** A lake with everything before detection. */
async function measured(text: string, city = testCity()): Promise<TestLake> {
  const lake = await makeLake()
  const mirror = await mkdtemp(join(tmpdir(), 'wardbook-mirror-'))
  await writeFiles(mirror, { 'a.csv': text })
  await ingest(lake.store, city, { mirror })
  await harmonize(lake.store, city)
  await measure(lake.store, city)
  await rm(mirror, { recursive: true })
  return lake
}

async function proposals(lake: TestLake): Promise<Proposal[]> {
  const rows = await rowsOf<{ body: string }>(lake.store, OUTBOX)
  return rows.map(({ body }) => Proposal.parse(JSON.parse(body)))
}

async function findings(lake: TestLake): Promise<FindingProposal[]> {
  const all = (await proposals(lake)).filter((proposal) => proposal.kind === 'finding')
  return all.sort((a, b) => (`${a.windowFrom} ${a.id}` < `${b.windowFrom} ${b.id}` ? -1 : 1))
}

describe('detection', () => {
  let before: TestLake
  let lake: TestLake

  beforeAll(async () => {
    before = await measured(requestsCsv(PLAN))
    lake = await copyLake(before)
    await detect(lake.store, testCity())
  })
  afterAll(async () => {
    await before.remove()
    await lake.remove()
  })

  it('finds the rises that are in the data, and follows each through its weeks', async () => {
    const lives = new Map<string, string[]>()
    for (const { finding, division, category, onset, state } of await findings(lake)) {
      const name = `${division} ${category} ${onset} ${finding}`
      lives.set(name, [...(lives.get(name) ?? []), state])
    }
    const found = [...lives].map(
      ([name, states]) => `${name.split(' ').slice(0, 3).join(' ')}: ${states.join(' ')}`,
    )
    expect(found.sort()).toEqual([
      `7 Noise ${weekOn(140)}: new ongoing ongoing ended`,
      `7 Pothole ${weekOn(154)}: new ongoing ongoing ongoing ongoing ongoing`,
      `8 Pothole ${weekOn(147)}: new ended`,
    ])
  })

  it('claims the rows that are in the data, and its query finds exactly as many', async () => {
    for (const { claim, evidence, division } of await findings(lake)) {
      const sql = evidence.sql.replace(`"${tables.tidy(DATASET)}"`, '{table}')
      expect(sql).toContain(`'${division}'`)
      expect(await queryTable(lake.store, tables.tidy(DATASET), sql)).toHaveLength(evidence.rows)
      expect(evidence.rows).toBe(claim.observed)
    }
  })

  it('names exact bytes: the tables with their versions and the digests of the files', async () => {
    const world = await worldOf(lake.store)
    for (const { evidence, division } of await findings(lake)) {
      expect(evidence.tables.map(({ table }) => table)).toEqual([
        tables.raw(DATASET, SOURCE),
        tables.tidy(DATASET),
        tables.series(DATASET),
      ])
      const digests = evidence.files.map(({ sha256 }) => `${division} ${sha256}`)
      expect(world[tables.tidy(DATASET)]).toEqual(expect.arrayContaining(digests))
    }
  })

  it('keeps every test, also of weeks that could not be tested, and the family of each week', async () => {
    const rows = await queryTable<{ untested_because: string | null; weeks: number }>(
      lake.store,
      TESTS,
      'SELECT untested_because, count(*) AS weeks FROM {table} GROUP BY ALL ORDER BY ALL',
    )
    expect(rows.reduce((sum, { weeks }) => sum + weeks, 0)).toBe(3 * 2 * WEEKS)
    expect(rows.map(({ untested_because }) => untested_because)).toEqual(['history-too-short', null])
    const families = (await proposals(lake)).filter((proposal) => proposal.kind === 'family')
    expect(families.length * 6).toBe(rows[1]?.weeks)
    expect(families.every(({ size }) => size === 6)).toBe(true)
    const [run] = (await proposals(lake)).filter((proposal) => proposal.kind === 'run')
    expect(run).toMatchObject({ seriesTested: 6, seriesUntested: 0, from: FIRST_MONDAY, to: weekOn(WEEKS) })
  })

  it('gives the same ids and the same files wherever it runs', async () => {
    const other = await measured(requestsCsv(PLAN))
    await detect(other.store, testCity())
    expect((await worldOf(other.store))[OUTBOX]).toEqual((await worldOf(lake.store))[OUTBOX])
    await other.remove()
  })

  it('gives, on data that ends with any week, the events up to it that later data gives', async () => {
    for (const weeks of [142, 148, 156]) {
      const live = await measured(requestsCsv({ ...PLAN, weeks }))
      await detect(live.store, testCity())
      const known = (await findings(lake)).filter(({ windowTo }) => windowTo <= weekOn(weeks))
      expect(known.length).toBeGreaterThan(0)
      expect((await findings(live)).map(({ id }) => id)).toEqual(known.map(({ id }) => id))
      await live.remove()
    }
  })

  it('says of old windows that they are reconstructed, known when they ended', async () => {
    const [first] = await findings(lake)
    expect(first).toMatchObject({ reconstructed: true, time: `${weekOn(141)}T04:00:00.000Z` })
    expect(first?.knownAt).toBe(first?.time)
  })

  it('does nothing when everything is tested', async () => {
    const keys = await keysOf(lake.store)
    expect(await detect(lake.store, testCity())).toEqual({ outcome: 'unchanged' })
    expect(await keysOf(lake.store)).toEqual(keys)
  })

  it('leaves, killed at any write and run again, the same world', async () => {
    const calm = await copyLake(before)
    const store = counting(calm.store)
    await detect(store, testCity())
    const expected = await worldOf(calm.store)
    await calm.remove()
    for (let fatal = 1; fatal <= store.writes(); fatal++) {
      const crashed = await copyLake(before)
      const killed = detect(failingAt(crashed.store, fatal, fatal % 2 === 0), testCity())
      await expect(killed, `write ${fatal}`).rejects.toThrow()
      await detect(crashed.store, testCity())
      expect(await worldOf(crashed.store), `write ${fatal}`).toEqual(expected)
      await crashed.remove()
    }
  })
})

describe('detection at the barrier', () => {
  it('waits for the one division that is behind, and says which', async () => {
    const city = testCity({ city: { parts: { maxRows: 25 } } })
    const lake = await makeLake()
    const mirror = await mkdtemp(join(tmpdir(), 'wardbook-mirror-'))
    const plan = { ...PLAN, weeks: 2, categories: ['Noise'] }
    expect(await detect(lake.store, city)).toEqual({ outcome: 'waiting', waiting: [DATASET] })
    await writeFiles(mirror, { 'a.csv': requestsCsv(plan) })
    await ingest(lake.store, city, { mirror })
    await harmonize(lake.store, city)

    const inner = inProcessRunner(lake.store)
    let jobs = 0
    const runner = {
      run: async <Job extends object, Result>(task: string, job: Job): Promise<Result> => {
        if (++jobs === 3) throw new Error('killed')
        return inner.run(task, job)
      },
    }
    await expect(measure(lake.store, city, { runner })).rejects.toThrow('killed')
    expect(await detect(lake.store, city)).toEqual({ outcome: 'waiting', waiting: [`${SOURCE}/9`] })
    expect(await rowsOf(lake.store, OUTBOX)).toEqual([])
    await measure(lake.store, city)
    expect(await detect(lake.store, city)).toEqual({ outcome: 'detected' })
    await rm(mirror, { recursive: true })
    await lake.remove()
  })
})
