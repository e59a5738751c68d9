import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FAULTS, type Fault, type Verb } from '../../../testkit/fake-s3/faults.js'
import { toErrorRecord, type WardbookError } from '../../kernel/errors.js'
import type { ObjectStore } from '../store.js'
import { type FakeLake, makeFakeLake, QUICK } from './s3-lake.fixture.js'
import type { S3Store } from './s3-store.js'

/** What each fault of a conditional PUT costs: the requests that it takes until the answer is definite. */
const CREATE_COSTS: Record<keyof typeof FAULTS, string> = {
  conflict: 'PUT PUT',
  internalError: 'PUT PUT',
  slowDown: 'PUT PUT',
  lostReply: 'PUT PUT HEAD',
  lateLanding: 'PUT PUT HEAD',
  lateAfterError: 'PUT PUT HEAD',
  duplicate: 'PUT HEAD',
  slow: 'PUT',
}
const FAULT_NAMES = Object.keys(CREATE_COSTS) as (keyof typeof FAULTS)[]
/** Bodies that are not what was stored. */
const BROKEN_BODIES: readonly Fault[] = [
  { kind: 'truncate', bytes: 2 },
  { kind: 'truncate', bytes: 0 },
  { kind: 'shorten', bytes: 2 },
  { kind: 'corrupt' },
]
const UNTIL_THE_END = 1_000

