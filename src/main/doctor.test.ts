import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Fault, Verb } from '../../testkit/fake-s3/faults.js'
import type { FakeS3Options } from '../../testkit/fake-s3/server.js'
import { WardbookError } from '../kernel/errors.js'
import { openLocalStore } from '../lake/local/local-store.js'
import { type FakeLake, makeFakeLake } from '../lake/s3/s3-lake.fixture.js'
import { type Check, type DoctorOrder, examine, exitCodeOfChecks } from './doctor.js'
import { type Machine, thisMachine } from './machine-checks.js'
import { parseLakeAddress } from './parse-lake-address.js'

const MACHINE: Machine = {
  nodeVersion: '20.19.0',
  query: async () => 'v1.5.5',
  freeBytes: async () => 64 * 2 ** 30,
}
const RACE = { racers: 4, rounds: 1 }

async function checksOf(order: Partial<DoctorOrder>): Promise<Check[]> {
  const checks: Check[] = []
  const given = { lake: undefined, race: RACE, env: {}, machine: MACHINE, ...order }
  for await (const check of examine(given)) checks.push(check)
  return checks
}

const statesOf = (checks: readonly Check[]) =>
  Object.fromEntries(checks.map(({ check, state }) => [check, state]))
const find = (checks: readonly Check[], name: string) => checks.find(({ check }) => check === name)

