import type { LogReader } from './log-reader.js'
import { fromHex, proveInclusion, toHex, verifyInclusion } from './merkle.js'

/** Proof that a log of `size` events with this root holds an event at this index; hashes in hexadecimal. */
export interface Receipt {
  readonly index: number
  readonly size: number
  readonly leafHash: string
  readonly root: string
  /** Sibling hashes from the leaf upward. @see RFC 6962, section 2.1.1 */
  readonly proof: string[]
}

/**
 * The receipt of one event against the log as far as it was followed, or undefined when it has no such index.
 * Reads every segment; the store handle needs no right to write.
 */
export async function makeReceipt(log: LogReader, index: number): Promise<Receipt | undefined> {
  const { size, root } = log
  const hashes = await log.leafHashes() // of these `size` events, also if the log is followed meanwhile
  const leaf = hashes[index]
  if (leaf === undefined) return undefined
  return { index, size, leafHash: toHex(leaf), root, proof: proveInclusion(index, hashes).map(toHex) }
}

/** True when a receipt's proof leads from its leaf hash to its root. Whose root that is, is for the reader to know. */
export function verifyReceipt(receipt: Receipt): boolean {
  const { index, size, leafHash, root, proof } = receipt
  return verifyInclusion({
    index,
    size,
    leafHash: fromHex(leafHash),
    root: fromHex(root),
    proof: proof.map(fromHex),
  })
}
