import type { Day } from '../../kernel/time.js'
import type { PlantedEvent } from '../truth.js'
import { type BlocksByDivision, makeBlocks } from './blocks.js'
import { type CitySize, DATASETS, type DatasetId } from './catalog.js'
import { countDays, type DailyCounts } from './daily-counts.js'
import { makeShares } from './division-shares.js'
import { type CityMap, makeMaps } from './maps.js'
import { planEvents } from './plan-events.js'
import { makePrecincts } from './precincts.js'
import { RecordMaker } from './records.js'

/** One dataset of the city: what happened, day by day. */
export interface CityDataset {
  readonly maker: RecordMaker
  readonly counts: DailyCounts
}

/** A simulated city: the same seed and size always give the same. */
export interface PocketCity {
  readonly seed: number
  readonly size: CitySize
  readonly maps: readonly [before: CityMap, after: CityMap]
  readonly blocks: BlocksByDivision
  readonly events: readonly PlantedEvent[]
  readonly datasets: Readonly<Record<DatasetId, CityDataset>>
}

/** A city as its portals show it on the evening of a day. */
export interface CityOnDay {
  readonly city: PocketCity
  readonly asOf: Day
}

/** Makes a city. @param seed any whole number */
export function makePocketCity(seed: number, size: CitySize = 'S'): PocketCity {
  const precincts = makePrecincts(seed)
  const maps = makeMaps(seed, precincts)
  const [, today] = maps
  const blocks = makeBlocks(seed, precincts, maps)
  const shares = makeShares(seed, today)
  const events = planEvents(seed, today, shares)
  const divisions = today.divisions.map(({ value }) => value)
  const datasets = Object.fromEntries(
    DATASETS.map((plan) => {
      const counts = countDays(seed, size, plan, plan.citywide ? ['citywide'] : divisions, shares, events)
      return [plan.id, { counts, maker: new RecordMaker(seed, plan, counts, blocks, today, events) }]
    }),
  ) as Record<DatasetId, CityDataset>
  return { seed, size, maps, blocks, events, datasets }
}
