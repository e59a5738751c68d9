import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeObjectStore } from '../../../testkit/object-store.contract.js'
import { DeltaTable } from '../delta/table.js'
import type { ObjectStore } from '../store.js'
import { type FakeLake, makeFakeLake } from './s3-lake.fixture.js'
import type { S3Store } from './s3-store.js'

describeObjectStore('a bucket of the double, seven names a page', async () => {
  const lake = await makeFakeLake({ maxKeys: 7 })
  return { store: await lake.open(), reopen: () => lake.open(), close: lake.close }
})

describeObjectStore('a bucket of the double that gets every file in parts', async () => {
  const lake = await makeFakeLake({ minPartBytes: 0 })
  const open = () => lake.open({ multipartBytes: 1, partBytes: 40_000 })
  return { store: await open(), reopen: open, close: lake.close }
})

describe('a lake in a bucket', () => {
  let lake: FakeLake
  let store: S3Store
  beforeEach(async () => {
    lake = await makeFakeLake()
    store = await lake.open()
  })
  afterEach(() => lake.close())

  it('makes no request when it is opened', () => {
    expect(lake.fake.count()).toBe(0)
  })

  it('makes one request an operation', async () => {
    const costs: Record<string, () => Promise<unknown>> = {
      'create PUT': () => store.createIfAbsent('raw/a', text('abc')),
      'create of a taken name PUT HEAD': () => store.createIfAbsent('raw/a', text('xyz')),
      'put PUT': () => store.put('raw/b', text('abc')),
      'get GET': () => store.get('raw/a'),
      'get of nothing GET': () => store.get('raw/none'),
      'getRange GET': () => store.getRange('raw/a', 1, 2),
      'getRange of no bytes HEAD': () => store.getRange('raw/a', 1, 1),
      'stat HEAD': () => store.stat('raw/a'),
      'list LIST': () => keysOf(store),
      'stage GET': async () => (await store.stage('raw/a')).release(),
      'delete DELETE': () => store.delete('raw/a'),
    }
    for (const [title, operation] of Object.entries(costs)) {
      lake.fake.forget()
      await operation()
      const verbs = lake.fake.seen.map(({ verb }) => verb).join(' ')
      expect(
        title.endsWith(verbs) && lake.fake.count() === verbs.split(' ').length,
        `${title}: ${verbs}`,
      ).toBe(true)
    }
    expect(
      lake.fake.seen.filter(({ isConditional }) => isConditional).every(({ verb }) => verb === 'PUT'),
    ).toBe(true)
  })

  it('lists with one request a page', async () => {
    for (let n = 0; n < 2_500; n++) lake.fake.store(`city/log/${String(n).padStart(5, '0')}`, text('x'))
    expect(await keysOf(store)).toHaveLength(2_500)
    expect(lake.fake.count('LIST')).toBe(3)
  })

  it('shares no key with another base path of the bucket, also when one name begins with the other', async () => {
    const other = await lake.open({ basePath: 'city2' })
    const whole = await lake.open({ basePath: '' })
    await store.createIfAbsent('raw/a', text('one'))
    expect(await other.createIfAbsent('raw/a', text('two'))).toBe('created')
    expect([await keysOf(store), await keysOf(other)]).toEqual([['raw/a'], ['raw/a']])
    expect(await keysOf(whole)).toEqual(['city/raw/a', 'city2/raw/a'])
    await other.delete('raw/a')
    expect(await store.get('raw/a')).toEqual(Buffer.from('one'))
  })

  it('leaves out what no key names: folders that consoles make', async () => {
    for (const name of ['city/', 'city/raw/', 'city/raw/a']) lake.fake.store(name, new Uint8Array(0))
    expect(await keysOf(store)).toEqual(['raw/a'])
  })

  it('asks for the encryption that is set, and only then', async () => {
    const secret = await lake.open({ serverSideEncryption: 'aws:kms', sseKmsKeyId: 'key-1' })
    await secret.createIfAbsent('private/a', text('x'))
    await store.createIfAbsent('raw/a', text('x'))
    expect(lake.fake.object('city/private/a')?.headers).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key-1',
    })
    expect(Object.keys(lake.fake.object('city/raw/a')?.headers ?? {})).not.toContain(
      'x-amz-server-side-encryption',
    )
  })

  it('takes a file away once it is stored, whoever stored it', async () => {
    const scratch = await store.scratch()
    for (const told of ['created', 'exists']) {
      const file = join(scratch.folder, 'part.parquet')
      await writeFile(file, told)
      expect(await store.createIfAbsent('raw/part', { file })).toBe(told)
      expect(existsSync(file)).toBe(false)
    }
    await scratch.remove()
  })

  it('says so when the file to store is not there, without a request', async () => {
    const missing = store.createIfAbsent('raw/part', { file: join(lake.scratchFolder, 'none') })
    await expect(missing).rejects.toMatchObject({ code: 'content-unreadable', remedy: 'report-bug' })
    expect(lake.fake.count()).toBe(0)
  })

  it('sweeps the scratch of processes that ended, and keeps what is not its own', async () => {
    const names = [`${hostname()}~999999999~ab`, `${hostname()}~${process.pid}~cd`, 'notes']
    for (const name of names) await mkdir(join(lake.scratchFolder, name))
    await lake.open()
    expect((await readdir(lake.scratchFolder)).sort()).toEqual(names.slice(1).sort())
  })

  it('refuses a scratch folder that cannot be one', async () => {
    const file = join(lake.scratchFolder, 'a-file')
    await writeFile(file, '')
    await expect(lake.open({ scratchFolder: file })).rejects.toMatchObject({ code: 'scratch-unusable' })
  })
})

