import { hash } from 'node:crypto'
import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'
import { MAX_EVENT_BYTES } from '../contracts/event.js'
import { WardbookError } from '../kernel/errors.js'
import { canonicalJson } from '../kernel/ids.js'
import { HASH_BYTES, sameHash } from './merkle.js'

/** Limits of one log, as `log.<n>.json` states them. */
export const LIMITS = {
  segmentEvents: 4_096,
  segmentBytes: 4 * 1024 * 1024, // of the body before compression
  eventBytes: MAX_EVENT_BYTES,
} as const

/** The segment format that we write, and the newest that we read. */
export const SEGMENT_FORMAT = 1

const LENGTH_BYTES = 2 // big-endian uint16 before each leaf
const NEWLINE = 0x0a
const GZIP_LEVEL = 1 // 404 MB/s at 8.9x, against 81 MB/s at 10.1x for level 6
const GZIP_OS_OFFSET = 9 // the byte of RFC 1952 that names the operating system
const GZIP_OS_UNKNOWN = 255
const MAX_EDGE_HASHES = 40

const Hash = z.string().regex(/^[0-9a-f]{64}$/)

const SegmentHeader = z.strictObject({
  v: z.literal(SEGMENT_FORMAT),
  origin: z.string().min(1),
  start: z.int().nonnegative(),
  count: z.int().positive().max(LIMITS.segmentEvents),
  prevRoot: Hash,
  root: Hash,
  edge: z.array(Hash).max(MAX_EDGE_HASHES),
  at: z.iso.datetime(),
  writer: z.string(),
  nonce: z.string().min(1),
  codec: z.literal('gzip'),
  bodyLen: z.int().positive(),
})

/**
 * First line of a segment. `start`: index of its first event; `prevRoot`, `root`: the tree's root before and after it, hexadecimal;
 * `edge`: the tree's right edge after it; `at`: the recordedtime of each of its events; `nonce`: by which a writer
 * knows its own segment; `bodyLen`: bytes of the compressed body.
 */
export type SegmentHeader = z.infer<typeof SegmentHeader>

/** One committed step of a log: all its events became visible together. */
export interface Segment {
  readonly header: SegmentHeader
  /** Canonical events, UTF-8, in index order. */
  readonly leaves: readonly Uint8Array[]
}

/** A header before its body is known. */
export type SegmentDraft = Omit<SegmentHeader, 'v' | 'count' | 'codec' | 'bodyLen'>

/** A segment and its bytes: header line, gzip body, SHA-256 of all before it. Equal input gives equal bytes. */
export function encodeSegment(
  draft: SegmentDraft,
  leaves: readonly Uint8Array[],
): { segment: Segment; bytes: Uint8Array } {
  const body = compress(joinLeaves(leaves))
  const header: SegmentHeader = {
    v: SEGMENT_FORMAT,
    ...draft,
    count: leaves.length,
    codec: 'gzip',
    bodyLen: body.length,
  }
  const sealed = Buffer.concat([Buffer.from(`${canonicalJson(header)}\n`), body])
  return { segment: { header, leaves }, bytes: Buffer.concat([sealed, sha256(sealed)]) }
}

/**
 * The segment in these bytes, each of which has been checked: digest, header, lengths.
 * Whether it continues the log is for `nextHead` to say.
 * @param key the object's name, for messages
 * @throws WardbookError 'ledger-segment-broken' (fix-source) naming the key, when any byte is wrong or missing
 */
export function decodeSegment(key: string, bytes: Uint8Array): Segment {
  const sealed = bytes.subarray(0, Math.max(0, bytes.length - HASH_BYTES))
  if (!sameHash(sha256(sealed), bytes.subarray(sealed.length))) {
    throw brokenSegment(key, 'its SHA-256 does not match its content')
  }
  const headerEnd = sealed.indexOf(NEWLINE)
  const header = parseHeader(key, new TextDecoder().decode(sealed.subarray(0, Math.max(0, headerEnd))))
  const body = sealed.subarray(headerEnd + 1)
  if (body.length !== header.bodyLen) {
    throw brokenSegment(key, `its body has ${body.length} bytes, its header says ${header.bodyLen}`)
  }
  const leaves = splitLeaves(key, decompress(key, body))
  if (leaves.length !== header.count) {
    throw brokenSegment(key, `it holds ${leaves.length} events, its header says ${header.count}`)
  }
  return { header, leaves }
}

/** Bytes that a leaf takes in a segment's body before compression. */
export function bodyBytesOf(leaf: Uint8Array): number {
  return LENGTH_BYTES + leaf.length
}

/** WardbookError 'ledger-segment-broken' (fix-source): what stands at `key` is not what was written. */
export function brokenSegment(key: string, why: string, options?: ErrorOptions): WardbookError {
  return new WardbookError(
    'ledger-segment-broken',
    'fix-source',
    `ledger segment '${key}' is broken: ${why}; bring the object back from a copy`,
    { key },
    options,
  )
}

function parseHeader(key: string, line: string): SegmentHeader {
  let header: SegmentHeader
  try {
    header = SegmentHeader.parse(JSON.parse(line))
  } catch (cause) {
    throw brokenSegment(key, 'its first line is no segment header of format 1', { cause })
  }
  if (canonicalJson(header) !== line) throw brokenSegment(key, 'its header is not canonical JSON')
  return header
}

/** The same bytes as a tlog-tiles entry bundle. */
function joinLeaves(leaves: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.alloc(leaves.reduce((bytes, leaf) => bytes + bodyBytesOf(leaf), 0))
  let at = 0
  for (const leaf of leaves) {
    at = body.writeUInt16BE(leaf.length, at)
    body.set(leaf, at)
    at += leaf.length
  }
  return body
}

function splitLeaves(key: string, body: Buffer): Uint8Array[] {
  const leaves: Uint8Array[] = []
  for (let at = 0; at < body.length; ) {
    const from = at + LENGTH_BYTES
    const to = from <= body.length ? from + body.readUInt16BE(at) : Number.POSITIVE_INFINITY
    if (to > body.length) throw brokenSegment(key, `event ${leaves.length} of its body is cut off`)
    leaves.push(body.subarray(from, to))
    at = to
  }
  return leaves
}

/** gzip without the time and the operating system, so that equal bodies give equal bytes. */
function compress(body: Uint8Array): Uint8Array {
  const packed = gzipSync(body, { level: GZIP_LEVEL })
  packed[GZIP_OS_OFFSET] = GZIP_OS_UNKNOWN
  return packed
}

function decompress(key: string, packed: Uint8Array): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: LIMITS.segmentBytes })
  } catch (cause) {
    throw brokenSegment(key, 'its body is no gzip of at most 4 MiB', { cause })
  }
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}
