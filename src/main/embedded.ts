import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { CityFile } from '../contracts/city-file.js'
import type { Report } from '../contracts/progress.js'
import { createLogger } from '../kernel/log.js'
import { type Clock, systemClock } from '../kernel/time.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { LogReader } from '../ledger/log-reader.js'
import { makeReceipt } from '../ledger/receipt.js'
import { type AuditedLog, verifyLog } from '../ledger/verify.js'
import { createEmbeddedQueue } from '../queue/embedded/embedded-queue.js'
import { viewCity } from '../serve/city-view.js'
import { FindingFilter } from '../serve/filter.js'
import type { FindingLine } from '../serve/finding-line.js'
import { openPublication } from '../serve/publication.js'
import { createApp, startServer } from '../serve/server.js'
import { httpClient, systemEffects } from '../sources/http/client.js'
import { directFetch } from '../sources/http/direct-fetch.js'
import { mirrorFetch } from '../sources/http/mirror.js'
import { type Recording, recordingFetch } from '../sources/http/record.js'
import { openSource, type SourceEffects } from '../sources/open-source.js'
import { adoptHive } from './adopt-hive.js'
import { checkLake, claimLake, readLakeFile } from './claim-lake.js'
import { readCorrectionsFile } from './corrections-file.js'
import { ingestProfile, machineHere } from './ingest-profile.js'
import { absoluteAddress } from './lake-address.js'
import { noteMissingFolders } from './missing-folders.js'
import { openLake } from './open-lake.js'
import { openOriginals, openStore } from './open-store.js'
import { childPartRunner } from './part-worker.js'
import { catchUp, connectStages, type Failure, type PipelineParts, runPipeline } from './pipeline.js'
import { choosePaged, type Replayed, replayQuarantine } from './replay-quarantine.js'
import { type PutOffSource, runAndWait } from './run-again.js'
import { demandHonestStore } from './store-verdict.js'

/** Everything on one machine: a folder, a queue within the process, workers as child processes. */
export interface EmbeddedSettings {
  readonly city: CityFile
  /** Base path of the lake. */
  readonly lake: string
  /** Folder that replaces the network, or undefined. */
  readonly mirror: string | undefined
  /** Folder that keeps what portals answer, as a mirror for later runs; default: nothing is kept. */
  readonly record?: string | undefined
  /** Reads also what portals say is unchanged; default false. */
  readonly rereads?: boolean | undefined
  /** Folder of the city file, for modules of its own; default: the working directory. */
  readonly cityFolder?: string | undefined
  readonly report: Report
  /** What time it is; default: the machine's clock. A simulated city has a time of its own. */
  readonly clock?: Clock | undefined
  /** Says that nobody else ever writes to the lake, so that a store which lies is taken; default false. */
  readonly singleWriter?: boolean | undefined
  /** How long a run waits for portals that put sources off, milliseconds; default: not at all. */
  readonly waitMs?: number | undefined
  /** Told before each wait. */
  readonly tellWait?: (waiting: readonly PutOffSource[]) => void
}

/** Base path of a city's lake when none is given: a folder of its own below `lake/`. */
export function defaultLake(city: CityFile): string {
  return join('lake', city.city.slug)
}

/** Reads all sources and brings every table, finding and ledger entry up to date. */
export async function runEmbedded(settings: EmbeddedSettings): Promise<Failure[]> {
  const recording = settings.record === undefined ? undefined : recordingFetch(fetch, settings.record)
  try {
    const parts = await assemble(settings, { recording })
    return await runAndWait((only) => runPipeline(parts, only), settings.waitMs ?? 0, {
      clock: parts.clock,
      sleep: (ms) => delay(ms),
      tell: settings.tellWait ?? (() => {}),
    })
  } finally {
    await recording?.finish()
  }
}

/** Does what an interrupted run left undone, without reading any source. */
export async function catchUpEmbedded(settings: EmbeddedSettings): Promise<Failure[]> {
  return catchUp(await assemble(settings))
}

/** Adopts hive sources into their raw tables, or plans to; the stages after it are left to {@link catchUpEmbedded}. */
export async function adoptEmbedded(settings: EmbeddedSettings, names: readonly string[], dryRun: boolean) {
  const removeEmpty = await noteMissingFolders(absoluteAddress(settings.lake))
  try {
    return await adoptHive(await assemble(settings, { claims: !dryRun }), names, dryRun)
  } finally {
    if (dryRun) await removeEmpty()
  }
}

