import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Content, ObjectInfo, ObjectStore } from '../src/lake/store.js'

/** An empty store to test, fresh for each promise. */
export interface OpenedStore {
  readonly store: ObjectStore
  /** One more Store object on the same place, as another process would have. */
  reopen?(): Promise<ObjectStore>
  close(): Promise<void>
}

type Promised = (opened: OpenedStore) => Promise<void>

const RACERS = 16
/** Any text is a key when its parts are not empty or dotted: blanks, `%`, accents, `+`, quotes, a newline. */
const AWKWARD_KEYS: readonly string[] = [
  'raw/a b/c',
  'raw/council_district=Ward%203/part.parquet',
  'raw/council_district=%2520x/part.parquet',
  'raw/Côte-d’Or/中文/🏙',
  'raw/it\'s + "quoted" & <odd>?#[*]=;:@$,!(){}|\\^`~',
  'raw/two\nlines',
  'raw/ends with blank ',
  'raw/...',
]
const BAD_KEYS: readonly string[] = [
  '',
  '/',
  '/raw/a',
  'raw//a',
  'raw/a/',
  '.',
  '..',
  '../a',
  'raw/../a',
  'raw/./a',
  'raw/a\0b',
  'raw/\ud800',
  `raw/${'a'.repeat(256)}`,
  'a/'.repeat(512).concat('a'),
]

