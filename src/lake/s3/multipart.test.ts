import { existsSync, truncateSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FAULTS, type Fault, type Verb } from '../../../testkit/fake-s3/faults.js'
import { sha256Hex } from '../../kernel/ids.js'
import type { ObjectStore } from '../store.js'
import { Bucket } from './bucket.js'
import { makeClient } from './client.js'
import { createLargeIfAbsent, PARTS_AT_A_TIME } from './multipart.js'
import { type FakeLake, makeFakeLake, QUICK } from './s3-lake.fixture.js'
import type { S3Settings } from './settings.js'
import { Tries } from './tries.js'

const PART_BYTES = 1_000
const IN_PARTS = { multipartBytes: 2_000, partBytes: PART_BYTES }
/** Two parts and a bit. */
const LARGE = Buffer.alloc(2_345, 'rows of a part ')
const NAME = 'city/raw/large'
const UNTIL_THE_END = 1_000
const WHOLE = 'HEAD BEGIN PART PART PART HEAD COMPLETE'

/** Everything that a request may meet, also an error that comes as the body of an answer 200. */
const ALL_FAULTS: Record<string, Fault> = {
  ...FAULTS,
  errorInBody: { kind: 'status', status: 200, code: 'InternalError' },
}
/** What each fault of a completion costs, from there on. */
const COMPLETE_COSTS: Record<string, string> = {
  conflict: 'COMPLETE HEAD COMPLETE',
  internalError: 'COMPLETE COMPLETE',
  slowDown: 'COMPLETE COMPLETE',
  lostReply: 'COMPLETE COMPLETE HEAD',
  lateLanding: 'COMPLETE COMPLETE HEAD',
  lateAfterError: 'COMPLETE COMPLETE HEAD',
  duplicate: 'COMPLETE HEAD',
  slow: 'COMPLETE',
  errorInBody: 'COMPLETE COMPLETE',
}

