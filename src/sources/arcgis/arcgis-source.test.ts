import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { asArcgisRows, askedOf, isArcgisPage, onArcgisPages } from '../../../testkit/arcgis-trial.js'
import { TRIAL_TYPES, trialRows, trialTable, trialTools } from '../../../testkit/portal-trial.js'
import { readWhole, type SourceRow } from '../../../testkit/read-source.js'
import { describeSource } from '../../../testkit/source.contract.js'
import { ArcgisSource } from '../../contracts/sources/arcgis.js'
import { type Misbehave, startArcgisPortal } from '../../demo/portals/arcgis/arcgis-portal.js'
import {
  type ArcgisVariant,
  HOSTED,
  ROWS_ONLY,
  SERVER_10_0,
  SERVER_10_1,
} from '../../demo/portals/arcgis/variant.js'
import type { PortalHooks, RunningPortal } from '../../demo/portals/portal-server.js'
import type { PortalCell, PortalTable } from '../../demo/portals/portal-table.js'
import type { WardbookError } from '../../kernel/errors.js'
import { withDerived } from '../derived-column.js'
import type { Offer, Source } from '../source.js'
import { openArcgisSource } from './arcgis-source.js'

const portals: RunningPortal[] = []
afterEach(async () => {
  for (const portal of portals.splice(0)) await portal.close()
})

type Settings = Omit<Parameters<typeof ArcgisSource.parse>[0] & object, 'family' | 'service'>

interface Trial {
  readonly tables: PortalTable | (() => readonly PortalTable[])
  readonly variant?: Partial<ArcgisVariant>
  readonly hooks?: PortalHooks
  readonly misbehave?: Misbehave
}

async function open({ tables, variant, hooks, misbehave }: Trial, settings: Settings = {}, env = {}) {
  const listed = typeof tables === 'function' ? tables : () => [tables]
  const portal = await startArcgisPortal(listed, variant, hooks, misbehave)
  portals.push(portal)
  return { portal, source: sourceAt(portal, settings, env) }
}

function sourceAt({ url }: RunningPortal, settings: Settings = {}, env = {}): Source {
  const service = `${url}/arcgis/rest/services/Requests/FeatureServer`
  return openArcgisSource(
    'requests',
    ArcgisSource.parse({ family: 'arcgis', service, ...settings }),
    trialTools(env),
  )
}

const table = (rows: number, about: Partial<PortalTable> = {}) =>
  trialTable(TRIAL_TYPES, trialRows(rows), about)
const oneByOne = HOSTED.objectId as (row: number) => bigint

function expectExactly(read: readonly SourceRow[], expected: readonly SourceRow[]) {
  const byOid = (a: SourceRow, b: SourceRow) =>
    BigInt(a.OBJECTID as string) < BigInt(b.OBJECTID as string) ? -1 : 1
  expect([...read].sort(byOid)).toEqual([...expected].sort(byOid))
}

