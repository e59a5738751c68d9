import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inProcessRunner } from '../../testkit/lake-fixture.js'
import { differencesOf, worldOf } from '../../testkit/same-world.js'
import { runInProcess } from '../../testkit/whole-pipeline.js'
import { startYearlyFiles } from '../../testkit/yearly-files.js'
import { systemClock } from '../kernel/time.js'
import { openLocalStore } from '../lake/local/local-store.js'

describe('two runs of one city at once', () => {
  it('leave the world of one run, and neither fails', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-two-runs-'))
    const portal = await startYearlyFiles()
    try {
      const run = async (lake: string) => {
        const store = await openLocalStore(join(folder, lake))
        const { city } = portal
        return runInProcess({ store, city, runner: inProcessRunner(store), clock: systemClock })
      }
      expect(await run('calm')).toEqual([])
      expect(await Promise.all([run('shared'), run('shared')])).toEqual([[], []])
      const worlds = ['calm', 'shared'].map(async (lake) => worldOf(await openLocalStore(join(folder, lake))))
      const [calm, shared] = await Promise.all(worlds)
      expect(calm && shared && differencesOf(calm, shared)).toEqual([])
    } finally {
      await portal.close()
      await rm(folder, { recursive: true, force: true })
    }
  }, 180_000)
})