describe('a file that is sent in parts', () => {
  let lake: FakeLake
  let store: ObjectStore
  const start = async (options = {}) => {
    lake = await makeFakeLake({ minPartBytes: 0, ...options })
    store = await lake.open(IN_PARTS)
  }
  beforeEach(() => start())
  afterEach(() => lake.close())

  const verbs = () => lake.fake.seen.map(({ verb }) => verb).join(' ')
  const largeFile = async (bytes: Uint8Array = LARGE) => {
    const file = join(lake.scratchFolder, 'large.parquet')
    await writeFile(file, bytes)
    return file
  }
  const create = async (by = store, bytes: Uint8Array = LARGE) =>
    by.createIfAbsent('raw/large', { file: await largeFile(bytes) })
  const stored = () => lake.fake.object(NAME)?.bytes
  /** Does something just before a request of this kind is answered, the first time. */
  const justBefore = (verb: Verb, work: () => void, fault?: Fault) => {
    let isDone = false
    lake.fake.faults.choose((asked) => {
      if (asked !== verb || isDone) return undefined
      isDone = true
      work()
      return fault
    })
  }

  it('is one object with its bytes and its digest, and costs four requests and one a part', async () => {
    expect(await create()).toBe('created')
    expect(verbs()).toBe(WHOLE)
    expect(stored()?.equals(LARGE)).toBe(true)
    expect(lake.fake.object(NAME)?.headers['x-amz-meta-wardbook-sha256']).toBe(sha256Hex(LARGE))
    expect(await store.get('raw/large')).toEqual(LARGE)
    expect(lake.fake.uploads.names()).toEqual([])
  })

  it('is looked for first, so that a taken name costs one request', async () => {
    lake.fake.store(NAME, new Uint8Array([1]))
    expect(await create()).toBe('exists')
    expect(verbs()).toBe('HEAD')
    expect(existsSync(join(lake.scratchFolder, 'large.parquet'))).toBe(false)
  })

  it('is one PUT up to the limit, and bytes in memory are one PUT whatever their size', async () => {
    const file = await largeFile(LARGE.subarray(0, IN_PARTS.multipartBytes))
    await store.createIfAbsent('raw/small', { file })
    await store.createIfAbsent('ledger/log/seg/0', LARGE)
    await store.put('raw/hint', LARGE)
    expect(verbs()).toBe('PUT PUT PUT')
  })

  it('is encrypted as every object', async () => {
    await create(await lake.open({ ...IN_PARTS, serverSideEncryption: 'AES256' }))
    expect(lake.fake.object(NAME)?.headers['x-amz-server-side-encryption']).toBe('AES256')
  })

  it('is checked against its digest when it is read', async () => {
    await create()
    lake.fake.faults.add({ kind: 'corrupt' }, { verb: 'GET', times: UNTIL_THE_END })
    for (const read of [() => store.get('raw/large'), () => store.stage('raw/large')])
      await expect(read()).rejects.toMatchObject({ code: 'object-damaged', remedy: 'fix-source' })
  })

  it('never holds more than two parts in memory, however large it is', async () => {
    const [bytes, partBytes] = [Buffer.alloc(3_000_001, 'row '), 65_536]
    const settings: S3Settings = lake.settings()
    const bucket = new Bucket(makeClient(settings, QUICK), settings)
    const held: number[] = []
    const allocate = (size: number) => {
      held.push(size)
      return Buffer.alloc(size)
    }
    const what = { address: 's3://lake/city', operation: 'create', key: 'raw/large' }
    const content = { file: await largeFile(bytes), size: bytes.length, sha256: sha256Hex(bytes) }
    await createLargeIfAbsent({ bucket, tries: new Tries(QUICK), partBytes, allocate }, what, NAME, content)
    expect(stored()?.equals(bytes)).toBe(true)
    expect(held).toEqual(Array(PARTS_AT_A_TIME).fill(partBytes))
    const sent = lake.fake.seen.filter(({ verb }) => verb === 'PART')
    expect(sent).toHaveLength(Math.ceil(bytes.length / partBytes))
    expect(Math.max(...sent.map(({ bytes }) => bytes))).toBe(partBytes)
  })

  describe.each(Object.entries(ALL_FAULTS))('when the service stumbles: %s', (name, fault) => {
    const answersWithBody: readonly Verb[] = ['BEGIN', 'PART', 'COMPLETE']
    const verbsThatMeetIt: readonly Verb[] =
      name === 'errorInBody' ? answersWithBody : ['HEAD', ...answersWithBody]

    it.each(verbsThatMeetIt)('on %s, the writer learns that it created the object', async (verb) => {
      lake.fake.faults.add(fault, { verb })
      expect(await create()).toBe('created')
      expect(stored()?.equals(LARGE)).toBe(true)
      expect(lake.fake.names()).toEqual([NAME])
    })

    it.each([...verbsThatMeetIt, 'ABORT' as const])(
      'on %s, the object of a faster writer stands, and the late one learns it',
      async (verb) => {
        lake.fake.faults.add(fault, { verb })
        lake.fake.faults.choose((asked) => {
          if (asked === 'PART' && stored() === undefined) lake.fake.store(NAME, Buffer.from('other'))
          return undefined
        })
        expect(await create()).toBe('exists')
        expect(stored()?.toString()).toBe('other')
      },
    )

    it('on COMPLETE it costs no more than it must', async () => {
      lake.fake.faults.add(fault, { verb: 'COMPLETE' })
      await create()
      expect(verbs()).toBe(WHOLE.replace('COMPLETE', COMPLETE_COSTS[name] as string))
    })

    it('on PART it costs that part again', async () => {
      lake.fake.faults.add(fault, { verb: 'PART' })
      await create()
      expect(lake.fake.count('PART')).toBe(name === 'slow' || name === 'duplicate' ? 3 : 4)
    })
  })

  it('that lands late, after its repeat was answered, changes nothing', async () => {
    lake.fake.faults.add({ kind: 'late', when: 30, answer: 500 }, { verb: 'COMPLETE' })
    expect(await create()).toBe('created')
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(lake.fake.names()).toEqual([NAME])
    expect(stored()?.equals(LARGE)).toBe(true)
  })

  it('gives way to an object that came between the last look and the completion', async () => {
    justBefore('COMPLETE', () => lake.fake.store(NAME, Buffer.from('other')))
    expect(await create()).toBe('exists')
    expect(verbs()).toBe(`${WHOLE} HEAD ABORT`)
    expect([stored()?.toString(), lake.fake.uploads.names()]).toEqual(['other', []])
  })

  it('knows its own object from that of a writer whose completion was quicker than a lost one', async () => {
    justBefore('COMPLETE', () => lake.fake.store(NAME, Buffer.from('other')), FAULTS.lostReply)
    expect(await create()).toBe('exists')
    expect(stored()?.toString()).toBe('other')
  })

  it('is begun anew when the upload was taken away, and given up when that goes on', async () => {
    justBefore('PART', () => lake.fake.uploads.clear())
    expect(await create()).toBe('created')
    expect(lake.fake.count('BEGIN')).toBe(2)

    lake.fake.faults.clear()
    await store.delete('raw/large')
    lake.fake.forget()
    lake.fake.faults.choose((verb) => void (verb === 'COMPLETE' && lake.fake.uploads.clear()))
    const gone = { code: 'store-unavailable', remedy: 'retry', facts: { uploads: 3 } }
    await expect(create()).rejects.toMatchObject(gone)
    expect(lake.fake.count('BEGIN')).toBe(3)
    expect(existsSync(join(lake.scratchFolder, 'large.parquet'))).toBe(true)
  })

  it('leaves no object, no upload and its file when a part fails for good', async () => {
    const refusal: Fault = { kind: 'status', status: 403, code: 'AccessDenied' }
    for (const [fault, code] of [
      [FAULTS.slowDown, 'store-unavailable'],
      [refusal, 'store-refused'],
    ] as const) {
      lake.fake.faults.add(fault, { verb: 'PART', times: UNTIL_THE_END })
      await expect(create()).rejects.toMatchObject({ code })
      lake.fake.faults.clear()
      expect([lake.fake.names(), lake.fake.uploads.names()]).toEqual([[], []])
      expect(await readFile(join(lake.scratchFolder, 'large.parquet'))).toEqual(LARGE)
    }
    expect(lake.fake.count('ABORT')).toBe(2)
  })

  it('is not aborted when its completion may be under way, and a repeat by the caller finds out', async () => {
    const hasty = await lake.open({ ...IN_PARTS, patience: { ...QUICK, maxAttempts: 1 } })
    const unknown = { code: 'outcome-unknown', remedy: 'retry' }
    lake.fake.faults.add(FAULTS.internalError, { verb: 'COMPLETE' })
    await expect(create(hasty)).rejects.toMatchObject(unknown)
    expect([lake.fake.uploads.names(), lake.fake.count('ABORT')]).toEqual([[NAME], 0])
    lake.fake.faults.add(FAULTS.lostReply, { verb: 'COMPLETE' })
    await expect(create(hasty)).rejects.toMatchObject(unknown)
    lake.fake.forget()
    expect(await create(hasty)).toBe('exists')
    expect(verbs()).toBe('HEAD')
  })

  it('is not stored when it changes while it is sent', async () => {
    const large = Buffer.alloc(200_000, 'row ')
    const changing = await lake.open({ ...IN_PARTS, partBytes: 50_000 })
    const file = await largeFile(large)
    for (const change of [() => writeFileSync(file, large.fill('x')), () => truncateSync(file, 10)]) {
      justBefore('BEGIN', change)
      const refused = { code: 'content-unreadable', remedy: 'report-bug' }
      await expect(changing.createIfAbsent('raw/large', { file })).rejects.toMatchObject(refused)
      expect([lake.fake.names(), lake.fake.uploads.names()]).toEqual([[], []])
      await writeFile(file, Buffer.alloc(200_000, 'row '))
    }
  })

  describe('on a service that ignores the condition of a completion, as radosgw 16 does', () => {
    beforeEach(async () => {
      await lake.close()
      await start({ ignoresConditionOfUploads: true })
    })

    it.each(Object.entries(ALL_FAULTS))('%s on COMPLETE: the object is there, once', async (_, fault) => {
      lake.fake.faults.add(fault, { verb: 'COMPLETE' })
      expect(await create()).toBe('created')
      expect(stored()?.equals(LARGE)).toBe(true)
    })

    it('a writer is told that it created what another had just stored, so only equal bytes may be this large', async () => {
      justBefore('COMPLETE', () => lake.fake.store(NAME, LARGE))
      expect(await create()).toBe('created')
      expect(stored()?.equals(LARGE)).toBe(true)
    })

    it('the one who comes after the completion is told that it exists', async () => {
      await create()
      expect(await create(await lake.open(IN_PARTS), Buffer.alloc(3_000, 'other'))).toBe('exists')
      expect(stored()?.equals(LARGE)).toBe(true)
    })
  })
})
