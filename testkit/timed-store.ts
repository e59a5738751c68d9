import type { Clock } from '../src/kernel/time.js'
import type { ObjectInfo, ObjectStore } from '../src/lake/store.js'

/** The store with times of a test's own clock: an object is as old as it would be if the clock were real. */
export function timedStore(store: ObjectStore, clock: Clock): ObjectStore {
  const times = new Map<string, Date>()
  const timed = (info: ObjectInfo): ObjectInfo => ({
    ...info,
    modifiedAt: times.get(info.key) ?? info.modifiedAt,
  })
  return {
    address: store.address,
    get: (key) => store.get(key),
    getRange: (key, from, to) => store.getRange(key, from, to),
    stage: (key) => store.stage(key),
    scratch: () => store.scratch(),
    delete: (key) => store.delete(key),
    stat: async (key) => {
      const info = await store.stat(key)
      return info && timed(info)
    },
    async *list(prefix, startAfter) {
      for await (const info of store.list(prefix, startAfter)) yield timed(info)
    },
    createIfAbsent: async (key, content) => {
      const outcome = await store.createIfAbsent(key, content)
      if (outcome === 'created') times.set(key, clock())
      return outcome
    },
    put: async (key, bytes) => {
      await store.put(key, bytes)
      times.set(key, clock())
    },
  }
}
