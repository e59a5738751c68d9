import { afterEach, describe, expect, it } from 'vitest'
import { cityOfWay, type ReadingWay, WAYS, type WayName } from '../../testkit/adversary-trial.js'
import { freshLake } from '../../testkit/fresh.js'
import { diesBehind, pagesAsked } from '../../testkit/killed-read.js'
import { counting, failingAt, keysOf, makeLake, rowsOf, worldOf } from '../../testkit/lake-fixture.js'
import { alterRows, spoilt } from '../../testkit/portal-faults.js'
import { startTrialPortal, trialTable } from '../../testkit/portal-trial.js'
import { DATASET, ingest, SOURCE, testCity } from '../../testkit/test-city.js'
import type { PublicationProposal } from '../contracts/proposal.js'
import { startCkanPortal } from '../demo/portals/ckan/ckan-portal.js'
import { startLegistarPortal } from '../demo/portals/legistar/legistar-portal.js'
import type { RunningPortal } from '../demo/portals/portal-server.js'
import { type PortalTable, tableOfRows } from '../demo/portals/portal-table.js'
import { DeltaTable } from '../lake/delta/table.js'
import { tables } from '../lake/tables.js'

const RAW = tables.raw(DATASET, SOURCE)
const NUMBERS = Array.from({ length: 23 }, (_none, at) => at + 1)

const lake = freshLake()
let portal: RunningPortal | undefined
afterEach(() => portal?.close())

describe.each(['Socrata pages', 'CKAN pages', 'ArcGIS pages', 'ArcGIS ranges'] as WayName[])(
  'a read of %s that is killed',
  (name) => {
    const way: ReadingWay = WAYS[name]
    const table = way.table(NUMBERS)

    it('behind any page asks for no page again, and ends in the world of a calm run', async () => {
      const calm = await makeLake()
      portal = await way.start(() => table)
      await ingest(calm.store, cityOfWay(way, portal.url))
      const all = pagesAsked(way, portal.requests)
      const expected = await worldOf(calm.store)
      await calm.remove()
      expect(all.length).toBeGreaterThan(2)

      for (let done = 0; done < all.length; done++) {
        const killed = await makeLake()
        const city = cityOfWay(way, portal.url)
        await expect(ingest(killed.store, city, { fetch: diesBehind(done, way) })).rejects.toThrow()
        const before = portal.requests.length
        await ingest(killed.store, city)
        const again = pagesAsked(way, portal.requests.slice(before))
        expect(again, `after ${done} pages`).toEqual(all.slice(done))
        expect(await worldOf(killed.store)).toEqual(expected)
        expect(await keysOf(killed.store, 'spool/')).toEqual([])
        await killed.remove()
      }
    })
  },
)

describe('a read that is killed at any write', () => {
  it('never asks again for a page that was recorded, and ends in the same world', async () => {
    const way: ReadingWay = WAYS['CKAN pages']
    const table = way.table(NUMBERS)
    const calm = await makeLake()
    portal = await way.start(() => table)
    const city = cityOfWay(way, portal.url)
    const store = counting(calm.store)
    await ingest(store, city)
    const expected = await worldOf(calm.store)
    const all = pagesAsked(way, portal.requests)
    await calm.remove()
    for (let fatal = 1; fatal <= store.writes(); fatal += 2) {
      const killed = await makeLake()
      await expect(ingest(failingAt(killed.store, fatal, fatal % 4 === 1), city)).rejects.toThrow()
      const recorded = (await keysOf(killed.store, 'spool/')).filter((key) =>
        /page-\d+\.json$/.test(key),
      ).length
      const raw = await new DeltaTable(killed.store, RAW).snapshot()
      const before = portal.requests.length
      await ingest(killed.store, city)
      const again = pagesAsked(way, portal.requests.slice(before))
      expect(again, `write ${fatal}`).toEqual(raw === undefined ? all.slice(recorded) : [])
      expect(await worldOf(killed.store), `write ${fatal}`).toEqual(expected)
      await killed.remove()
    }
  }, 120_000)
})

describe('the spool of a read that can go no further', () => {
  it('is emptied, so that the next run does not fail at once', async () => {
    const way: ReadingWay = WAYS['Socrata pages']
    const calm = way.table(NUMBERS)
    const trial = await startTrialPortal((hooks) => way.start(() => calm, hooks))
    portal = trial.portal
    trial.misbehave({
      rewrite: (request) => {
        const query = new URLSearchParams(request.query)
        query.delete('$offset') // more rows than were counted, without end
        return { ...request, query }
      },
    })
    await expect(ingest(lake.store, cityOfWay(way, portal.url))).rejects.toMatchObject({
      ...{ code: 'portal-answer-unusable', remedy: 'retry' },
    })
    expect(await keysOf(lake.store, 'spool/')).toEqual([])
    trial.misbehave()
    expect(await ingest(lake.store, cityOfWay(way, portal.url))).toMatchObject({ rows: 23 })
  })

  it('is emptied when a page is refused for good, and kept when it only broke off', async () => {
    const way: ReadingWay = WAYS['CKAN pages']
    const trial = await startTrialPortal((hooks) => way.start(() => way.table(NUMBERS), hooks))
    portal = trial.portal
    trial.misbehave(alterRows(spoilt.html, [2], way.asks))
    await expect(ingest(lake.store, cityOfWay(way, portal.url))).rejects.toMatchObject({
      code: 'answered-html',
    })
    expect(await keysOf(lake.store, 'spool/')).toEqual([])
    trial.misbehave(alterRows(spoilt.broken(200), [2], way.asks))
    await expect(ingest(lake.store, cityOfWay(way, portal.url))).rejects.toMatchObject({
      code: 'portal-broke-off',
    })
    expect(await keysOf(lake.store, 'spool/')).not.toEqual([])
  })
})

