import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setImmediate as yieldOnce } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keysOf, makeLake, type TestLake } from '../../../testkit/lake-fixture.js'
import type { Snapshot } from './snapshot.js'
import { DeltaTable } from './table.js'

const ROOT = 'tidy/calls'
const COMMITS = 1_000 // of both processes together
const EACH = COMMITS / 2
/** Files that a commit adds, and the next one of its division removes: half a commit would show. */
const FILES = 3
const FIRST = 'first' // names the files that were there before the race
const REREADS = 20 // versions read again at the end, each from its nearest checkpoint

let lake: TestLake
beforeEach(async () => {
  lake = await makeLake()
})
afterEach(() => lake.remove())

describe('two processes that make 1,000 commits to one table at once', () => {
  it('never conflict on different divisions; no commit is lost, doubled or seen by half', async () => {
    const { answers, seen } = await race('7', '8')
    expect(answers).toEqual([{ conflicts: 0 }, { conflicts: 0 }])
    expectWholeCommits(seen)
    await expectEveryCommit(['7', '8'])
  })

  it('plan again on one division; no commit is lost, doubled or seen by half', async () => {
    const { seen } = await race('7', '7')
    expectWholeCommits(seen)
    await expectEveryCommit(['7'])
  })
})

/** Each division has files from the start: first commits that only add would be no conflict. */
async function createTable(divisions: ReadonlySet<string>): Promise<void> {
  const columns = [{ name: 'division', type: 'string' as const }]
  const schema = { columns, partitionColumns: ['division'] }
  const adds = [...divisions].flatMap((division) =>
    Array.from({ length: FILES }, (_, index) => {
      const key = `division=${division}/${FIRST}-${index}.parquet`
      return { key, partition: { division }, size: 1, rows: 1, sha256: key, uncompressedBytes: 1 }
    }),
  )
  await new DeltaTable(lake.store, ROOT).commit(undefined, { operation: 'CREATE', schema, adds })
}

/** Starts both writers, lets them go together, and reads along: the head again and again, and a reader new to the table. */
async function race(divisionOfA: string, divisionOfB: string) {
  await createTable(new Set([divisionOfA, divisionOfB]))
  const script = join(import.meta.dirname, 'testdata', 'race-commits.mjs')
  const writers = [
    [divisionOfA, 'a'],
    [divisionOfB, 'b'],
  ].map(([division = '', writer = '']) =>
    fork(script, [lake.folder, ROOT, division, String(EACH), writer, String(FILES)], { execArgv: [] }),
  )
  await Promise.all(writers.map((writer) => once(writer, 'message')))
  const answers = Promise.all(writers.map((writer) => once(writer, 'message')))
  let racing = true
  const seen = readAlong(() => racing)
  for (const writer of writers) writer.send('go')
  const told = (await answers).map(([answer]) => answer)
  racing = false
  return { answers: told, seen: await seen }
}

/** Every other snapshot is of a reader that follows the log, every other of one that opens the table. */
async function readAlong(isRacing: () => boolean): Promise<Snapshot[]> {
  const follower = new DeltaTable(lake.store, ROOT)
  const seen: Snapshot[] = []
  for (let turn = 0; isRacing(); turn++) {
    const reader = turn % 2 === 0 ? follower : new DeltaTable(lake.store, ROOT)
    seen.push((await reader.snapshot()) as Snapshot)
    await yieldOnce()
  }
  return seen
}

/** What a reader saw is the outcome of whole commits: each division has all files of one commit, and versions go forward. */
function expectWholeCommits(seen: readonly Snapshot[]): void {
  expect(seen.length).toBeGreaterThan(10)
  expect(new Set(seen.map(({ version }) => version)).size, 'the reader saw the race').toBeGreaterThan(10)
  for (const [index, snapshot] of seen.entries()) {
    expect(snapshot.version).toBeGreaterThanOrEqual(seen[index - 1]?.version ?? 0)
    expectWhole(snapshot)
  }
}

/** One commit a version: of each division that was written there are the files of its newest commit, and no others. */
function expectWhole({ version, files, positions }: Snapshot): void {
  const commits = [...positions.values()].reduce((sum, position) => sum + position + 1, 0)
  expect(commits, `commits up to version ${version}`).toBe(version)
  const byCommit = new Map<string, number>()
  for (const key of files.keys()) {
    const commit = key.replace(/-\d+\.parquet$/, '')
    byCommit.set(commit, (byCommit.get(commit) ?? 0) + 1)
  }
  const divisions = [...byCommit.keys()].map((commit) => commit.split('/')[0])
  expect(new Set(divisions).size, `one live commit a division in version ${version}`).toBe(divisions.length)
  expect([...byCommit.values()].every((count) => count === FILES)).toBe(true)
  for (const [commit] of byCommit) {
    if (commit.endsWith(`/${FIRST}`)) continue
    const [, writer = '', number] = /\/([ab])-(\d+)$/.exec(commit) ?? []
    expect(positions.get(writer), `${commit} in version ${version}`).toBe(Number(number))
  }
}

/** One version a commit without a gap, each number of each writer once, and the state of every version that of whole commits. */
async function expectEveryCommit(divisions: readonly string[]): Promise<void> {
  const table = new DeltaTable(lake.store, ROOT)
  const snapshot = (await table.snapshot()) as Snapshot
  expect(snapshot.version).toBe(COMMITS)
  expect(Object.fromEntries(snapshot.positions)).toEqual({ a: EACH - 1, b: EACH - 1 })
  expect(snapshot.files.size).toBe(divisions.length * FILES)
  const names = (await keysOf(lake.store, `${ROOT}/_delta_log/`)).filter((key) => key.endsWith('.json'))
  expect(names).toHaveLength(COMMITS + 1)
  const numbers: Record<string, number[]> = { a: [], b: [] }
  for (let version = 1; version <= COMMITS; version++) {
    for (const { appId, version: number } of (await table.commitRecord(version))?.positions ?? [])
      numbers[appId]?.push(number)
  }
  const once = Array.from({ length: EACH }, (_, number) => number)
  expect(numbers).toEqual({ a: once, b: once })
  for (let version = 1; version <= COMMITS; version += COMMITS / REREADS)
    expectWhole((await table.snapshot(version)) as Snapshot)
}
