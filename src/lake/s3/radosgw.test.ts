import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeObjectStore } from '../../../testkit/object-store.contract.js'
import {
  missingForRadosgw,
  type Radosgw,
  startRadosgw,
  titleWithRadosgw,
} from '../../../testkit/radosgw/start.js'
import { raceCreateIfAbsent } from '../doctor.js'
import { makeBucket, radosgwSettings } from './s3-lake.fixture.js'
import { openS3Store } from './s3-store.js'
import type { S3Settings } from './settings.js'

const START_LIMIT_MS = 300_000
/** Of all parts but the last. */
const S3_LEAST_PART_BYTES = 5 * 2 ** 20

describe.skipIf(missingForRadosgw().length > 0)(titleWithRadosgw('radosgw, a real S3 service'), () => {
  let gateway: Radosgw
  let scratchFolder: string
  let cities = 0
  const open = (basePath: string, changes: Partial<S3Settings> = {}) =>
    openS3Store({ ...radosgwSettings(gateway, basePath, scratchFolder), ...changes })

  beforeAll(async () => {
    scratchFolder = await mkdtemp(join(tmpdir(), 'wardbook-s3-'))
    gateway = await startRadosgw()
    await makeBucket(gateway)
  }, START_LIMIT_MS)
  afterAll(async () => {
    await gateway?.stop()
    await rm(scratchFolder, { recursive: true, force: true })
  })

  describeObjectStore('a bucket of radosgw', async () => {
    cities += 1
    const basePath = `city-${cities}`
    return { store: await open(basePath), reopen: () => open(basePath), close: async () => {} }
  })

  const inParts = { multipartBytes: 1, partBytes: S3_LEAST_PART_BYTES }
  const ignored =
    'radosgw 16 ignores If-None-Match when a multipart upload is completed, so two racers may be told that they created ' +
    'a large object; only content whose bytes follow from its name is this large'
  describeObjectStore(
    'a bucket of radosgw that gets every file in parts',
    async () => {
      cities += 1
      const basePath = `city-${cities}`
      const openOne = () => open(basePath, inParts)
      return { store: await openOne(), reopen: openOne, close: async () => {} }
    },
    { 'tells exactly one of many racers with files that it created the object': ignored },
  )

  it('takes a file in three parts, and gives it back whole and in ranges', async () => {
    const store = await open('large', { ...inParts, stageRangeBytes: 4 * 2 ** 20 })
    const bytes = Buffer.alloc(2 * S3_LEAST_PART_BYTES + 12_345, 'rows of a large part ')
    for (const told of ['created', 'exists']) {
      const file = join(scratchFolder, 'large.parquet')
      await writeFile(file, bytes)
      expect(await store.createIfAbsent('raw/large', { file })).toBe(told)
    }
    expect((await store.stat('raw/large'))?.size).toBe(bytes.length)
    const range = await store.getRange('raw/large', S3_LEAST_PART_BYTES - 5, S3_LEAST_PART_BYTES + 5)
    expect(range).toEqual(bytes.subarray(S3_LEAST_PART_BYTES - 5, S3_LEAST_PART_BYTES + 5))
    const staged = await store.stage('raw/large')
    expect((await readFile(staged.file)).equals(bytes)).toBe(true)
    await staged.release()
  })

  it('has no object of an upload that failed, and lets its name be taken', async () => {
    const store = await open('failed', inParts)
    const gone = store.createIfAbsent('raw/large', { file: join(scratchFolder, 'none') })
    await expect(gone).rejects.toMatchObject({ code: 'content-unreadable' })
    const file = join(scratchFolder, 'second')
    await writeFile(file, 'second')
    expect(await store.createIfAbsent('raw/large', { file })).toBe('created')
  })

  it('is honest: of sixteen racers one wins', async () => {
    expect(await raceCreateIfAbsent(() => open('doctor'))).toMatchObject({ passed: true, reasons: [] })
  })

  it('gives back over a thousand names in pages', async () => {
    const store = await open('many')
    const keys = Array.from({ length: 1_100 }, (_, n) => `log/${String(n).padStart(5, '0')}`)
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, new Uint8Array(1))))
    const listed: string[] = []
    for await (const { key } of store.list('log/')) listed.push(key)
    expect(listed).toEqual(keys)
  })

  it('refuses a wrong secret, which is told as store-refused', async () => {
    const stranger = await openS3Store(
      radosgwSettings({ ...gateway, secretKey: 'another-secret' }, 'city', scratchFolder),
    )
    const refused = { code: 'store-refused', remedy: 'fix-config', facts: { status: 403 } }
    await expect(stranger.get('raw/a')).rejects.toMatchObject(refused)
  })
})