describe('a service that stumbles', () => {
  let lake: FakeLake
  let store: S3Store
  beforeEach(async () => {
    lake = await makeFakeLake()
    store = await lake.open()
  })
  afterEach(() => lake.close())
  const verbs = () => lake.fake.seen.map(({ verb }) => verb).join(' ')

  describe('when an object is created', () => {
    it.each(FAULT_NAMES)(
      '%s: the writer learns that it created the object, which is stored once',
      async (name) => {
        lake.fake.faults.add(FAULTS[name], { verb: 'PUT' })
        expect(await store.createIfAbsent('raw/a', text('mine'))).toBe('created')
        expect(verbs()).toBe(CREATE_COSTS[name])
        expect(lake.fake.names()).toEqual(['city/raw/a'])
        expect(await read(store, 'raw/a')).toBe('mine')
      },
    )

    it.each(FAULT_NAMES)(
      '%s: the object of another writer stands, and the late one learns it',
      async (name) => {
        await (await lake.open()).createIfAbsent('raw/a', text('first'))
        lake.fake.faults.add(FAULTS[name], { verb: 'PUT' })
        expect(await store.createIfAbsent('raw/a', text('second'))).toBe('exists')
        expect(await read(store, 'raw/a')).toBe('first')
      },
    )

    it.each(FAULT_NAMES)('%s on the look at who holds the name: it is asked again', async (name) => {
      lake.fake.faults.add(FAULTS.lostReply, { verb: 'PUT' })
      lake.fake.faults.add(FAULTS[name], { verb: 'HEAD' })
      expect(await store.createIfAbsent('raw/a', text('mine'))).toBe('created')
      expect(await read(store, 'raw/a')).toBe('mine')
    })

    it('a try that lands after its repeat changes nothing', async () => {
      lake.fake.faults.add({ kind: 'late', when: 30, answer: 500 }, { verb: 'PUT' })
      expect(await store.createIfAbsent('raw/a', text('mine'))).toBe('created')
      await new Promise((resolve) => setTimeout(resolve, 60))
      expect(await read(store, 'raw/a')).toBe('mine')
      expect(await store.createIfAbsent('raw/a', text('other'))).toBe('exists')
    })

    it('a try that would land after another writer has the name is told so', async () => {
      lake.fake.faults.choose((verb, name) => {
        if (verb === 'PUT' && lake.fake.count('PUT') === 1) {
          lake.fake.store(name, text('other'))
          return FAULTS.lostReply
        }
        return undefined
      })
      expect(await store.createIfAbsent('raw/a', text('mine'))).toBe('exists')
      expect(await read(store, 'raw/a')).toBe('other')
    })

    it('many faults in a row are one after the other got over', async () => {
      for (const name of FAULT_NAMES) lake.fake.faults.add(FAULTS[name], { verb: 'PUT' })
      expect(await store.createIfAbsent('raw/a', text('mine'))).toBe('created')
      expect(lake.fake.names()).toEqual(['city/raw/a'])
    })

    it('a file is sent again from its beginning, also a large one that waits for leave to be sent', async () => {
      const scratch = await store.scratch()
      const content = Buffer.alloc(3 * 2 ** 20, 'part of a table ')
      for (const name of ['internalError', 'lostReply', 'slowDown'] as const) {
        const file = `${scratch.folder}/${name}`
        await writeFile(file, content)
        lake.fake.faults.add(FAULTS[name], { verb: 'PUT' })
        expect(await store.createIfAbsent(`raw/${name}`, { file })).toBe('created')
        expect(lake.fake.object(`city/raw/${name}`)?.bytes.equals(content)).toBe(true)
        expect(existsSync(file)).toBe(false)
      }
      await scratch.remove()
    })

    it('says outcome-unknown when it may be stored, and a repeat by the caller finds out', async () => {
      const hasty = await lake.open({ patience: { ...QUICK, maxAttempts: 1 } })
      lake.fake.faults.add(FAULTS.lostReply, { verb: 'PUT' })
      const lost = hasty.createIfAbsent('raw/a', text('mine'))
      await expect(lost).rejects.toMatchObject({
        code: 'outcome-unknown',
        remedy: 'retry',
        facts: { tries: 1 },
      })
      expect(await hasty.createIfAbsent('raw/a', text('mine'))).toBe('exists')
      expect(await read(hasty, 'raw/a')).toBe('mine')
    })

    it('keeps the file when the outcome is unknown, so that it can be sent again', async () => {
      const hasty = await lake.open({ patience: { ...QUICK, maxAttempts: 1 } })
      const scratch = await store.scratch()
      const file = `${scratch.folder}/part`
      await writeFile(file, 'part')
      lake.fake.faults.add(FAULTS.internalError, { verb: 'PUT' })
      await expect(hasty.createIfAbsent('raw/a', { file })).rejects.toMatchObject({ code: 'outcome-unknown' })
      expect(await hasty.createIfAbsent('raw/a', { file })).toBe('created')
      await scratch.remove()
    })

    it('says store-unavailable when each answer proves that nothing is stored', async () => {
      lake.fake.faults.add(FAULTS.conflict, { verb: 'PUT', times: UNTIL_THE_END })
      const unavailable = { code: 'store-unavailable', remedy: 'retry', facts: { tries: 10, status: 409 } }
      await expect(store.createIfAbsent('raw/a', text('x'))).rejects.toMatchObject(unavailable)
      expect(lake.fake.count('PUT')).toBe(10)
      expect(lake.fake.names()).toEqual([])
    })
  })

  describe('when objects are read, listed, replaced or deleted', () => {
    const operations: Record<
      string,
      { verb: Verb; run: (store: ObjectStore) => Promise<unknown>; gives: unknown }
    > = {
      get: { verb: 'GET', run: (store) => read(store, 'raw/a'), gives: 'abcdef' },
      getRange: {
        verb: 'GET',
        run: async (store) => String(await store.getRange('raw/a', 1, 5)),
        gives: 'bcde',
      },
      stat: { verb: 'HEAD', run: async (store) => (await store.stat('raw/a'))?.size, gives: 6 },
      list: { verb: 'LIST', run: (store) => keysOf(store), gives: ['raw/a', 'raw/b', 'raw/c'] },
      stage: { verb: 'GET', run: (store) => stageText(store, 'raw/a'), gives: 'abcdef' },
      put: { verb: 'PUT', run: (store) => store.put('raw/a', text('abcdef')), gives: undefined },
      delete: { verb: 'DELETE', run: (store) => store.delete('raw/b'), gives: undefined },
    }
    beforeEach(() => {
      for (const key of ['a', 'b', 'c']) lake.fake.store(`city/raw/${key}`, text('abcdef'))
    })

    describe.each(Object.entries(operations))('%s', (_, { verb, run, gives }) => {
      it.each(FAULT_NAMES)('gives the same answer in spite of %s', async (name) => {
        lake.fake.faults.add(FAULTS[name], { verb })
        expect(await run(store)).toEqual(gives)
        expect(lake.fake.count()).toBe(name === 'slow' || name === 'duplicate' ? 1 : 2)
      })

      it('is tried ten times and then says store-unavailable', async () => {
        lake.fake.faults.add(FAULTS.slowDown, { verb, times: UNTIL_THE_END })
        const unavailable = {
          code: 'store-unavailable',
          remedy: 'retry',
          facts: { tries: 10, status: 503 },
        }
        await expect(run(store)).rejects.toMatchObject(unavailable)
        expect(lake.fake.count()).toBe(10)
      })

      it('is tried once when the service refuses', async () => {
        lake.fake.faults.add(
          { kind: 'status', status: 403, code: 'AccessDenied' },
          { verb, times: UNTIL_THE_END },
        )
        await expect(run(store)).rejects.toMatchObject({ code: 'store-refused', remedy: 'fix-config' })
        expect(lake.fake.count()).toBe(1)
      })
    })

    it.each(['get', 'stage'])('%s never gives half a body or other bytes', async (name) => {
      await store.put('raw/a', text('abcdef'))
      for (const fault of BROKEN_BODIES) {
        lake.fake.faults.add(fault, { verb: 'GET' })
        expect(await operations[name]?.run(store), JSON.stringify(fault)).toBe('abcdef')
      }
    })

    it('getRange never gives fewer bytes than the object has', async () => {
      for (const kind of ['truncate', 'shorten'] as const) {
        lake.fake.faults.add({ kind, bytes: 2 }, { verb: 'GET' })
        expect(await operations.getRange?.run(store), kind).toBe('bcde')
      }
    })

    it.each(['get', 'stage'])(
      '%s says object-damaged after three tries when the bytes are wrong for good',
      async (name) => {
        await store.put('raw/a', text('abcdef'))
        lake.fake.forget()
        lake.fake.faults.add({ kind: 'corrupt' }, { verb: 'GET', times: UNTIL_THE_END })
        const damaged = { code: 'object-damaged', remedy: 'fix-source' }
        await expect(operations[name]?.run(store)).rejects.toMatchObject(damaged)
        expect(lake.fake.count('GET')).toBe(3)
        expect(store.stagedBytes()).toBe(0)
      },
    )

    it('gives up a connection that falls silent, before and within the body, and asks again', async () => {
      const impatient = await lake.open({ patience: { ...QUICK, requestTimeoutMs: 150 } })
      for (const fault of [
        { kind: 'stall', bytes: 3 },
        { kind: 'slow', delayMs: 5_000 },
      ] as const) {
        lake.fake.faults.add(fault, { verb: 'GET' })
        expect(await read(impatient, 'raw/a')).toBe('abcdef')
      }
    })
  })
})

