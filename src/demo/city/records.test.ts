import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexOfDay, MET_ON } from './calendar.js'
import { DATASET_IDS, type DatasetId, planOf } from './catalog.js'
import { cityOf } from './cities.fixture.js'
import { PUBLICATION_EVENTS, spanOf } from './plan-events.js'
import { makePocketCity } from './pocket-city.js'
import { type CityRecord, changedOn, isPublished, NEVER } from './records.js'

const SEED = 7
const someDataset = fc.constantFrom(...DATASET_IDS)
const someDay = fc.integer({ min: 0, max: indexOfDay(MET_ON) })

function recordsOf(id: DatasetId, from: number, to: number): CityRecord[] {
  const { maker } = cityOf(SEED).datasets[id]
  return Array.from({ length: to - from }, (_none, at) => maker.recordsOf(from + at)).flat()
}

/** Records of the days of an event of the publication. */
function recordsIn(event: {
  readonly dataset: string
  readonly from: string
  readonly to: string
}): CityRecord[] {
  return recordsOf(event.dataset as DatasetId, indexOfDay(event.from), indexOfDay(event.to))
}

function share(records: readonly CityRecord[], holds: (record: CityRecord) => boolean): number {
  return records.filter(holds).length / records.length
}

describe('the records of a day', () => {
  it('are as many of each series as the counts say, numbered on from the day before, by the second', () => {
    fc.assert(
      fc.property(someDataset, someDay, (id, day) => {
        const { counts } = cityOf(SEED).datasets[id]
        const records = recordsOf(id, day, day + 1)
        const ofSeries = counts.series.map(
          ({ division, category }) =>
            records.filter(
              (one) => one.category === category && (one.block?.divisions[1] ?? 'citywide') === division,
            ).length,
        )
        const width = counts.series.length
        expect(ofSeries).toEqual([...counts.counts.subarray(day * width, (day + 1) * width)])
        const first = counts.before[day] as number
        expect(records.map(({ serial }) => serial)).toEqual(records.map((_record, at) => first + at + 1))
        expect(records.map(({ second }) => second)).toEqual(
          records.map(({ second }) => second).sort((a, b) => a - b),
        )
      }),
    )
  })

  it('are the same whenever they are asked for', () => {
    const other = makePocketCity(SEED)
    fc.assert(
      fc.property(someDataset, someDay, (id, day) => {
        expect(other.datasets[id].maker.recordsOf(day)).toEqual(recordsOf(id, day, day + 1))
      }),
      { numRuns: 30 },
    )
  })

  it('happen in the hours of their kind', () => {
    const noise = recordsOf('service-requests', 0, 60).filter(({ category }) => category === 5)
    expect(share(noise, ({ second }) => second < 6 * 3_600)).toBeGreaterThan(0.15)
    const potholes = recordsOf('service-requests', 0, 60).filter(({ category }) => category === 2)
    expect(potholes.filter(({ second }) => second < 7 * 3_600 || second >= 18 * 3_600)).toEqual([])
  })
})

