/**
 * Keeps what was made, by key, within a budget; what was used longest ago goes first. Callers who ask for the same key
 * at the same time share one making; what failed is not kept.
 */
export class Kept<Value> {
  private readonly entries = new Map<string, { value: Promise<Value>; weight: number }>()
  private weight = 0

  /**
   * @param budget  sum of weights that is kept
   * @param weigh   weight of a value; by default 1, so that the budget is a number of entries
   */
  constructor(
    private readonly budget: number,
    private readonly weigh: (value: Value) => number = () => 1,
  ) {}

  /** The value under the key, made now if it is not kept. @throws what `make` throws */
  async get(key: string, make: () => Promise<Value>): Promise<Value> {
    const kept = this.entries.get(key)
    if (kept) {
      this.entries.delete(key)
      this.entries.set(key, kept)
      return kept.value
    }
    const entry = { value: make(), weight: 0 }
    this.entries.set(key, entry)
    try {
      const value = await entry.value
      if (this.entries.get(key) === entry) this.count(key, entry, this.weigh(value))
      return value
    } catch (thrown) {
      if (this.entries.get(key) === entry) this.entries.delete(key)
      throw thrown
    }
  }

  /** What alone is heavier than the budget is not kept, so that it does not push out all the rest. */
  private count(key: string, entry: { weight: number }, weight: number): void {
    if (weight > this.budget) {
      this.entries.delete(key)
      return
    }
    entry.weight = weight
    this.weight += weight
    for (const [oldKey, oldest] of this.entries) {
      if (this.weight <= this.budget) return
      if (oldest.weight === 0) continue // still being made
      this.entries.delete(oldKey)
      this.weight -= oldest.weight
    }
  }
}
