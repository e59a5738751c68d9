import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ObjectStore } from '../../src/lake/store.js'
import { openStore } from '../../src/main/open-store.js'
import { childPartRunner } from '../../src/main/part-worker.js'
import { NOON } from '../lake-fixture.js'
import { differencesOf, type World, worldOf } from '../same-world.js'
import { runInProcess } from '../whole-pipeline.js'
import { startYearlyFiles, type YearlyFiles } from '../yearly-files.js'
import { FAULTS, type Fault } from './faults.js'
import { type FakeS3, startFakeS3 } from './server.js'

const ADDRESS = 's3://lake/cities/pocket'
const ONE_IN = 15 // requests that meet a fault in bad weather
const WEATHER: readonly Fault[] = [FAULTS.internalError, FAULTS.slowDown, FAULTS.lostReply]
const RUN_LIMIT_MS = 300_000

describe('the pocket city in a bucket', () => {
  let portal: YearlyFiles
  let folder: string
  let inFolder: World
  let fake: FakeS3
  beforeAll(async () => {
    portal = await startYearlyFiles()
    folder = await mkdtemp(join(tmpdir(), 'wardbook-pocket-'))
    inFolder = await worldOf(await runCity(join(folder, 'lake')))
  }, RUN_LIMIT_MS)
  afterAll(async () => {
    await portal.close()
    await rm(folder, { recursive: true, force: true })
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await fake.close()
  })

  /** Runs the pipeline, parts in child processes which know only the address and the environment. */
  async function runCity(address: string): Promise<ObjectStore> {
    const store = await openStore(address)
    const runner = childPartRunner(address)
    const failures = await runInProcess({ store, city: portal.city, runner, clock: NOON })
    expect(failures).toEqual([])
    return store
  }

  async function startBucket(): Promise<void> {
    fake = await startFakeS3()
    vi.stubEnv('WARDBOOK_S3_ENDPOINT', fake.endpoint)
    vi.stubEnv('WARDBOOK_SCRATCH', join(folder, 'scratch'))
    vi.stubEnv('AWS_ACCESS_KEY_ID', fake.credentials.accessKeyId)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', fake.credentials.secretAccessKey)
  }

  it(
    'has the same tables and events as in a folder, all below its base path',
    async () => {
      await startBucket()
      const store = await runCity(ADDRESS)
      expect(inFolder.files.length).toBeGreaterThan(0)
      expect(inFolder.events.length).toBeGreaterThan(0)
      expect(differencesOf(inFolder, await worldOf(store))).toEqual([])
      expect(fake.names().every((name) => name.startsWith('cities/pocket/'))).toBe(true)
    },
    RUN_LIMIT_MS,
  )

  it(
    'has them also when files go in parts and the service stumbles all the time, and leaves no scratch behind',
    async () => {
      await startBucket()
      vi.stubEnv('WARDBOOK_S3_MULTIPART_BYTES', '1')
      let requests = 0
      fake.faults.choose(() => {
        requests += 1
        return requests % ONE_IN === 0 ? WEATHER[(requests / ONE_IN) % WEATHER.length] : undefined
      })
      const store = await runCity(ADDRESS)
      fake.faults.clear()
      expect(fake.count('COMPLETE')).toBeGreaterThan(0)
      expect(differencesOf(inFolder, await worldOf(store))).toEqual([])
      expect(await readdir(join(folder, 'scratch'))).toEqual([])
    },
    RUN_LIMIT_MS,
  )
})
