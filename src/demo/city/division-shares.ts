import { normalNumber, seededRandom, seedOf } from '../random.js'
import type { CategoryPlan, DatasetPlan } from './catalog.js'
import { DATASETS } from './catalog.js'
import type { CityMap } from './maps.js'

/** Share of a category's rows that a division has, by `<dataset>/<category>/<division>`; the shares of a category add up to 1. */
export type DivisionShares = ReadonlyMap<string, number>

/** How much divisions differ beyond their population: standard deviation of the logarithm. */
const UNEVENNESS = 0.3

/** Shares by population and by what a division is like; a dataset of the whole city has one share. */
export function makeShares(seed: number, map: CityMap): DivisionShares {
  const shares = new Map<string, number>()
  for (const plan of DATASETS) {
    for (const { name } of plan.categories) {
      const weights = weightsOf(seed, plan, name, map)
      const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0)
      for (const [division, weight] of weights) shares.set(`${plan.id}/${name}/${division}`, weight / total)
    }
  }
  return shares
}

function weightsOf(seed: number, plan: DatasetPlan, category: string, map: CityMap): Map<string, number> {
  if (plan.citywide) return new Map([['citywide', 1]])
  const random = seededRandom(seedOf(seed, 'shares', plan.id, category))
  return new Map(
    map.divisions.map(({ value, population }) => [
      value,
      population * Math.exp(UNEVENNESS * normalNumber(random)),
    ]),
  )
}

/** The share of a division in a category. */
export function shareOf(
  shares: DivisionShares,
  plan: DatasetPlan,
  category: string,
  division: string,
): number {
  return shares.get(`${plan.id}/${category}/${division}`) ?? 0
}

/** Usual rows a week of a series in a city of size S. */
export function weeklyMean(
  shares: DivisionShares,
  plan: DatasetPlan,
  category: string,
  division: string,
): number {
  const { daily = 0 } = plan.categories.find(({ name }) => name === category) as CategoryPlan
  return 7 * daily * shareOf(shares, plan, category, division)
}
