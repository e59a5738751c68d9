import { createHash } from 'node:crypto'

const FIRST_SLOTS = 1 << 12
const MAX_FILL = 0.6

/**
 * Counts keys that come again. It holds 8 bytes of each key's digest in flat memory (at most 27 bytes a key while it grows): two different
 * keys look alike with a chance below 10^-6 among five million.
 */
export class KeySet {
  private slots = new BigUint64Array(FIRST_SLOTS)
  private held = 0
  private again = 0

  /** Keys that had been added before. */
  get repeated(): number {
    return this.again
  }

  add(key: string): void {
    const digest = createHash('md5').update(key).digest().readBigUInt64LE(0) | 1n // never the empty slot's 0
    if (!this.put(this.slots, digest)) {
      this.again += 1
      return
    }
    this.held += 1
    if (this.held > this.slots.length * MAX_FILL) this.grow()
  }

  /** False when it was there. */
  private put(slots: BigUint64Array, digest: bigint): boolean {
    const mask = slots.length - 1
    for (let at = Number((digest >> 8n) & 0xffffffffn) & mask; ; at = (at + 1) & mask) {
      const there = slots[at]
      if (there === digest) return false
      if (there === 0n) {
        slots[at] = digest
        return true
      }
    }
  }

  private grow(): void {
    const larger = new BigUint64Array(this.slots.length * 2)
    for (const digest of this.slots) if (digest !== 0n) this.put(larger, digest)
    this.slots = larger
  }
}
