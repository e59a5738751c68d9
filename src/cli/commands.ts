import { z } from 'zod'
import { CityFile } from '../contracts/city-file.js'
import { exitCodeOf, WardbookError } from '../kernel/errors.js'
import { PREFIXES } from '../lake/prefixes.js'
import {
  catchUpEmbedded,
  defaultLake,
  type EmbeddedSettings,
  newestFindings,
  runEmbedded,
  type ServedPages,
  serveEmbedded,
  verifyEmbedded,
} from '../main/embedded.js'
import { cityFolderOf, loadCity, loadCityWithoutMaps } from '../main/load-city.js'
import type { Failure } from '../main/pipeline.js'
import { type PutOffSource, putOffSources } from '../main/run-again.js'
import type { Output } from './output.js'
import { type CommonOptions, DEFAULT_PORT, type RunOptions } from './program.js'

export { compactTables, vacuumTables } from './lake-commands.js'
export { runMigrate } from './migrate-command.js'

const FINDINGS_SHOWN = 5
const HOUR_MS = 3_600_000

/** `wardbook run`: files to findings, and to pages with --serve. @returns the exit code */
export async function runCity(file: string, options: RunOptions, output: Output): Promise<number> {
  const city = await loadCity(file)
  const lake = options.lake ?? defaultLake(city)
  const { mirror, record, reread: rereads, singleWriter, wait = 0 } = options
  const settings = {
    ...{ city, lake, mirror, record, rereads, singleWriter, cityFolder: cityFolderOf(file) },
    ...{ report: output.step, waitMs: wait * HOUR_MS },
    tellWait: (waiting: readonly PutOffSource[]) => tellPutOff(waiting, 'this run waits', output),
  }
  const exit = await runAll(settings, output)
  if (options.serve) return servePages(city, lake, options, output)
  output.note(`pages: wardbook serve ${file}${options.lake === undefined ? '' : ` --lake ${options.lake}`}`)
  return exit
}

/** `wardbook catch-up`. @returns the exit code */
export async function runCatchUp(file: string, options: RunOptions, output: Output): Promise<number> {
  const city = await loadCity(file)
  const { lake = defaultLake(city), singleWriter } = options
  const settings = {
    ...{ city, lake, mirror: undefined, singleWriter },
    ...{ cityFolder: cityFolderOf(file), report: output.step },
  }
  return reportFailures(await catchUpEmbedded(settings), output)
}

/** `wardbook serve`. @returns the exit code, once interrupted */
export async function runServe(file: string, options: RunOptions, output: Output): Promise<number> {
  const city = await loadCityWithoutMaps(file)
  return servePages(city, options.lake ?? defaultLake(city), options, output)
}

/** `wardbook lake prefixes`. */
export async function showPrefixes(_options: CommonOptions, output: Output): Promise<number> {
  for (const rule of PREFIXES) {
    const { prefix, writers, readers, content } = rule
    output.result(`${prefix.padEnd(40)} written by ${writers.join(', ')}\n${' '.repeat(40)} ${content}`, {
      ...rule,
      readers,
    })
  }
  return 0
}

/** `wardbook city schema`. */
export async function showSchema(_options: CommonOptions, output: Output): Promise<number> {
  const schema = citySchema()
  output.result(JSON.stringify(schema, null, 2), { schema })
  return 0
}

/** JSON Schema of city files, as editors complete from. What several kinds of datasets share stands there once. */
export function citySchema(): object {
  return z.toJSONSchema(CityFile, { io: 'input', reused: 'ref' })
}

/** `wardbook ledger verify`. */
export async function verifyLedger(options: RunOptions, output: Output): Promise<number> {
  const { size, root, segments } = await verifyEmbedded(options.lake ?? '')
  output.result(`whole: ${size} events in ${segments} segments, root ${root}`, { size, root, segments })
  return 0
}

async function runAll(settings: EmbeddedSettings, output: Output): Promise<number> {
  const failures = await runEmbedded(settings)
  const exit = reportFailures(failures, output)
  tellPutOff(putOffSources(failures), 'a run after that goes on', output)
  for (const finding of await newestFindings(settings.city, settings.lake, FINDINGS_SHOWN)) {
    output.result(`\n${finding.sentence}\n  ${finding.address}`, { finding })
  }
  return exit
}

/** All failures are told; the exit code is the first one's. */
function reportFailures(failures: readonly Failure[], output: Output): number {
  for (const { stage, dataset, source, error } of failures) output.error(error, { stage, dataset, source })
  return failures[0] === undefined ? 0 : exitCodeOf(failures[0].error.remedy)
}

/** Says which sources their portals put off, and until when; nothing where none was. */
function tellPutOff(waiting: readonly PutOffSource[], what: string, output: Output): void {
  if (waiting.length === 0) return
  const said = waiting.map(({ dataset, source, until }) => `${dataset}/${source} until ${until}`)
  output.result(`put off by their portals: ${said.join(', ')}; ${what}`, { putOff: waiting })
}

async function servePages(
  city: CityFile,
  lake: string,
  options: RunOptions,
  output: Output,
): Promise<number> {
  const pages = await startPages(city, lake, options)
  output.result(`\nPages: ${pages.url}  (Ctrl-C ends)`, { url: pages.url })
  await interrupted()
  await pages.close()
  return 0
}

/** Serves pages on the port that was asked for, or ours, or, when somebody has that, any free one. */
export async function startPages(
  city: CityFile,
  lake: string,
  { port, host }: RunOptions,
): Promise<ServedPages> {
  if (port !== undefined) return serveEmbedded(city, lake, port, host)
  return serveEmbedded(city, lake, DEFAULT_PORT, host).catch((thrown) => {
    if (thrown instanceof WardbookError && thrown.code === 'port-in-use')
      return serveEmbedded(city, lake, 0, host)
    throw thrown
  })
}

function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}
