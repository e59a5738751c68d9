import { chooseBoundary } from './chosen-boundary.js'
import type { BoundaryVersion, DatasetConfig } from './city-file.js'

/** What is wrong with a city file, and where. */
export interface SettingMistake {
  readonly path: (string | number)[]
  readonly message: string
}

/** Mistakes that one setting alone does not show: boundaries of one id, partitions that cannot be made, and settings that would say nothing. */
export function partitionMistakes(
  boundaries: readonly BoundaryVersion[],
  datasets: Readonly<Record<string, DatasetConfig>>,
): SettingMistake[] {
  return [
    ...repeatedIds(boundaries),
    ...Object.entries(datasets).flatMap(([dataset, config]) => {
      if (config.partition.by === 'point') return pointMistakes(boundaries, dataset, config)
      return config.partition.by === 'citywide' ? citywideMistakes(dataset, config) : []
    }),
  ]
}

function repeatedIds(boundaries: readonly BoundaryVersion[]): SettingMistake[] {
  const ids = boundaries.map(({ id }) => id)
  return ids.flatMap((id, at) =>
    ids.indexOf(id) === at
      ? []
      : [{ path: ['divisions', 'boundaries', at, 'id'], message: `two boundaries are called '${id}'` }],
  )
}

function pointMistakes(
  boundaries: readonly BoundaryVersion[],
  dataset: string,
  { partition, sources }: DatasetConfig,
): SettingMistake[] {
  const place = ['datasets', dataset, 'partition']
  const mistakes: SettingMistake[] = []
  if (partition.point === undefined) {
    const message =
      "by: point needs `point`: { latitude, longitude } or { location }, with the names of the publisher's columns"
    mistakes.push({ path: [...place, 'by'], message })
  }
  const chosen = chooseBoundary(boundaries, partition)
  if ('mistake' in chosen) mistakes.push({ path: [...place, chosen.setting], message: chosen.mistake })
  return [...mistakes, ...hiveMistakes(dataset, sources, 'by: point')]
}

/** Settings that tell divisions apart, where there are none. */
function citywideMistakes(dataset: string, { partition, sources }: DatasetConfig): SettingMistake[] {
  const { from, values, point, boundary } = partition
  const given = Object.entries({ from, point, boundary, values: Object.keys(values).length > 0 || undefined })
  return [
    ...given
      .filter(([, value]) => value !== undefined)
      .map(([setting]) => ({
        path: ['datasets', dataset, 'partition', setting],
        message: `by: citywide takes no \`${setting}\`: no row has a division of its own`,
      })),
    ...hiveMistakes(dataset, sources, 'by: citywide'),
  ]
}

function hiveMistakes(
  dataset: string,
  sources: DatasetConfig['sources'],
  partition: 'by: point' | 'by: citywide',
): SettingMistake[] {
  return Object.entries(sources)
    .filter(([, { family }]) => family === 'hive')
    .map(([source]) => ({
      path: ['datasets', dataset, 'sources', source, 'family'],
      message: `${partition} cannot be used for a hive source: its folders say the rows' divisions`,
    }))
}
