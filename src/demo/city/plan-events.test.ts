import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addDays } from '../../kernel/time.js'
import { EVENT_KINDS, type PlantedEvent, PlantedEvent as Shape } from '../truth.js'
import { FIRST_DAY, indexOfDay, LAST_DAY, MET_ON } from './calendar.js'
import { DATASET_IDS, planOf } from './catalog.js'
import { makeShares } from './division-shares.js'
import { makeMaps } from './maps.js'
import { planEvents, spanOf } from './plan-events.js'
import { makePrecincts } from './precincts.js'

/** Calls for the events of some cities. */
function ofEvents(check: (events: readonly PlantedEvent[], seed: number) => void): void {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [, map] = makeMaps(seed, makePrecincts(seed))
      check(planEvents(seed, map, makeShares(seed, map)), seed)
    }),
    { numRuns: 10 },
  )
}

/** Series that an event concerns. */
function seriesOf({ dataset, divisions, categories, measure }: PlantedEvent): string[] {
  return divisions.flatMap((division) =>
    categories.map((category) => `${dataset}/${division}/${category}/${measure}`),
  )
}

describe('the events of a city', () => {
  it('are of the shape that truth has, numbered in the order of their first days', () => {
    ofEvents((events) => {
      expect(events.map((event) => Shape.parse(event))).toEqual(events)
      expect(events.map(({ id }) => id)).toEqual(events.map((_event, at) => `event-${at + 1}`))
      expect(events.map(({ from }) => from)).toEqual(events.map(({ from }) => from).sort())
      for (const { from, to, toldOn } of events) {
        expect(from >= FIRST_DAY && from < LAST_DAY && (to === null || from < to)).toBe(true)
        expect(toldOn >= from).toBe(true)
      }
    })
  })

  it('leave a series alone while something goes on in it, and for a while', () => {
    ofEvents((events) => {
      const spans = new Map<string, (readonly [number, number])[]>()
      for (const event of events) {
        for (const series of seriesOf(event)) {
          const [from, to] = spanOf(event)
          const others = spans.get(series) ?? []
          expect(others.filter((other) => from < other[1] + 150 && other[0] < to + 150)).toEqual([])
          spans.set(series, [...others, [from, to]])
        }
      }
    })
  })

  it('are of every kind, with two quiet years before', () => {
    ofEvents((events) => {
      expect(EVENT_KINDS.filter((kind) => !events.some((event) => event.kind === kind))).toEqual([])
      expect(events[0]?.from.slice(0, 4)).not.toBe('2021')
      expect((events[0]?.from ?? '') > addDays(FIRST_DAY, 2 * 365)).toBe(true)
    })
  })

  it('have in every dataset a clear rise that whoever meets the city sees', () => {
    ofEvents((events) => {
      const recent = events.filter(
        ({ measure, from, factor }) =>
          measure === 'count' && from >= addDays(MET_ON, -38) && from < addDays(MET_ON, -24) && factor >= 2.6,
      )
      expect(new Set(recent.map(({ dataset }) => dataset))).toEqual(new Set(DATASET_IDS))
    })
  })

  it('go on after the city was met, first with a surge of requests', () => {
    ofEvents((events) => {
      const live = events.filter(({ from, measure }) => from > MET_ON && measure !== 'publication')
      expect(live[0]).toMatchObject({ kind: 'surge', dataset: 'service-requests', from: addDays(MET_ON, 9) })
      const starts = live.map(({ from }) => indexOfDay(from))
      expect(Math.max(...starts.slice(1).map((start, at) => start - (starts[at] as number)))).toBeLessThan(90)
      expect(indexOfDay(LAST_DAY) - (starts.at(-1) as number)).toBeLessThan(90)
    })
  })

  it('name divisions and categories that there are, and neighbors in a cluster', () => {
    ofEvents((events, seed) => {
      const [, map] = makeMaps(seed, makePrecincts(seed))
      const values = map.divisions.map(({ value }) => value)
      for (const { kind, dataset, divisions, categories, measure, said } of events) {
        const plan = planOf(dataset as (typeof DATASET_IDS)[number])
        expect(said).toMatch(/^From \d.*\.$/)
        if (measure === 'publication') {
          expect([divisions, categories]).toEqual([[], []])
          continue
        }
        expect(divisions.filter((one) => !(plan.citywide ? ['citywide'] : values).includes(one))).toEqual([])
        expect(categories.filter((one) => !plan.categories.some(({ name }) => name === one))).toEqual([])
        if (kind === 'cluster')
          expect(
            map.divisions.some(({ value, neighbors }) =>
              divisions.every((one) => one === value || neighbors.includes(one)),
            ),
          ).toBe(true)
      }
    })
  })

  it('of the publication are the same in every city', () => {
    const published: PlantedEvent[][] = []
    ofEvents((events) => void published.push(events.filter(({ measure }) => measure === 'publication')))
    const plain = published.map((events) => events.map(({ id: _id, ...event }) => event))
    expect(plain[0]).toHaveLength(5)
    for (const events of plain) expect(events).toEqual(plain[0])
  })
})
