import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { STAGES } from '../contracts/message.js'
import { openLocalStore } from './local/local-store.js'
import { mayAccess, OWNERS, type Owner, PREFIXES, type PrefixRule, scopeTo } from './prefixes.js'
import { prefixesMarkdown } from './prefixes-doc.js'
import type { ObjectStore } from './store.js'
import { tables } from './tables.js'

const anyOwner = fc.constantFrom(...OWNERS)
const anyRule = fc.constantFrom(...PREFIXES)
const anyName = fc.stringMatching(/^[a-z0-9][a-z0-9._=-]{0,12}$/)

/** A key below a rule's prefix, with `stage` for `<stage>` and some name for every other blank. */
function keyBelow({ prefix }: PrefixRule, stage: string, names: readonly string[]): string {
  let used = 0
  const filled = prefix.replaceAll(/<(\w+)>/g, (_, blank) => (blank === 'stage' ? stage : `${names[used++]}`))
  return filled.endsWith('/') ? `${filled}${names.slice(used).join('/')}` : filled
}
const anyNames = fc.array(anyName, { minLength: 4, maxLength: 6 })

/** What the table says, told in another way: the rule lists the writer, and `<stage>` is the writer's own name. */
function maySay(rule: PrefixRule, owner: Owner, stage: string): boolean {
  return rule.writers.includes(owner) && (!rule.prefix.includes('<stage>') || stage === owner)
}

describe('the prefix table', () => {
  it('has one rule for each first folder', () => {
    const roots = PREFIXES.map(({ prefix }) => prefix.split('/')[0])
    expect(new Set(roots).size).toBe(roots.length)
  })

  it('lets nobody but its own writers write, whatever the key', () => {
    fc.assert(
      fc.property(anyRule, anyOwner, anyOwner, anyNames, (rule, owner, stage, names) => {
        const key = keyBelow(rule, stage, names)
        expect(mayAccess(owner, key, 'write'), `${owner} ${key}`).toBe(maySay(rule, owner, stage))
      }),
      { numRuns: 1_000 },
    )
  })

  it('lets nobody write outside all prefixes, beside a prefix or above its depth', () => {
    const keys = [
      'x',
      'rawhide/a/b/c',
      'raw',
      'raw/a',
      'raw/a/b',
      'raw//b/c',
      'lake.json/x',
      'lake.jsonx',
      'findings',
      'RAW/a/b/c',
      '',
    ]
    for (const owner of OWNERS) {
      for (const key of keys) expect(mayAccess(owner, key, 'write'), `${owner} ${key}`).toBe(false)
    }
  })

  it('lets whoever writes somewhere read there', () => {
    fc.assert(
      fc.property(anyRule, anyOwner, anyNames, (rule, owner, names) => {
        const key = keyBelow(rule, owner, names)
        if (mayAccess(owner, key, 'write')) expect(mayAccess(owner, key, 'read')).toBe(true)
      }),
    )
  })

  it('keeps private/ for serve alone, and spool/ for ingest alone', () => {
    for (const owner of OWNERS) {
      for (const access of ['read', 'write'] as const) {
        expect(mayAccess(owner, 'private/tokens/1', access)).toBe(owner === 'serve')
        expect(mayAccess(owner, 'private', access) && access === 'write').toBe(false)
        expect(mayAccess(owner, 'spool/calls/portal/page-0', access)).toBe(owner === 'ingest')
      }
    }
  })

  it('gives every table a place where its stage may write', () => {
    const places: [Owner, string][] = [
      ['ingest', tables.raw('calls', 'portal')],
      ['harmonize', tables.tidy('calls')],
      ['measure', tables.series('calls')],
      ['ledger', tables.findings()],
      ...STAGES.filter((stage) => stage !== 'ledger').flatMap((stage): [Owner, string][] => [
        [stage, tables.quarantine(stage, 'calls', 'portal')],
        [stage, tables.runs(stage)],
        [stage, tables.outbox(stage)],
      ]),
    ]
    for (const [owner, root] of places) {
      expect(mayAccess(owner, `${root}/_delta_log/0.json`, 'write'), `${owner} ${root}`).toBe(true)
    }
  })

  it('is what docs/prefixes.md says', () => {
    const file = join(import.meta.dirname, '..', '..', 'docs', 'prefixes.md')
    const renew = 'docs/prefixes.md is outdated: run `npx tsx testkit/renew-prefixes-doc.ts`'
    expect(readFileSync(file, 'utf8'), renew).toBe(prefixesMarkdown())
  })
})

