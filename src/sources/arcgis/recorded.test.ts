import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { trialTools } from '../../../testkit/portal-trial.js'
import { readWhole, type SourceRow } from '../../../testkit/read-source.js'
import { findShared, titleWith } from '../../../testkit/shared-folder.js'
import { ArcgisSource } from '../../contracts/sources/arcgis.js'
import type { WardbookError } from '../../kernel/errors.js'
import type { Offer, PageRecord } from '../source.js'
import { openArcgisSource } from './arcgis-source.js'
import { countIn, idsIn, spanIn } from './ask-layer.js'
import { layerOf } from './layer.js'

const folder = findShared('fixtures', 'portals', 'arcgis')
const read = (file: string) => readFileSync(join(folder as string, file), 'utf8')
const jsonOf = (file: string) => JSON.parse(read(file))
const LAYER = 'https://gis.example.org/arcgis/rest/services/Recorded/MapServer/0'

/** What a payload of each kind must come to. */
type Case =
  | { metadata: Partial<ReturnType<typeof layerOf>> & { fieldCount: number } }
  | { count: number | undefined }
  | { ids: { number: number; first: bigint; last: bigint } | undefined }
  | { span: { min: bigint; max: bigint } }
  | { page: { layer: string; rows: number; first: SourceRow } }

const CASES: Readonly<Record<string, Case>> = {
  'us-ca-carson-metadata.json': {
    metadata: {
      version: 10,
      oid: 'OBJECTID',
      maxRecordCount: 500,
      supportsPagination: false,
      fieldCount: 18,
    },
  },
  'us-ca-carson-count-only.json': { count: 30_551 },
  'us-ca-carson-ids-only.json': { ids: { number: 100, first: 70_193n, last: 70_307n } },
  'us-ca-carson-0.json': {
    page: {
      layer: 'us-ca-carson',
      rows: 6,
      first: { OBJECTID: '1' },
    },
  },
  'us-ca-tuolumne-metadata.json': {
    metadata: {
      version: 10.11,
      oid: 'SHAPE.fid',
      maxRecordCount: 1_000,
      supportsStatistics: true,
      fieldCount: 27,
    },
  },
  'us-ca-tuolumne-count-only.json': { count: 469 },
  'us-ca-tuolumne-ids-only.json': { ids: { number: 15, first: 410_102_100_014n, last: 410_106_200_003n } },
  'us-ca-tuolumne-statistics.json': { span: { min: 1n, max: 167n } },
  'us-ca-tuolumne-0.json': {
    page: {
      layer: 'us-ca-tuolumne',
      rows: 15,
      first: { O_ID: '410106100009', owner1: expect.stringMatching(/ {11}$/) },
    },
  },
  'us-esri-test-metadata.json': {
    metadata: {
      version: 10.3,
      oid: 'objectid',
      maxRecordCount: 1_000,
      supportsPagination: true,
      fieldCount: 6,
    },
  },
  'us-esri-test-count-only.json': { count: 312 },
  'us-esri-test-ids-only.json': { ids: { number: 1_000, first: 306_120n, last: 321_276n } },
  'us-esri-test-0.json': { page: { layer: 'us-esri-test', rows: 1_000, first: {} } },
  'us-il-cook-metadata.json': {
    metadata: { version: undefined, oid: 'OBJECTID', maxRecordCount: 500, fieldCount: 31 },
  },
  'us-il-cook-count-only.json': { count: undefined },
  'us-il-cook-ids-only.json': { ids: undefined },
  'us-il-cook-page-full.json': {
    page: { layer: 'us-il-cook', rows: 500, first: { NAME: 'MT ISAIAH', OBJECTID: '1', ID: '6000000' } },
  },
  'us-il-cook-page-partial.json': { page: { layer: 'us-il-cook', rows: 2, first: {} } },
  'us-mo-columbia-metadata.json': {
    metadata: { version: 10.01, oid: 'OBJECTID', maxRecordCount: 500, fieldCount: 26 },
  },
  'us-mo-columbia-count-only.json': { count: 84_296 },
  'us-mo-columbia-ids-only.json': { ids: { number: 43, first: 64_579_816n, last: 64_579_858n } },
  'us-mo-columbia-0.json': {
    page: { layer: 'us-mo-columbia', rows: 43, first: { OBJECTID: '64579816', X: '1706020' } },
  },
}

