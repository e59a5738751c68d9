import type { SettingMistake } from './check-partitions.js'
import type { DatasetConfig } from './city-file.js'

/** Sources that are to ask for changed rows alone, of datasets whose rows cannot be laid over a table. */
export function changeMistakes(datasets: Readonly<Record<string, DatasetConfig>>): SettingMistake[] {
  return Object.entries(datasets).flatMap(([dataset, { key, partition, sources }]) => {
    const why =
      key === undefined
        ? 'needs the key of the dataset: without one nobody knows which row a changed row replaces'
        : partition.by === 'point'
          ? 'does not work with a partition by point: how rows were placed is counted over all of them'
          : undefined
    if (why === undefined) return []
    return Object.entries(sources).flatMap(([source, config]) =>
      'incremental' in config && config.incremental === true
        ? [
            {
              path: ['datasets', dataset, 'sources', source, 'incremental'],
              message: `incremental: true ${why}`,
            },
          ]
        : [],
    )
  })
}
