import type { CityFile } from '../contracts/city-file.js'
import type { Stage, TableCommitted } from '../contracts/message.js'
import type { PartRunner } from '../contracts/part-runner.js'
import type { Report } from '../contracts/progress.js'
import type { PagedSourceConfig } from '../contracts/source-config.js'
import { detectDataset } from '../detect/detect-dataset.js'
import { harmonizeDataset } from '../harmonize/harmonize-dataset.js'
import { adoptSource } from '../ingest/adopt/adopt-source.js'
import type { OpenOriginals } from '../ingest/adopt/originals.js'
import { ingestSource } from '../ingest/ingest-source.js'
import type { IngestProfile } from '../ingest/profiles.js'
import { asWardbookError, type WardbookError } from '../kernel/errors.js'
import type { Clock } from '../kernel/time.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { tables } from '../lake/tables.js'
import { Log } from '../ledger/log.js'
import { takeInProposals } from '../ledger/take-in.js'
import { measureDataset } from '../measure/measure-dataset.js'
import type { Queue, Topic } from '../queue/queue.js'
import type { Source } from '../sources/source.js'
import { keepPutOff, putOffUntil, standingPutOff } from './put-off.js'

/** Everything the stages need, chosen by whoever assembles them. */
export interface PipelineParts {
  readonly store: ObjectStore
  readonly city: CityFile
  readonly queue: Queue
  readonly runner: PartRunner
  readonly ingestProfile: IngestProfile
  readonly clock: Clock
  readonly report: Report
  /** Reads also what portals say is unchanged; default false. */
  readonly rereads?: boolean
  openSource(name: string, config: PagedSourceConfig): Promise<Source>
  /** Opens the folder of a hive source, only to be read. */
  readonly openOriginals: OpenOriginals
}

/** What went wrong, and where; the rest of the run went on. */
export interface Failure {
  readonly stage: Stage
  readonly dataset: string
  /** Absent where a stage works a dataset as a whole. */
  readonly source?: string
  readonly error: WardbookError
  /** When the source may be asked again, as its portal said, ISO 8601; absent where it said nothing. */
  readonly until?: string
}

/** The origin of a city's log: its name for ever. */
export function logOrigin(city: CityFile): string {
  return `wardbook/${city.city.slug}`
}

/**
 * Connects the stages by their messages: each commit wakes the next stage, which reads positions from the tables and does
 * what is left to do. Waking a stage without need does nothing.
 */
export function connectStages(parts: PipelineParts): void {
  const { queue, city, clock } = parts
  const scoped = (stage: Stage) => ({ ...parts, store: scopeTo(stage, parts.store) })
  queue.listen('ingest', async ({ dataset, source }) => {
    const { version } = await adoptSource(scoped('ingest'), dataset, source)
    await wake(queue, 'harmonize', { from: 'ingest', dataset, table: tables.raw(dataset, source), version })
  })
  queue.listen('harmonize', async ({ dataset }) => {
    const version = await harmonizeDataset(scoped('harmonize'), dataset)
    await wake(queue, 'measure', { from: 'harmonize', dataset, table: tables.tidy(dataset), version })
  })
  queue.listen('measure', async ({ dataset }) => {
    const version = await measureDataset(scoped('measure'), dataset)
    await wake(queue, 'detect', { from: 'measure', dataset, table: tables.series(dataset), version })
  })
  queue.listen('detect', async ({ dataset, version }) => {
    await detectDataset(scoped('detect'), dataset)
    await wake(queue, 'ledger', { from: 'detect', dataset, table: tables.outbox('detect'), version })
  })
  queue.listen('ledger', async () => {
    const { store, report } = scoped('ledger')
    const log = await Log.open({ store, origin: logOrigin(city), clock })
    const taken = await takeInProposals({ store, city: city.city.slug, clock, log })
    const { appended, size, root } = taken
    const message =
      appended === 0
        ? `unchanged: ${size} events`
        : `appended ${appended} events, ${size} in all, root ${root.slice(0, 12)}…`
    report({ stage: 'ledger', message, facts: { ...taken } })
  })
}

