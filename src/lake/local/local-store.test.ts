import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeObjectStore } from '../../../testkit/object-store.contract.js'
import { openLocalStore } from './local-store.js'

describeObjectStore(
  'a local folder',
  async () => {
    const base = await mkdtemp(join(tmpdir(), 'wardbook-store-'))
    return {
      store: await openLocalStore(base),
      reopen: () => openLocalStore(base),
      close: () => rm(base, { recursive: true, force: true }),
    }
  },
  {
    'holds an object and others below its name at the same time':
      'in a file system a name is either a file or a folder; no prefix of a lake needs both',
  },
)

describe('a lake in a local folder', () => {
  let base: string
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'wardbook-local-'))
  })
  afterEach(() => rm(base, { recursive: true, force: true }))

  it('gives each name to exactly one of two processes', async () => {
    const names = 200
    const racers = ['a', 'b'].map((racer) => startRacer(base, names, racer))
    await Promise.all(racers.map((racer) => once(racer, 'message')))
    const answers = racers.map((racer) => once(racer, 'message') as Promise<[number[]]>)
    for (const racer of racers) racer.send('go')
    const [[a], [b]] = (await Promise.all(answers)) as [[number[]], [number[]]]

    expect([...a, ...b].sort((one, two) => one - two)).toEqual(
      Array.from({ length: names }, (_, name) => name),
    )
    for (const [owned, racer] of [
      [a, 'a'],
      [b, 'b'],
    ] as const) {
      for (const name of owned) expect(await readFile(join(base, 'raw', String(name)), 'utf8')).toBe(racer)
    }
    expect(await readdir(join(base, '.scratch'))).toEqual([])
  })

  it('sweeps the scratch of processes that ended, and keeps that of running ones', async () => {
    const scratch = join(base, '.scratch')
    const ended = await endedProcess()
    const foreign = 'another-machine~1~abc'
    const longAgo = 'another-machine~1~old'
    for (const name of [`${hostname()}~${ended}~aa`, `${hostname()}~${process.pid}~bb`, foreign, longAgo]) {
      await mkdir(join(scratch, name), { recursive: true })
      await writeFile(join(scratch, name, 'part.parquet'), 'x')
    }
    const twoDaysAgo = new Date(Date.now() - 2 * 86_400_000)
    await utimes(join(scratch, longAgo), twoDaysAgo, twoDaysAgo)

    await openLocalStore(base)
    expect((await readdir(scratch)).sort()).toEqual([foreign, `${hostname()}~${process.pid}~bb`].sort())
  })

  it('keeps the scratch of one store object when another is opened', async () => {
    const { folder } = await (await openLocalStore(base)).scratch()
    await openLocalStore(base)
    expect(existsSync(folder)).toBe(true)
  })

  it('takes a file by its name: nothing is copied, and nothing stays in scratch', async () => {
    const store = await openLocalStore(base)
    const scratch = await store.scratch()
    const file = join(scratch.folder, 'part.parquet')
    await writeFile(file, 'rows')
    await store.createIfAbsent('raw/part.parquet', { file })
    expect(await readdir(scratch.folder)).toEqual([])
    await scratch.remove()
    expect(await readdir(join(base, '.scratch'))).toEqual([])
  })

  it('stages an object where it lies', async () => {
    const store = await openLocalStore(base)
    await store.createIfAbsent('raw/part.parquet', new Uint8Array([1]))
    expect((await store.stage('raw/part.parquet')).file).toBe(join(base, 'raw', 'part.parquet'))
  })

  it('refuses objects inside its scratch, which would be swept', async () => {
    const store = await openLocalStore(base)
    const { folder } = await store.scratch()
    await writeFile(join(folder, 'x'), 'x')
    await expect(store.put('.scratch/x', new Uint8Array())).rejects.toMatchObject({ code: 'bad-key' })
    for (const prefix of ['', '.scratch', '.scratch/']) {
      for await (const { key } of store.list(prefix)) expect.unreachable(`listed ${key}`)
    }
  })

  it('is at home in a folder with an awkward name', async () => {
    const store = await openLocalStore(join(base, "it's [old] *new?", 'Côte d’Or'))
    await store.createIfAbsent('raw/a', new Uint8Array([1]))
    expect((await store.stat('raw/a'))?.size).toBe(1)
  })

  it('says store-unavailable, with the cause, when the disk refuses', async () => {
    const store = await openLocalStore(base)
    await store.put('raw/file', new Uint8Array([1]))
    const refused = { code: 'store-unavailable', remedy: 'retry', cause: expect.any(Error) }
    // A file stands where a folder is needed: the same errors as a broken disk, without being one.
    await expect(store.put('raw/file/below', new Uint8Array())).rejects.toMatchObject(refused)
    await expect(store.createIfAbsent('raw/file/below', new Uint8Array())).rejects.toMatchObject(refused)
    const missing = { file: join(base, 'nowhere.parquet') }
    await expect(store.createIfAbsent('raw/other', missing)).rejects.toMatchObject(refused)
    await rm(join(base, '.scratch'), { recursive: true })
    await expect(store.put('raw/third', new Uint8Array())).rejects.toMatchObject(refused)
  })

  it.skipIf(process.getuid?.() === 0)(
    'says store-unavailable for a folder that it may not read (skipped for root, who may)',
    async () => {
      const store = await openLocalStore(base)
      await store.put('raw/hidden/x', new Uint8Array([1]))
      await chmod(join(base, 'raw/hidden'), 0o000)
      await expect(store.get('raw/hidden/x')).rejects.toMatchObject({ code: 'store-unavailable' })
      await chmod(join(base, 'raw/hidden'), 0o755)
    },
  )
})

function startRacer(base: string, names: number, racer: string): ChildProcess {
  const script = join(import.meta.dirname, 'testdata', 'race.mjs')
  return fork(script, [base, String(names), racer], { execArgv: [] })
}

/** The id of a process that has ended. */
async function endedProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid as number
}
