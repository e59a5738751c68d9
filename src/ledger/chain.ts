import { WardbookError } from '../kernel/errors.js'
import type { ObjectStore } from '../lake/store.js'
import { segmentKey } from './layout.js'
import { type Edge, EMPTY_EDGE, EMPTY_ROOT, extendEdge, leafHash, rootOfEdge, toHex } from './merkle.js'
import { decodeSegment, encodeSegment, type Segment } from './segment.js'

/** Where a log stands: everything before this point has been read and checked. */
export interface LogHead {
  /** Events in the log. */
  readonly size: number
  /** Root of the tree over all events, hexadecimal. */
  readonly root: string
  readonly edge: Edge
  /** recordedtime of the last event; empty while there is none. */
  readonly recordedAt: string
}

/** Head of a log without events. */
export const EMPTY_HEAD: LogHead = { size: 0, root: toHex(EMPTY_ROOT), edge: EMPTY_EDGE, recordedAt: '' }

/** One segment of a log, checked against all before it. */
export interface ChainLink {
  readonly key: string
  readonly segment: Segment
  readonly leafHashes: readonly Uint8Array[]
  /** The log's head after this segment. */
  readonly head: LogHead
}

/** Which log to read: its folder's name below `ledger/`, and its origin, which every segment repeats. */
export interface LogIdentity {
  readonly log: string
  readonly origin: string
}

/**
 * Segments that continue a log from `head`, in order, until there is none.
 * @throws WardbookError 'ledger-segment-broken' or 'ledger-chain-broken' (fix-source), naming the object key
 */
export async function* readChain(
  store: ObjectStore,
  identity: LogIdentity,
  from: LogHead = EMPTY_HEAD,
): AsyncGenerator<ChainLink> {
  for (let head = from; ; ) {
    const key = segmentKey(identity.log, head.size)
    const bytes = await store.get(key)
    if (bytes === undefined) return
    const link = linkTo(head, identity.origin, key, decodeSegment(key, bytes))
    yield link
    head = link.head
  }
}

/**
 * The segment as the next link after `head`: its start, previous root, root, edge and time are all recomputed.
 * @throws WardbookError 'ledger-chain-broken' (fix-source) naming the key and the member that is wrong
 */
export function linkTo(head: LogHead, origin: string, key: string, segment: Segment): ChainLink {
  const leafHashes = segment.leaves.map(leafHash)
  const edge = extendEdge(head.edge, leafHashes)
  const root = toHex(rootOfEdge(edge))
  const { header } = segment
  demandSame(key, 'origin', header.origin, origin)
  demandSame(key, 'start', header.start, head.size)
  demandSame(key, 'prevRoot', header.prevRoot, head.root)
  demandSame(key, 'root', header.root, root)
  demandSame(key, 'edge', header.edge.join(' '), edge.hashes.map(toHex).join(' '))
  if (header.at < head.recordedAt) throw brokenChain(key, 'at', header.at, `${head.recordedAt} or later`)
  return { key, segment, leafHashes, head: { size: edge.size, root, edge, recordedAt: header.at } }
}

/** A segment that is ready to be created, and the head that the log has if it is. */
export interface ComposedSegment extends ChainLink {
  readonly bytes: Uint8Array
}

/** Who composes a segment, when, and the word by which it recognizes its own. */
export interface Stamp {
  readonly at: string
  readonly writer: string
  readonly nonce: string
}

/** The segment that extends a log at `head` by these leaves. Nothing is written. */
export function composeSegment(
  head: LogHead,
  identity: LogIdentity,
  leaves: readonly Uint8Array[],
  stamp: Stamp,
): ComposedSegment {
  const leafHashes = leaves.map(leafHash)
  const edge = extendEdge(head.edge, leafHashes)
  const root = toHex(rootOfEdge(edge))
  const { segment, bytes } = encodeSegment(
    {
      origin: identity.origin,
      start: head.size,
      prevRoot: head.root,
      root,
      edge: edge.hashes.map(toHex),
      ...stamp,
    },
    leaves,
  )
  const key = segmentKey(identity.log, head.size)
  return { key, segment, leafHashes, bytes, head: { size: edge.size, root, edge, recordedAt: stamp.at } }
}

function demandSame(key: string, member: string, found: string | number, expected: string | number): void {
  if (found !== expected) throw brokenChain(key, member, found, expected)
}

function brokenChain(
  key: string,
  member: string,
  found: string | number,
  expected: string | number,
): WardbookError {
  return new WardbookError(
    'ledger-chain-broken',
    'fix-source',
    `ledger segment '${key}' does not continue the log: its ${member} is '${found}' and should be '${expected}'; ` +
      'bring the log back from a copy',
    { key, member, found, expected },
  )
}