describe('the doctor', () => {
  let folder: string
  let lake: FakeLake | undefined
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wardbook-doctor-'))
  })
  afterEach(async () => {
    await lake?.close()
    lake = undefined
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  describe('on a machine', () => {
    it('finds this one fit, with the real engine', async () => {
      const checks = await checksOf({ machine: thisMachine, env: { WARDBOOK_SCRATCH: join(folder, 'real') } })
      expect(statesOf(checks)).toEqual({ node: 'fit', scratch: 'fit', engine: 'fit' })
      expect([exitCodeOfChecks(checks), existsSync(join(folder, 'real'))]).toEqual([0, false])
    })

    it.each([
      ['20.18.9', 'unfit'],
      ['18.20.0', 'unfit'],
      ['20.19.0', 'fit'],
      ['22.0.0', 'fit'],
    ])('calls Node %s %s', async (nodeVersion, state) => {
      const node = find(await checksOf({ machine: { ...MACHINE, nodeVersion } }), 'node')
      expect(node).toMatchObject({ state, message: expect.stringContaining(nodeVersion) })
      expect(node?.todo).toBe(state === 'fit' ? undefined : 'install Node 20.19 or newer')
    })

    it('says what to do when the engine does not load, and goes on', async () => {
      const query = () => Promise.reject(new Error('libduckdb.so: cannot open shared object file\nstack'))
      const checks = await checksOf({ machine: { ...MACHINE, query }, lake: join(folder, 'engine') })
      expect(find(checks, 'engine')).toMatchObject({
        state: 'unfit',
        message: 'libduckdb.so: cannot open shared object file',
        todo: expect.stringContaining('install wardbook again'),
      })
      expect(find(checks, 'create-if-absent')).toMatchObject({ state: 'fit' })
      expect(exitCodeOfChecks(checks)).toBe(78)
    })

    it('tells the free bytes of the scratch folder, and when they are too few', async () => {
      const WARDBOOK_SCRATCH = join(folder, 'scratch')
      const scratchWith = async (bytes: number) => {
        const machine = { ...MACHINE, freeBytes: async () => bytes }
        return find(await checksOf({ machine, env: { WARDBOOK_SCRATCH } }), 'scratch')
      }
      expect(await scratchWith(2 ** 30)).toMatchObject({ state: 'fit', facts: { freeBytes: 2 ** 30 } })
      expect(await scratchWith(2 ** 30 - 1)).toMatchObject({
        state: 'unfit',
        todo: expect.stringContaining('1.0 GiB'),
      })
    })

    it('says when the scratch folder cannot be one', async () => {
      const file = join(folder, 'a-file')
      await writeFile(file, '')
      const scratch = find(await checksOf({ env: { WARDBOOK_SCRATCH: file } }), 'scratch')
      expect(scratch).toMatchObject({
        state: 'unfit',
        message: expect.stringContaining(file),
        todo: expect.any(String),
      })
    })
  })

  describe('on a folder', () => {
    it('finds it fit and leaves nothing behind, also where there was no folder', async () => {
      const checks = await checksOf({ lake: join(folder, 'some', 'where') })
      expect(statesOf(checks)).toEqual({
        ...{ node: 'fit', scratch: 'fit', engine: 'fit', reach: 'fit' },
        ...{ 'hard-links': 'fit', rights: 'fit', clock: 'fit', 'create-if-absent': 'fit' },
      })
      expect(existsSync(join(folder, 'some'))).toBe(false)
    })

    it('leaves a lake as it was', async () => {
      const home = join(folder, 'home')
      await mkdir(home)
      await writeFile(join(home, 'lake.json'), '{}')
      expect(find(await checksOf({ lake: home }), 'reach')?.message).toContain('there is a lake')
      expect(await readdir(home)).toEqual(['lake.json'])
    })

    it('ends with what a file system without hard links says', async () => {
      const open = async (address: string) => ({
        ...(await openLocalStore(address)),
        get: async () => undefined,
        createIfAbsent: async () => {
          throw new WardbookError(
            'no-hard-links',
            'fix-config',
            'no hard links: choose a folder on another volume',
          )
        },
      })
      const checks = await checksOf({ lake: join(folder, 'linkless'), open })
      expect(checks.at(-1)).toMatchObject({
        check: 'hard-links',
        state: 'unfit',
        facts: { code: 'no-hard-links' },
      })
      expect(exitCodeOfChecks(checks)).toBe(78)
    })
  })

  describe('on a bucket', () => {
    const bucketChecks = async (
      options: FakeS3Options = {},
      order: Partial<DoctorOrder> = {},
      prepare: (opened: FakeLake) => void = () => {},
    ) => {
      lake = await makeFakeLake(options)
      const opened = lake
      prepare(opened)
      return checksOf({
        lake: 's3://lake/city',
        env: { WARDBOOK_SCRATCH: opened.scratchFolder, WARDBOOK_S3_ENDPOINT: opened.fake.endpoint },
        open: (address, env) => {
          const place = parseLakeAddress(address, env)
          if (place.kind === 'folder') throw new Error('a bucket is asked')
          const { multipartBytes, endpoint = '' } = place.settings
          return opened.open({ endpoint, ...(multipartBytes ? { multipartBytes } : {}) })
        },
        ...order,
      })
    }

    it('finds an honest one fit, and leaves only the verdict', async () => {
      const checks = await bucketChecks({}, { race: { racers: 8, rounds: 2 } })
      expect(statesOf(checks)).toEqual({
        ...{ node: 'fit', scratch: 'fit', engine: 'fit', reach: 'fit' },
        ...{ rights: 'fit', clock: 'fit', 'create-if-absent': 'fit', multipart: 'fit' },
      })
      expect(lake?.fake.names()).toEqual(['city/doctor/verdict.json'])
      expect(exitCodeOfChecks(checks)).toBe(0)
    })

    it('calls one unfit that ignores the condition, says what to do, and puts it on record', async () => {
      const checks = await bucketChecks({ ignoresConditions: true })
      expect(find(checks, 'create-if-absent')).toMatchObject({
        state: 'unfit',
        message: expect.stringContaining('4 of 4 racers were told'),
        todo: expect.stringContaining('--single-writer'),
        facts: { code: 'store-lies' },
      })
      expect(exitCodeOfChecks(checks)).toBe(78)
      expect(String(lake?.fake.object('city/doctor/verdict.json')?.bytes)).toContain('"passed":false')
    })

    it('is at ease with one that ignores it on completions only', async () => {
      const checks = await bucketChecks({ ignoresConditionOfUploads: true }, {}, ({ fake }) =>
        fake.faults.add({ kind: 'slow', delayMs: 100 }, { verb: 'COMPLETE', times: 1_000 }),
      )
      expect(find(checks, 'multipart')).toMatchObject({
        state: 'told',
        message: expect.stringContaining('harmless'),
      })
      expect(exitCodeOfChecks(checks)).toBe(0)
    })

    it('races over every endpoint that is given, and records them', async () => {
      const other = await makeFakeLake()
      const race = { racers: 8, rounds: 2, endpoints: [] as string[] }
      const order = { race, env: { WARDBOOK_S3_ENDPOINT: 'http://127.0.0.1:1' } }
      lake = await makeFakeLake()
      race.endpoints.push(lake.fake.endpoint, other.fake.endpoint)
      const opened = lake
      const checks = await checksOf({
        ...{ lake: 's3://lake/city', ...order },
        open: (_address, env) => {
          const raced = race.endpoints.find((endpoint) => endpoint === env.WARDBOOK_S3_ENDPOINT)
          return opened.open(raced ? { endpoint: raced } : {})
        },
      })
      expect(find(checks, 'create-if-absent')).toMatchObject({
        state: 'unfit',
        facts: { endpoints: race.endpoints },
      })
      const record = JSON.parse(String(opened.fake.object('city/doctor/verdict.json')?.bytes))
      expect(record).toMatchObject({ passed: false, endpoints: race.endpoints })
      await other.close()
    })

    it.each<[Verb, string]>([
      ['PUT', 'create'],
      ['LIST', 'list'],
      ['DELETE', 'delete'],
    ])('names the right that is missing when %s is refused', async (verb, operation) => {
      lake = await makeFakeLake()
      const opened = lake
      const refusal: Fault = { kind: 'status', status: 403, code: 'AccessDenied' }
      opened.fake.faults.add(refusal, { verb, times: 1_000 })
      const checks = await checksOf({ lake: 's3://lake/city', open: () => opened.open() })
      expect(checks.at(-1)).toMatchObject({
        ...{ check: 'rights', state: 'unfit', todo: expect.stringContaining('docs/cli.md') },
        message: expect.stringContaining(`${operation} 'doctor/`),
      })
      if (verb !== 'DELETE') expect(opened.fake.names()).toEqual([])
    })

    it('tells a clock that is off', async () => {
      const clock = () => new Date(Date.now() - 3_600_000)
      const off = find(await bucketChecks({}, { clock }), 'clock')
      expect(off).toMatchObject({ state: 'unfit', todo: 'set the clock of this machine (NTP)' })
      expect(off?.message).toMatch(/the store's clock is 3\d{3} s ahead of this machine's/)
    })

    it('says that a bucket is missing', async () => {
      const checks = await bucketChecks({}, { open: () => (lake as FakeLake).open({ bucket: 'elsewhere' }) })
      expect(checks.at(-1)).toMatchObject({
        check: 'reach',
        state: 'unfit',
        facts: { code: 'bucket-missing' },
      })
    })

    it('gives up where nobody answers, as something to try again', async () => {
      const silent = await makeFakeLake()
      await silent.fake.close()
      const checks = await bucketChecks({}, { open: () => silent.open() })
      expect(checks.at(-1)).toMatchObject({ check: 'reach', state: 'unreachable', todo: expect.any(String) })
      expect(exitCodeOfChecks(checks)).toBe(75)
      await silent.close()
    })
  })

  it.each(['gs://bucket/x', 's3://No/x', ''])('says what is wrong with the address %j', async (address) => {
    const checks = await checksOf({ lake: address })
    expect(checks[0]).toMatchObject({ check: 'address', state: 'unfit', facts: { code: 'bad-lake-address' } })
    expect(statesOf(checks)).not.toHaveProperty('reach')
  })

  it('says which variable is wrong, also without a lake', async () => {
    const [address] = await checksOf({ env: { WARDBOOK_SCRATCH_BYTES: 'many' } })
    expect(address).toMatchObject({
      state: 'unfit',
      message: expect.stringContaining('WARDBOOK_SCRATCH_BYTES'),
    })
  })
})