describe('errors of a bucket', () => {
  let lake: FakeLake
  beforeEach(async () => {
    lake = await makeFakeLake()
  })
  afterEach(() => lake.close())

  it('never show keys, secrets or signatures', async () => {
    const secrets = [
      'AKIDOFSOMEBODY',
      'a-very-secret-key',
      'a-session-token',
      'Signature=',
      lake.fake.credentials.secretAccessKey,
    ]
    const credentials = {
      accessKeyId: 'AKIDOFSOMEBODY',
      secretAccessKey: 'a-very-secret-key',
      sessionToken: 'a-session-token',
    }
    const stranger = await lake.open({ credentials })
    const hasty = await lake.open({ patience: { ...QUICK, maxAttempts: 2, requestTimeoutMs: 100 } })
    const failHasty = () => {
      lake.fake.faults.add({ kind: 'slow', delayMs: 500 }, { verb: 'PUT', times: 2 })
      lake.fake.faults.add(FAULTS.internalError, { verb: 'GET', times: 2 })
    }
    const failing = [
      () => stranger.get('raw/a'),
      () => stranger.createIfAbsent('raw/a', text('x')),
      () => hasty.createIfAbsent('raw/a', text('x')),
      () => hasty.get('raw/a'),
    ]
    for (const [index, fail] of failing.entries()) {
      if (index === 2) failHasty()
      const error = (await fail().catch((thrown) => thrown)) as WardbookError
      const shown = [
        inspect(error, { depth: 20, showHidden: true }),
        JSON.stringify(toErrorRecord(error)),
      ].join('\n')
      expect(shown).toContain('raw/a')
      for (const secret of secrets) expect(shown).not.toContain(secret)
    }
  })

  it('name the bucket that is missing', async () => {
    const store = await lake.open({ bucket: 'elsewhere' })
    const missing = {
      code: 'bucket-missing',
      remedy: 'fix-config',
      message: expect.stringContaining('s3://elsewhere/city'),
    }
    await expect(store.get('raw/a')).rejects.toMatchObject(missing)
    await expect(store.createIfAbsent('raw/a', text('x'))).rejects.toMatchObject(missing)
    await expect(keysOf(store)).rejects.toMatchObject(missing)
  })

  it('say store-unavailable, not outcome-unknown, when nobody listens: nothing was sent', async () => {
    const store = await lake.open({ patience: { ...QUICK, maxAttempts: 3 } })
    await lake.fake.close()
    const unavailable = { code: 'store-unavailable', facts: { s3Code: 'ECONNREFUSED', tries: 3 } }
    await expect(store.createIfAbsent('raw/a', text('x'))).rejects.toMatchObject(unavailable)
  })
})

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

async function read(store: ObjectStore, key: string): Promise<string | undefined> {
  const bytes = await store.get(key)
  return bytes && new TextDecoder().decode(bytes)
}

async function stageText(store: ObjectStore, key: string): Promise<string> {
  const staged = await store.stage(key)
  try {
    return await readFile(staged.file, 'utf8')
  } finally {
    await staged.release()
  }
}

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}
