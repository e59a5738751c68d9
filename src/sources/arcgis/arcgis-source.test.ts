import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { quickTools } from '../../../testkit/quick-tools.js'
import { type ReadRow, readAll, readOffer } from '../../../testkit/read-source.js'
import { ArcgisSource } from '../../contracts/sources/arcgis.js'
import { type ArcgisPortalOptions, startArcgisPortal } from '../../demo/portals/arcgis/arcgis-portal.js'
import {
  type ArcgisVariant,
  HOSTED,
  ROWS_ONLY,
  SERVER_10_0,
  SERVER_10_1,
} from '../../demo/portals/arcgis/variant.js'
import type { RunningPortal } from '../../demo/portals/portal-server.js'
import type { PortalRow, PortalTable } from '../../demo/portals/portal-table.js'
import type { WardbookError } from '../../kernel/errors.js'
import { withDerived } from '../derived-column.js'
import type { Offer, Source } from '../source.js'
import { openArcgisSource } from './arcgis-source.js'

const portals: RunningPortal[] = []
afterEach(async () => {
  for (const portal of portals.splice(0)) await portal.close()
})

type Settings = Omit<Parameters<typeof ArcgisSource.parse>[0] & object, 'family' | 'service'>

async function open(options: ArcgisPortalOptions, settings: Settings = {}, env: Record<string, string> = {}) {
  const portal = await startArcgisPortal(options)
  portals.push(portal)
  const config = ArcgisSource.parse({ family: 'arcgis', service: portal.service, ...settings })
  const tools = quickTools(env)
  return { portal, tools, source: openArcgisSource('requests', config, tools) }
}

function table(rows: readonly PortalRow[], more: Partial<PortalTable> = {}): PortalTable {
  const columns = [
    { name: 'NUMBER', type: 'text' },
    { name: 'STATUS', type: 'number' },
    { name: 'ADDDATE', type: 'timestamp' },
    { name: 'PLACE', type: 'point' },
  ] as const
  return { id: 'requests', name: 'Requests', columns, rows, ...more }
}

function rowsOf(count: number): PortalRow[] {
  return Array.from({ length: count }, (_, at) => ({
    NUMBER: `R-${at}`,
    STATUS: at % 3,
    ADDDATE: new Date(Date.UTC(1969, 11, 30) + at * 7_200_000).toISOString(),
    PLACE: at % 5 === 0 ? null : { longitude: -77 - at / 1e4, latitude: 38.9 },
  }))
}

/** What must come out of a row, in the characters that were sent. */
function expectedRow(row: PortalRow, oid: bigint): ReadRow {
  const { NUMBER, STATUS, ADDDATE, PLACE } = row as Record<string, never>
  const { longitude: x, latitude: y } = (PLACE ?? {}) as Record<string, number>
  return {
    OBJECTID: String(oid),
    NUMBER: NUMBER ?? null,
    STATUS: STATUS === null || STATUS === undefined ? null : JSON.stringify(STATUS),
    ADDDATE: ADDDATE === null || ADDDATE === undefined ? null : String(Date.parse(ADDDATE)),
    geometry: PLACE === null || PLACE === undefined ? null : JSON.stringify({ x, y }),
  }
}

function expectExactly(read: readonly ReadRow[], rows: readonly PortalRow[], oid: (row: number) => bigint) {
  const byOid = (a: ReadRow, b: ReadRow) =>
    BigInt(a.OBJECTID as string) < BigInt(b.OBJECTID as string) ? -1 : 1
  const expected = rows.map((row, at) => expectedRow(row, oid(at)))
  expect([...read].sort(byOid)).toEqual(expected.sort(byOid))
}

async function failureOf(promise: Promise<unknown>): Promise<WardbookError> {
  return promise.then(
    (value) => expect.fail(`read: ${JSON.stringify(value).slice(0, 300)}`),
    (thrown) => thrown as WardbookError,
  )
}

function strategyOf(offer: Offer): unknown {
  return (offer.plan as { strategy: string }).strategy
}

