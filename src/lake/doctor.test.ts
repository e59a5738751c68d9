import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FAULTS } from '../../testkit/fake-s3/faults.js'
import { demandHonest, raceCreateIfAbsent } from './doctor.js'
import { openLocalStore } from './local/local-store.js'
import { makeFakeLake } from './s3/s3-lake.fixture.js'

describe('racing create-if-absent', () => {
  it('passes a folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-doctor-'))
    const verdict = await raceCreateIfAbsent(() => openLocalStore(folder))
    expect(verdict).toMatchObject({ passed: true, racers: 16, reasons: [] })
    expect(() => demandHonest(verdict)).not.toThrow()
    await rm(folder, { recursive: true, force: true })
  })

  it('passes an honest bucket, also one that stumbles, and leaves no object', async () => {
    const lake = await makeFakeLake()
    for (const fault of Object.values(FAULTS)) lake.fake.faults.add(fault, { verb: 'PUT', times: 2 })
    const verdict = await raceCreateIfAbsent(() => lake.open())
    expect(verdict.rounds).toHaveLength(3)
    for (const round of verdict.rounds)
      expect(round).toMatchObject({ winners: 1, agreeing: 16, second: 'exists', kept: true })
    expect(verdict).toMatchObject({ passed: true, address: 's3://lake/city' })
    expect(lake.fake.names()).toEqual([])
    await lake.close()
  })

  it('refuses a bucket that ignores the condition, with what it saw', async () => {
    const lake = await makeFakeLake({ ignoresConditions: true })
    const verdict = await raceCreateIfAbsent(() => lake.open(), { rounds: 1 })
    expect(verdict.rounds).toMatchObject([{ winners: 16, second: 'created', kept: false }])
    expect(() => demandHonest(verdict)).toThrowError(
      expect.objectContaining({
        code: 'store-lies',
        remedy: 'fix-config',
        message: expect.stringContaining('16 of 16 racers were told that they created'),
        facts: expect.objectContaining({ address: 's3://lake/city', racers: 16 }),
      }),
    )
    await lake.close()
  })

  it('refuses a bucket that lies to a single one of the racers', async () => {
    const lake = await makeFakeLake()
    lake.fake.faults.choose((verb) =>
      verb === 'PUT' && lake.fake.count('PUT') === 9 ? { kind: 'ignore-condition' } : undefined,
    )
    const verdict = await raceCreateIfAbsent(() => lake.open(), { rounds: 1 })
    expect(verdict).toMatchObject({ passed: false, rounds: [{ winners: 2 }] })
    await lake.close()
  })

  it('refuses two endpoints that are not one store', async () => {
    const [one, two] = [await makeFakeLake(), await makeFakeLake()]
    const endpoints = [one.fake.endpoint, two.fake.endpoint]
    const verdict = await raceCreateIfAbsent((endpoint) => one.open(endpoint ? { endpoint } : {}), {
      endpoints,
      rounds: 1,
    })
    expect(verdict).toMatchObject({ passed: false, endpoints, rounds: [{ winners: 2, agreeing: 8 }] })
    await one.close()
    await two.close()
  })

  it('races with files too: in a folder, and in parts where a bucket takes every file in parts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-doctor-'))
    const race = { asFiles: true, racers: 8, rounds: 2 }
    expect(await raceCreateIfAbsent(() => openLocalStore(folder), race)).toMatchObject({ passed: true })
    await rm(folder, { recursive: true, force: true })
    const lake = await makeFakeLake()
    const verdict = await raceCreateIfAbsent(() => lake.open({ multipartBytes: 1 }), race)
    expect(verdict).toMatchObject({ passed: true, reasons: [] })
    expect([lake.fake.count('PUT'), lake.fake.count('COMPLETE') >= 2]).toEqual([0, true])
    expect([lake.fake.names(), lake.fake.uploads.names()]).toEqual([[], []])
    await lake.close()
  })

  it('gives no verdict on a store that cannot be reached', async () => {
    const lake = await makeFakeLake()
    const race = raceCreateIfAbsent(() => lake.open({ bucket: 'elsewhere' }))
    await expect(race).rejects.toMatchObject({ code: 'bucket-missing' })
    await lake.close()
  })
})
