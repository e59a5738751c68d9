import { afterEach, describe, expect, it } from 'vitest'
import { trialTable, trialTools } from '../../../testkit/portal-trial.js'
import { readWhole } from '../../../testkit/read-source.js'
import { FilesSource } from '../../contracts/sources/files.js'
import { startArcgisPortal } from '../../demo/portals/arcgis/arcgis-portal.js'
import type { RunningPortal } from '../../demo/portals/portal-server.js'
import { openFilesSource } from '../files/files-source.js'

let portal: RunningPortal | undefined
afterEach(async () => portal?.close())

const TABLE = trialTable({ id: 'text', note: 'text' }, [
  ['1', 'a'],
  ['2', 'b'],
])

/** A download that is answered so often that it is still being made. */
async function download(hubMakes: number) {
  portal = await startArcgisPortal(() => [TABLE], { hubMakes })
  const urls = [`${portal.url}/datasets/0123456789abcdef_0.csv`]
  const settings = FilesSource.parse({ family: 'files', urls })
  const { http } = trialTools()
  return openFilesSource('d/hub', settings, { mirror: undefined, http, thisYear: () => 2026 })
}

const statuses = () => portal?.requests.map(({ method }) => method)

describe('a download that a Hub site makes when it is asked for', () => {
  it.each([0, 1, 9])(
    'is waited for through %d answers that it is being made, and read whole',
    async (makes) => {
      const read = await readWhole(await download(makes))
      expect(read.rows).toEqual([
        { id: '1', note: 'a' },
        { id: '2', note: 'b' },
      ])
      expect(read.publication.offers[0]).toMatchObject({ publishedAt: '2026-01-31T00:00:00.000Z' })
    },
  )

  it('has the same sign of change before and after it was made', async () => {
    const source = await download(2)
    const [before, after] = [await source.describe(), await source.describe()]
    expect(before.offers[0]?.changeToken).toBeDefined()
    expect(after).toEqual(before)
    expect(statuses()).toEqual(['HEAD', 'GET', 'GET', 'GET', 'HEAD'])
  })

  it('that never comes is told with what the site said, to be tried again later', async () => {
    const failure = await (await download(1_000)).describe().then(
      () => expect.fail('described'),
      (thrown) => thrown,
    )
    expect(failure).toMatchObject({ code: 'portal-not-ready', remedy: 'retry', facts: { status: 202 } })
    expect(failure.message).toContain('"status":"Processing"')
    expect(failure.message).toContain('try again later')
    expect(portal?.requests.length).toBeLessThanOrEqual(21)
  })
})
