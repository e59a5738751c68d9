import { describe, expect, it } from 'vitest'
import type { PlantedEvent } from '../truth.js'
import { DAYS, dayAt, usualShare } from './calendar.js'
import { type CategoryPlan, DATASET_IDS, DATASETS, type DatasetId, planOf, scaleOf } from './catalog.js'
import { cityOf } from './cities.fixture.js'
import { makeShares, shareOf } from './division-shares.js'
import { spanOf } from './plan-events.js'
import type { PocketCity } from './pocket-city.js'

const SEED = 7

function sum(numbers: Iterable<number>): number {
  let total = 0
  for (const number of numbers) total += number
  return total
}

/** Counts of the series of a division and category, and the usual mean of each day: without noise, drift and events. */
function seriesOf(city: PocketCity, id: DatasetId, division: string, category: string) {
  const plan = planOf(id)
  const { series, counts } = city.datasets[id].counts
  const at = series.findIndex(
    (one) => one.division === division && plan.categories[one.category]?.name === category,
  )
  const about = plan.categories[series[at]?.category ?? -1] as CategoryPlan
  const daily =
    about.daily *
    scaleOf(plan, city.size) *
    shareOf(makeShares(city.seed, city.maps[1]), plan, category, division)
  return {
    counts: Array.from({ length: DAYS }, (_none, day) => counts[day * series.length + at] as number),
    usual: Array.from({ length: DAYS }, (_none, day) => daily * usualShare(about, day)),
  }
}

/** Rows of a category in the whole city by day. */
function countsOf(city: PocketCity, id: DatasetId, category: string): number[] {
  const { series, counts } = city.datasets[id].counts
  const own = series.flatMap((one, at) =>
    planOf(id).categories[one.category]?.name === category ? [at] : [],
  )
  return Array.from({ length: DAYS }, (_none, day) =>
    sum(own.map((at) => counts[day * series.length + at] as number)),
  )
}

function totalOf(city: PocketCity, id: DatasetId): number {
  return sum(city.datasets[id].counts.counts)
}

describe('the true counts of a city', () => {
  const city = cityOf(SEED)

  it.each(DATASET_IDS)('have a series for each division and category: %s', (id) => {
    const { series, counts, before } = city.datasets[id].counts
    const divisions = planOf(id).citywide ? 1 : city.maps[1].divisions.length
    expect(series).toHaveLength(divisions * planOf(id).categories.length)
    expect([counts.length, before.length, before[0], before[DAYS]]).toEqual([
      ...[DAYS * series.length, DAYS + 1, 0, totalOf(city, id)],
    ])
  })

  it('have the shape of the week', () => {
    const byWeekday = (id: DatasetId, category: string) => {
      const days = [0, 0, 0, 0, 0, 0, 0]
      for (const [day, count] of countsOf(city, id, category).entries())
        days[day % 7] = (days[day % 7] ?? 0) + count
      return days.map((count) => (7 * count) / sum(days))
    }
    const office = byWeekday('service-requests', 'Illegal dumping') // Mondays are often holidays
    for (const [at, share] of [1.28, 1.24, 1.2, 1.18, 1.1, 0.56, 0.44].entries())
      expect(Math.abs((office[at] as number) - share)).toBeLessThan(0.08)
    const even = byWeekday('service-requests', 'Street light out')
    for (const share of even) expect(Math.abs(share - 1)).toBeLessThan(0.06)
    expect(
      byWeekday('service-requests', 'Noise').indexOf(Math.max(...byWeekday('service-requests', 'Noise'))),
    ).toBe(5)
  })

  it('have the season', () => {
    const inMonth = (id: DatasetId, category: string, month: string) =>
      sum(countsOf(city, id, category).filter((_count, day) => dayAt(day).slice(5, 7) === month))
    expect(inMonth('weather', 'Snow', '01') / Math.max(1, inMonth('weather', 'Snow', '07'))).toBeGreaterThan(
      20,
    )
    expect(
      inMonth('code-violations', 'Overgrown lot', '07') / inMonth('code-violations', 'Overgrown lot', '01'),
    ).toBeGreaterThan(4)
    expect(
      inMonth('code-violations', 'No heat', '01') / inMonth('code-violations', 'No heat', '07'),
    ).toBeGreaterThan(5)
  })

  it.each([
    ['weather', 'citywide', 'Rain'],
    ['service-requests', '3', 'Pothole'],
    ['service-requests', '8', 'Noise'],
  ] as const)('vary more than Poisson counts would: %s in %s, %s', (id, division, category) => {
    const { counts, usual } = seriesOf(city, id, division, category)
    const quiet = [...counts.keys()].filter((day) => day < 780) // two years without an event
    const dispersion =
      sum(
        quiet.map((day) => ((counts[day] as number) - (usual[day] as number)) ** 2 / (usual[day] as number)),
      ) / quiet.length
    const { steadiness } = planOf(id).categories.find(({ name }) => name === category) as CategoryPlan
    const wanted = 1 + sum(quiet.map((day) => usual[day] as number)) / quiet.length / steadiness
    expect(dispersion).toBeGreaterThan(1.1)
    expect(dispersion / wanted).toBeGreaterThan(0.7)
    expect(dispersion / wanted).toBeLessThan(1.5)
  })

  it('show planted events: as many times the usual as they say, within the noise of the days', () => {
    const shown = [cityOf(SEED), cityOf(8), cityOf(9)].flatMap((one) =>
      one.events.flatMap((event) => (event.measure === 'count' ? [shownBy(one, event)] : [])),
    )
    expect(shown.length).toBeGreaterThan(150)
    const scores = shown.map(({ rows, wanted, variance }) => (rows - wanted) / Math.sqrt(variance))
    expect(Math.max(...scores.map(Math.abs))).toBeLessThan(5)
    expect(Math.abs(sum(scores) / Math.sqrt(scores.length))).toBeLessThan(4)
    expect(sum(shown.map(({ rows }) => rows)) / sum(shown.map(({ wanted }) => wanted))).toBeCloseTo(1, 1)
  })

  /** Rows that an event had, and should have had, with the variance of that. */
  function shownBy(one: PocketCity, { dataset, divisions, categories, factor, ...event }: PlantedEvent) {
    const [from, to] = spanOf(event)
    const [category = ''] = categories
    const { steadiness = 1 } =
      planOf(dataset as DatasetId).categories.find(({ name }) => name === category) ?? {}
    const series = divisions.map((division) => seriesOf(one, dataset as DatasetId, division, category))
    const during = (numbers: readonly number[]) => numbers.slice(from, Math.min(to, DAYS))
    const means = series.flatMap(({ usual }) => during(usual).map((mean) => factor * mean))
    return {
      rows: sum(series.flatMap(({ counts }) => during(counts))),
      wanted: sum(means),
      // a drift of 6 % that lasts for weeks, and the gamma noise of each day
      variance: sum(means) + sum(means.map((mean) => mean ** 2 / steadiness)) + (0.06 * sum(means)) ** 2,
    }
  }

  it('grow with the size of the city; the council and the weather do not', () => {
    const larger = { M: [9.7, 3], L: [65, 12] } as const
    for (const [size, [requests, others]] of Object.entries(larger)) {
      for (const { id, citywide } of DATASETS) {
        const times = citywide ? 1 : id === 'service-requests' ? requests : others
        const ratio = totalOf(cityOf(SEED, size as keyof typeof larger), id) / totalOf(city, id)
        expect(Math.abs(ratio / times - 1)).toBeLessThan(0.03)
      }
    }
  })
})
