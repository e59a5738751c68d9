import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keysOf, makeLake, type TestLake } from '../../../testkit/lake-fixture.js'
import { DeltaTable } from './table.js'

const ROOT = 'tidy/calls'
const COMMITS = 500 // each of two processes

let lake: TestLake
beforeEach(async () => {
  lake = await makeLake()
  const columns = [{ name: 'division', type: 'string' as const }]
  const schema = { columns, partitionColumns: ['division'] }
  await new DeltaTable(lake.store, ROOT).commit(undefined, { operation: 'CREATE', schema })
})
afterEach(() => lake.remove())

describe('two processes that commit to one table at once', () => {
  it('never conflict on different divisions, and lose no commit', async () => {
    expect(await race('7', '8')).toEqual([{ conflicts: 0 }, { conflicts: 0 }])
    await expectEveryCommit(['division=7/a', 'division=8/b'])
  })

  it('lose no commit and leave one live file when both rewrite one division', async () => {
    await race('7', '7')
    await expectEveryCommit([/^division=7\/[ab]$/])
  })
})

/** Starts both writers, lets them go together, and gives what each tells at its end. */
async function race(divisionOfA: string, divisionOfB: string): Promise<unknown[]> {
  const script = join(import.meta.dirname, 'testdata', 'race-commits.mjs')
  const writers = [
    [divisionOfA, 'a'],
    [divisionOfB, 'b'],
  ].map(([division, writer]) =>
    fork(script, [lake.folder, ROOT, division as string, String(COMMITS), writer as string], {
      execArgv: [],
    }),
  )
  await Promise.all(writers.map((writer) => once(writer, 'message')))
  const answers = writers.map((writer) => once(writer, 'message'))
  for (const writer of writers) writer.send('go')
  return (await Promise.all(answers)).map(([answer]) => answer)
}

/** One version a commit, no gap, both writers at their last position, and these live files (by division and writer). */
async function expectEveryCommit(live: readonly (string | RegExp)[]): Promise<void> {
  const snapshot = await new DeltaTable(lake.store, ROOT).snapshot()
  expect(snapshot?.version).toBe(2 * COMMITS)
  expect(
    await keysOf(lake.store, `${ROOT}/_delta_log/${String(2 * COMMITS).padStart(20, '0')}.c`),
  ).toHaveLength(1)
  expect(Object.fromEntries(snapshot?.positions ?? [])).toEqual({ a: COMMITS - 1, b: COMMITS - 1 })
  const writers = [...(snapshot?.files.keys() ?? [])].map((key) => key.replace(/-\d+\.parquet$/, '')).sort()
  expect(writers).toHaveLength(live.length)
  for (const [index, expected] of live.entries()) expect(writers[index]).toMatch(expected)
}
