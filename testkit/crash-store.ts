import type { ObjectStore } from '../src/lake/store.js'

/** Thrown in place of a kill, by a store that plays dead within its process. */
export class Crashed extends Error {}

/** Where a process ends: before or after its n-th write, counted from 1; creates, puts and deletes are writes. */
export interface CrashPoint {
  readonly write: number
  readonly when: 'before' | 'after'
  /** `throw`: the store plays dead from then on; `sigkill`: the process is gone. */
  readonly how: 'throw' | 'sigkill'
}

/** A store that counts its writes. */
export interface CrashStore extends ObjectStore {
  readonly writes: () => number
}

/** The store of a process that ends at a point; with a write beyond its last one it only counts. */
export function crashingAt(store: ObjectStore, { write: fatal, when, how }: CrashPoint): CrashStore {
  let writes = 0
  let isDead = false
  const die = (): never => {
    if (how === 'sigkill') process.kill(process.pid, 'SIGKILL')
    isDead = true
    throw new Crashed(`${when} write ${fatal}`)
  }
  const read = <Result>(work: () => Result): Result => (isDead ? die() : work())
  const write = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (isDead) die()
    writes += 1
    if (writes === fatal && when === 'before') die()
    const result = await work()
    return writes === fatal ? die() : result
  }
  return {
    address: store.address,
    get: async (key) => read(() => store.get(key)),
    getRange: async (key, from, to) => read(() => store.getRange(key, from, to)),
    stat: async (key) => read(() => store.stat(key)),
    list: (prefix, startAfter) => read(() => store.list(prefix, startAfter)),
    stage: async (key) => read(() => store.stage(key)),
    scratch: async () => read(() => store.scratch()),
    createIfAbsent: (key, content) => write(() => store.createIfAbsent(key, content)),
    put: (key, bytes) => write(() => store.put(key, bytes)),
    delete: (key) => write(() => store.delete(key)),
    writes: () => writes,
  }
}
