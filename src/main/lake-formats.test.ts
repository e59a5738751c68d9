import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyKeptLake, type KeptLake, keptFormats } from '../../testkit/kept-lakes.js'
import { inProcessRunner, keysOf } from '../../testkit/lake-fixture.js'
import { recordLake } from '../../testkit/lake-record.js'
import { differencesOf, worldOf } from '../../testkit/same-world.js'
import { sourceEffects } from '../../testkit/test-city.js'
import { BOUNDED } from '../ingest/profiles.js'
import { systemClock } from '../kernel/time.js'
import type { ObjectStore } from '../lake/store.js'
import { LogReader } from '../ledger/log-reader.js'
import { createEmbeddedQueue } from '../queue/embedded/embedded-queue.js'
import { openSource } from '../sources/open-source.js'
import { claimLake } from './claim-lake.js'
import { newestFindings, serveEmbedded, verifyEmbedded } from './embedded.js'
import { migrateLake } from './migrate-lake.js'
import { openOriginals } from './open-store.js'
import { connectStages, type PipelineParts, runPipeline } from './pipeline.js'

describe.each(keptFormats())('a lake of format %i, left by an earlier release', (format) => {
  let lake: KeptLake
  beforeEach(async () => {
    lake = await copyKeptLake(format)
  })
  afterEach(() => lake.remove())

  it('gives the rows of every version of every table that the release read in it, and the same ledger', async () => {
    expect(await recordLake(lake.store)).toEqual(lake.record)
  })

  it('holds a whole ledger, whose view shows what it says', async () => {
    const { size, root } = await verifyEmbedded(lake.folder)
    expect({ size, root }).toEqual(lake.record.ledger)
  })

  it('opens as pages', async () => {
    const [finding] = await newestFindings(lake.city, lake.folder, 1)
    expect(finding?.sentence).toMatch(/District 7 had .* “Pothole”/)
    const pages = await serveEmbedded(lake.city, lake.folder, 0)
    try {
      for (const path of ['/', finding?.address ?? '/none']) {
        const page = await fetch(new URL(path, pages.url))
        expect(page.status, path).toBe(200)
        expect(await page.text()).toContain('Pothole')
      }
    } finally {
      await pages.close()
    }
  })

  it('is continued, once migrated, by a run that works no row again and adds nothing', async () => {
    const before = await worldOf(lake.store)
    const files = await dataFilesOf(lake.store)
    await migrateLake(lake.store)
    await claimLake(lake.store, lake.city.city.slug)
    const { failures, steps } = await runAgain(lake)
    expect(failures).toEqual([])
    expect(steps.filter((step) => !step.includes('unchanged') && !step.includes('received'))).toEqual([])
    expect(differencesOf(before, await worldOf(lake.store))).toEqual([])
    expect(await dataFilesOf(lake.store)).toEqual(files)
    expect((await LogReader.open(lake.store))?.root).toEqual(lake.record.ledger?.root)
  })
})

/** Reads the last publication again and works off what follows. @returns what failed, and what each stage said */
async function runAgain({ store, city, mirror }: KeptLake) {
  const steps: string[] = []
  const parts: PipelineParts = {
    ...{ store, city, queue: createEmbeddedQueue(), runner: inProcessRunner(store), ingestProfile: BOUNDED },
    clock: systemClock,
    report: ({ stage, message }) => void steps.push(`${stage}: ${message}`),
    openSource: (name, config) => openSource(name, config, sourceEffects({ mirror })),
    openOriginals: (from) => openOriginals(from, store.address),
  }
  connectStages(parts)
  return { failures: await runPipeline(parts), steps }
}

/** Keys of everything that is no log. */
async function dataFilesOf(store: ObjectStore): Promise<string[]> {
  return (await keysOf(store)).filter((key) => !key.includes('/_delta_log/'))
}
