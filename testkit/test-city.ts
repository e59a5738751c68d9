import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CityFile } from '../src/contracts/city-file.js'
import type { PartRunner } from '../src/contracts/part-runner.js'
import type { Report } from '../src/contracts/progress.js'
import type { PagedSourceConfig } from '../src/contracts/source-config.js'
import { detectDataset } from '../src/detect/detect-dataset.js'
import { harmonizeDataset } from '../src/harmonize/harmonize-dataset.js'
import { ingestSource } from '../src/ingest/ingest-source.js'
import { BOUNDED, type IngestProfile } from '../src/ingest/profiles.js'
import type { Clock } from '../src/kernel/time.js'
import { scopeTo } from '../src/lake/prefixes.js'
import type { ObjectStore } from '../src/lake/store.js'
import { measureDataset } from '../src/measure/measure-dataset.js'
import { httpClient, systemEffects } from '../src/sources/http/client.js'
import { directFetch, type Fetcher } from '../src/sources/http/direct-fetch.js'
import { mirrorFetch } from '../src/sources/http/mirror.js'
import { openSource, type SourceEffects } from '../src/sources/open-source.js'
import { inProcessRunner, NOON } from './lake-fixture.js'

/** The one dataset and source of {@link testCity}. */
export const DATASET = 'calls'
export const SOURCE = 'portal'

const CSV_FILES = { family: 'files', mirror: ['**/*.csv', '**/*.csv.gz'] }

/** What a test changes of {@link testCity}: parts of its dataset, its source, and the whole city. */
export interface CityChanges {
  readonly dataset?: object
  readonly source?: object
  readonly city?: object
}

/** A city with one dataset of one source: `id`, `District`, `Type`, `Opened`, split by district. */
export function testCity({ dataset = {}, source = {}, city = {} }: CityChanges = {}): CityFile {
  return CityFile.parse({
    city: { slug: 'testville', name: 'Testville', timeZone: 'America/New_York', simulated: true },
    datasets: {
      [DATASET]: {
        name: 'Calls',
        kind: 'service-requests',
        partition: { column: 'council_district', from: 'District' },
        sources: { [SOURCE]: 'family' in source ? source : { ...CSV_FILES, ...source } },
        mapping: {
          service_request_id: 'id',
          service_name: 'Type',
          requested_at: { from: 'Opened', formats: ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d'] },
        },
        ...dataset,
      },
    },
    ...city,
  })
}

/** How a stage is run in a test; by default in this process, at {@link NOON}. */
export interface StageOptions {
  readonly mirror?: string
  readonly runner?: PartRunner
  readonly fetch?: Fetcher
  readonly profile?: IngestProfile
  readonly report?: Report
  /** Default: {@link NOON}. */
  readonly clock?: Clock
  /** Ingestion only: also what the portal says is unchanged is read, and read in full. */
  readonly rereads?: boolean
}

function contextOf(store: ObjectStore, city: CityFile, options: StageOptions) {
  const runner = options.runner ?? inProcessRunner(store)
  return { city, runner, clock: options.clock ?? NOON, report: options.report ?? (() => {}) }
}

/** Ingests the one source of {@link testCity}, or another. */
export function ingest(
  store: ObjectStore,
  city: CityFile,
  options: StageOptions = {},
  dataset = DATASET,
  source = SOURCE,
) {
  const context = {
    ...contextOf(store, city, options),
    store: scopeTo('ingest', store),
    ingestProfile: options.profile ?? BOUNDED,
    openSource: (name: string, config: PagedSourceConfig) => openSource(name, config, sourceEffects(options)),
  }
  return ingestSource(context, dataset, source, { rereads: options.rereads ?? false })
}

/** Sources without waits, at {@link NOON}; the mirror stands for the network where one is given. */
export function sourceEffects({ mirror, fetch: fetcher = directFetch }: StageOptions): SourceEffects {
  const network = mirror === undefined ? fetcher : mirrorFetch(mirror)
  const effects = { ...systemEffects(network), sleep: async () => {} }
  return { http: httpClient(effects), env: {}, mirror, cityFolder: '.', now: () => NOON().getTime() }
}

export function harmonize(store: ObjectStore, city: CityFile, options: StageOptions = {}, dataset = DATASET) {
  return harmonizeDataset({ ...contextOf(store, city, options), store: scopeTo('harmonize', store) }, dataset)
}

export function measure(store: ObjectStore, city: CityFile, options: StageOptions = {}, dataset = DATASET) {
  return measureDataset({ ...contextOf(store, city, options), store: scopeTo('measure', store) }, dataset)
}

export function detect(store: ObjectStore, city: CityFile, options: StageOptions = {}, dataset = DATASET) {
  return detectDataset({ ...contextOf(store, city, options), store: scopeTo('detect', store) }, dataset)
}

/** Writes files into a folder. All get the same time. */
export async function writeFiles(folder: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = join(folder, name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
    await utimes(file, NOON(), NOON())
  }
}
