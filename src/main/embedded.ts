import { join } from 'node:path'
import type { CityFile } from '../contracts/city-file.js'
import type { Report } from '../contracts/progress.js'
import { createLogger } from '../kernel/log.js'
import { systemClock } from '../kernel/time.js'
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
import { openFilesSource } from '../sources/files/files-source.js'
import { claimLake } from './claim-lake.js'
import { ingestProfile, machineHere } from './ingest-profile.js'
import { absoluteAddress, openLake, openStore } from './open-store.js'
import { childPartRunner } from './part-worker.js'
import { catchUp, connectStages, type Failure, type PipelineParts, runPipeline } from './pipeline.js'

/** Everything on one machine: a folder, a queue within the process, workers as child processes. */
export interface EmbeddedSettings {
  readonly city: CityFile
  /** Base path of the lake. */
  readonly lake: string
  /** Folder that replaces the network, or undefined. */
  readonly mirror: string | undefined
  readonly report: Report
}

/** Base path of a city's lake when none is given: a folder of its own below `lake/`. */
export function defaultLake(city: CityFile): string {
  return join('lake', city.city.slug)
}

/** Reads all sources and brings every table, finding and ledger entry up to date. */
export async function runEmbedded(settings: EmbeddedSettings): Promise<Failure[]> {
  return runPipeline(await assemble(settings))
}

/** Does what an interrupted run left undone, without reading any source. */
export async function catchUpEmbedded(settings: EmbeddedSettings): Promise<Failure[]> {
  return catchUp(await assemble(settings))
}

async function assemble(settings: EmbeddedSettings): Promise<PipelineParts> {
  const { city, report, mirror } = settings
  const lake = absoluteAddress(settings.lake)
  const store = await openStore(lake)
  await claimLake(store, city.city.slug)
  const parts: PipelineParts = {
    store,
    city,
    queue: createEmbeddedQueue(),
    runner: childPartRunner(lake),
    ingestProfile: ingestProfile(process.env, machineHere()),
    clock: systemClock,
    report,
    openSource: (name, config) => openFilesSource(name, config, { mirror, fetch }),
  }
  connectStages(parts)
  return parts
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
  await claimLake(store, city.city.slug)
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
  return verifyLog({ store: scopeTo('ledger', store), view: true })
}
