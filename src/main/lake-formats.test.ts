import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copyKeptLake, type KeptLake, keptFormats } from '../../testkit/kept-lakes.js'
import { inProcessRunner } from '../../testkit/lake-fixture.js'
import { recordLake } from '../../testkit/lake-record.js'
import { differencesOf, worldOf } from '../../testkit/same-world.js'
import { systemClock } from '../kernel/time.js'
import { createEmbeddedQueue } from '../queue/embedded/embedded-queue.js'
import { openFilesSource } from '../sources/files/files-source.js'
import { newestFindings, serveEmbedded, verifyEmbedded } from './embedded.js'
import { connectStages, type Failure, type PipelineParts, runPipeline } from './pipeline.js'

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

  it('is continued by a run that adds nothing', async () => {
    const before = await worldOf(lake.store)
    expect(await runAgain(lake)).toEqual([])
    expect(differencesOf(before, await worldOf(lake.store))).toEqual([])
    expect((await recordLake(lake.store)).ledger).toEqual(lake.record.ledger)
  })
})

/** Reads the last publication again and works off what follows. */
function runAgain({ store, city, mirror }: KeptLake): Promise<Failure[]> {
  const parts: PipelineParts = {
    ...{ store, city, queue: createEmbeddedQueue(), runner: inProcessRunner(store) },
    clock: systemClock,
    report: () => {},
    openSource: (name, config) => openFilesSource(name, config, { mirror, fetch }),
  }
  connectStages(parts)
  return runPipeline(parts)
}