describe('what becomes of a record', () => {
  const records = (['service-requests', 'crime-incidents', 'council-matters', 'weather'] as const).flatMap(
    (id) => recordsOf(id, 0, 600).map((record) => ({ id, record })),
  )
  const placed = records.flatMap(({ id, record }) => (planOf(id).citywide ? [] : [record]))
  const citywide = records.flatMap(({ id, record }) => (planOf(id).citywide ? [record] : []))

  it('is told on its day or later, and changes only afterwards', () => {
    const wrong = records.filter(
      ({ record: { toldOn, enteredDay, movedOn, relabeledOn, deletedOn, closedOn } }) =>
        toldOn < enteredDay || Math.min(movedOn, relabeledOn, deletedOn) <= toldOn || closedOn <= enteredDay,
    )
    expect(wrong).toEqual([])
  })

  it('is deleted, relabeled and moved as rarely as it should be; what has no place is never moved', () => {
    expect(share(placed, ({ deletedOn }) => deletedOn < NEVER)).toBeCloseTo(0.0008, 3)
    expect(share(placed, ({ relabeledOn }) => relabeledOn < NEVER)).toBeCloseTo(0.0015, 3)
    expect(share(placed, ({ movedOn }) => movedOn < NEVER)).toBeCloseTo(0.006, 3)
    expect(share(citywide, ({ deletedOn }) => deletedOn < NEVER)).toBeLessThan(0.003)
    expect(citywide.filter(({ movedOn }) => movedOn < NEVER)).toEqual([])
  })

  it('moves to a neighboring division, and gets another category', () => {
    const [, map] = cityOf(SEED).maps
    const neighbors = new Map(map.divisions.map((division) => [division.value, division.neighbors]))
    for (const { block, movedOn, movedTo, relabeledOn, relabeledTo, category } of placed) {
      if (movedOn < NEVER) expect(neighbors.get(block?.divisions[1] ?? '')).toContain(movedTo?.divisions[1])
      if (relabeledOn < NEVER) expect(relabeledTo).not.toBe(category)
    }
  })

  it('is published from the day that it is told until it is deleted', () => {
    for (const { record } of records.slice(0, 20_000)) {
      const { toldOn, deletedOn } = record
      const days = [toldOn - 1, toldOn, deletedOn - 1, deletedOn].filter(Number.isFinite)
      expect(days.map((day) => isPublished(record, day))).toEqual(
        [false, true, true, false].slice(0, days.length),
      )
    }
  })

  it('changed last on the last of its days until then', () => {
    const days = fc.record({
      toldOn: fc.integer({ min: 10, max: 20 }),
      closedOn: fc.oneof(fc.constant(NEVER), fc.integer({ min: 5, max: 90 })),
      movedOn: fc.oneof(fc.constant(NEVER), fc.integer({ min: 21, max: 60 })),
      relabeledOn: fc.oneof(fc.constant(NEVER), fc.integer({ min: 21, max: 60 })),
    })
    fc.assert(
      fc.property(days, fc.integer({ min: 20, max: 100 }), (changed, asOf) => {
        const record = { ...(placed[0] as CityRecord), ...changed }
        const last = changedOn(record, asOf)
        expect(last).toBeGreaterThanOrEqual(changed.toldOn)
        expect(Object.values(changed).filter((day) => last < day && day <= asOf)).toEqual([])
        expect(Object.values(changed)).toContain(last)
      }),
    )
  })

  it('stays open longer where an event says so', () => {
    const event = cityOf(SEED).events.find(({ kind }) => kind === 'slow-down')
    const [from, to] = spanOf(event as { from: string; to: string | null })
    const daysOpen = (start: number, end: number) => {
      const { dataset = '', divisions = [], categories = [] } = event ?? {}
      const category = planOf(dataset as DatasetId).categories.findIndex(({ name }) => name === categories[0])
      const days = recordsOf(dataset as DatasetId, start, end)
        .filter(
          (one) =>
            one.category === category && one.block?.divisions[1] === divisions[0] && one.closedOn < NEVER,
        )
        .map(({ closedOn, enteredDay }) => closedOn - enteredDay)
        .sort((a, b) => a - b)
      return days[days.length >> 1] as number
    }
    const ratio = daysOpen(from, to) / daysOpen(from - 400, from - 30)
    expect(ratio / (event?.factor ?? 1)).toBeGreaterThan(0.6)
    expect(ratio / (event?.factor ?? 1)).toBeLessThan(1.6)
  })
})

describe('events of the publication', () => {
  const { gap, outage, late, rewritten } = PUBLICATION_EVENTS
  const FOR_EVER = indexOfDay(MET_ON) + 700

  it('a gap: the city went on, and nothing is ever published', () => {
    const records = recordsIn(gap)
    expect(records.length).toBeGreaterThan(14 * 20)
    expect(records.filter((record) => isPublished(record, FOR_EVER))).toEqual([])
    const around = [
      ...recordsOf('crime-incidents', indexOfDay(gap.from) - 1, indexOfDay(gap.from)),
      ...recordsOf('crime-incidents', indexOfDay(gap.to), indexOfDay(gap.to) + 1),
    ]
    expect(around.every(({ toldOn }) => toldOn < NEVER)).toBe(true)
  })

  it('an outage: cases are entered within days after it, under these days', () => {
    const records = recordsIn(outage)
    expect(records.length).toBeGreaterThan(100)
    const entered = new Set(records.map(({ enteredDay }) => enteredDay))
    const days = indexOfDay(outage.enteredBy) - indexOfDay(outage.to)
    expect([...entered].sort()).toEqual(
      Array.from({ length: days }, (_none, at) => indexOfDay(outage.to) + at),
    )
    const others = recordsOf('code-violations', indexOfDay(outage.to), indexOfDay(outage.enteredBy))
    expect(others.every(({ enteredDay, day }) => enteredDay === day)).toBe(true)
  })

  it('a late publication: nothing before its day, nearly everything on it', () => {
    const told = indexOfDay(late.toldOn)
    const records = recordsIn(late)
    expect(records.filter((record) => isPublished(record, told - 1))).toEqual([])
    expect(share(records, (record) => isPublished(record, told))).toBeGreaterThan(0.97)
  })

  it('rewritten history: many rows are published until the day before, and gone on the day', () => {
    const told = indexOfDay(rewritten.toldOn)
    const records = recordsIn(rewritten)
    const [before, after] = [told - 1, told].map(
      (day) => records.filter((record) => isPublished(record, day)).length,
    ) as [number, number]
    expect(before / records.length).toBeGreaterThan(0.99)
    expect(1 - after / before).toBeCloseTo(rewritten.share, 1)
  })
})