/**
 * Reads a source again with the decisions about its bad rows, and works off what follows.
 * @param name        `<dataset>/<source>`
 * @param corrections file of new decisions, or undefined
 * @throws WardbookError 'source-unknown', 'replay-needs-pages', 'corrections-unreadable', 'correction-names-no-row' (fix-config)
 */
export async function replayEmbedded(
  settings: EmbeddedSettings,
  name: string,
  corrections: string | undefined,
): Promise<Replayed> {
  const [dataset, source] = choosePaged(settings.city, name)
  const given = corrections === undefined ? [] : await readCorrectionsFile(corrections)
  return replayQuarantine(await assemble(settings), dataset, source, given)
}

/** @param how `claims` is false for what only looks: the lake is not made anybody's, its store not put to the test */
async function assemble(
  settings: EmbeddedSettings,
  { claims = true, recording }: { claims?: boolean; recording?: Recording | undefined } = {},
): Promise<PipelineParts> {
  const { city, report, rereads = false } = settings
  const sources = sourceEffects(settings, recording)
  const lake = absoluteAddress(settings.lake)
  if (claims)
    await demandHonestStore({ lake, env: process.env, clock: systemClock }, settings.singleWriter ?? false)
  const store = await openStore(lake)
  const profile = ingestProfile(process.env, machineHere())
  if (claims) await claimLake(store, city.city.slug)
  const parts: PipelineParts = {
    store,
    city,
    queue: createEmbeddedQueue({ lanes: profile.lanes }),
    runner: childPartRunner(lake, {}, profile.lanes),
    ingestProfile: profile,
    clock: settings.clock ?? systemClock,
    report,
    rereads,
    openSource: (name, config) => openSource(name, config, sources),
    openOriginals: (from) => openOriginals(from, lake),
  }
  connectStages(parts)
  return parts
}

/** The network, what replaces it, or what listens to it. */
function sourceEffects(
  { mirror, cityFolder = '.', clock = systemClock }: EmbeddedSettings,
  recording?: Recording,
): SourceEffects {
  const network = mirror === undefined ? (recording?.fetch ?? directFetch) : mirrorFetch(mirror)
  return {
    http: httpClient(systemEffects(network)),
    env: process.env,
    mirror,
    cityFolder,
    now: () => clock().getTime(),
  }
}

/** A running server of pages and API. */
export interface ServedPages {
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves a lake's pages and API.
 * @param port TCP port; 0 lets the system choose
 */
export async function serveEmbedded(
  city: CityFile,
  lake: string,
  port: number,
  hostname = '127.0.0.1',
): Promise<ServedPages> {
  const store = await openLake(absoluteAddress(lake))
  await checkLake(store, city.city.slug)
  const publication = await openPublication(store, city)
  const app = createApp({ publication, receiptOf: receiptsOf(store), log: createLogger('warn') })
  const server = await startServer({ app, port, hostname })
  return {
    url: server.url,
    close: async () => {
      await server.close()
      await publication.close()
    },
  }
}

/** The largest findings of the newest weeks, or the newest there is, as the first page shows them. */
export async function newestFindings(
  city: CityFile,
  lake: string,
  limit: number,
): Promise<readonly FindingLine[]> {
  const publication = await openPublication(await openLake(absoluteAddress(lake)), city)
  try {
    const view = await viewCity(await publication.edition(), FindingFilter.parse({}))
    return view.findings.length > 0 ? view.findings.slice(0, limit) : view.latest ? [view.latest] : []
  } finally {
    await publication.close()
  }
}

/** Proofs for pages, from the log as it stands. */
function receiptsOf(store: ObjectStore) {
  const own = scopeTo('serve', store)
  let reader: LogReader | undefined
  return async (index: number) => {
    if (reader === undefined) reader = await LogReader.open(own)
    else await reader.follow()
    return reader && makeReceipt(reader, index)
  }
}

/** Audits a lake's log from its first byte: chain, roots, ids, and that `findings/` shows what the log holds. */
export async function verifyEmbedded(lake: string): Promise<AuditedLog> {
  const store = await openLake(absoluteAddress(lake))
  await readLakeFile(store)
  return verifyLog({ store: scopeTo('ledger', store), view: true })
}
