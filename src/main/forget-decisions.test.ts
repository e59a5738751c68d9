import { describe, expect, it } from 'vitest'
import { makeLake } from '../../testkit/lake-fixture.js'
import { decisionKey } from '../contracts/quarantine-decision.js'
import { newestDecisions } from '../ingest/corrections.js'
import { sha256Hex } from '../kernel/ids.js'
import type { ObjectStore } from '../lake/store.js'
import { forgetKept } from './forget-decisions.js'

const ALL = { dataset: 'calls', source: 'portal', texts: undefined, dryRun: false }

/** A store whose process dies before one of its deletions. */
function dyingBefore(store: ObjectStore, deletion: number): ObjectStore {
  let asked = 0
  const remove = (key: string) =>
    asked++ === deletion ? Promise.reject(new Error('killed')) : store.delete(key)
  return new Proxy(store, {
    get: (target, name) => (name === 'delete' ? remove : Reflect.get(target, name).bind(target)),
  })
}

describe('forgetting decisions', () => {
  it.each([0, 1, 2, 3, 4])(
    'that is killed before deletion %d leaves of each text what stood last, or nothing, and ends the next time',
    async (deletion) => {
      const lake = await makeLake()
      for (const [text, revisions] of [
        ['a', 3],
        ['b', 1],
      ] as const)
        for (let revision = 0; revision < revisions; revision++)
          await lake.store.put(decisionKey('calls', 'portal', text, revision), new TextEncoder().encode('{}'))
      await forgetKept(dyingBefore(lake.store, deletion), ALL, () => {}).catch(() => undefined)
      const left = await newestDecisions(lake.store, 'calls', 'portal')
      expect([2, undefined]).toContain(left.get(sha256Hex('a'))?.revision)
      await forgetKept(lake.store, ALL, () => {})
      expect(await newestDecisions(lake.store, 'calls', 'portal')).toEqual(new Map())
      await lake.remove()
    },
  )
})
