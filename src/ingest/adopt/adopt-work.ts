import type { HiveSourceConfig } from '../../contracts/sources/hive.js'
import { WardbookError } from '../../kernel/errors.js'
import { type IngestContext, type RawWork, tablesOf } from '../source-work.js'
import type { OriginalsPlace } from './adopt-job.js'
import { type OpenOriginals, placeOf } from './originals.js'

/** What adoption works with; the store handle is scoped to `ingest`. */
export interface AdoptContext extends Omit<IngestContext, 'openSource'> {
  readonly openOriginals: OpenOriginals
}

/** A hive source, and where its things lie. */
export interface AdoptWork extends RawWork {
  readonly config: HiveSourceConfig
  readonly place: OriginalsPlace
  /** Key of the folders that hold the division. */
  readonly folderKey: string
}

/** What a hive source of the city file needs to be adopted. @throws WardbookError 'adopt-needs-hive' (fix-config) */
export function adoptWork(context: AdoptContext, datasetId: string, sourceId: string): AdoptWork {
  const config = context.city.datasets[datasetId]?.sources[sourceId]
  if (config?.family !== 'hive') {
    const hives = Object.entries(context.city.datasets).flatMap(([dataset, { sources }]) =>
      Object.keys(sources)
        .filter((source) => sources[source]?.family === 'hive')
        .map((source) => `${dataset}/${source}`),
    )
    throw new WardbookError(
      'adopt-needs-hive',
      'fix-config',
      `${datasetId}/${sourceId} is no source of the family hive; the city file has ${hives.join(', ') || 'none'}`,
      { dataset: datasetId, source: sourceId, hives },
    )
  }
  const work = tablesOf(context, datasetId, sourceId)
  const { column, from } = work.dataset.partition
  return { ...work, config, place: placeOf(work, config), folderKey: config.column ?? from ?? column }
}
