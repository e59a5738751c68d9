import { gammaNumber, normalNumber, poissonCount, seededRandom, seedOf } from '../random.js'
import type { PlantedEvent } from '../truth.js'
import { DAYS, usualShare } from './calendar.js'
import { type CategoryPlan, type CitySize, type DatasetPlan, scaleOf } from './catalog.js'
import { type DivisionShares, shareOf } from './division-shares.js'
import { spanOf } from './plan-events.js'

/** How many rows of each series there truly are on each day. */
export interface DailyCounts {
  /** Divisions and categories of the series, in their order. */
  readonly series: readonly { readonly division: string; readonly category: number }[]
  /** Rows by day and series: `counts[day * series.length + at]`. */
  readonly counts: Int32Array
  /** Rows of all days before a day; one entry more than there are days. */
  readonly before: Int32Array
}

/** How much weeks drift around the usual, with a memory of a few weeks: standard deviation of the logarithm. */
const DRIFT = 0.06
const DRIFT_WEEKS = 4

/** Counts of a dataset: a gamma-mixed Poisson number of each day, around week, year, holidays, growth, drift and planted events. */
export function countDays(
  seed: number,
  size: CitySize,
  plan: DatasetPlan,
  divisions: readonly string[],
  shares: DivisionShares,
  events: readonly PlantedEvent[],
): DailyCounts {
  const series = divisions.flatMap((division) =>
    plan.categories.map((_plan, category) => ({ division, category })),
  )
  const counts = new Int32Array(DAYS * series.length)
  const usual = plan.categories.map((category) =>
    Float64Array.from({ length: DAYS }, (_none, day) => usualShare(category, day)),
  )
  series.forEach(({ division, category }, at) => {
    const about = plan.categories[category] as CategoryPlan
    const random = seededRandom(seedOf(seed, 'counts', plan.id, division, about.name))
    const daily = about.daily * scaleOf(plan, size) * shareOf(shares, plan, about.name, division)
    const factors = factorsOf(plan, division, about.name, events)
    const drift = driftOf(seedOf(seed, 'drift', plan.id, division, about.name))
    for (let day = 0; day < DAYS; day++) {
      const mean = daily * ((usual[category] as Float64Array)[day] as number) * (factors[day] as number)
      const noise = gammaNumber(random, about.steadiness) * (drift[Math.floor(day / 7)] as number)
      counts[day * series.length + at] = poissonCount(random, Math.max(0, mean * noise))
    }
  })
  return { series, counts, before: sumsBefore(counts, series.length) }
}

/** What planted events multiply the mean of a series with, by day. */
function factorsOf(
  { id }: DatasetPlan,
  division: string,
  category: string,
  events: readonly PlantedEvent[],
): Float64Array {
  const factors = new Float64Array(DAYS).fill(1)
  for (const event of events) {
    const { measure, dataset, divisions, categories, factor } = event
    if (
      measure !== 'count' ||
      dataset !== id ||
      !divisions.includes(division) ||
      !categories.includes(category)
    )
      continue
    const [from, to] = spanOf(event)
    for (let day = Math.max(0, from); day < Math.min(to, DAYS); day++)
      factors[day] = (factors[day] as number) * factor
  }
  return factors
}

/** A moving mean of normal numbers, as a factor by week. */
function driftOf(seed: number): Float64Array {
  const random = seededRandom(seed)
  const weeks = Math.ceil(DAYS / 7)
  const steps = Float64Array.from({ length: weeks + DRIFT_WEEKS }, () => normalNumber(random))
  return Float64Array.from({ length: weeks }, (_none, week) => {
    const sum = steps.subarray(week, week + DRIFT_WEEKS).reduce((total, step) => total + step, 0)
    return Math.exp((DRIFT * sum) / Math.sqrt(DRIFT_WEEKS))
  })
}

function sumsBefore(counts: Int32Array, width: number): Int32Array {
  const before = new Int32Array(DAYS + 1)
  for (let day = 0; day < DAYS; day++) {
    const rows = counts.subarray(day * width, (day + 1) * width).reduce((sum, count) => sum + count, 0)
    before[day + 1] = (before[day] as number) + rows
  }
  return before
}