/** Every promise of src/lake/store.ts, by its title. */
const PROMISES = {
  'gives back the bytes that were stored, whatever they are': async ({ store }) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4_000 }), async (bytes) => {
        await store.put('spool/bytes', bytes)
        expect(await bytesOf(store, 'spool/bytes')).toEqual([...bytes])
        expect((await store.stat('spool/bytes'))?.size).toBe(bytes.length)
      }),
      { numRuns: 20 },
    )
  },
  'says undefined for an object that is not there': async ({ store }) => {
    await store.put('raw/there/too', text('x'))
    for (const key of ['nothing', 'raw/nothing', 'raw', 'raw/there', 'raw/there/too/deep']) {
      expect(await store.get(key), `get ${key}`).toBeUndefined()
      expect(await store.getRange(key, 0, 10), `getRange ${key}`).toBeUndefined()
      expect(await store.stat(key), `stat ${key}`).toBeUndefined()
    }
  },
  'gives the bytes [from, to) of an object, fewer at its end': async ({ store }) => {
    const bytes = Uint8Array.from({ length: 1_000 }, (_, index) => index % 251)
    await store.createIfAbsent('raw/range', bytes)
    const anyBound = fc.integer({ min: 0, max: 1_200 })
    await fc.assert(
      fc.asyncProperty(anyBound, anyBound, async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        const range = await store.getRange('raw/range', from, to)
        expect([...(range ?? [])]).toEqual([...bytes.subarray(from, to)])
      }),
      { numRuns: 25 },
    )
    for (const [from, to] of [
      [0, 0],
      [1_000, 1_001],
      [5_000, 6_000],
      [0, 1_000_000],
      [999, 1_000],
    ] as const) {
      expect([...((await store.getRange('raw/range', from, to)) ?? [404])]).toEqual([
        ...bytes.subarray(from, to),
      ])
    }
  },
  'tells size and time of an object without its bytes': async ({ store }) => {
    await store.createIfAbsent('raw/timed', text('12345'))
    const info = (await store.stat('raw/timed')) as ObjectInfo
    expect({ key: info.key, size: info.size }).toEqual({ key: 'raw/timed', size: 5 })
    expect(info.modifiedAt.getTime()).toBeGreaterThan(Date.parse('2020-01-01'))
  },
  'creates an object once: later callers are told that it exists and change nothing': async ({ store }) => {
    expect(await store.createIfAbsent('raw/once', text('first'))).toBe('created')
    expect(await store.createIfAbsent('raw/once', text('second'))).toBe('exists')
    expect(await readText(store, 'raw/once')).toBe('first')
  },
  'tells exactly one of many racers that it created the object': async ({ store }) => {
    await expectOneWinner(Array.from({ length: RACERS }, () => store))
  },
  'tells exactly one racer so when each has a store object of its own': async (opened) => {
    await expectOneWinner(await storesOf(opened))
  },
  'tells exactly one of many racers with files that it created the object': async (opened) => {
    await expectOneWinner(await storesOf(opened), fileContent)
  },
  'keeps the bytes of a file that many racers with the same bytes store under one name': async (opened) => {
    const stores = await storesOf(opened)
    const told = await Promise.all(
      stores.map((store) => createWith(store, 'raw/same', 'the same bytes', fileContent)),
    )
    expect(told).toContain('created')
    for (const store of stores) expect(await readText(store, 'raw/same')).toBe('the same bytes')
  },
  'lets a name be taken again after its object was deleted': async ({ store }) => {
    await store.createIfAbsent('spool/again', text('one'))
    await store.delete('spool/again')
    expect(await store.createIfAbsent('spool/again', text('two'))).toBe('created')
    expect(await readText(store, 'spool/again')).toBe('two')
  },
  'moves a finished file into place, byte for byte': async ({ store }) => {
    const { file, remove } = await fileInScratch(store, 'part of a table'.repeat(10_000))
    expect(await store.createIfAbsent('raw/file', { file })).toBe('created')
    await remove()
    expect(await readText(store, 'raw/file')).toBe('part of a table'.repeat(10_000))
  },
  'leaves the object alone when a file comes too late': async ({ store }) => {
    await store.createIfAbsent('raw/file', text('first'))
    const { file, remove } = await fileInScratch(store, 'second')
    expect(await store.createIfAbsent('raw/file', { file })).toBe('exists')
    await remove()
    expect(await readText(store, 'raw/file')).toBe('first')
  },
  'never shows a part of an object that is being created': async ({ store }) => {
    await expectWhole(store, 'raw/large', async (bytes) => {
      await store.createIfAbsent('raw/large', bytes)
    })
  },
  'never shows a part of an object that is being replaced': async ({ store }) => {
    await store.put('spool/hint', new Uint8Array(LARGE_BYTES).fill(1))
    await expectWhole(store, 'spool/hint', async (bytes) => {
      for (const value of [2, 3, 4]) await store.put('spool/hint', bytes.slice().fill(value))
    })
  },
  'replaces an object whole, also by a shorter one': async ({ store }) => {
    await store.put('spool/hint', text('a long first value'))
    await store.put('spool/hint', text('short'))
    expect(await readText(store, 'spool/hint')).toBe('short')
  },
  'shows a new object to every store object at once': async ({ store, reopen }) => {
    const other = (await reopen?.()) ?? store
    await store.createIfAbsent('raw/seen', text('x'))
    expect(await readText(other, 'raw/seen')).toBe('x')
    expect(await keysBelow(other, 'raw/')).toEqual(['raw/seen'])
    await other.delete('raw/seen')
    expect(await store.get('raw/seen')).toBeUndefined()
  },
  'lists keys ascending by their UTF-8 bytes, with size': async ({ store }) => {
    // UTF-16 would put the emoji (a surrogate) before the private-use sign; `/` sorts after `-` and `.`.
    const keys = ['a-b', 'a.b', 'a/B', 'a0', 'é', 'z', 'ÿ', '\ue000', '🏙', 'a/b-c/d', 'a/b/c']
    for (const key of keys) await store.createIfAbsent(key, text(key))
    const listed: ObjectInfo[] = []
    for await (const info of store.list('')) listed.push(info)
    expect(listed.map(({ key }) => key)).toEqual([...keys].sort(byUtf8))
    expect(listed.map(({ size }) => size)).toEqual(listed.map(({ key }) => Buffer.byteLength(key)))
  },
  'lists by any prefix, also one that ends within a name': async ({ store }) => {
    for (const key of ['raw/ab/1', 'raw/abc/1', 'raw/b/1', 'rawhide', 'other'])
      await store.put(key, text('x'))
    expect(await keysBelow(store, 'raw/ab')).toEqual(['raw/ab/1', 'raw/abc/1'])
    expect(await keysBelow(store, 'raw/ab/')).toEqual(['raw/ab/1'])
    expect(await keysBelow(store, 'raw')).toEqual(['raw/ab/1', 'raw/abc/1', 'raw/b/1', 'rawhide'])
    expect(await keysBelow(store, 'raw/b/1')).toEqual(['raw/b/1'])
    expect(await keysBelow(store, 'nothing/here')).toEqual([])
  },
  'lists what comes after a key, there or not': async ({ store }) => {
    const keys = Array.from({ length: 12 }, (_, index) => `log/${String(index).padStart(20, '0')}.json`)
    for (const key of keys) await store.createIfAbsent(key, text('{}'))
    expect(await keysBelow(store, 'log/', keys[4])).toEqual(keys.slice(5))
    expect(await keysBelow(store, 'log/', `${keys[4]}~`)).toEqual(keys.slice(5))
    expect(await keysBelow(store, 'log/', keys[11])).toEqual([])
    expect(await keysBelow(store, 'log/', 'a')).toEqual(keys)
  },
  'lists neither scratch nor an unfinished write': async ({ store }) => {
    const { remove } = await fileInScratch(store, 'on its way')
    await store.createIfAbsent('raw/one', text('x'))
    expect(await keysBelow(store, '')).toEqual(['raw/one'])
    await remove()
  },
  'deletes an object; deleting what is not there is no error': async ({ store }) => {
    await store.createIfAbsent('spool/a/b', text('x'))
    await store.delete('spool/a/b')
    expect(await store.get('spool/a/b')).toBeUndefined()
    for (const key of ['spool/a/b', 'spool/a', 'spool/nothing', 'spool/a/b/c']) await store.delete(key)
  },
  'deletes nothing but the object of that name': async ({ store }) => {
    for (const key of ['spool/a/1', 'spool/a/2', 'spool/ab']) await store.put(key, text('x'))
    await store.delete('spool/a')
    await store.delete('spool/a/1')
    expect(await keysBelow(store, '')).toEqual(['spool/a/2', 'spool/ab'])
  },
  'refuses what is no key, as bad-key, and touches nothing': async ({ store }) => {
    for (const key of BAD_KEYS) {
      const calls = {
        get: () => store.get(key),
        getRange: () => store.getRange(key, 0, 1),
        stat: () => store.stat(key),
        createIfAbsent: () => store.createIfAbsent(key, text('x')),
        put: () => store.put(key, text('x')),
        delete: () => store.delete(key),
        stage: () => store.stage(key),
      }
      for (const [name, call] of Object.entries(calls)) {
        await expect(call(), `${name} ${JSON.stringify(key)}`).rejects.toMatchObject({
          code: 'bad-key',
          remedy: 'report-bug',
        })
      }
    }
    expect(await keysBelow(store, '')).toEqual([])
  },
  'refuses to list what no key begins with': async ({ store }) => {
    for (const prefix of ['/', '../', 'raw/../', 'raw//', './a', 'raw\0']) {
      await expect(keysBelow(store, prefix), JSON.stringify(prefix)).rejects.toMatchObject({
        code: 'bad-key',
      })
    }
  },
  'keeps keys apart that look alike, and gives each back as it was': async ({ store }) => {
    for (const key of AWKWARD_KEYS) expect(await store.createIfAbsent(key, text(key)), key).toBe('created')
    for (const key of AWKWARD_KEYS) expect(await readText(store, key)).toBe(key)
    expect(await keysBelow(store, 'raw/')).toEqual([...AWKWARD_KEYS].sort(byUtf8))
    for (const key of AWKWARD_KEYS) await store.delete(key)
    expect(await keysBelow(store, '')).toEqual([])
  },
  'holds an object and others below its name at the same time': async ({ store }) => {
    await store.createIfAbsent('raw/a', text('object'))
    expect(await store.createIfAbsent('raw/a/b', text('below'))).toBe('created')
    expect(await readText(store, 'raw/a')).toBe('object')
    expect(await readText(store, 'raw/a/b')).toBe('below')
  },
  'stages an object as a local file with its bytes': async ({ store }) => {
    for (const key of ['raw/part.parquet', ...AWKWARD_KEYS]) {
      await store.createIfAbsent(key, text(`content of ${key}`))
      const staged = await store.stage(key)
      expect(await readFile(staged.file, 'utf8')).toBe(`content of ${key}`)
      await staged.release()
      expect(await readText(store, key)).toBe(`content of ${key}`)
    }
  },
  'says object-missing when there is nothing to stage': async ({ store }) => {
    const error = { code: 'object-missing', remedy: 'retry', facts: { key: 'raw/gone' } }
    await expect(store.stage('raw/gone')).rejects.toMatchObject(error)
  },
  'gives each caller an empty scratch folder of its own, gone when removed': async ({ store }) => {
    const [one, two] = [await store.scratch(), await store.scratch()]
    expect(one.folder).not.toBe(two.folder)
    expect(await readdir(one.folder)).toEqual([])
    await writeFile(join(one.folder, 'file'), 'x')
    await one.remove()
    await one.remove()
    expect([existsSync(one.folder), existsSync(two.folder)]).toEqual([false, true])
    await two.remove()
  },
  'keeps what it stored when it is opened again': async ({ store, reopen }) => {
    await store.createIfAbsent('raw/kept', text('kept'))
    const again = (await reopen?.()) ?? store
    expect(await readText(again, 'raw/kept')).toBe('kept')
    expect(again.address).toBe(store.address)
  },
} satisfies Record<string, Promised>

