import { beforeEach, describe, expect, it } from 'vitest'
import { freshFolder, freshLake } from '../../testkit/fresh.js'
import {
  copyLake,
  counting,
  failingAt,
  keysOf,
  NOON,
  queryTable,
  rowsOf,
  worldOf,
} from '../../testkit/lake-fixture.js'
import { DATASET, ingest, SOURCE, testCity, writeFiles } from '../../testkit/test-city.js'
import { decisionKey } from '../contracts/quarantine-decision.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'
import { keepCorrections } from '../main/replay-quarantine.js'
import { lastProvenance } from './settle.js'
import { tablesOf } from './source-work.js'

const RAW = tables.raw(DATASET, SOURCE)
const QUARANTINE = tables.quarantine('ingest', DATASET, SOURCE)
const HEADER = 'id,District,Type,Opened\n'
const LINES = Array.from({ length: 20 }, (_, at) => `${at},${(at % 3) + 1},Pothole,2026-01-05\n`).join('')
const BROKEN = 'x,"1,Pothole,2026-01-06'
const SHORT = 'y,2,Noise'

const lake = freshLake()
const mirror = freshFolder('mirror')
beforeEach(async () => {
  await publish(`${HEADER}${LINES}${BROKEN}\n${SHORT}\n`)
  await ingest(lake.store, testCity(), { mirror: mirror.path })
})

const publish = (text: string) => writeFiles(mirror.path, { 'calls.csv': text })

function correct(store: ObjectStore, pairs: Readonly<Record<string, string>>) {
  const corrections = Object.entries(pairs).map(([rawText, correctedText], at) => ({
    ...{ rawText, correctedText, line: at + 1 },
  }))
  return keepCorrections({ store, clock: NOON }, DATASET, SOURCE, corrections)
}

async function replay(store: ObjectStore, pairs: Readonly<Record<string, string>> = {}) {
  await correct(store, pairs)
  return ingest(store, testCity(), { mirror: mirror.path })
}

const badTexts = async () =>
  (await rowsOf<{ raw_text: string; detail: string }>(lake.store, QUARANTINE, 'byte_offset')).map(
    ({ raw_text, detail }) => ({ raw_text, detail }),
  )

