import { addDays, type Day } from '../../kernel/time.js'
import type { Truth } from '../truth.js'
import type { ApiSeries } from './read-api.js'

/** The first week of a dataset in which something could be found. */
export interface TestedSince {
  readonly day: Day
  /** True where the API does not say it, so that two years of history were assumed to be needed. */
  readonly isAssumed: boolean
}

const ASSUMED_HISTORY_DAYS = 731

/** For each dataset of the truth, and of the series, the oldest week in which any of its series was tested. */
export function testedSince(truth: Truth, series: readonly ApiSeries[]): Map<string, TestedSince> {
  const oldest = new Map<string, Day>()
  for (const { dataset, oldest_tested_week: week } of series) {
    const known = oldest.get(dataset)
    if (week && (known === undefined || week < known)) oldest.set(dataset, week)
  }
  const assumed = { day: addDays(truth.from, ASSUMED_HISTORY_DAYS), isAssumed: true }
  const datasets = [...truth.datasets.map(({ id }) => id), ...series.map(({ dataset }) => dataset).sort()]
  return new Map(
    datasets.map((dataset) => {
      const day = oldest.get(dataset)
      return [dataset, day === undefined ? assumed : { day, isAssumed: false }]
    }),
  )
}
