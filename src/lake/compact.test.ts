import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commitGroup, EAGER, groupsAt, openGroups, ROOT, wholeGroups } from '../../testkit/grouped-table.js'
import { counting, makeLake, queryTable, type TestLake } from '../../testkit/lake-fixture.js'
import { compactTable } from './compact.js'
import { type CompactionRules, ON_DEMAND, planCompaction, WHILE_WRITING } from './compact-plan.js'
import type { LiveFile, Snapshot } from './delta/snapshot.js'
import { tendTable } from './tend-table.js'

describe('a plan of what to merge', () => {
  const file = (n: number, over: Partial<LiveFile> = {}, bytes = 100): LiveFile => {
    const tags = { sha256: 'a', uncompressedBytes: String(bytes), ...over.tags }
    const action = {} as LiveFile['action']
    return { key: `f${n}`, partition: { division: '7' }, size: 1, rows: 10, since: n, action, ...over, tags }
  }
  const keys = (files: readonly LiveFile[], rules: CompactionRules = ON_DEMAND) =>
    planCompaction(files, rules).map((group) => group.map(({ key }) => key))

  it('puts the files of a partition together in the order in which their rows came', () => {
    expect(keys([file(3), file(1), file(2)])).toEqual([['f1', 'f2', 'f3']])
  })

  it('keeps partitions apart, and files to which a stage gave different tags', () => {
    const files = [
      file(1, { partition: { division: '8' } }),
      file(2, { tags: { source: 'a' } }),
      file(3, { tags: { source: 'b' } }),
      file(4),
    ]
    expect(keys(files)).toEqual([])
    expect(keys([...files, file(5, { tags: { source: 'b' } })])).toEqual([['f3', 'f5']])
  })

  it('leaves alone a single file, files of other writers, and what is not to be touched', () => {
    expect(keys([file(1)])).toEqual([])
    expect(keys([file(1, { rows: undefined }), file(2)])).toEqual([])
    expect(keys([file(1), file(2), file(3)], { ...ON_DEMAND, mayMerge: ({ since }) => since < 3 })).toEqual([
      ['f1', 'f2'],
    ])
  })

  it('waits, while writing, for 17 files of about one size', () => {
    const sixteen = Array.from({ length: 16 }, (_, n) => file(n))
    expect(keys([...sixteen, file(16, {}, 50_000_000)], WHILE_WRITING)).toEqual([])
    expect(keys([...sixteen, file(16)], WHILE_WRITING)).toHaveLength(1)
  })

  it('never makes a file larger than a part, and merges no file twice', () => {
    const budget = { maxRows: 100, maxUncompressedBytes: 10_000 }
    const anyFile = fc.record({
      rows: fc.integer({ min: 1, max: 200 }),
      bytes: fc.integer({ min: 1, max: 20_000 }),
    })
    fc.assert(
      fc.property(fc.array(anyFile, { maxLength: 40 }), fc.boolean(), (sizes, bySize) => {
        const files = sizes.map(({ rows, bytes }, n) => file(n, { rows }, bytes))
        const groups = planCompaction(files, { ...ON_DEMAND, budget, bySize })
        const sum = (group: LiveFile[], pick: (one: LiveFile) => number) =>
          group.reduce((all, one) => all + pick(one), 0)
        for (const group of groups) {
          expect(group.length).toBeGreaterThan(1)
          expect(sum(group, ({ rows }) => rows ?? 0)).toBeLessThanOrEqual(budget.maxRows)
          expect(sum(group, ({ tags }) => Number(tags.uncompressedBytes))).toBeLessThanOrEqual(10_000)
        }
        expect(new Set(groups.flat()).size).toBe(groups.flat().length)
      }),
    )
  })
})

describe('a compaction', () => {
  let lake: TestLake
  beforeEach(async () => {
    lake = await makeLake()
    for (let group = 0; group < 5; group++) await commitGroup(openGroups(lake.store), group)
  })
  afterEach(() => lake.remove())
  const newest = async () => (await openGroups(lake.store).snapshot()) as Snapshot

  it('leaves every row once, in the order of the commits, in one file a partition, with statistics', async () => {
    expect(await compactTable(openGroups(lake.store), EAGER)).toEqual({
      outcome: 'compacted',
      files: 15,
      into: 3,
    })
    const snapshot = await newest()
    expect(await groupsAt(lake.store, snapshot)).toEqual(wholeGroups(5))
    expect(snapshot.files.size).toBe(3)
    for (const { action, tags, rows, since } of snapshot.files.values()) {
      expect({ rows, since }).toEqual({ rows: 10, since: 4 })
      expect(Object.keys(tags).sort()).toEqual(['sha256', 'uncompressedBytes'])
      expect(JSON.parse(action.stats ?? '')).toMatchObject({
        numRecords: 10,
        minValues: { group: 0 },
        maxValues: { group: 4 },
      })
    }
    const inOrder = await queryTable<{ group: number }>(
      lake.store,
      ROOT,
      `SELECT "group" FROM {table} WHERE division = '1'`,
    )
    expect(inOrder.map(({ group }) => group)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
  })

  it('says in the log that it changed no data, and keeps positions and `since` through checkpoints', async () => {
    await compactTable(openGroups(lake.store), EAGER)
    const text = new TextDecoder().decode(
      await lake.store.get(`${ROOT}/_delta_log/${'5'.padStart(20, '0')}.json`),
    )
    const actions = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(
      actions.flatMap(({ add, remove }) => add ?? remove ?? []).map(({ dataChange }) => dataChange),
    ).toEqual(Array.from({ length: 18 }, () => false))
    await commitGroup(openGroups(lake.store), 5) // version 6, with a checkpoint
    const snapshot = await newest()
    expect(snapshot.positions.get('groups')).toBe(5)
    expect([...snapshot.files.values()].map(({ since }) => since).sort()).toEqual([4, 4, 4, 6, 6, 6])
    expect((await openGroups(lake.store).lastCommitOf('groups'))?.version).toBe(6)
  })

  it('goes through beside an append to the same partition', async () => {
    const store = { ...counting(lake.store), stage: appendingFirst() }
    expect((await compactTable(openGroups(store), EAGER)).outcome).toBe('compacted')
    expect(await groupsAt(lake.store, await newest())).toEqual(wholeGroups(6))
    expect((await newest()).files.size).toBe(6)
  })

  it('gives up quietly when another one was faster', async () => {
    let isFirst = true
    const store = {
      ...counting(lake.store),
      stage: async (key: string) => {
        const wasFirst = isFirst && key.endsWith('.parquet') && !key.includes('checkpoint')
        if (wasFirst) isFirst = false
        if (wasFirst) await compactTable(openGroups(lake.store), EAGER)
        return lake.store.stage(key)
      },
    }
    expect(await compactTable(openGroups(store), EAGER)).toEqual({ outcome: 'overtaken', files: 0, into: 0 })
    expect(await groupsAt(lake.store, await newest())).toEqual(wholeGroups(5))
  })

  it('is not looked for with a request while there are few files, nor made of tables that others know by file', async () => {
    const store = counting(lake.store)
    const seen = await newest()
    expect(await tendTable(openGroups(store), seen)).toBeUndefined()
    expect(store.writes()).toBe(0)
  })

  function appendingFirst() {
    let isFirst = true
    return async (key: string) => {
      if (isFirst && !key.includes('checkpoint')) {
        isFirst = false
        await commitGroup(openGroups(lake.store), 5)
      }
      return lake.store.stage(key)
    }
  }
})
