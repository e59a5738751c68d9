import { chooseBoundary } from './chosen-boundary.js'
import type { BoundaryVersion, DatasetConfig } from './city-file.js'

/** What is wrong with a city file, and where. */
export interface SettingMistake {
  readonly path: (string | number)[]
  readonly message: string
}

/** Mistakes that one setting alone does not show: boundaries of one id, and partitions by point that cannot be made. */
export function partitionMistakes(
  boundaries: readonly BoundaryVersion[],
  datasets: Readonly<Record<string, DatasetConfig>>,
): SettingMistake[] {
  return [
    ...repeatedIds(boundaries),
    ...Object.entries(datasets).flatMap(([dataset, config]) =>
      config.partition.by === 'point' ? pointMistakes(boundaries, dataset, config) : [],
    ),
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
  for (const [source, { family }] of Object.entries(sources)) {
    if (family !== 'hive') continue
    const message = "by: point cannot be used for a hive source: its folders say the rows' divisions"
    mistakes.push({ path: ['datasets', dataset, 'sources', source, 'family'], message })
  }
  return mistakes
}