const VARIANTS: Readonly<Record<string, ArcgisVariant>> = {
  'a hosted layer': HOSTED,
  'a hosted layer that always says whether there is more': { ...HOSTED, flag: 'always' },
  'a layer with pages that never says whether there is more': { ...HOSTED, flag: 'never' },
  'a layer with pages that counts nothing': { ...HOSTED, counts: false },
  'a server of 10.1': SERVER_10_1,
  'a server of 10.0': SERVER_10_0,
  'a server that neither counts nor lists nor orders': ROWS_ONLY,
  'a server that says it has pages and has no order': { ...HOSTED, ordering: false },
}

/** Ids close together, with gaps, beyond 53 bits, below zero. */
const ID_RULES: Readonly<Record<string, (row: number) => bigint>> = {
  'one after the other': (row) => BigInt(row + 1),
  'with gaps': (row) => BigInt(row) * 37n + 5n,
  'in far clusters': (row) => BigInt(row % 3) * 1_000_000_000_000n + BigInt(row),
  'beyond 53 bits': (row) => 9_007_199_254_740_993n + BigInt(row) * 3n,
  'below zero': (row) => BigInt(row) - 20n,
}

const anyRow = fc.record(
  {
    NUMBER: fc.option(fc.string({ unit: 'grapheme' })),
    STATUS: fc.option(fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }))),
    ADDDATE: fc.option(
      fc
        .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString()),
    ),
    PLACE: fc.option(
      fc.record({
        longitude: fc.integer({ min: -180, max: 180 }),
        latitude: fc.integer({ min: -90, max: 90 }),
      }),
    ),
  },
  { requiredKeys: [] },
)

describe.each(Object.entries(VARIANTS))('reading %s', (_title, variant) => {
  it('gives any table exactly, whatever its ids', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRow, { maxLength: 40 }),
        fc.constantFrom(...Object.keys(ID_RULES)),
        fc.integer({ min: 1, max: 12 }),
        async (rows, rule, pageRows) => {
          const objectId = ID_RULES[rule] as (row: number) => bigint
          const max = variant.saysMaxRecordCount ? pageRows : variant.maxRecordCount
          const options = { tables: [table(rows)], variant: { ...variant, objectId, maxRecordCount: max } }
          const { source, portal } = await open(options, { pageRows })
          expectExactly(await readAll(source), rows, objectId)
          await portal.close()
        },
      ),
      { numRuns: 25 },
    )
  })

  it('goes on after any page and reads none twice', async () => {
    const rows = rowsOf(31)
    const { source } = await open(
      { tables: [table(rows)], variant: { ...variant, maxRecordCount: 500 } },
      { pageRows: 7 },
    )
    const [offer] = (await source.describe()).offers as [Offer]
    const whole = await readOffer(source, offer)
    expectExactly(
      whole.flatMap((page) => page.rows),
      rows,
      HOSTED.objectId as never,
    )
    for (let pages = 0; pages <= whole.length; pages++) {
      const resumed = await readOffer(source, offer, await readOffer(source, offer, [], pages))
      expect(resumed.map(({ record }) => record.request)).toEqual(whole.map(({ record }) => record.request))
      expect(resumed.flatMap((page) => page.rows)).toEqual(whole.flatMap((page) => page.rows))
    }
  })

  it('describes the same publication the same way', async () => {
    const { source } = await open({
      tables: [table(rowsOf(31), { updatedAt: '2026-06-01T00:00:00Z' })],
      variant,
    })
    expect(await source.describe()).toEqual(await source.describe())
  })
})

