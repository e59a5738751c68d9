import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FAULTS, type Fault } from '../../testkit/fake-s3/faults.js'
import { commitGroup, EAGER, groupsAt, openGroups, wholeGroups } from '../../testkit/grouped-table.js'
import { makeLake, type TestLake } from '../../testkit/lake-fixture.js'
import { pick, seededRandom } from '../demo/random.js'
import { asWardbookError } from '../kernel/errors.js'
import { compactTable } from './compact.js'
import { type FakeLake, makeFakeLake, QUICK } from './s3/s3-lake.fixture.js'
import type { ObjectStore } from './store.js'

const GROUPS = 12
const COMPACT_EVERY = 4
/** Checkpoints come so often that most opens read one. */
const CHECKPOINT_EVERY = 3
const TRIAL_TIMEOUT_MS = 600_000 // seconds on an idle machine

const BAD_WRITES: readonly Fault[] = [...Object.values(FAULTS), { kind: 'late', when: 20, answer: 500 }]
const BAD_READS: readonly Fault[] = [
  FAULTS.internalError,
  FAULTS.slowDown,
  FAULTS.lostReply,
  { kind: 'corrupt' },
]

describe('a reader beside a writer that commits, writes checkpoints and compacts', () => {
  describe('in a folder', () => {
    let lake: TestLake
    beforeEach(async () => {
      lake = await makeLake()
    })
    afterEach(() => lake.remove())

    it(
      'sees whole commits only, in their order',
      async () => {
        expect(await watch(lake.store, lake.store)).toBeGreaterThan(3)
      },
      TRIAL_TIMEOUT_MS,
    )
  })

  describe('in a bucket that stumbles', () => {
    let lake: FakeLake
    beforeEach(async () => {
      lake = await makeFakeLake()
    })
    afterEach(() => lake.close())

    it.each([1, 2])(
      'sees whole commits only, in their order (weather %i)',
      async (seed) => {
        const open = () => lake.open({ patience: { ...QUICK, maxAttempts: 3 } })
        const chance = seededRandom(seed)
        lake.fake.faults.choose((verb) => {
          if (chance() > (verb === 'PUT' ? 0.25 : 0.05)) return undefined
          return pick(chance, verb === 'PUT' ? BAD_WRITES : BAD_READS)
        })
        expect(await watch(await open(), await open())).toBeGreaterThan(3)
      },
      TRIAL_TIMEOUT_MS,
    )
  })
})

/** Lets both run, and at the end looks once more. @returns how many different states the reader saw */
async function watch(writing: ObjectStore, reading: ObjectStore): Promise<number> {
  let isDone = false
  const writer = write(writing).finally(() => {
    isDone = true
  })
  const kept = openGroups(reading)
  const seen: number[] = []
  for (let turn = 0; !isDone; turn++) {
    const table = turn % 2 === 0 ? kept : openGroups(reading)
    const groups = await patiently(async () => groupsAt(reading, await table.snapshot()))
    const count = Object.keys(groups ?? {}).length
    expect(groups ?? {}, `turn ${turn}`).toEqual(wholeGroups(count))
    expect(count, `turn ${turn}`).toBeGreaterThanOrEqual(seen.at(-1) ?? 0)
    seen.push(count)
  }
  await writer
  const end = await patiently(async () => groupsAt(reading, await openGroups(reading).snapshot()))
  expect(end).toEqual(wholeGroups(GROUPS))
  return new Set(seen).size
}

async function write(store: ObjectStore): Promise<void> {
  for (let group = 0; group < GROUPS; group++) {
    await patiently(() => commitGroup(openGroups(store, CHECKPOINT_EVERY), group))
    if (group % COMPACT_EVERY === 0)
      await patiently(() => compactTable(openGroups(store, CHECKPOINT_EVERY), EAGER))
  }
}

/** Does again what may be done again. */
async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await work()
    } catch (thrown) {
      if (asWardbookError(thrown).remedy !== 'retry') throw thrown
    }
  }
}