/** The title of a promise. */
export type StorePromise = keyof typeof PROMISES

/**
 * Runs every promise of the store port against an adapter.
 * @param open   opens an empty store
 * @param cannot promises that the adapter cannot keep, each with the reason, which the report shows
 */
export function describeObjectStore(
  name: string,
  open: () => Promise<OpenedStore>,
  cannot: Partial<Record<StorePromise, string>> = {},
): void {
  describe(`${name} as an object store`, () => {
    let opened: OpenedStore
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(() => opened.close())

    for (const [promise, keep] of Object.entries(PROMISES) as [StorePromise, Promised][]) {
      const reason = cannot[promise]
      if (reason === undefined) it(promise, () => keep(opened))
      else it.skip(`${promise} (cannot: ${reason})`, () => {})
    }
  })
}

const LARGE_BYTES = 4 * 1024 * 1024

/** A store object for each racer. */
async function storesOf({ store, reopen }: OpenedStore): Promise<readonly ObjectStore[]> {
  const stores = [store]
  while (reopen !== undefined && stores.length < RACERS) stores.push(await reopen())
  expect(stores, 'this adapter needs reopen()').toHaveLength(RACERS)
  return stores
}

/** What a racer stores: bytes as they are, or a file with them. */
type ContentOf = (store: ObjectStore, said: string) => Promise<{ content: Content; done(): Promise<void> }>