describe('the way a layer is read', () => {
  const strategy = async (variant: Partial<ArcgisVariant>, rows = 40, pageRows = 5) => {
    const { source, portal } = await open({ tables: [table(rowsOf(rows))], variant }, { pageRows })
    const [offer] = (await source.describe()).offers as [Offer]
    return { strategy: strategyOf(offer), requests: portal.requests.length, offer }
  }

  it('is pages where the server has pages and order, at the cost of three questions', async () => {
    expect(await strategy({})).toMatchObject({ strategy: 'pages', requests: 5 })
  })

  it('is ranges between lowest and highest id where it has statistics', async () => {
    expect((await strategy(SERVER_10_1)).strategy).toBe('ranges')
  })

  it('is chunks of the list of ids where ids have wide gaps', async () => {
    const far = { objectId: (row: number) => BigInt(row) * 1_000_000n }
    expect((await strategy({ ...SERVER_10_1, ...far })).strategy).toBe('ids')
  })

  it('is chunks of the list of ids where there are no statistics', async () => {
    expect((await strategy(SERVER_10_0)).strategy).toBe('ids')
  })

  it('is ranges of ids that were searched for where the server only gives rows', async () => {
    const { strategy: chosen, offer } = await strategy(ROWS_ONLY)
    expect(chosen).toBe('ranges')
    expect(offer.plan).toMatchObject({ min: '1', max: '40' })
  })

  it('is halves of the range of ids where they lie far apart and only rows are given', async () => {
    const far = {
      ...ROWS_ONLY,
      maxRecordCount: 500,
      objectId: (row: number) => BigInt(row) * 10_000_000_000n,
    }
    const { strategy: chosen, offer } = await strategy(far, 1_200, 500)
    expect(chosen).toBe('bisect')
    expect((offer.plan as { intervals: unknown[] }).intervals.length).toBeLessThan(10)
  })

  it('does not trust a list with fewer ids than rows', async () => {
    const { source } = await open({
      tables: [table(rowsOf(40))],
      variant: SERVER_10_0,
      misbehave: () => ({ listedIds: 30 }),
    })
    const [offer] = (await source.describe()).offers as [Offer]
    expect(strategyOf(offer)).toBe('ranges')
    expectExactly(
      (await readOffer(source, offer)).flatMap((page) => page.rows),
      rowsOf(40),
      HOSTED.objectId as never,
    )
  })

  it('is one answer for a small table without ids, and refused for a large one', async () => {
    const none = { ...HOSTED, objectId: undefined, maxRecordCount: 50 }
    const small = await open({ tables: [table(rowsOf(40))], variant: none })
    expect(await readAll(small.source)).toHaveLength(40)
    const large = await open({ tables: [table(rowsOf(51))], variant: none })
    expect(await failureOf(large.source.describe())).toMatchObject({
      code: 'portal-unpageable',
      remedy: 'fix-source',
    })
  })
})

describe('finding layers', () => {
  const named = (...names: string[]) => names.map((name) => table(rowsOf(1), { name }))
  const namesOf = async (source: Source) => {
    const { offers, missing } = await source.describe()
    return { layers: offers.map(({ facts }) => facts?.layer), missing }
  }

  it('goes by name, whatever the numbers, and by number', async () => {
    const tables = named('Last 90 days', 'Requests in 2024', 'Requests in 2023')
    const { source } = await open({ tables }, { layers: ['requests in 2023', 0] })
    expect(await namesOf(source)).toEqual({ layers: ['Requests in 2023', 'Last 90 days'], missing: [] })
  })

  it('goes by the names of years, oldest first, and tells which year is missing', async () => {
    const tables = named('Requests in 2026', 'Last 90 days', 'Requests in 2023', 'Requests in 2025')
    const { source } = await open({ tables }, { find: { name: 'requests in {year}', from: 2023 } })
    expect(await namesOf(source)).toEqual({
      layers: ['Requests in 2023', 'Requests in 2025', 'Requests in 2026'],
      missing: ['requests in 2024'],
    })
  })

  it('takes the only layer of a service, and asks which one where there are more', async () => {
    expect((await namesOf((await open({ tables: named('All') })).source)).layers).toEqual(['All'])
    const { source } = await open({ tables: named('A', 'B') })
    expect(await failureOf(source.describe())).toMatchObject({
      code: 'source-empty-list',
      remedy: 'fix-config',
    })
  })

  it('names what there is when a layer is gone, and refuses a name that two have', async () => {
    const gone = await open({ tables: named('Requests') }, { layers: ['Service calls'] })
    const failure = await failureOf(gone.source.describe())
    expect(failure).toMatchObject({ code: 'source-not-found', remedy: 'fix-source' })
    expect(failure.message).toContain("0 'Requests'")
    const twice = await open({ tables: named('Requests', 'Requests') }, { layers: ['Requests'] })
    expect(await failureOf(twice.source.describe())).toMatchObject({
      code: 'source-ambiguous',
      remedy: 'fix-config',
    })
  })
})

