import { describe, expect, it } from 'vitest'
import { FAULTS, type Fault } from '../../../testkit/fake-s3/faults.js'
import { pick, seededRandom } from '../../demo/random.js'
import { asWardbookError } from '../../kernel/errors.js'
import { DeltaTable } from '../delta/table.js'
import { makeFakeLake, QUICK } from './s3-lake.fixture.js'

const ROOT = 'tidy/calls'
const COMMITS = 100
const DIVISIONS = ['1', '2']
const COLUMNS = [
  { name: 'id', type: 'string' as const },
  { name: 'division', type: 'string' as const },
]
const BAD_WEATHER: readonly Fault[] = [
  ...Object.values(FAULTS),
  { kind: 'late', when: 5, answer: 'cut' },
  { kind: 'late', when: 40, answer: 500 },
]
const BROKEN_READS: readonly Fault[] = [
  FAULTS.internalError,
  FAULTS.slowDown,
  FAULTS.lostReply,
  { kind: 'truncate', bytes: 10 },
  { kind: 'corrupt' },
]

/** Commits files 1, 2, 3 … of one division, each until it is known to be in the table. @returns how often it was unsure */
async function writeDivision(table: DeltaTable, division: string): Promise<number> {
  let unsure = 0
  for (let version = 1; version <= COMMITS; ) {
    try {
      const base = await table.snapshot()
      const position = { appId: `test/${division}`, version }
      if ((base?.positions.get(position.appId) ?? -1) < version)
        await table.commit(base, {
          operation: 'write',
          adds: [fileOf(division, version)],
          positions: [position],
        })
      version += 1
    } catch (thrown) {
      if (asWardbookError(thrown).remedy !== 'retry') throw thrown
      unsure += 1
    }
  }
  return unsure
}

function fileOf(division: string, version: number) {
  const key = `division=${division}/part-${version}.parquet`
  return { key, partition: { division }, size: 1, rows: 1, sha256: `${version}`, uncompressedBytes: 1 }
}

describe('two writers of one Delta table in a bucket that stumbles', () => {
  it.each([1, 2])('lose nothing and double nothing (weather %i)', async (seed) => {
    const lake = await makeFakeLake()
    const open = async () => new DeltaTable(await lake.open({ patience: { ...QUICK, maxAttempts: 2 } }), ROOT)
    const creator = await open()
    await creator.commit(undefined, {
      operation: 'create',
      schema: { columns: COLUMNS, partitionColumns: ['division'] },
    })

    const chance = seededRandom(seed)
    lake.fake.faults.choose((verb) => {
      if (chance() > (verb === 'PUT' ? 0.4 : 0.1)) return undefined
      return pick(chance, verb === 'PUT' ? BAD_WEATHER : BROKEN_READS)
    })
    const writers = await Promise.all([open(), open()])
    const unsure = await Promise.all(
      writers.map((table, index) => writeDivision(table, DIVISIONS[index] as string)),
    )
    lake.fake.faults.clear()
    expect(unsure[0]! + unsure[1]!, 'the weather was too fine').toBeGreaterThan(0)

    await new Promise((resolve) => setTimeout(resolve, 100)) // what is still to land, lands
    const reader = await open()
    const snapshot = await reader.snapshot()
    const expected = DIVISIONS.flatMap((division) =>
      Array.from({ length: COMMITS }, (_, n) => `tidy/calls/${fileOf(division, n + 1).key}`),
    )
    const live = [...(snapshot?.files.values() ?? [])].map(({ key }) => `${ROOT}/${key}`)
    expect(live.sort()).toEqual(expected.sort())
    expect(snapshot?.version).toBe(DIVISIONS.length * COMMITS)
    for (const division of DIVISIONS) expect(await versionsOf(reader, division)).toEqual(upTo(COMMITS))
    await lake.close()
  })
})

/** Positions of a division in the order of the log: 1, 2, 3 …, each once. */
async function versionsOf(table: DeltaTable, division: string): Promise<number[]> {
  const versions: number[] = []
  for (let commit = 0; ; commit++) {
    const record = await table.commitRecord(commit)
    if (record === undefined) return versions
    for (const { appId, version } of record.positions)
      if (appId === `test/${division}`) versions.push(version)
  }
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n + 1)
}