describe("an owner's store handle", () => {
  let lake: TestLake
  beforeEach(async () => {
    lake = await makeLake()
  })
  afterEach(() => lake.remove())

  it('refuses every write outside its prefixes, and the lake stays as it was', async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyOwner, anyOwner, anyNames, async (rule, owner, stage, names) => {
        const key = keyBelow(rule, stage, names)
        if (maySay(rule, owner, stage)) return
        const scoped = scopeTo(owner, lake.store)
        const outside = {
          code: 'outside-prefix',
          remedy: 'report-bug',
          facts: { owner, key, access: 'write' },
        }
        await expect(scoped.createIfAbsent(key, new Uint8Array())).rejects.toMatchObject(outside)
        await expect(scoped.put(key, new Uint8Array())).rejects.toMatchObject(outside)
        await expect(scoped.delete(key)).rejects.toMatchObject(outside)
      }),
      { numRuns: 200 },
    )
    expect(await keysOf(lake.store)).toEqual([])
  })

  it('refuses to read or list what is not for its owner', async () => {
    await lake.store.put('private/tokens/1', new Uint8Array([1]))
    for (const owner of OWNERS.filter((one) => one !== 'serve')) {
      const scoped = scopeTo(owner, lake.store)
      const calls = {
        get: () => scoped.get('private/tokens/1'),
        getRange: () => scoped.getRange('private/tokens/1', 0, 1),
        stat: () => scoped.stat('private/tokens/1'),
        stage: () => scoped.stage('private/tokens/1'),
        list: () => keysOf(scoped, 'private/'),
        'list of its beginning': () => keysOf(scoped, 'priv'),
        'list of all': () => keysOf(scoped, ''),
      }
      for (const [name, call] of Object.entries(calls)) {
        await expect(call(), `${owner} ${name}`).rejects.toMatchObject({ code: 'outside-prefix' })
      }
    }
  })

  it('does within its prefixes what the store does', async () => {
    const scoped = scopeTo('ingest', lake.store)
    const bytes = new Uint8Array([1, 2, 3])
    expect(await scoped.createIfAbsent('raw/calls/portal/a', bytes)).toBe('created')
    expect(await scoped.createIfAbsent('raw/calls/portal/a', bytes)).toBe('exists')
    expect([...((await scoped.getRange('raw/calls/portal/a', 1, 3)) ?? [])]).toEqual([2, 3])
    expect((await scoped.stat('raw/calls/portal/a'))?.size).toBe(3)
    await (await scoped.stage('raw/calls/portal/a')).release()
    expect(await keysOf(scoped, 'raw/')).toEqual(['raw/calls/portal/a'])
    await scoped.put('spool/calls/portal/hint', bytes)
    await scoped.delete('spool/calls/portal/hint')
    expect(await keysOf(lake.store)).toEqual(['raw/calls/portal/a'])
    const scratch = await scoped.scratch()
    await scratch.remove()
    expect(scoped.address).toBe(lake.store.address)
  })
})

describe('two lakes below one folder', () => {
  it('share no key, also when one name begins like the other', async () => {
    const base = await mkdtemp(join(tmpdir(), 'wardbook-two-'))
    const [a, ab] = [await openLocalStore(join(base, 'a')), await openLocalStore(join(base, 'ab'))]
    const key = 'raw/calls/portal/part'
    expect(await a.createIfAbsent(key, new Uint8Array([1]))).toBe('created')
    expect(await ab.createIfAbsent(key, new Uint8Array([2]))).toBe('created')
    await ab.createIfAbsent('raw/other/portal/part', new Uint8Array([2]))
    expect([...((await a.get(key)) ?? [])]).toEqual([1])
    expect(await keysOf(a)).toEqual([key])
    await a.delete(key)
    expect([...((await ab.get(key)) ?? [])]).toEqual([2])
    await expect(keysOf(a, '../ab/')).rejects.toMatchObject({ code: 'bad-key' })
    await expect(a.get('../ab/raw/calls/portal/part')).rejects.toMatchObject({ code: 'bad-key' })
    expect(await readdir(base)).toEqual(['a', 'ab'])
    await rm(base, { recursive: true })
  })
})

async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}
