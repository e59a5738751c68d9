import type { CityFile } from '../contracts/city-file.js'
import { WardbookError } from '../kernel/errors.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { checkLake } from './claim-lake.js'
import { absoluteAddress } from './lake-address.js'
import { openLake } from './open-lake.js'
import {
  QUARANTINING_STAGES,
  type QuarantinedRow,
  QuarantineTable,
  type QuarantiningStage,
} from './quarantine-table.js'

/** Rows of one source that one stage set aside for one reason. */
export interface QuarantinedGroup {
  readonly stage: QuarantiningStage
  readonly dataset: string
  readonly source: string
  readonly reason: string
  readonly count: number
  /** The first of them. */
  readonly example: QuarantinedRow
  /** The first of them, as many as were asked for, as they are read. */
  rows(): AsyncIterable<QuarantinedRow>
}

/** What is listed. */
export interface QuarantineOrder {
  readonly city: CityFile
  readonly lake: string
  /** `<dataset>/<source>` each; none means all. */
  readonly names: readonly string[]
  /** Rows of each group that may be asked for. */
  readonly rows: number
}

/**
 * Goes through what the newest snapshots left in quarantine. A group's rows can be asked for until `tell` returns.
 * @param tell is waited for
 * @returns rows in quarantine
 * @throws WardbookError 'source-unknown', 'lake-missing', 'lake-of-other-city' (fix-config)
 */
export async function listQuarantine(
  { city, lake, names, rows }: QuarantineOrder,
  tell: (group: QuarantinedGroup) => Promise<void>,
): Promise<number> {
  const chosen = chooseSources(city, names)
  const store = await openLake(absoluteAddress(lake))
  await checkLake(store, city.city.slug)
  let count = 0
  for (const [dataset, source] of chosen) {
    for (const stage of QUARANTINING_STAGES) {
      await tellGroups(scopeTo('main', store), { stage, dataset, source }, rows, async (group) => {
        count += group.count
        await tell(group)
      })
    }
  }
  return count
}

async function tellGroups(
  store: ObjectStore,
  place: Pick<QuarantinedGroup, 'stage' | 'dataset' | 'source'>,
  limit: number,
  tell: (group: QuarantinedGroup) => Promise<void>,
): Promise<void> {
  await QuarantineTable.read(store, place, async (table) => {
    for (const { reason, rows: count } of await table.reasons()) {
      const example = await firstOf(table.rows(reason, 1))
      if (example === undefined) continue
      await tell({ ...place, reason, count, example, rows: () => table.rows(reason, Math.min(limit, count)) })
    }
  })
}

async function firstOf<Item>(items: AsyncIterable<Item>): Promise<Item | undefined> {
  for await (const item of items) return item
  return undefined
}

/**
 * Sources of a city by their names, in the order of the city file.
 * @param names `<dataset>/<source>` each; none means all
 * @throws WardbookError 'source-unknown' (fix-config)
 */
export function chooseSources(city: CityFile, names: readonly string[]): [dataset: string, source: string][] {
  const all = Object.entries(city.datasets).flatMap(([dataset, { sources }]) =>
    Object.keys(sources).map((source): [string, string] => [dataset, source]),
  )
  const known = all.map((pair) => pair.join('/'))
  const wrong = names.find((name) => !known.includes(name))
  if (wrong === undefined)
    return names.length === 0 ? all : all.filter((pair) => names.includes(pair.join('/')))
  throw new WardbookError(
    'source-unknown',
    'fix-config',
    `the city file has no source '${wrong}'; there are: ${known.join(', ')}`,
    { wrong, known },
  )
}