describe('records that a portal lists and cannot give', () => {
  it('are named by the commit and told by the run', async () => {
    portal = await startLegistarPortal(
      () => [MATTERS, SPONSORS],
      { client: 'pocket' },
      {
        alter: ({ path }, answer) =>
          /matters\/[13]\//.test(path) ? { status: 404, headers: {}, body: ['{}'] } : answer,
      },
    )
    const source = { family: 'legistar', api: `${portal.url}/v1`, client: 'pocket', records: 'sponsors' }
    const partition = { column: 'council_district', from: 'MatterSponsorName' }
    const messages: string[] = []
    const report = ({ message }: { message: string }) => void messages.push(message)
    const result = await ingest(lake.store, testCity({ source, dataset: { partition } }), { report })
    expect(result).toMatchObject({ rows: 2 })
    const commit = await new DeltaTable(lake.store, RAW).lastCommitOf(await positionOf())
    expect(commit?.provenance).toMatchObject({
      skipped: {
        records: 2,
        list: [
          { id: 'MatterId 1', reason: 'gone' },
          { id: 'MatterId 3', reason: 'gone' },
        ],
      },
    })
    expect(messages.join('\n')).toContain('2 that the portal lists and cannot give')
  })
})

async function positionOf(): Promise<string> {
  const snapshot = await new DeltaTable(lake.store, RAW).snapshot()
  return [...(snapshot?.positions.keys() ?? [])][0] as string
}

const MATTERS = tableOfRows(
  { id: 'matters', name: 'matters', updatedAt: 0, columns: [{ name: 'MatterId', type: 'number' }] },
  [['1'], ['2'], ['3'], ['4']],
)
const SPONSORS = tableOfRows(
  {
    ...{ id: 'sponsors', name: 'sponsors', updatedAt: 0 },
    columns: [
      { name: 'MatterSponsorId', type: 'number' },
      { name: 'MatterId', type: 'number', computed: true },
      { name: 'MatterSponsorName', type: 'text' },
    ],
  },
  ['1', '2', '3', '4'].map((id) => [`${id}0`, id, `Member ${id}`]),
)

describe('a second publication, read from a portal', () => {
  type Request = readonly [number: string, district: string, title: string]
  const first: readonly Request[] = NUMBERS.map((number) => [
    `${number}`,
    `${(number % 3) + 1}`,
    `about ${number}`,
  ])
  const types = { number: 'text', district: 'text', title: 'text' } as const
  const published = (rows: readonly Request[], day: number): PortalTable =>
    trialTable(types, rows, { updatedAt: Date.UTC(2026, 0, day) })

  async function publish(...versions: readonly PortalTable[]): Promise<readonly PublicationProposal[]> {
    let current = versions[0] as PortalTable
    const about = { id: 'package-1', name: 'requests', title: 'Requests' }
    portal = await startCkanPortal(() => [{ ...about, resources: [{ table: current }] }])
    const city = cityOfWay(WAYS['CKAN pages'], portal.url, {}, { key: 'number' })
    for (const version of versions) {
      current = version
      await ingest(lake.store, city)
    }
    const proposals = await rowsOf<{ kind: string; body: string }>(lake.store, tables.outbox('ingest'))
    return proposals
      .filter(({ kind }) => kind === 'dataset.published')
      .map(({ body }) => JSON.parse(body) as PublicationProposal)
      .sort((a, b) => a.snapshot - b.snapshot)
  }

  it('with all districts renamed is one remapping, with nothing removed', async () => {
    const renamed = first.map(([number, district, title]): Request => [number, `Ward ${district}`, title])
    const [, second] = await publish(published(first, 1), published(renamed, 2))
    expect(second?.changes).toEqual({
      ...{ added: 0, changed: 0, removed: 0, moved: 0, divisions: [] },
      remapped: {
        ...{ rows: 23, of: 23 },
        pairs: expect.arrayContaining([{ from: '1', to: 'Ward 1', rows: 7 }]),
      },
    })
    expect(second?.changes?.remapped?.pairs).toHaveLength(3)
  })

  it('counts what was added, edited, deleted and moved', async () => {
    const edited = first.slice(2).map(([number, district, title]): Request => {
      if (number === '10') return [number, district, 'edited']
      return number === '11' ? [number, district === '1' ? '2' : '1', title] : [number, district, title]
    })
    const [, second] = await publish(published(first, 1), published([...edited, ['99', '3', 'new']], 2))
    expect(second?.changes).toMatchObject({ added: 1, changed: 1, removed: 2, moved: 1 })
    expect(second?.changes?.remapped).toBeUndefined()
  })

  it('that only stands in another order, with new row numbers, changes nothing', async () => {
    const versions = await publish(published(first, 1), published(first.toReversed(), 2))
    expect(versions.map(({ changes }) => changes)).toEqual([undefined, NO_CHANGE])
    expect(versions.map(({ rows }) => rows)).toEqual([23, 23])
  })
})

const NO_CHANGE = { added: 0, changed: 0, removed: 0, moved: 0, divisions: [] }
