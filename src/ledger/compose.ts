import { type LedgerEvent, LedgerEvent as LedgerEventSchema } from '../contracts/event.js'
import { WardbookError } from '../kernel/errors.js'
import { canonicalJson, digestOf, type Json, sha256Hex } from '../kernel/ids.js'
import { bodyBytesOf, LIMITS } from './segment.js'

const KEY_HEX_DIGITS = 32 // 16 bytes: no collision to fear below 10^18 events
const CHECK_HEX_DIGITS = 16 // 8 bytes: tells two contents under one key apart

/** What the log remembers of an event: where it is, and a digest of what it said. */
export interface KnownEvent {
  readonly index: number
  readonly check: string
}

/** An event that may go into the log, with the key and the check of deduplication. */
export interface PreparedEvent {
  readonly event: LedgerEvent
  readonly key: string
  readonly check: string
}

/** Key by which the log holds each event once: SHA-256(source, newline, id), 16 bytes in hexadecimal. */
export function eventKey(source: string, id: string): string {
  return sha256Hex(`${source}\n${id}`).slice(0, KEY_HEX_DIGITS)
}

/**
 * Digest of what an event says: its claim, or all its data where a type has no claim. Evidence, knownat and
 * recordedtime are not part of it, so a rerun on the same rows says the same.
 */
export function contentCheck(event: LedgerEvent): string {
  const said = event.data.claim ?? event.data
  return digestOf(said as Json).slice(0, CHECK_HEX_DIGITS)
}

/**
 * Checks an event's form; its `recordedtime`, if any, is dropped, since only the log sets it.
 * @throws WardbookError 'schema-violation' (report-bug) naming the attribute
 */
export function prepareEvent(event: LedgerEvent): PreparedEvent {
  const { recordedtime: _, ...given } = event
  const parsed = LedgerEventSchema.safeParse(given)
  if (!parsed.success) throw schemaViolation(event, parsed.error.message, { cause: parsed.error })
  const odd = Object.keys(given).find((name) => !/^[a-z0-9]+$/.test(name))
  if (odd !== undefined) throw schemaViolation(event, `'${odd}' is no attribute name: a-z and 0-9 only`)
  const checked = parsed.data as LedgerEvent
  return { event: checked, key: eventKey(checked.source, checked.id), check: contentCheck(checked) }
}

/**
 * Which of these events the log does not hold yet, each once, in order.
 * @throws WardbookError 'event-id-conflict' (fix-source) when an id is taken by an event that says something else
 */
export function findMissing(
  events: readonly PreparedEvent[],
  known: ReadonlyMap<string, KnownEvent>,
): PreparedEvent[] {
  const missing = new Map<string, PreparedEvent>()
  for (const prepared of events) {
    const held = known.get(prepared.key) ?? missing.get(prepared.key)
    if (held === undefined) missing.set(prepared.key, prepared)
    else if (held.check !== prepared.check) throw idConflict(prepared.event)
  }
  return [...missing.values()]
}

/** recordedtime of the next events: the clock, but never before what was recorded last. */
export function nextRecordedTime(previous: string, now: Date): string {
  const at = now.toISOString()
  return at > previous ? at : previous
}

/**
 * The bytes of an event as the log keeps it: canonical JSON with its `recordedtime`.
 * @throws WardbookError 'event-too-large' (report-bug) above 65,535 bytes
 */
export function toLeaf(event: LedgerEvent, recordedtime: string): Uint8Array {
  const leaf = Buffer.from(canonicalJson({ ...event, recordedtime }))
  if (leaf.length <= LIMITS.eventBytes) return leaf
  throw new WardbookError(
    'event-too-large',
    'report-bug',
    `event ${event.id} has ${leaf.length} bytes, a log takes ${LIMITS.eventBytes}: shorten its lists`,
    { id: event.id, bytes: leaf.length },
  )
}

/** Consecutive runs of events that fit one segment each; `leafOf` says an event's bytes. */
export function splitBySegment<Item>(items: readonly Item[], leafOf: (item: Item) => Uint8Array): Item[][] {
  const groups: Item[][] = []
  let bytes = 0
  for (const item of items) {
    const size = bodyBytesOf(leafOf(item))
    const group = groups.at(-1)
    if (group && group.length < LIMITS.segmentEvents && bytes + size <= LIMITS.segmentBytes) {
      group.push(item)
      bytes += size
    } else {
      groups.push([item])
      bytes = size
    }
  }
  return groups
}

function schemaViolation(event: LedgerEvent, why: string, options?: ErrorOptions): WardbookError {
  return new WardbookError(
    'schema-violation',
    'report-bug',
    `event '${event.id}' is no event of this log: ${why}`,
    { id: event.id },
    options,
  )
}

function idConflict(event: LedgerEvent): WardbookError {
  return new WardbookError(
    'event-id-conflict',
    'fix-source',
    `the log already holds an event ${event.id} of ${event.source} that says something else; ` +
      'an event that corrects it needs an id of its own and supersedes=<the old id>',
    { id: event.id, source: event.source },
  )
}
