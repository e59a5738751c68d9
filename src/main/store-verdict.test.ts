import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FakeS3Options } from '../../testkit/fake-s3/server.js'
import { type FakeLake, makeFakeLake } from '../lake/s3/s3-lake.fixture.js'
import { demandHonestStore, raceAndRecord, type StorePlace } from './store-verdict.js'

const VERDICT = 'city/doctor/verdict.json'
const DAY_MS = 24 * 3_600_000
const REFUSED = { code: 'store-lies', remedy: 'fix-config' }

describe('before anything is written to a bucket', () => {
  let lake: FakeLake
  let nowMs: number
  const start = async (options: FakeS3Options = {}) => {
    lake = await makeFakeLake(options)
    nowMs = Date.parse('2026-03-01T12:00:00Z')
  }
  beforeEach(() => start())
  afterEach(() => lake.close())
  const place = (endpoint = lake.fake.endpoint): StorePlace => ({
    lake: 's3://lake/city',
    env: { WARDBOOK_S3_ENDPOINT: endpoint },
    clock: () => new Date(nowMs),
    open: (_address, env) => lake.open({ endpoint: env.WARDBOOK_S3_ENDPOINT ?? '' }),
  })
  const demand = (singleWriter = false) => demandHonestStore(place(), singleWriter)
  const record = () => JSON.parse(String(lake.fake.object(VERDICT)?.bytes))
  const lying = async () => {
    await lake.close()
    await start({ ignoresConditions: true })
  }

  it('an honest store is raced once and put on record; later starts cost one GET', async () => {
    await demand()
    expect(record()).toEqual({
      ...{ formatVersion: 1, address: 's3://lake/city', endpoints: [lake.fake.endpoint], passed: true },
      ...{ racedAt: '2026-03-01T12:00:00.000Z', release: '0.1.0', racers: 8, rounds: 2, reasons: [] },
    })
    expect(lake.fake.names()).toEqual([VERDICT])
    lake.fake.forget()
    await demand()
    expect(lake.fake.seen.map(({ verb }) => verb)).toEqual(['GET'])
  })

  it('a store that lies is refused, with what it did and what to do, and nothing but that is written', async () => {
    await lying()
    const message = expect.stringMatching(/were told that they created.*--single-writer.*wardbook doctor/)
    await expect(demand()).rejects.toMatchObject({ ...REFUSED, message })
    expect(record()).toMatchObject({ passed: false })
    expect(lake.fake.names()).toEqual([VERDICT])
  })

  it('a store that lied stays refused at the cost of one GET, until a race shows another', async () => {
    await lying()
    await expect(demand()).rejects.toMatchObject(REFUSED)
    lake.fake.forget()
    await expect(demand()).rejects.toMatchObject(REFUSED)
    expect(lake.fake.count()).toBe(1)
    nowMs += 31 * DAY_MS
    await expect(demand()).rejects.toMatchObject(REFUSED)
    expect(record().racedAt).toBe(new Date(nowMs).toISOString())
  })

  it('a store that lies is taken when nobody else writes, without a request', async () => {
    await lying()
    await demand(true)
    for (const WARDBOOK_SINGLE_WRITER of ['true', '1'])
      await demandHonestStore({ ...place(), env: { ...place().env, WARDBOOK_SINGLE_WRITER } }, false)
    expect(lake.fake.count()).toBe(0)
    const env = { ...place().env, WARDBOOK_SINGLE_WRITER: 'false' }
    await expect(demandHonestStore({ ...place(), env }, false)).rejects.toMatchObject(REFUSED)
  })

  it('a verdict that is too old is renewed after 30 days, not before', async () => {
    await demand()
    const first = record().racedAt
    nowMs += 30 * DAY_MS
    await demand()
    expect(record().racedAt).toBe(first)
    nowMs += 1
    await demand()
    expect(record().racedAt).toBe(new Date(nowMs).toISOString())
  })

  it.each([
    ['of another endpoint', { endpoints: ['http://elsewhere'] }],
    ['of another address, as in a copied lake', { address: 's3://lake/other' }],
    ['from the far future', { racedAt: '2099-01-01T00:00:00.000Z' }],
    ['of a newer format', { formatVersion: 2 }],
    ['without an endpoint', { endpoints: [] }],
  ])('a verdict %s does not count', async (_what, changes) => {
    await demand()
    lake.fake.store(VERDICT, Buffer.from(JSON.stringify({ ...record(), ...changes })))
    lake.fake.forget()
    await demand()
    expect(lake.fake.count('PUT')).toBeGreaterThan(8)
  })

  it.each(['', '{', 'null', '[]'])('a verdict torn to %j does not count', async (torn) => {
    lake.fake.store(VERDICT, Buffer.from(torn))
    await demand()
    expect(record()).toMatchObject({ passed: true })
  })

  it('a folder is not raced', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-verdict-'))
    const open = () => Promise.reject(new Error('it is not even opened'))
    await demandHonestStore({ lake: folder, env: {}, clock: () => new Date(nowMs), open }, false)
    await rm(folder, { recursive: true })
  })

  it('two processes that start at once both find it honest', async () => {
    await Promise.all([demand(), demand()])
    expect(lake.fake.names()).toEqual([VERDICT])
  })

  it('a race that proves little is not put on record when it passes, and is when it fails', async () => {
    await raceAndRecord(place(), { racers: 2, rounds: 1 })
    expect(lake.fake.names()).toEqual([])
    await lying()
    await raceAndRecord(place(), { racers: 2, rounds: 1 })
    expect(record()).toMatchObject({ passed: false, racers: 2 })
  })

  it('says what a store says that cannot be reached or refuses', async () => {
    lake.fake.faults.add({ kind: 'status', status: 403, code: 'AccessDenied' }, { verb: 'GET' })
    await expect(demand()).rejects.toMatchObject({ code: 'store-refused' })
  })
})
