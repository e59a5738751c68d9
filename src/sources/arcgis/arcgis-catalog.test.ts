import { afterEach, describe, expect, it } from 'vitest'
import { TRIAL_TYPES, trialRows, trialTable, trialTools } from '../../../testkit/portal-trial.js'
import { ARCGIS_SERVICE_PATH, startArcgisPortal } from '../../demo/portals/arcgis/arcgis-portal.js'
import { type PortalHooks, type RunningPortal, startPortal } from '../../demo/portals/portal-server.js'
import type { CatalogEntry } from '../catalog.js'
import { arcgisCatalog } from './arcgis-catalog.js'

const portals: RunningPortal[] = []
afterEach(async () => {
  for (const portal of portals.splice(0)) await portal.close()
})

async function portalWith(hooks: PortalHooks = {}): Promise<RunningPortal> {
  const tables = ['Requests in 2025', 'Requests in 2026'].map((name) =>
    trialTable(TRIAL_TYPES, trialRows(2), { name }),
  )
  const portal = await startArcgisPortal(() => tables, {}, hooks)
  portals.push(portal)
  return portal
}

async function listed(portal: string): Promise<CatalogEntry[]> {
  const entries: CatalogEntry[] = []
  for await (const entry of arcgisCatalog(portal, trialTools())) entries.push(entry)
  return entries
}

describe('the catalog of an ArcGIS server', () => {
  it('lists the layers of every service with their columns, in one request a service', async () => {
    const { url, requests } = await portalWith()
    const entries = await listed(`${url}/arcgis/rest/services`)
    expect(entries.map(({ id, name, kind }) => [id, name, kind])).toEqual([
      [`${url}${ARCGIS_SERVICE_PATH}/0`, 'Requests in 2025', 'Table'],
      [`${url}${ARCGIS_SERVICE_PATH}/1`, 'Requests in 2026', 'Table'],
    ])
    expect(entries[0]?.columns.map(({ name }) => name)).toEqual(['OBJECTID', ...Object.keys(TRIAL_TYPES)])
    expect(entries[0]?.updatedAt).toBe('2026-01-31T00:00:00.000Z')
    expect(requests).toHaveLength(2)
  })

  it('asks for layers one by one where a service does not give them at once', async () => {
    const old: PortalHooks = {
      alter: ({ path }, answer) =>
        path.endsWith('/layers')
          ? { ...answer, body: ['{"error":{"code":400,"message":"Invalid URL"}}'] }
          : answer,
    }
    const { url } = await portalWith(old)
    expect(await listed(`${url}${ARCGIS_SERVICE_PATH}`)).toHaveLength(2)
    expect(await listed(`${url}${ARCGIS_SERVICE_PATH}/1`)).toMatchObject([{ name: 'Requests in 2026' }])
  })

  it('passes over a service that wants a token', async () => {
    const closed: PortalHooks = {
      alter: ({ path }, answer) =>
        path.includes('FeatureServer')
          ? { ...answer, body: ['{"error":{"code":499,"message":"Token Required"}}'] }
          : answer,
    }
    expect(await listed(`${(await portalWith(closed)).url}/arcgis/rest/services`)).toEqual([])
  })

  it('follows the search of a Hub site to the services of its items', async () => {
    const { url } = await portalWith()
    const items = [
      {
        properties: {
          title: '311',
          url: `${url}${ARCGIS_SERVICE_PATH}/1`,
          description: '<b>All</b> of them',
        },
      },
      { properties: { title: 'A document', url: 'https://example.org/file.pdf' } },
    ]
    const hub = await startPortal(({ query }) => {
      const features = query.get('startindex') === '1' ? items : []
      return { status: 200, headers: {}, body: [JSON.stringify({ type: 'FeatureCollection', features })] }
    })
    portals.push(hub)
    expect(await listed(hub.url)).toMatchObject([
      { name: '311: Requests in 2026', id: `${url}${ARCGIS_SERVICE_PATH}/1` },
    ])
  })
})