describe('staging objects from a bucket', () => {
  let lake: FakeLake
  beforeEach(async () => {
    lake = await makeFakeLake()
  })
  afterEach(() => lake.close())

  it('fetches a large object range by range', async () => {
    const store = await lake.open({ stageRangeBytes: 1_000 })
    const bytes = Buffer.from(Array.from({ length: 3_500 }, (_, n) => n % 251))
    for (const size of [0, 999, 1_000, 1_001, 3_500]) {
      await store.put('raw/large', bytes.subarray(0, size))
      lake.fake.forget()
      const staged = await store.stage('raw/large')
      expect(await readFile(staged.file)).toEqual(bytes.subarray(0, size))
      expect(lake.fake.count('GET')).toBe(Math.max(1, Math.ceil(size / 1_000)))
      await staged.release()
    }
  })

  it('shares one download between callers, and removes it with the last of them', async () => {
    const store = await lake.open()
    await store.put('raw/a', text('abc'))
    lake.fake.forget()
    const [one, two] = await Promise.all([store.stage('raw/a'), store.stage('raw/a')])
    expect([one.file === two.file, lake.fake.count(), store.stagedBytes()]).toEqual([true, 1, 3])
    await one.release()
    await one.release()
    expect([existsSync(two.file), store.stagedBytes()]).toEqual([true, 3])
    await two.release()
    expect([existsSync(two.file), store.stagedBytes()]).toEqual([false, 0])
  })

  it('holds no more bytes than it may, says which limit to raise, and goes on after a release', async () => {
    const store = await lake.open({ maxScratchBytes: 1_000 })
    for (const key of ['raw/a', 'raw/b']) await store.put(key, new Uint8Array(600))
    const first = await store.stage('raw/a')
    const full = {
      code: 'scratch-full',
      remedy: 'fix-config',
      facts: { bytes: 600, used: 600, maxBytes: 1_000 },
    }
    await expect(store.stage('raw/b')).rejects.toMatchObject(full)
    await first.release()
    const second = await store.stage('raw/b')
    await second.release()
    expect(store.stagedBytes()).toBe(0)
  })

  it('leaves nothing behind when a download fails', async () => {
    const store = await lake.open({ stageRangeBytes: 1_000 })
    await store.put('raw/a', new Uint8Array(2_500))
    lake.fake.faults.add({ kind: 'slow', delayMs: 0 }, { verb: 'GET' })
    lake.fake.faults.add({ kind: 'status', status: 403, code: 'AccessDenied' }, { verb: 'GET' })
    await expect(store.stage('raw/a')).rejects.toMatchObject({ code: 'store-refused' })
    expect(store.stagedBytes()).toBe(0)
    expect(await readdir(lake.scratchFolder)).toEqual([])
    await (await store.stage('raw/a')).release()
  })

  it('does not mix two versions of a hint that is replaced while it is read', async () => {
    const store = await lake.open({ stageRangeBytes: 1_000 })
    await store.put('raw/hint', new Uint8Array(2_000).fill(1))
    lake.fake.faults.choose((verb) => {
      if (verb === 'GET' && lake.fake.count('GET') === 2)
        lake.fake.store('city/raw/hint', new Uint8Array(2_000).fill(2))
      return undefined
    })
    await expect(store.stage('raw/hint')).rejects.toMatchObject({
      code: 'store-unavailable',
      remedy: 'retry',
    })
  })
})

describe('a Delta table in a bucket', () => {
  it('costs one PUT a commit and one GET to look for news', async () => {
    const lake = await makeFakeLake()
    const [writer, reader] = [
      new DeltaTable(await lake.open(), 'tidy/x'),
      new DeltaTable(await lake.open(), 'tidy/x'),
    ]
    const columns = [{ name: 'id', type: 'string' as const }]
    await writer.commit(undefined, { operation: 'create', schema: { columns, partitionColumns: [] } })
    const base = await writer.snapshot()
    await reader.snapshot()
    const spent = async (work: () => Promise<unknown>) => {
      lake.fake.forget()
      await work()
      return lake.fake.seen.map(({ verb }) => verb)
    }
    expect(await spent(() => reader.snapshot())).toEqual(['GET'])
    expect(await spent(() => writer.commit(base, { operation: 'write' }))).toEqual(['PUT'])
    expect(await spent(() => reader.snapshot())).toEqual(['GET', 'GET'])
    expect(await spent(() => writer.commit(base, { operation: 'write' }))).toEqual([
      'PUT',
      'HEAD',
      'GET',
      'PUT',
    ])
    await lake.close()
  })
})

async function keysOf(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list('')) keys.push(key)
  return keys
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}