describe('what a layer tells', () => {
  it('is its columns, its rows, the time of its last edit and a token that changes with it', async () => {
    let updatedAt = '2026-06-01T00:00:00.000Z'
    const { source } = await open({ tables: () => [table(rowsOf(3), { updatedAt })] })
    const [before] = (await source.describe()).offers as [Offer]
    expect(before).toMatchObject({ rows: 3, publishedAt: updatedAt, facts: { objectIdField: 'OBJECTID' } })
    expect(before.columns?.map(({ name }) => name)).toEqual([
      'OBJECTID',
      'NUMBER',
      'STATUS',
      'ADDDATE',
      'geometry',
    ])
    updatedAt = '2026-06-02T00:00:00.000Z'
    const [after] = (await source.describe()).offers as [Offer]
    expect(after.changeToken).not.toBe(before.changeToken)
  })

  it('gives labels beside codes, in their place, or not at all', async () => {
    const variant = { domains: { STATUS: [0, 1].map((code) => ({ code, name: `state ${code}` })) } }
    const rows = async (domains: 'both' | 'labels' | 'codes') => {
      const { source } = await open({ tables: [table(rowsOf(3))], variant }, { domains })
      const [offer] = (await source.describe()).offers as [Offer]
      const read = (await readOffer(source, offer)).flatMap((page) => page.rows)
      return read
        .map((row) => withDerived(row, offer.derived))
        .map(({ STATUS, STATUS_label }) => [STATUS, STATUS_label])
    }
    expect(await rows('both')).toEqual([
      ['0', 'state 0'],
      ['1', 'state 1'],
      ['2', null],
    ])
    expect(await rows('labels')).toEqual([
      ['state 0', undefined],
      ['state 1', undefined],
      ['2', undefined],
    ])
    expect(await rows('codes')).toEqual([
      ['0', undefined],
      ['1', undefined],
      ['2', undefined],
    ])
  })

  it('gives the two coordinates of points where they are asked for', async () => {
    const { source } = await open({ tables: [table(rowsOf(2))] }, { geometry: 'columns' })
    const [offer] = (await source.describe()).offers as [Offer]
    const read = (await readOffer(source, offer))
      .flatMap((page) => page.rows)
      .map((row) => withDerived(row, offer.derived))
    expect(read.map((row) => [row.geometry_longitude, row.geometry_latitude])).toEqual([
      [null, null],
      ['-77.0001', '38.9'],
    ])
  })

  it('leaves out what the source drops, before it is sent', async () => {
    const { source, portal } = await open({ tables: [table(rowsOf(2))] }, { drops: ['NUMBER', 'geometry'] })
    expect(Object.keys((await readAll(source))[0] as ReadRow)).toEqual(['OBJECTID', 'STATUS', 'ADDDATE'])
    expect(portal.requests.filter((request) => request.includes('NUMBER'))).toEqual([])
  })

  it('keeps the token out of requests that are stored, and sends it', async () => {
    const { source } = await open(
      { tables: [table(rowsOf(2))], variant: { token: 't0ken' } },
      {},
      { ARCGIS_TOKEN: 't0ken' },
    )
    const [offer] = (await source.describe()).offers as [Offer]
    const pages = await readOffer(source, offer)
    expect(pages.flatMap((page) => page.rows)).toHaveLength(2)
    expect(JSON.stringify([offer, pages])).not.toContain('t0ken')
  })
})

describe('a condition too long for an address', () => {
  it('is posted, on every page', async () => {
    const numbers = Array.from({ length: 300 }, (_, at) => `'R-${at * 2}'`).join(', ')
    const { source, portal } = await open(
      { tables: [table(rowsOf(20))] },
      { where: `NUMBER IN (${numbers})`, pageRows: 3 },
    )
    expect((await readAll(source)).map((row) => row.NUMBER)).toEqual(
      Array.from({ length: 10 }, (_, at) => `R-${at * 2}`),
    )
    expect(
      portal.requests
        .filter((request) => request.includes('/query'))
        .every((request) => request.startsWith('POST')),
    ).toBe(true)
  })
})
