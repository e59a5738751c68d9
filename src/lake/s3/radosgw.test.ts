import { mkdtemp, rm } from 'node:fs/promises'
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

const START_LIMIT_MS = 300_000

describe.skipIf(missingForRadosgw().length > 0)(titleWithRadosgw('radosgw, a real S3 service'), () => {
  let gateway: Radosgw
  let scratchFolder: string
  let cities = 0
  const open = (basePath: string) => openS3Store(radosgwSettings(gateway, basePath, scratchFolder))

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