/**
 * Reads every source and works off what follows from it. A source or stage that fails does not stop the others.
 * @param only sources to read; default: all
 */
export async function runPipeline(
  parts: PipelineParts,
  only?: readonly { readonly dataset: string; readonly source: string }[],
): Promise<Failure[]> {
  const failures: Failure[] = []
  const working: Promise<Failure[]>[] = []
  await wakeAdoption(parts)
  for (const [dataset, { sources }] of Object.entries(parts.city.datasets)) {
    for (const source of Object.keys(sources).filter((name) => sources[name]?.family !== 'hive')) {
      if (only?.some((one) => one.dataset === dataset && one.source === source) === false) continue
      const failure = await ingestOne(parts, dataset, source)
      if (failure !== undefined) failures.push(failure)
    }
    if (parts.ingestProfile.lanes > 1) working.push(workOff(parts)) // while the next dataset is read
  }
  return [...failures, ...(await Promise.all(working)).flat(), ...(await workOff(parts))]
}

/** Reads one source, not a hive one, and works off what follows from it. */
export async function runSource(parts: PipelineParts, dataset: string, source: string): Promise<Failure[]> {
  const failure = await ingestOne(parts, dataset, source)
  return [...(failure === undefined ? [] : [failure]), ...(await workOff(parts))]
}

/** Wakes every stage for every dataset: what a lost message or a killed run left undone is done, arrived files are adopted. */
export async function catchUp(parts: PipelineParts): Promise<Failure[]> {
  await wakeAdoption(parts)
  for (const dataset of Object.keys(parts.city.datasets)) {
    await wake(parts.queue, 'harmonize', { from: 'ingest', dataset, table: tables.tidy(dataset), version: 0 })
  }
  return workOff(parts)
}

/** Hive sources are told that files may have arrived; where none did, nothing happens. */
async function wakeAdoption({ queue, city }: PipelineParts): Promise<void> {
  for (const [dataset, source] of hiveSources(city))
    await queue.send('ingest', { v: 1, kind: 'files.arrived', dataset, source })
}

/** All sources of the family hive, as dataset and source. */
export function hiveSources(city: CityFile): [dataset: string, source: string][] {
  return Object.entries(city.datasets).flatMap(([dataset, { sources }]) =>
    Object.entries(sources).flatMap(([source, { family }]): [string, string][] =>
      family === 'hive' ? [[dataset, source]] : [],
    ),
  )
}

async function ingestOne(
  parts: PipelineParts,
  dataset: string,
  source: string,
): Promise<Failure | undefined> {
  const store = scopeTo('ingest', parts.store)
  const asked = { dataset, source, config: parts.city.datasets[dataset]?.sources[source] ?? {} }
  const { rereads = false, clock } = parts
  try {
    const putOff = rereads ? undefined : await standingPutOff(store, asked, clock().getTime())
    if (putOff !== undefined) throw putOff
    const { version } = await ingestSource({ ...parts, store }, dataset, source, { rereads })
    await wake(parts.queue, 'harmonize', {
      from: 'ingest',
      dataset,
      table: tables.raw(dataset, source),
      version,
    })
    return undefined
  } catch (thrown) {
    const error = asWardbookError(thrown)
    const until = putOffUntil(error, clock().getTime())
    if (until !== undefined && error.facts.asked !== false)
      await keepPutOff(store, asked, error, until).catch(() => undefined) // a hint: the failure itself is what counts
    return { stage: 'ingest', dataset, source, error, ...(until === undefined ? {} : { until }) }
  }
}

async function workOff({ queue }: PipelineParts): Promise<Failure[]> {
  const dead = await queue.drain()
  return dead.map(({ topic, message, error }) => ({
    stage: topic,
    dataset: message.dataset,
    error: asWardbookError(error),
  }))
}

async function wake(
  queue: Queue,
  topic: Exclude<Topic, 'ingest'>,
  message: Omit<TableCommitted, 'v' | 'kind'>,
): Promise<void> {
  const version = Math.max(0, message.version)
  await queue.send(topic, { v: 1, kind: 'table.committed', ...message, version })
}
