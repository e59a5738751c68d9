import { z } from 'zod'
import type { Json } from '../kernel/ids.js'

/** Longest leaf of the ledger in bytes: tlog-tiles' uint16 prefix and CloudEvents' forwarding floor agree. */
export const MAX_EVENT_BYTES = 65_535

const Scalar = z.union([z.string(), z.number(), z.boolean()])

/**
 * A CloudEvents 1.0 event as the ledger keeps it. Dimensions are flat extension attributes
 * (lower-case letters and digits, scalar values); `data` holds claim and evidence.
 */
export interface LedgerEvent {
  specversion: '1.0'
  id: string
  source: string
  type: string
  subject?: string
  /** When it happened. */
  time: string
  /** When it could be known: the publication it rests on. */
  knownat: string
  dataschema: string
  datacontenttype: 'application/json'
  data: { [key: string]: Json }
  [attribute: string]: Json | undefined
}

/** Checks that a value is such an event. */
export const LedgerEvent: z.ZodType<LedgerEvent> = z
  .object({
    specversion: z.literal('1.0'),
    id: z.string().min(1).max(200),
    source: z.string().min(1).max(500),
    type: z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/),
    subject: z.string().optional(),
    time: z.iso.datetime(),
    knownat: z.iso.datetime(),
    dataschema: z.string(),
    datacontenttype: z.literal('application/json'),
    data: z.record(z.string(), z.json()),
  })
  .catchall(Scalar) as unknown as z.ZodType<LedgerEvent>

/** An event with its place in the ledger: `index` orders all events for ever; `recordedtime` is the writer's clock. */
export interface RecordedEvent {
  readonly index: number
  readonly event: LedgerEvent
  /** SHA-256 of 0x00 and the canonical event: the leaf hash of RFC 6962, hexadecimal. */
  readonly leafHash: string
}

/** Where data schemas of our event types are named. */
export const DATA_SCHEMA = 'urn:wardbook:schema:'
export const FINDING_EVENT_TYPE = 'org.wardbook.finding'
export const PUBLISHED_EVENT_TYPE = 'org.wardbook.dataset.published'
export const GAP_EVENT_TYPE = 'org.wardbook.dataset.gap'
