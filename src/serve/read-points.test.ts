import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../lake/store.js'
import { addPoints, FIXTURE_CITY, FIXTURE_POINTS, writeFixtureLake } from './lake.fixture.js'
import { openPublication, type Publication } from './publication.js'
import { createApp } from './server.js'

let folder: string
let store: ObjectStore
let publication: Publication
let app: Hono
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-points-'))
  store = await writeFixtureLake(folder)
  publication = await openPublication(store, FIXTURE_CITY, { freshMs: 0 })
  app = createApp({ publication })
})
afterAll(async () => {
  await publication.close()
  await rm(folder, { recursive: true, force: true })
})

const text = async (path: string) => (await (await app.request(path)).text()).replaceAll('\u00a0', ' ')
const json = async (path: string) => (await app.request(path)).json() as Promise<Record<string, unknown>>

const DIFFER =
  '11 % of rows have a point that lies in another district than published (1,034 of the 9,400 that have both).'

describe('rows that are assigned by their points', () => {
  it('are told of on every page and in the API as soon as they are published, and not before', async () => {
    expect(await text('/')).not.toContain('Which district a row is in')
    expect(await json('/api/v1/sources')).toMatchObject({ sources: [{ dataset: 'calls', points: null }] })
    await addPoints(store)
    for (const path of ['/', '/d/07']) {
      const page = await text(path)
      expect(page).toContain('Which district a row is in: 311 service requests, year-2021')
      expect(page).toContain(DIFFER)
      expect(page).toContain('300 without a point, 120 with the point 0,0, 160 outside of the map')
      expect(page).toMatch(
        /District 07<\/td><td>Ward 3<\/td><td class="number">612|District 07<\/td><td>District Ward 3<\/td><td class="number">612/,
      )
    }
    expect(await json('/index.json')).toMatchObject({ sources: [{ points: FIXTURE_POINTS }] })
    const { sources } = await json('/api/v1/sources')
    expect(sources).toMatchObject([{ rawVersion: 1, points: FIXTURE_POINTS }])
    expect(JSON.stringify(sources).replaceAll('\u00a0', ' ')).toContain(DIFFER)
  })

  it('are asked for without parameters', async () => {
    expect((await app.request('/api/v1/sources?x=1')).status).toBe(400)
  })
})