const bytesContent: ContentOf = async (_store, said) => ({ content: text(said), done: async () => {} })
const fileContent: ContentOf = async (store, said) => {
  const { file, remove } = await fileInScratch(store, said)
  return { content: { file }, done: remove }
}

async function createWith(store: ObjectStore, key: string, said: string, contentOf: ContentOf) {
  const { content, done } = await contentOf(store, said)
  return store.createIfAbsent(key, content).finally(done)
}

/** All racers start at once on fresh names; each name has one winner, and holds that racer's bytes. */
async function expectOneWinner(stores: readonly ObjectStore[], contentOf = bytesContent): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const key = `raw/race/${round}`
    const told = await Promise.all(
      stores.map((store, racer) => createWith(store, key, `racer ${racer}`, contentOf)),
    )
    const winners = told.flatMap((answer, racer) => (answer === 'created' ? [racer] : []))
    expect(winners).toHaveLength(1)
    expect(told.filter((answer) => answer === 'exists')).toHaveLength(stores.length - 1)
    for (const store of stores) expect(await readText(store, key)).toBe(`racer ${winners[0]}`)
  }
}

/** Reads an object over and over while it is written: it is absent, or whole and all of one value. */
async function expectWhole(
  store: ObjectStore,
  key: string,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  let writing = true
  const written = write(new Uint8Array(LARGE_BYTES).fill(7)).finally(() => {
    writing = false
  })
  while (writing) {
    const seen = await store.get(key)
    if (seen === undefined) continue
    expect(seen.length).toBe(LARGE_BYTES)
    expect(Buffer.from(seen).equals(Buffer.alloc(LARGE_BYTES, seen[0]))).toBe(true)
  }
  await written
  expect((await store.get(key))?.length).toBe(LARGE_BYTES)
}

async function fileInScratch(store: ObjectStore, content: string) {
  const scratch = await store.scratch()
  const file = join(scratch.folder, 'finished.parquet')
  await writeFile(file, content)
  return { file, remove: () => scratch.remove() }
}

async function keysBelow(store: ObjectStore, prefix: string, startAfter?: string): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix, startAfter)) keys.push(key)
  return keys
}

async function readText(store: ObjectStore, key: string): Promise<string | undefined> {
  const bytes = await store.get(key)
  return bytes && new TextDecoder().decode(bytes)
}

async function bytesOf(store: ObjectStore, key: string): Promise<number[] | undefined> {
  const bytes = await store.get(key)
  return bytes && [...bytes]
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content)
}

function byUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
