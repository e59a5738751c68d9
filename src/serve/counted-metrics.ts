import type { CityFile } from '../contracts/city-file.js'
import { KINDS, type Metric } from '../contracts/kinds.js'

/** What a city counts, in the order of its file; each metric once. */
export function metricsOf({ datasets }: CityFile): readonly Metric[] {
  return [...new Set(Object.values(datasets).map(({ kind }) => KINDS[kind].metric))]
}
