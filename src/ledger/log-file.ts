import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import { canonicalJson } from '../kernel/ids.js'
import type { ObjectStore } from '../lake/store.js'
import { logFileKey } from './layout.js'
import { LIMITS } from './segment.js'

/** The log format that we write, and the newest that we read. */
export const LOG_FORMAT = 1

/**
 * A log's description of itself. `keys`: verifier keys of its checkpoints; `predecessor`: origin of the
 * closed log that it continues. Both stay empty until checkpoints are signed.
 */
const LogFile = z.looseObject({
  formatVersion: z.literal(LOG_FORMAT),
  origin: z.string().min(1),
  limits: z.looseObject({ segmentEvents: z.int(), segmentBytes: z.int(), eventBytes: z.int() }),
  keys: z.array(z.string()),
  predecessor: z.string().nullable(),
})
export type LogFile = z.infer<typeof LogFile>

/**
 * The newest description of a log, or undefined when there is no such log.
 * @throws WardbookError 'ledger-newer-format' (fix-config) or 'ledger-file-broken' (fix-source)
 */
export async function readLogFile(store: ObjectStore, log: string): Promise<LogFile | undefined> {
  let newest: LogFile | undefined
  for (let n = 0; ; n++) {
    const key = logFileKey(log, n)
    const bytes = await store.get(key)
    if (bytes === undefined) return newest
    newest = parseLogFile(key, new TextDecoder().decode(bytes))
  }
}

/**
 * The description of a log, which is created when there is none.
 * @throws WardbookError 'ledger-other-origin' (fix-config) when the folder holds the log of another origin
 */
export async function createLogFile(store: ObjectStore, log: string, origin: string): Promise<LogFile> {
  const fresh = {
    formatVersion: LOG_FORMAT,
    origin,
    limits: LIMITS,
    keys: [],
    predecessor: null,
  } satisfies LogFile
  const found = await readLogFile(store, log)
  if (found !== undefined) return demandOrigin(found, log, origin)
  await store.createIfAbsent(logFileKey(log, 0), Buffer.from(`${canonicalJson(fresh)}\n`))
  return demandOrigin((await readLogFile(store, log)) ?? fresh, log, origin)
}

function parseLogFile(key: string, text: string): LogFile {
  let content: unknown
  try {
    content = JSON.parse(text)
    demandKnownFormat(key, content)
    return LogFile.parse(content)
  } catch (cause) {
    if (cause instanceof WardbookError) throw cause
    throw new WardbookError(
      'ledger-file-broken',
      'fix-source',
      `'${key}' does not describe a log; bring the object back from a copy`,
      { key },
      { cause },
    )
  }
}

function demandKnownFormat(key: string, content: unknown): void {
  const version = (content as { formatVersion?: unknown } | null)?.formatVersion
  if (typeof version !== 'number' || version <= LOG_FORMAT) return
  throw new WardbookError(
    'ledger-newer-format',
    'fix-config',
    `'${key}' has format ${version}, this release knows formats up to ${LOG_FORMAT}: update wardbook`,
    { key, version },
  )
}

function demandOrigin(found: LogFile, log: string, origin: string): LogFile {
  if (found.origin === origin) return found
  throw new WardbookError(
    'ledger-other-origin',
    'fix-config',
    `the log '${log}' belongs to '${found.origin}', not to '${origin}': use that city's file, or another lake`,
    { log, found: found.origin, wanted: origin },
  )
}
