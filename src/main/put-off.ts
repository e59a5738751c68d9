import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import { digestOf, type Json } from '../kernel/ids.js'
import type { ObjectStore } from '../lake/store.js'
import { retryAfterMs } from '../sources/http/retry-after.js'

/** A portal that names a later time is asked again after two days all the same: its clock may be wrong. */
const LONGEST_MS = 48 * 3_600_000
/** A portal that names a time that is over is left alone for a while. */
const SHORTEST_MS = 60_000

/** When a portal takes requests for a source again, as it said itself. Stored beside the source's spool; gone once the source is read. */
const PutOff = z.object({
  v: z.literal(1),
  /** ISO 8601, UTC. */
  until: z.iso.datetime(),
  code: z.string(),
  message: z.string(),
  /** Digest of the source's settings: other settings are asked at once. */
  settings: z.string(),
})

/** A source, and its settings in the city file. */
export interface SourceToAsk {
  readonly dataset: string
  readonly source: string
  readonly config: object
}

/**
 * When a failed source may be asked again, as its portal said: the end of a spent quota, or a `Retry-After`.
 * @param now milliseconds since 1970
 * @returns ISO 8601, from a minute to two days from now; undefined where no portal said anything
 */
export function putOffUntil({ remedy, facts }: WardbookError, now: number): string | undefined {
  if (remedy !== 'retry') return undefined
  const { retryAt, retryAfter } = facts
  const waitMs =
    typeof retryAt === 'string'
      ? Date.parse(retryAt) - now
      : retryAfterMs(typeof retryAfter === 'string' ? retryAfter : null, now)
  if (waitMs === undefined || Number.isNaN(waitMs)) return undefined
  return new Date(now + Math.min(LONGEST_MS, Math.max(SHORTEST_MS, waitMs))).toISOString()
}

/** Keeps until when a source is put off. @param store of `ingest` */
export async function keepPutOff(
  store: ObjectStore,
  asked: SourceToAsk,
  error: WardbookError,
  until: string,
): Promise<void> {
  const { code, message } = error
  const kept: z.infer<typeof PutOff> = { v: 1, until, code, message, settings: settingsOf(asked) }
  await store.put(keyOf(asked), new TextEncoder().encode(JSON.stringify(kept)))
}

/**
 * What stands in the way of asking a source: the portal said when, and that is not yet.
 * @returns an error with the code of the first one and `retryAt` in its facts; undefined when the source may be asked
 */
export async function standingPutOff(
  store: ObjectStore,
  asked: SourceToAsk,
  now: number,
): Promise<WardbookError | undefined> {
  const kept = PutOff.safeParse(jsonOf(await store.get(keyOf(asked))))
  if (!kept.success || kept.data.settings !== settingsOf(asked)) return undefined
  const { until, code, message } = kept.data
  if (Date.parse(until) <= now) return undefined
  const { dataset, source } = asked
  return new WardbookError(
    code,
    'retry',
    `${dataset}/${source} was not asked: its portal put it off until ${until} (${message}); --reread asks all the same`,
    { dataset, source, retryAt: until, asked: false },
  )
}

function keyOf({ dataset, source }: SourceToAsk): string {
  return `spool/${dataset}/${source}/put-off.json`
}

function settingsOf({ config }: SourceToAsk): string {
  return digestOf(JSON.parse(JSON.stringify(config)) as Json).slice(0, 16)
}

function jsonOf(bytes: Uint8Array | undefined): unknown {
  try {
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined // of another make: the portal is asked
  }
}