describe('a correction of a row in quarantine', () => {
  it('puts the record into the table, at its place, and takes the row out of quarantine', async () => {
    const result = await replay(lake.store, { [BROKEN]: 'x,1,"Pothole, deep",2026-01-06' })
    expect(result).toMatchObject({ verdict: 'committed', rows: 21, quarantined: 1 })
    const [row] = await queryTable<object>(lake.store, RAW, "SELECT * FROM {table} WHERE id = 'x'")
    expect(row).toMatchObject({ Type: 'Pothole, deep', council_district: '1', Opened: '2026-01-06' })
    expect(await badTexts()).toEqual([expect.objectContaining({ raw_text: SHORT })])
    const [run] = await queryTable<object>(
      lake.store,
      tables.runs('ingest'),
      'SELECT rows_in, rows_quarantined FROM {table} WHERE snapshot = 1',
    )
    expect(run).toEqual({ rows_in: 22, rows_quarantined: 1 })
  })

  it('stands for the same broken row in later publications', async () => {
    await replay(lake.store, { [BROKEN]: 'x,1,Pothole,2026-01-06' })
    await publish(`${HEADER}${LINES}new,3,Noise,2026-01-07\n${BROKEN}\n`)
    expect(await ingest(lake.store, testCity(), { mirror: mirror.path })).toMatchObject({
      rows: 22,
      quarantined: 0,
    })
    expect(await badTexts()).toEqual([])
  })

  it.each([
    ['too few columns', 'x,1,Pothole', 'too-few-columns'],
    ['an unclosed quote', 'x,1,"Pothole,2026-01-06', 'unclosed-quote'],
    ['two rows', 'x,1,Pothole,2026-01-06\nz,1,Pothole,2026-01-06', 'more than one row'],
    ['nothing', '', 'it is empty'],
    ['a division that is none', `x,${'9'.repeat(70)},Pothole,2026-01-06`, 'partition-value-too-long'],
  ])('with %s leaves the row in quarantine and says why', async (_what, text, why) => {
    expect(await replay(lake.store, { [BROKEN]: text })).toMatchObject({ rows: 20, quarantined: 2 })
    const [row] = await badTexts()
    expect(row).toEqual({ raw_text: BROKEN, detail: expect.stringContaining(why) })
  })

  it('is replaced by a later one, and the earlier one stays on record', async () => {
    await replay(lake.store, { [BROKEN]: 'x,1,Pothole' })
    expect(await correct(lake.store, { [BROKEN]: 'x,1,Pothole,2026-01-06' })).toEqual({
      decided: 1,
      known: 0,
    })
    expect(await ingest(lake.store, testCity(), { mirror: mirror.path })).toMatchObject({
      rows: 21,
      quarantined: 1,
    })
    expect(await keysOf(lake.store, 'inbox/')).toEqual(
      [1, 0].map((revision) => decisionKey(DATASET, SOURCE, BROKEN, revision)).sort(),
    )
  })

  it('that stands already writes nothing, and the same publication commits nothing', async () => {
    const good = { [BROKEN]: 'x,1,Pothole,2026-01-06' }
    await replay(lake.store, good)
    const store = counting(lake.store)
    expect(await correct(store, good)).toEqual({ decided: 0, known: 1 })
    expect(store.writes()).toBe(0)
    expect(await ingest(lake.store, testCity(), { mirror: mirror.path })).toMatchObject({
      verdict: 'unchanged',
    })
  })

  it('for a text that no row has is refused before anything is kept', async () => {
    const given = correct(lake.store, { [BROKEN]: 'x,1,Pothole,2026-01-06', 'no such row': 'a,1,b,c' })
    await expect(given).rejects.toMatchObject({ code: 'correction-names-no-row', facts: { line: 2 } })
    expect(await keysOf(lake.store, 'inbox/')).toEqual([])
  })

  it('leaves fingerprints of sources without corrections as they are', async () => {
    const scope = tablesOf({ city: testCity(), store: lake.store, clock: NOON }, DATASET, SOURCE)
    const { fingerprint, corrections } = (await lastProvenance(scope)) ?? {}
    expect(corrections).toBeUndefined()
    await replay(lake.store, { [BROKEN]: 'x,1,Pothole,2026-01-06' })
    const after = await lastProvenance(scope)
    expect(after?.corrections).toMatch(/^[0-9a-f]{64}$/)
    expect(after?.fingerprint).not.toBe(fingerprint)
  })

  it('gives the same world after a kill at any write', async () => {
    const good = { [BROKEN]: 'x,1,Pothole,2026-01-06', [SHORT]: 'y,2,Noise,2026-01-06' }
    const calm = await copyLake(lake)
    const counted = counting(calm.store)
    await replay(counted, good)
    const expected = await worldOf(calm.store)
    await calm.remove()
    expect(counted.writes()).toBeGreaterThan(5)
    for (let fatal = 1; fatal <= counted.writes(); fatal++) {
      const crashed = await copyLake(lake)
      await expect(replay(failingAt(crashed.store, fatal, fatal % 2 === 0), good)).rejects.toThrow()
      await replay(crashed.store, good)
      expect(await worldOf(crashed.store), `write ${fatal}`).toEqual(expected)
      await crashed.remove()
    }
  })

  it('that was kept before a kill is taken by the next ordinary run', async () => {
    await correct(lake.store, { [BROKEN]: 'x,1,Pothole,2026-01-06' })
    expect(await ingest(lake.store, testCity(), { mirror: mirror.path })).toMatchObject({
      ...{ verdict: 'committed', rows: 21, quarantined: 1 },
    })
  })
})
