import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Crashed, crashingAt } from '../../testkit/crash-store.js'
import {
  groupsAt,
  openGroups,
  PHASES,
  type Phase,
  PREPARED,
  prepareGroups,
  ROOT,
  ROWS_A_GROUP,
  runPhase,
  wholeGroups,
} from '../../testkit/grouped-table.js'
import { copyLake, makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import type { ObjectStore } from './store.js'

const COUNTING = { write: Number.POSITIVE_INFINITY, when: 'before', how: 'throw' } as const

let prepared: TestLake
beforeAll(async () => {
  prepared = await makeLake()
  await prepareGroups(prepared.store)
})
afterAll(() => prepared.remove())

/** A child process takes seconds to start: so many writes lie between two that it is killed at. */
const KILL_EVERY = 4
/** Dozens of small lakes, each opened several times: seconds on an idle machine, minutes on a busy one. */
const TRIAL_TIMEOUT_MS = 600_000

describe.each([...PHASES])('a process that ends between any two writes of a %s', (phase: Phase) => {
  let writes = 0
  let liveAfter: string[] = []
  beforeAll(async () => {
    await inCopy(async ({ store }) => {
      const counted = crashingAt(store, COUNTING)
      await runPhase(counted, phase)
      writes = counted.writes()
      liveAfter = await liveFiles(store)
      await expectWhole(store, phase, 'done')
    })
  })

  it(
    'loses no row, doubles none, and is made good by the next one',
    async () => {
      expect(writes).toBeGreaterThan(5)
      for (let write = 0; write <= writes; write++) {
        await inCopy(async ({ store }) => {
          // Before the first write, then after each: what lies there before a write is what lay there after the one before.
          const point = {
            write: Math.max(1, write),
            when: write === 0 ? 'before' : 'after',
            how: 'throw',
          } as const
          const dying = runPhase(crashingAt(store, point), phase)
          // A checkpoint that cannot be written fails no commit, whatever the reason.
          await dying.catch((thrown) => expect(rootOf(thrown), `write ${write}`).toBeInstanceOf(Crashed))
          await expectMadeGood(store, `after write ${write}`)
        })
      }
    },
    TRIAL_TIMEOUT_MS,
  )

  it(
    'is made good also after SIGKILL, in earnest',
    async () => {
      for (let write = 1; write <= writes; write += KILL_EVERY) {
        await inCopy(async ({ store, folder }) => {
          const when = write % (2 * KILL_EVERY) === 1 ? 'after' : 'before'
          expect(await killedChild(folder, phase, write, when)).toBe('SIGKILL')
          await expectMadeGood(store, `${when} write ${write}, killed`)
        })
      }
    },
    TRIAL_TIMEOUT_MS,
  )

  async function expectMadeGood(store: ObjectStore, what: string): Promise<void> {
    await expectWhole(store, phase, 'begun', what)
    await runPhase(store, phase)
    await expectWhole(store, phase, 'done', what)
    if (phase !== 'compact') expect(await liveFiles(store), what).toEqual(liveAfter)
  }
})

/** Every version that must be readable is, from a fresh object; the newest one row by row. */
async function expectWhole(
  store: ObjectStore,
  phase: Phase,
  state: 'begun' | 'done',
  what: string = phase,
): Promise<void> {
  const newest = await groupsAt(store, await openGroups(store).snapshot())
  const groups = Object.keys(newest ?? {}).length
  const allowed = phase !== 'commit' ? [0] : state === 'done' ? [1] : [0, 1]
  expect(
    allowed.map((more) => PREPARED.groups + more),
    what,
  ).toContain(groups)
  expect(newest, what).toEqual(wholeGroups(groups))
  for (const version of PROMISED[phase]) {
    expect(await rowsAt(store, version), `${what}, version ${version}`).toBe(ROWS_A_GROUP * groupsIn(version))
  }
}

/** Some of the versions that stay readable, by what is done. */
const PROMISED: Record<Phase, readonly number[]> = {
  commit: [0, PREPARED.version],
  compact: [7, PREPARED.version],
  vacuum: [PREPARED.cited, PREPARED.version],
  clean: [PREPARED.cut, PREPARED.version],
}

/** Rows of a version by its log, all of whose files must be there. */
async function rowsAt(store: ObjectStore, version: number): Promise<number> {
  let rows = 0
  for (const file of (await openGroups(store).snapshot(version))?.files.values() ?? []) {
    expect(await store.stat(`${ROOT}/${file.key}`), file.key).toBeDefined()
    rows += file.rows ?? 0
  }
  return rows
}

/** Version 7 is the compaction, which adds no group. */
function groupsIn(version: number): number {
  return version < 7 ? version + 1 : version
}

async function liveFiles(store: ObjectStore): Promise<string[]> {
  return [...((await openGroups(store).snapshot())?.files.keys() ?? [])].sort()
}

async function inCopy(work: (lake: TestLake) => Promise<void>): Promise<void> {
  const lake = await copyLake(prepared)
  try {
    await work(lake)
  } finally {
    await lake.remove()
  }
}

function rootOf(thrown: unknown): unknown {
  return thrown instanceof Error && thrown.cause ? rootOf(thrown.cause) : thrown
}

async function killedChild(
  folder: string,
  phase: Phase,
  write: number,
  when: string,
): Promise<string | null> {
  const script = join(import.meta.dirname, '..', '..', 'testkit', 'crash-child.ts')
  const args = ['--import', 'tsx', script, folder, phase, String(write), when]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [, signal] = await once(child, 'exit')
  return signal as string | null
}
