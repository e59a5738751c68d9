import type { LedgerEvent } from '../contracts/event.js'
import { WardbookError } from '../kernel/errors.js'
import { canonicalJson, digestOf, type Json } from '../kernel/ids.js'
import { LIMITS } from './segment.js'

/** Room for `"recordedtime":"…",`, which the log adds when it takes the event. */
const RECORDEDTIME_BYTES = 64

/** Lists that may be shortened, by their place in `data`. The claim is never one of them. */
const LISTS = [
  ['evidence', 'files'],
  ['evidence', 'tables'],
  ['files'],
  ['parts'],
  ['changes', 'divisions'],
  ['points', 'pairs'],
] as const
type Place = (typeof LISTS)[number]

/**
 * The event, small enough for the log. When it is too large, entries are dropped from the end of its longest list
 * (evidence files and tables, published files and parts), and `data` says so: `filesOmitted` how many, `filesDigest` the digest of
 * the whole list, so that what was left out is still bound. The claim and all attributes stay as they are.
 * @throws WardbookError 'event-too-large' (report-bug) when it is too large without any list
 */
export function fitEvent(event: LedgerEvent): LedgerEvent {
  const mostBytes = LIMITS.eventBytes - RECORDEDTIME_BYTES
  let fitted = event
  for (let bytes = bytesOf(fitted); bytes > mostBytes; bytes = bytesOf(fitted)) {
    fitted = shorten(fitted, longestList(fitted, bytes), bytes - mostBytes)
  }
  return fitted
}

function shorten(event: LedgerEvent, place: Place, excessBytes: number): LedgerEvent {
  const list = listAt(event, place)
  const entryBytes = Math.ceil(bytesOf(list) / list.length)
  const dropped = Math.min(list.length, Math.ceil(excessBytes / entryBytes))
  const kept = list.slice(0, list.length - dropped)
  const name = place.at(-1)!
  const { data } = event
  return {
    ...event,
    data: {
      ...withList(data as Record<string, Json>, place, kept),
      [`${name}Omitted`]: Number(data[`${name}Omitted`] ?? 0) + dropped,
      [`${name}Digest`]: data[`${name}Digest`] ?? digestOf(list),
    },
  } as LedgerEvent
}

function longestList(event: LedgerEvent, bytes: number): Place {
  const [longest] = LISTS.filter((place) => listAt(event, place).length > 0).sort(
    (a, b) => bytesOf(listAt(event, b)) - bytesOf(listAt(event, a)),
  )
  if (longest !== undefined) return longest
  throw new WardbookError(
    'event-too-large',
    'report-bug',
    `event ${event.id} has ${bytes} bytes without its lists, a log takes ${LIMITS.eventBytes}`,
    { id: event.id, bytes },
  )
}

function listAt(event: LedgerEvent, [outer, inner]: Place): readonly Json[] {
  const found = event.data[outer] as Json | undefined
  const list = inner === undefined ? found : (found as Record<string, Json> | undefined)?.[inner]
  return Array.isArray(list) ? list : []
}

function withList(
  data: Record<string, Json>,
  [outer, inner]: Place,
  list: readonly Json[],
): Record<string, Json> {
  if (inner === undefined) return { ...data, [outer]: list }
  return { ...data, [outer]: { ...(data[outer] as Record<string, Json>), [inner]: list } }
}

function bytesOf(value: Json): number {
  return Buffer.byteLength(canonicalJson(value))
}