/** Replays one server: each question gets the answer that was recorded for it. */
function replay(layer: string, page: string): typeof fetch {
  return async (address) => {
    const { pathname, searchParams: asked } = new URL(String(address))
    const file = (kind: string) => new Response(read(`${layer}-${kind}.json`))
    if (!pathname.endsWith('/query')) return file('metadata')
    if (asked.has('returnCountOnly')) return file('count-only')
    if (asked.has('returnIdsOnly')) return file('ids-only')
    if (asked.has('outStatistics') && layer === 'us-ca-tuolumne') return file('statistics')
    if (asked.has('outStatistics'))
      return new Response('{"error":{"code":400,"message":"Unable to complete operation.","details":[]}}')
    return new Response(read(page))
  }
}

function sourceOf(fetcher: typeof fetch) {
  return openArcgisSource(
    'recorded',
    ArcgisSource.parse({ family: 'arcgis', service: LAYER }),
    trialTools({}, fetcher),
  )
}

/** An offer to read the one page, with its rows as the count. */
function offerOf(layer: string, rows: number): Offer {
  const { fields = [], oid } = layerOf(LAYER, jsonOf(`${layer}-metadata.json`)) ?? {}
  const columns = [...fields.map(({ name }) => name), 'geometry']
  const plan = {
    strategy: 'whole',
    layer: LAYER,
    where: '1=1',
    outFields: '*',
    geometry: true,
    rows: 2_000,
    columns,
  }
  return {
    name: LAYER,
    changeToken: undefined,
    publishedAt: undefined,
    rows,
    columns: undefined,
    plan: { ...plan, oid: oid ?? '' },
  }
}

async function readRecorded(layer: string, file: string, rows: number) {
  const source = sourceOf(replay(layer, file))
  const offer = offerOf(layer, rows)
  const publication = { offers: [offer], missing: [] }
  return readWhole(source, {
    goOnFrom: { publication, pages: [[]] as PageRecord[][], rows: [], finished: false },
  })
}

/** A cell as it must come out; numbers are compared by value, as JSON.parse forgets their characters. */
function expectCell(cell: string | null, value: unknown) {
  if (value === undefined || value === null) expect(cell).toBeNull()
  else if (typeof value === 'string') expect(cell).toBe(value)
  else expect(JSON.parse(cell as string)).toEqual(value)
}

describe.skipIf(folder === undefined)(titleWith(folder, 'recorded answers of ArcGIS servers'), () => {
  it('are all cases here', () => {
    const files = readdirSync(folder as string).filter((name) => name !== 'SOURCES.md')
    expect(files.sort()).toEqual(Object.keys(CASES).sort())
  })

  it.each(Object.entries(CASES))('%s is read for what it is', async (file, expected) => {
    if ('metadata' in expected) {
      const { fieldCount, ...told } = expected.metadata
      const layer = layerOf(LAYER, jsonOf(file))
      expect(layer).toMatchObject(told)
      expect(layer?.fields).toHaveLength(fieldCount)
    } else if ('count' in expected) expect(countIn(jsonOf(file))).toBe(expected.count)
    else if ('span' in expected) expect(spanIn(jsonOf(file))).toEqual(expected.span)
    else if ('ids' in expected) {
      const ids = idsIn(jsonOf(file))
      const told = ids === undefined ? undefined : { number: ids.length, first: ids[0], last: ids.at(-1) }
      expect(told).toEqual(expected.ids)
    } else {
      const { rows } = await readRecorded(expected.page.layer, file, expected.page.rows)
      expect(rows).toHaveLength(expected.page.rows)
      expect(rows[0]).toMatchObject(expected.page.first)
      const features = jsonOf(file).features as { attributes: Record<string, unknown>; geometry?: unknown }[]
      for (const [at, { attributes, geometry }] of features.entries()) {
        for (const [name, value] of Object.entries({ ...attributes, geometry }))
          expectCell(rows[at]?.[name] as string | null, value)
      }
    }
  })

  it.each([
    ['us-ca-carson', 'us-ca-carson-0.json', 'portal-unpageable'],
    ['us-ca-tuolumne', 'us-ca-tuolumne-0.json', undefined],
    ['us-esri-test', 'us-esri-test-0.json', undefined],
    ['us-il-cook', 'us-il-cook-page-full.json', 'portal-answer-unusable'],
    ['us-mo-columbia', 'us-mo-columbia-0.json', 'portal-unpageable'],
  ])(
    '%s as a whole server, which answers every condition alike, is never read as complete',
    async (layer, page, code) => {
      const outcome = await readWhole(sourceOf(replay(layer, page)), { tries: 1 }).catch(
        (thrown) => thrown as WardbookError,
      )
      if ('code' in outcome) expect(outcome).toMatchObject({ code, remedy: 'fix-source' })
      else expect(outcome.publication.offers[0]?.rows).not.toBe(outcome.rows.length)
    },
  )
})
