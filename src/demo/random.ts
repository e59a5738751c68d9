/** A source of numbers in [0, 1) that gives the same sequence for the same seed on every machine. */
export type Random = () => number

/** Mulberry32: 32 bits of state, enough for a simulation and nothing else. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * The seed of one part of a simulation: parts have sequences of their own, so that one can be made without those before it.
 * @param parts what the part is: texts and whole numbers. FNV-1a over them, then the finisher of MurmurHash3
 */
export function seedOf(seed: number, ...parts: readonly (string | number)[]): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0
  for (const part of parts) {
    const text = `${part}\0`
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Means above this are drawn in halves: the product of uniform numbers would fall below the smallest number there is. */
const LARGEST_MEAN = 500

/** A Poisson count with this mean, by multiplication of uniform numbers; takes as many of them as the mean. */
export function poissonCount(random: Random, mean: number): number {
  if (mean > LARGEST_MEAN) return poissonCount(random, mean / 2) + poissonCount(random, mean / 2)
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = random(); product > limit; product *= random()) count += 1
  return count
}

/** A standard normal number. @see Box and Muller 1958 */
export function normalNumber(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** A gamma number with this shape (1 or more) and mean 1. @see Marsaglia and Tsang 2000 */
export function gammaNumber(random: Random, shape: number): number {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normalNumber(random)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d * (1 - v + Math.log(v))) return (d * v) / shape
  }
}

/** A whole number from `from` to below `to`. */
export function wholeNumber(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from))
}

/** One of the items, all equally likely. */
export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item
}

/** One of the items' numbers, each as likely as its weight says. @param sums running sums of the weights, the last is their total */
export function pickWeighted(random: Random, sums: Float64Array): number {
  const wanted = random() * (sums[sums.length - 1] as number)
  let [low, high] = [0, sums.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] as number) > wanted) high = middle
    else low = middle + 1
  }
  return low
}

/** Running sums, for {@link pickWeighted}. */
export function runningSums(weights: readonly number[]): Float64Array {
  const sums = Float64Array.from(weights)
  for (let at = 1; at < sums.length; at++) sums[at] = (sums[at] as number) + (sums[at - 1] as number)
  return sums
}