async function failureOf(promise: Promise<unknown>): Promise<WardbookError> {
  return promise.then(
    (value) => expect.fail(`read: ${JSON.stringify(value).slice(0, 300)}`),
    (thrown) => thrown as WardbookError,
  )
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

/** Ids close together, with gaps, in far clusters, beyond 53 bits, below zero. */
const ID_RULES: Readonly<Record<string, (row: number) => bigint>> = {
  close: oneByOne,
  gaps: (row) => BigInt(row) * 37n + 5n,
  clusters: (row) => BigInt(row % 3) * 1_000_000_000_000n + BigInt(row),
  large: (row) => 9_007_199_254_740_993n + BigInt(row) * 3n,
  negative: (row) => BigInt(row) - 20n,
}

const anyNumber = fc.oneof(
  fc.bigInt().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(JSON.stringify),
)
const anyDate = fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
const anyPoint = fc.record({
  x: fc.integer({ min: -180, max: 180 }),
  y: fc.double({ min: -90, max: 90, noNaN: true }),
})
const anyRows = fc.array(
  fc.tuple(
    fc.option(fc.string({ unit: 'grapheme' })),
    fc.option(anyNumber),
    fc.option(anyDate.map((date) => date.toISOString())),
    fc.option(fc.boolean().map(String)),
    fc.option(anyPoint.map((point) => JSON.stringify(point))),
  ),
  { maxLength: 40 },
)
const ANY_TYPES = {
  note: 'text',
  amount: 'number',
  opened: 'date',
  emergency: 'boolean',
  place: 'json',
} as const

describe.each(Object.entries(VARIANTS))('reading %s', (_title, variant) => {
  it('gives any table exactly, whatever its ids', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyRows,
        fc.constantFrom(...Object.keys(ID_RULES)),
        fc.integer({ min: 1, max: 12 }),
        async (rows: PortalCell[][], rule, pageRows) => {
          const objectId = ID_RULES[rule] as (row: number) => bigint
          const maxRecordCount = variant.saysMaxRecordCount ? pageRows : variant.maxRecordCount
          const tables = trialTable(ANY_TYPES, rows)
          const { source, portal } = await open(
            { tables, variant: { ...variant, objectId, maxRecordCount, geometryColumn: 'place' } },
            { pageRows },
          )
          expectExactly((await readWhole(source)).rows, asArcgisRows(tables, objectId, 'place'))
          await portal.close()
        },
      ),
      { numRuns: 12 },
    )
  })

  it('gives no row of a table that has none', async () => {
    expect((await readWhole((await open({ tables: table(0), variant })).source)).rows).toEqual([])
  })

  describeSource('as a source', async () => {
    let tables = table(17)
    let breaks = false
    let errors = false
    const portal = await startArcgisPortal(
      () => [tables],
      { ...variant, maxRecordCount: 500, token: 's3cret', ownOrder: 'by-id', editDateField: 'opened' },
      {
        alter: (request, answer) => {
          if (!breaks || !isArcgisPage(request)) return answer
          breaks = false
          return { ...answer, breakAfterBytes: 300 }
        },
      },
      (request) =>
        errors && isArcgisPage(request) ? { error: { code: 400, message: 'Invalid URL' } } : undefined,
    )
    return {
      rows: asArcgisRows(tables, oneByOne),
      secrets: ['s3cret'],
      open: () => sourceAt(portal, { pageRows: 5 }, { ARCGIS_TOKEN: 's3cret' }),
      requests: () => portal.requests.length,
      change: () => {
        tables = table(18, { updatedAt: Date.UTC(2026, 4, 5) })
      },
      breakNextPage: () => {
        breaks = true
      },
      answerErrors: () => {
        errors = true
      },
      close: () => portal.close(),
    }
  })
})

