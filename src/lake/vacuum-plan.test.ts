import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FileStay, TableHistory } from './delta/history.js'
import { keptVersions, planVacuum, type TableNeeds } from './vacuum-plan.js'

const TABLE = 'tidy/calls'
const NOW = 1_000_000
const name = (n: number, digit = 'a') => `division=7/part-${n}-${digit.repeat(24)}.parquet`

/** Versions 0 to `newest`, stored at 0, 100, 200 … ms. */
function historyOf(newest: number, over: Partial<TableHistory> = {}): TableHistory {
  const commits = Array.from({ length: newest + 1 }, (_, version) => ({ version, atMs: version * 100 }))
  return { oldest: 0, newest, commits, stays: [], moves: [], ...over }
}

function stay(key: string, from: number, until = Number.POSITIVE_INFINITY, sha256?: string): FileStay {
  return { key, from, until, sha256 }
}

function objectOf(key: string, atMs = 0) {
  return { key: `${TABLE}/${key}`, size: 10, modifiedAt: new Date(atMs) }
}

function gone(history: TableHistory, keys: readonly string[], needs: TableNeeds = {}, youngerThanMs = NOW) {
  const plan = planVacuum(
    TABLE,
    history,
    keys.map((key) => objectOf(key)),
    needs,
    youngerThanMs,
  )
  return plan.objects.map(({ key }) => key.slice(TABLE.length + 1))
}

describe('the versions that vacuum keeps', () => {
  it('are the newest, and all since the retention began with the one that was the newest then', () => {
    expect(keptVersions(historyOf(9), {}, NOW)).toEqual([9])
    expect(keptVersions(historyOf(9), {}, 650)).toEqual([6, 7, 8, 9])
    expect(keptVersions(historyOf(9), {}, 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('are also those that somebody named, as far as the log can still tell them', () => {
    expect(keptVersions(historyOf(9, { oldest: 3 }), { versions: [1, 4, 40] }, NOW)).toEqual([4, 9])
  })

  it('are also those at which a writer was when a snapshot was published, up to its next movement', () => {
    const moves = [
      { version: 0, appId: 'ingest/calls/portal/x', position: 0 },
      { version: 2, appId: 'ingest/calls/portal/x', position: 1 },
      { version: 5, appId: 'ingest/calls/portal/y', position: 3 },
      { version: 6, appId: 'ingest/calls/other/x', position: 2 },
    ]
    const at = (position: number) => ({ positions: [{ writers: 'ingest/calls/portal/', position }] })
    const kept = [0, 1, 2, 3].map((position) => keptVersions(historyOf(9, { moves }), at(position), NOW)[0])
    expect(kept).toEqual([1, 4, 4, 9])
  })

  it('are all when it is not known which ones somebody named', () => {
    expect(keptVersions(historyOf(3), { everything: true }, NOW)).toEqual([0, 1, 2, 3])
  })
})

describe('a plan of what vacuum takes', () => {
  const history = historyOf(9, {
    stays: [stay(name(0), 0, 4), stay(name(1), 4), stay(name(2), 2, 6, 'b'.repeat(64))],
  })

  it('has the files of no kept version, and what a killed writer left', () => {
    expect(gone(history, [name(0), name(1), name(2), name(3)])).toEqual([name(0), name(2), name(3)])
  })

  it('spares the files of versions and the files by digest that somebody named', () => {
    expect(gone(history, [name(0), name(1), name(2)], { versions: [3] })).toEqual([])
    expect(gone(history, [name(0), name(2)], { digests: new Set(['b'.repeat(64)]) })).toEqual([name(0)])
    const fromALog = [name(8, 'c')] // its table's log no longer tells of it
    expect(gone(history, fromALog, { digests: new Set(['c'.repeat(64)]) })).toEqual([])
  })

  it('spares what is younger than the retention: a writer may be about to commit it', () => {
    const plan = planVacuum(TABLE, history, [objectOf(name(7), 500), objectOf(name(8), 499)], {}, 500)
    expect(plan).toMatchObject({ bytes: 10, objects: [{ key: `${TABLE}/${name(8)}` }] })
  })

  it.each([
    '2024/data.parquet',
    'part-0.parquet',
    'part-00000-aaaaaaaa-1111-2222-3333-444444444444-c000.snappy.parquet',
    'notes.txt',
  ])('never has a file that somebody else named: %s', (key) => {
    expect(gone(historyOf(9, { stays: [stay(key, 0, 1)] }), [key])).toEqual([])
  })

  it('leaves, whatever the history, each file of each kept version', () => {
    const anyStay = fc.tuple(fc.nat(9), fc.nat(10), fc.nat(5))
    const anyNeeds = fc.record({ versions: fc.array(fc.nat(12)), youngerThanMs: fc.nat(1_100) })
    fc.assert(
      fc.property(fc.array(anyStay), anyNeeds, (spans, { versions, youngerThanMs }) => {
        const stays = spans.map(([from, length, n]) => stay(name(n), from, from + 1 + length))
        const story = historyOf(9, { stays })
        const keys = [...new Set(stays.map(({ key }) => key))]
        const taken = gone(story, keys, { versions }, youngerThanMs)
        for (const version of keptVersions(story, { versions }, youngerThanMs)) {
          const live = stays.filter(({ from, until }) => from <= version && version < until)
          expect(live.filter(({ key }) => taken.includes(key))).toEqual([])
        }
        if (youngerThanMs > 0) {
          const kept = keptVersions(story, { versions }, youngerThanMs)
          const needless = keys.filter((key) =>
            stays.every(
              (one) => one.key !== key || !kept.some((version) => one.from <= version && version < one.until),
            ),
          )
          expect(taken.sort()).toEqual(needless.sort())
        }
      }),
    )
  })
})
