import { hash } from 'node:crypto'

/** Bytes of every hash in the tree (SHA-256). */
export const HASH_BYTES = 32

const LEAF_PREFIX = Uint8Array.of(0x00)
const NODE_PREFIX = Uint8Array.of(0x01)

/** Root of a tree without leaves: SHA-256 of nothing. @see RFC 6962, section 2.1 */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array(0))

/** Hash of one leaf: SHA-256(0x00 || leaf), 32 bytes. @see RFC 6962, section 2.1 */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([LEAF_PREFIX, leaf]))
}

/** Hash of an inner node: SHA-256(0x01 || left || right), 32 bytes. @see RFC 6962, section 2.1 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([NODE_PREFIX, left, right]))
}

/**
 * The right edge of a tree: all that is needed to append to it and to know its root.
 * `hashes` are the roots of the complete subtrees that the tree falls into, largest (leftmost) first:
 * one for each 1-bit of `size`, so at most 40 below 10^12 leaves.
 */
export interface Edge {
  /** Leaves in the tree. */
  readonly size: number
  readonly hashes: readonly Uint8Array[]
}

/** The edge of a tree without leaves. */
export const EMPTY_EDGE: Edge = { size: 0, hashes: [] }

/** The edge after more leaves, given by their leaf hashes in order; `edge` itself stays as it is. */
export function extendEdge(edge: Edge, leafHashes: Iterable<Uint8Array>): Edge {
  const hashes = [...edge.hashes]
  let { size } = edge
  for (const leaf of leafHashes) {
    let right = leaf
    // Each 1-bit at the low end of the old size is a complete subtree that this leaf completes to a larger one.
    for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) right = nodeHash(hashes.pop()!, right)
    hashes.push(right)
    size += 1
  }
  return { size, hashes }
}

/** Root of the tree that an edge belongs to, 32 bytes; {@link EMPTY_ROOT} for size 0. */
export function rootOfEdge(edge: Edge): Uint8Array {
  if (edge.hashes.length === 0) return EMPTY_ROOT
  return edge.hashes.reduceRight((right, left) => nodeHash(left, right))
}

/** Root of the tree over all these leaf hashes, in order. */
export function rootOfLeaves(leafHashes: readonly Uint8Array[]): Uint8Array {
  return rootOfEdge(extendEdge(EMPTY_EDGE, leafHashes))
}

/**
 * Proof that leaf `index` is in the tree over all these leaf hashes: sibling hashes from the leaf upward.
 * Costs one pass over all leaves.
 * @param index 0 ≤ index < leafHashes.length
 * @throws RangeError for an index outside the tree
 * @see RFC 6962, section 2.1.1
 */
export function proveInclusion(index: number, leafHashes: readonly Uint8Array[]): Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= leafHashes.length) {
    throw new RangeError(`leaf ${index} is not in a tree of ${leafHashes.length} leaves`)
  }
  if (leafHashes.length === 1) return []
  const split = largestPowerBelow(leafHashes.length)
  const left = leafHashes.slice(0, split)
  const right = leafHashes.slice(split)
  return index < split
    ? [...proveInclusion(index, left), rootOfLeaves(right)]
    : [...proveInclusion(index - split, right), rootOfLeaves(left)]
}

/** What an inclusion proof says: the leaf with this hash is leaf `index` of the tree with this size and root. */
export interface InclusionProof {
  readonly index: number
  readonly size: number
  readonly leafHash: Uint8Array
  readonly root: Uint8Array
  /** Sibling hashes from the leaf upward, 32 bytes each. */
  readonly proof: readonly Uint8Array[]
}

/** True when the proof holds; false, never an error, for anything else. @see RFC 9162, section 2.1.3.2 */
export function verifyInclusion(claimed: InclusionProof): boolean {
  const { index, size, root, proof } = claimed
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false
  if ([claimed.leafHash, root, ...proof].some(({ length }) => length !== HASH_BYTES)) return false
  let [node, last] = [index, size - 1]
  let computed = claimed.leafHash
  for (const sibling of proof) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      computed = nodeHash(sibling, computed)
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)]
    } else {
      computed = nodeHash(computed, sibling)
    }
    ;[node, last] = [half(node), half(last)]
  }
  return last === 0 && sameHash(computed, root)
}

/** True when two hashes are the same bytes. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** A hash as 64 lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** The bytes of a hash in hexadecimal digits. */
export function fromHex(hex: string): Uint8Array {
  return Buffer.from(hex, 'hex')
}

function half(value: number): number {
  return Math.floor(value / 2)
}

/** Largest power of two below `count` (count ≥ 2). */
function largestPowerBelow(count: number): number {
  let power = 1
  while (power * 2 < count) power *= 2
  return power
}

function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}