describe('changed rows of a layer', () => {
  const changesOf = async (
    variant: Partial<ArcgisVariant>,
    settings: Settings = {},
    hooks: PortalHooks = {},
  ) =>
    (await (await open({ tables: table(5), variant, hooks }, settings)).source.describe()).offers[0]?.changes
  const tracked = { editDateField: 'opened' }

  it('can be asked for where the layer tracks editors: from its last edit, a day early', async () => {
    expect(await changesOf(tracked)).toEqual({
      ...{ until: '2026-01-31T00:00:00.000Z', overlapHours: 24, unique: ['OBJECTID'] },
      shape: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  it('cannot, where it does not, is a view, has no ids, or goes by a condition on the clock', async () => {
    expect(await changesOf({})).toBeUndefined()
    expect(await changesOf({ ...tracked, objectId: undefined })).toBeUndefined()
    expect(
      await changesOf(tracked, { where: 'opened > CURRENT_TIMESTAMP - 30' }).catch(() => undefined),
    ).toBeUndefined()
    const asView: PortalHooks = {
      alter: (_request, answer) => ({
        ...answer,
        body: [[...answer.body].join('').replace('"capabilities"', '"isView":true,"capabilities"')],
      }),
    }
    expect(await changesOf(tracked, {}, asView)).toBeUndefined()
  })

  it('have another shape under other settings', async () => {
    const shapes = [await changesOf(tracked), await changesOf(tracked, { drops: ['note'] })]
    expect(shapes[0]?.shape).not.toBe(shapes[1]?.shape)
  })
})

describe('the way a layer is read', () => {
  const wayOf = async (variant: Partial<ArcgisVariant>, rows = 40, pageRows = 5, misbehave?: Misbehave) => {
    const { source, portal } = await open(
      { tables: table(rows), variant, ...(misbehave === undefined ? {} : { misbehave }) },
      { pageRows },
    )
    const [offer] = (await source.describe()).offers as [Offer]
    const plan = offer.plan as { strategy: string; intervals?: unknown[]; min?: string; max?: string }
    return { plan, requests: portal.requests.length, source }
  }

  it('is pages where the server has pages and order, at the cost of three questions', async () => {
    expect(await wayOf({})).toMatchObject({ plan: { strategy: 'pages' }, requests: 5 })
  })

  it('is ranges between lowest and highest id where it has statistics', async () => {
    expect((await wayOf(SERVER_10_1)).plan).toMatchObject({ strategy: 'ranges', min: '1', max: '40' })
  })

  it('is chunks of the list of ids where ids have wide gaps', async () => {
    const { plan } = await wayOf({ ...SERVER_10_1, objectId: (row) => BigInt(row) * 1_000_000n })
    expect(plan.strategy).toBe('ids')
    expect(plan.intervals).toHaveLength(8)
  })

  it('is chunks of the list of ids where there are no statistics', async () => {
    expect((await wayOf(SERVER_10_0)).plan.strategy).toBe('ids')
  })

  it('is ranges of ids that were searched for where the server only gives rows', async () => {
    expect((await wayOf(ROWS_ONLY)).plan).toMatchObject({ strategy: 'ranges', min: '1', max: '40' })
  })

  it('is halves of the range of ids where they lie far apart and only rows are given', async () => {
    const { plan } = await wayOf(
      { ...ROWS_ONLY, objectId: (row) => BigInt(row) * 10_000_000_000n },
      1_200,
      500,
    )
    expect(plan.strategy).toBe('bisect')
    expect(plan.intervals?.length).toBeLessThan(10)
  })

  it.each([
    ['lists its ids', SERVER_10_0],
    ['only gives rows', ROWS_ONLY],
    ['has statistics', { ...SERVER_10_1, saysMaxRecordCount: false, counts: false }],
    [
      'only gives rows of far ids',
      { ...ROWS_ONLY, objectId: (row: number) => BigInt(row % 3) * 10n ** 15n + BigInt(row) },
    ],
  ])('fits a server that gives fewer rows than anybody knows, and %s', async (_title, variant) => {
    const tables = table(250)
    const { source } = await open({ tables, variant: { ...variant, maxRecordCount: 60 } })
    expectExactly((await readWhole(source)).rows, asArcgisRows(tables, variant.objectId ?? oneByOne))
  })

  it('never takes a refused question for "there are no rows"', async () => {
    const refuse: Misbehave = (request) =>
      / < /.test(askedOf(request).get('where') ?? '')
        ? { error: { code: 400, message: 'Invalid query' } }
        : undefined
    for (const variant of [SERVER_10_0, SERVER_10_1, ROWS_ONLY]) {
      const { source } = await open({ tables: table(700), variant, misbehave: refuse })
      const outcome = await readWhole(source).catch((thrown) => thrown as WardbookError)
      if ('rows' in outcome) expect(outcome.rows).toHaveLength(700)
      else expect(outcome).toMatchObject({ remedy: 'fix-source' })
    }
  })

  it('costs at most 160 questions where ids have to be searched for', async () => {
    const { plan, requests } = await wayOf({ ...ROWS_ONLY, objectId: (row) => 64_579_816n + BigInt(row) })
    expect(plan.strategy).toBe('ranges')
    expect(requests).toBeLessThan(160)
  })

  it('is the same although a question fails once, and another where it is refused by its status', async () => {
    let failed = 0
    const failOnce: Misbehave = (request) =>
      askedOf(request).has('returnCountOnly') && failed++ === 0
        ? { error: { code: 500, message: 'Error performing query operation' } }
        : undefined
    expect((await wayOf({}, 40, 5, failOnce)).plan.strategy).toBe('pages')
    expect(failed).toBeGreaterThan(1)
    const hooks: PortalHooks = {
      alter: (request, answer) =>
        request.query.has('outStatistics') ? { status: 400, headers: {}, body: ['Bad Request'] } : answer,
    }
    const { source } = await open({ tables: table(40), variant: SERVER_10_1, hooks })
    expect((await source.describe()).offers[0]?.plan).toMatchObject({ strategy: 'ids' })
  })

  it('does not trust a list with fewer ids than rows, nor one without the highest', async () => {
    for (const variant of [SERVER_10_0, { ...SERVER_10_0, counts: false }]) {
      const { plan, source } = await wayOf(variant, 40, 5, () => ({ listedIds: 30 }))
      expect(plan.strategy).toBe('ranges')
      expect((await readWhole(source)).rows).toHaveLength(40)
    }
  })

  it('is one answer for a small table without ids, and refused for a large one', async () => {
    const variant = { objectId: undefined, maxRecordCount: 50 }
    expect((await readWhole((await open({ tables: table(40), variant })).source)).rows).toHaveLength(40)
    const large = await open({ tables: table(51), variant })
    expect(await failureOf(large.source.describe())).toMatchObject({
      code: 'portal-unpageable',
      remedy: 'fix-source',
    })
    const uncounted = await open({ tables: table(51), variant: { ...variant, counts: false } })
    expect(await failureOf(readWhole(uncounted.source))).toMatchObject({ remedy: 'fix-source' })
  })

  it('reads 40,000 rows in pages of the size that the layer gives', async () => {
    const { source, portal } = await open({ tables: table(40_000) })
    const read = await readWhole(source)
    expect(read.rows).toHaveLength(40_000)
    expect(portal.requests.filter(isArcgisPage)).toHaveLength(20)
  })
})

describe('finding layers', () => {
  const named =
    (...names: string[]) =>
    () =>
      names.map((name) => table(1, { name }))
  const found = async (source: Source) => {
    const { offers, missing } = await source.describe()
    return { layers: offers.map(({ facts }) => facts?.layer), missing }
  }

  it('goes by name, whatever the numbers, and by number', async () => {
    const tables = named('Last 90 days', 'Requests in 2024', 'Requests in 2023')
    const { source } = await open({ tables }, { layers: ['requests in 2023', 0] })
    expect(await found(source)).toEqual({ layers: ['Requests in 2023', 'Last 90 days'], missing: [] })
  })

  it('goes by the names of years, oldest first, and tells which year is missing', async () => {
    const tables = named('Requests in 2026', 'Last 90 days', 'Requests in 2023', 'Requests in 2025')
    const { source } = await open({ tables }, { find: { name: 'requests in {year}', from: 2023 } })
    expect(await found(source)).toEqual({
      layers: ['Requests in 2023', 'Requests in 2025', 'Requests in 2026'],
      missing: ['requests in 2024'],
    })
  })

  it('takes the only layer of a service, and asks which one where there are more', async () => {
    expect((await found((await open({ tables: named('All') })).source)).layers).toEqual(['All'])
    const { source } = await open({ tables: named('A', 'B') })
    expect(await failureOf(source.describe())).toMatchObject({
      code: 'source-empty-list',
      remedy: 'fix-config',
    })
  })

  it('takes the address of a layer for the service and its number', async () => {
    const { portal } = await open({ tables: named('A', 'B') })
    const service = `${portal.url}/arcgis/rest/services/Requests/FeatureServer/1`
    const source = openArcgisSource('b', ArcgisSource.parse({ family: 'arcgis', service }), trialTools())
    expect((await found(source)).layers).toEqual(['B'])
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
  it('is its columns, its rows, its key, the time of its last edit and a token that changes with it', async () => {
    let updatedAt = Date.UTC(2026, 5, 1)
    const { source } = await open({ tables: () => [table(3, { updatedAt })] })
    const [before] = (await source.describe()).offers as [Offer]
    expect(before).toMatchObject({
      rows: 3,
      publishedAt: '2026-06-01T00:00:00.000Z',
      key: { column: 'OBJECTID', hidden: false },
    })
    expect(before.columns?.map(({ name }) => name)).toEqual(['OBJECTID', ...Object.keys(TRIAL_TYPES)])
    updatedAt += 1
    const [after] = (await source.describe()).offers as [Offer]
    expect(after.changeToken).not.toBe(before.changeToken)
  })

  it('gives labels beside codes, in their place, or not at all', async () => {
    const domains = { state: [0, 1].map((code) => ({ code, name: `state ${code}` })) }
    const tables = trialTable({ state: 'number' }, [['0'], ['1'], ['2'], [null]])
    const cells = async (setting: 'both' | 'labels' | 'codes') => {
      const { source } = await open({ tables, variant: { domains } }, { domains: setting })
      const { rows, publication } = await readWhole(source)
      return rows
        .map((row) => withDerived(row, publication.offers[0]?.derived))
        .map((row) => [row.state, row.state_label])
    }
    expect(await cells('both')).toEqual([['0', 'state 0'], ['1', 'state 1'], ['2', null], [null, null]]) // biome-ignore format: one row a cell
    expect(await cells('labels')).toEqual(
      [['state 0'], ['state 1'], ['2'], [null]].map(([cell]) => [cell, undefined]),
    )
    expect(await cells('codes')).toEqual([['0'], ['1'], ['2'], [null]].map(([cell]) => [cell, undefined]))
  })

  describe('whose codes mean something else in each subtype', () => {
    const codes = (...names: string[]) => names.map((name, code) => ({ code, name }))
    const subtypes = (said: 'types' | 'subtypes') => ({
      ...{ column: 'kind', said },
      types: [
        { code: 1, name: 'Tree', domains: { cause: codes('storm', 'age') } },
        { code: 2, name: 'Light', domains: { cause: codes('power', 'bulb', 'age') } },
        { code: 3, name: 'Road', domains: { cause: 'inherited' as const } },
        { code: 4, name: 'Other', domains: {} },
      ],
    })
    const rows = [['1', '0'], ['2', '0'], ['3', '0'], ['4', '1'], ['9', '1'], [null, '0'], ['1', '2']] // biome-ignore format: one row a cell
    const tables = trialTable({ kind: 'number', cause: 'number' }, rows)
    const read = async (settings: Settings, said: 'types' | 'subtypes' = 'types') => {
      const variant = { domains: { cause: codes('unknown', 'other') }, subtypes: subtypes(said) }
      const { source } = await open({ tables, variant }, settings)
      const { rows, publication } = await readWhole(source)
      return rows.map((row) => withDerived(row, publication.offers[0]?.derived))
    }
    const meant = ['storm', 'power', 'unknown', 'other', 'other', 'unknown', null]

    it.each(['types', 'subtypes'] as const)('is decoded by the subtype of each row (%s)', async (said) => {
      const both = await read({ domains: 'both' }, said)
      expect(both.map((row) => row.cause_label)).toEqual(meant)
      expect(both.map((row) => row.kind_label)).toEqual(
        ['Tree', 'Light', 'Road', 'Other', null, null, 'Tree'], // biome-ignore format: one row a cell
      )
    })

    it('is decoded also where the label stands in the place of the subtype', async () => {
      const labels = await read({ domains: 'labels' })
      expect(labels.map((row) => row.cause)).toEqual([...meant.slice(0, -1), '2'])
      expect(labels.map((row) => row.kind)).toEqual(['Tree', 'Light', 'Road', 'Other', '9', null, 'Tree'])
    })

    it('gets no label that may be wrong where the subtype is not read', async () => {
      const read3 = await read({ domains: 'both', drops: ['kind'] })
      expect(read3.map((row) => row.cause_label)).toEqual(meant.map(() => null))
    })

    it('is another layer when a label of a subtype changes', async () => {
      const token = async (name: string) => {
        const own = subtypes('types')
        const types = [{ ...own.types[0], domains: { cause: codes(name) } }] as typeof own.types
        const { source } = await open({ tables, variant: { subtypes: { ...own, types } } })
        return (await source.describe()).offers[0]?.changeToken
      }
      expect(await token('storm')).not.toBe(await token('wind'))
    })
  })

  it('gives the two coordinates of points where they are asked for', async () => {
    const tables = trialTable({ place: 'json' }, [
      ['{"x":-77.00010,"y":38.9}'],
      [null],
      ['{"x":"NaN","y":"NaN"}'],
    ])
    const { source } = await open({ tables, variant: { geometryColumn: 'place' } }, { geometry: 'columns' })
    const { rows, publication } = await readWhole(source)
    const read = rows.map((row) => withDerived(row, publication.offers[0]?.derived))
    expect(read.map((row) => [row.geometry, row.geometry_longitude, row.geometry_latitude])).toEqual([
      ['{"x":-77.00010,"y":38.9}', '-77.00010', '38.9'],
      [null, null, null],
      ['{"x":"NaN","y":"NaN"}', null, null],
    ])
  })

  it('leaves out what the source drops, before it is sent', async () => {
    const { source, portal } = await open({ tables: table(2) }, { drops: ['note', 'place'] })
    const [row] = (await readWhole(source)).rows
    expect(Object.keys(row as SourceRow)).toEqual(['OBJECTID', 'sr_number', 'opened', 'amount', 'emergency'])
    expect(portal.requests.filter((request) => /note|place|\*/.test(`${request.query}`))).toEqual([])
  })
})

describe('a condition too long for an address', () => {
  it('is posted, on every page', async () => {
    const numbers = Array.from({ length: 300 }, (_, at) => `'SR-${String(at * 2).padStart(5, '0')}'`).join(
      ', ',
    )
    const { source, portal } = await open(
      { tables: table(20) },
      { where: `sr_number IN (${numbers})`, pageRows: 3 },
    )
    expect((await readWhole(source)).rows.map((row) => Number(row.sr_number?.slice(3)))).toEqual([
      0, 2, 4, 6, 8, 10, 12, 14, 16, 18,
    ])
    expect(
      portal.requests.filter(({ path }) => path.endsWith('/query')).map(({ method }) => method),
    ).not.toContain('GET')
  })
})

describe('a server that fails on large pages', () => {
  const numbersOf = (rows: readonly SourceRow[]) =>
    rows.map((row) => Number(row.OBJECTID)).sort((a, b) => a - b)
  const all = Array.from({ length: 40 }, (_, at) => at + 1)

  it('is asked for smaller ones, which grow again', async () => {
    const misbehave: Misbehave = (request) => {
      const asked = askedOf(request)
      const isHeavy =
        isArcgisPage(request) &&
        Number(asked.get('resultRecordCount')) > 3 &&
        asked.get('where')?.includes('> 10')
      return isHeavy ? { error: { code: 500, message: 'Error performing query operation' } } : undefined
    }
    const { source, portal } = await open({ tables: table(40), misbehave }, { pageRows: 10 })
    expect(numbersOf((await readWhole(source)).rows)).toEqual(all)
    const sizes = portal.requests
      .filter(isArcgisPage)
      .map((request) => request.query.get('resultRecordCount'))
    expect(sizes).toEqual(['10', '10', '10', '5', '2', '4', '8', '10', '10'])
  })

  it.each([
    ['ranges of ids', SERVER_10_1],
    ['chunks of ids', SERVER_10_0],
  ])('is asked for narrower %s, and none is left out', async (_title, variant) => {
    const hooks: PortalHooks = {
      alter: (request, answer) => {
        const [, from, through] = />= (\d+) AND \S+ <= (\d+)/.exec(request.query.get('where') ?? '') ?? []
        const isHeavy = isArcgisPage(request) && Number(through) - Number(from) >= 4
        return isHeavy ? { status: 500, headers: {}, body: ['<html>error</html>'] } : answer
      },
    }
    const { source } = await open({ tables: table(40), variant, hooks }, { pageRows: 10 })
    expect(numbersOf((await readWhole(source)).rows)).toEqual(all)
  })

  it('is given up with its own words when no size helps', async () => {
    const misbehave = onArcgisPages({ error: { code: 500, message: 'Error performing query operation' } })
    const failure = await failureOf(
      readWhole((await open({ tables: table(40), misbehave })).source, { tries: 1 }),
    )
    expect(failure).toMatchObject({ code: 'portal-failed', remedy: 'retry' })
    expect(failure.message).toContain('Error performing query operation')
  })
})
