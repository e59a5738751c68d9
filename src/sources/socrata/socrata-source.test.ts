import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { failureOf } from '../../../testkit/failure-of.js'
import {
  answersHtml,
  answersNothing,
  breaksAfter,
  capsSilently,
  changing,
  fails,
  isNotReady,
  liesAboutCount,
  reordering,
  throttles,
  together,
  truncates,
  zipsTwice,
} from '../../../testkit/portal-faults.js'
import {
  asSourceRows,
  startTrialPortal,
  TRIAL_TYPES,
  type TrialPortal,
  trialRows,
  trialTable,
  trialTools,
} from '../../../testkit/portal-trial.js'
import { readWhole } from '../../../testkit/read-source.js'
import { describeSource, type SourceTrial } from '../../../testkit/source.contract.js'
import { SocrataSource as Settings } from '../../contracts/sources/socrata.js'
import type { PortalHooks } from '../../demo/portals/portal-server.js'
import type { PortalTable } from '../../demo/portals/portal-table.js'
import { type SocrataPortalOptions, startSocrataPortal } from '../../demo/portals/socrata/socrata-portal.js'
import type { Source } from '../source.js'
import { socrataCatalog } from './catalog.js'
import { openSocrataSource } from './socrata-source.js'

const TABLE = trialTable(TRIAL_TYPES, trialRows(23), { keyColumn: 'sr_number' })
const TOKEN = 'a-token-of-nobody'

let running: TrialPortal | undefined
afterEach(() => running?.portal.close())

async function start(
  tables: () => readonly PortalTable[],
  options: SocrataPortalOptions = {},
  faults: PortalHooks = {},
): Promise<TrialPortal> {
  running = await startTrialPortal((hooks) => startSocrataPortal(tables, options, hooks))
  running.misbehave(faults)
  return running
}

function open(
  { portal }: TrialPortal,
  settings: Partial<Parameters<typeof Settings.parse>[0] & object> = {},
  env: Readonly<Record<string, string>> = {},
): Source {
  const config = Settings.parse({
    ...{ family: 'socrata', portal: portal.url, datasets: ['abcd-1234'], read: 'pages', pageRows: 7 },
    ...settings,
  })
  return openSocrataSource('requests', config, trialTools(env))
}

async function trial(options: SocrataPortalOptions, settings: object, env = {}): Promise<SourceTrial> {
  let tables = [TABLE]
  const portal = await start(() => tables, options)
  const error = {
    status: 200,
    headers: {},
    body: ['{"code":"dataset.missing","error":true,"message":"Not found"}'],
  }
  return {
    rows: asSourceRows(TABLE),
    secrets: Object.values(env),
    open: () => open(portal, settings, env),
    requests: () => portal.portal.requests.length,
    change: () => {
      tables = [{ ...TABLE, updatedAt: TABLE.updatedAt + 60_000 }]
    },
    breakNextPage: () => portal.misbehave(breaksAfter(40, 1)),
    answerErrors: () =>
      portal.misbehave({ alter: ({ path }, answer) => (path.startsWith('/api/views/') ? answer : error) }),
    close: async () => undefined, // closed after each test
  }
}

const withToken = { SOCRATA_APP_TOKEN: TOKEN }
describeSource('Socrata in pages of SODA 2', () => trial({}, {}))
describeSource('Socrata in pages of SODA 3, with a token', () =>
  trial({ token: TOKEN }, { api: 'soda3' }, withToken),
)
describeSource('Socrata as one export', () => trial({}, { read: 'export' }))
describeSource('Socrata as one export of SODA 3', () =>
  trial({ token: TOKEN }, { read: 'export', api: 'soda3' }, withToken),
)
describeSource('Socrata on the old backend', () => trial({ newBackend: false }, { read: 'export' }))

describe('changed rows of a table', () => {
  const changesOf = async (more: object, headers: Record<string, string> = {}) => {
    const trial = await start(
      () => [TABLE],
      {},
      {
        alter: ({ path }, answer) => {
          if (!path.startsWith('/api/views/'))
            return { ...answer, headers: { ...answer.headers, ...headers } }
          return { ...answer, body: [JSON.stringify({ ...JSON.parse([...answer.body].join('')), ...more })] }
        },
      },
    )
    return (await open(trial).describe()).offers[0]?.changes
  }

  it('can be asked for from the last change that the answering copy has, a day early', async () => {
    const at = new Date(TABLE.updatedAt).toISOString()
    expect(await changesOf({})).toMatchObject({ until: at, overlapHours: 24, unique: ['sr_number'] })
    await running?.portal.close()
    const copy = { 'x-soda2-secondary-last-modified': new Date(TABLE.updatedAt - 3_600_000).toUTCString() }
    expect((await changesOf({}, copy))?.until).toBe(new Date(TABLE.updatedAt - 3_600_000).toISOString())
  })

  it('cannot, where the table is a view, whose rows are dated in another one', async () => {
    for (const more of [
      { query: { groupBys: [] } },
      { modifyingViewUid: 'wxyz-9876' },
      { queryString: 'SELECT *' },
    ]) {
      expect(await changesOf(more)).toBeUndefined()
      await running?.portal.close()
    }
  })
})

const anyCell = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom('', '"', '\n', '\r\n', ',', '\\', '\u2028', '{}', 'null', 'true') },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => text.isWellFormed()) },
)
const anyRows = fc.array(fc.tuple(fc.uuid(), anyCell, anyCell), { maxLength: 20 })

describe('rows of a Socrata table', () => {
  it('come back exactly as sent, whatever they hold and however long a page is', async () => {
    let table = TABLE
    const portal = await start(() => [table])
    await fc.assert(
      fc.asyncProperty(anyRows, fc.integer({ min: 1, max: 9 }), async (rows, pageRows) => {
        table = trialTable({ id: 'text', select: 'text', _1st: 'text' }, rows)
        expect((await readWhole(open(portal, { pageRows }))).rows).toEqual(asSourceRows(table))
      }),
      { numRuns: 25 },
    )
  })

  it('have the columns of the metadata, also those that no row has a value in, and none of the portal’s own', async () => {
    const computed = { name: ':@computed_region_1', type: 'number', computed: true } as const
    const table = {
      ...TABLE,
      columns: [...TABLE.columns, computed],
      row: () => ['SR-1', ...Array(6).fill(null)],
    }
    const portal = await start(() => [table])
    const { publication, rows } = await readWhole(open(portal))
    const names = Object.keys(TRIAL_TYPES)
    expect(publication.offers[0]?.columns?.map(({ name }) => name)).toEqual(names)
    expect(Object.keys(rows[0] ?? {})).toEqual(names)
    expect(publication.offers[0]?.facts?.computedRegions).toBe(1)
  })

  it('cost one request for the metadata, one for the count, and one a page', async () => {
    const portal = await start(() => [TABLE])
    await readWhole(open(portal))
    expect(portal.portal.requests.map(({ path }) => path)).toEqual([
      '/api/views/abcd-1234.json',
      ...Array(1 + 4).fill('/resource/abcd-1234.json'),
    ])
  })

  it('are read to an end that is sure when the last page is full', async () => {
    const portal = await start(() => [TABLE])
    const { pages } = await readWhole(open(portal, { pageRows: 23 }))
    expect(pages[0]?.map(({ signals }) => signals.rows)).toEqual([23, 0])
  })
})

describe('what a Socrata table is described as', () => {
  it('has count, key, license, and a token that a new or renamed column changes', async () => {
    let table = TABLE
    const portal = await start(() => [table])
    const [offer] = (await open(portal).describe()).offers
    expect(offer).toMatchObject({
      name: `${portal.portal.url}/d/abcd-1234`,
      rows: 23,
      publishedAt: '2026-01-31T00:00:00.000Z',
      facts: { keyColumn: 'sr_number', license: 'PUBLIC_DOMAIN', newBackend: true, api: 'soda2' },
    })
    for (const columns of [
      [...TABLE.columns, { name: 'ward', type: 'text' as const }],
      TABLE.columns.map((column) => (column.name === 'note' ? { ...column, name: 'remark' } : column)),
    ]) {
      table = { ...TABLE, columns }
      expect((await open(portal).describe()).offers[0]?.changeToken).not.toBe(offer?.changeToken)
    }
  })

  it('says when the copy that answers lies behind, and lets nobody take its rows for those that the metadata tells of', async () => {
    const portal = await start(() => [TABLE])
    portal.misbehave({
      alter: (_request, answer) => ({
        ...answer,
        headers: { ...answer.headers, 'x-soda2-data-out-of-date': 'true' },
      }),
    })
    const [offer] = (await open(portal).describe()).offers
    expect(offer?.facts?.replicaLags).toBe(true)
    expect(offer?.changeToken).toBeUndefined()
  })
})

/** What a test changes of the metadata that a portal gives. */
function describedAs(changes: object): PortalHooks {
  return {
    alter: ({ path }, answer) => {
      if (!path.startsWith('/api/views/')) return answer
      return { ...answer, body: [JSON.stringify({ ...JSON.parse([...answer.body].join('')), ...changes })] }
    },
  }
}

describe('what is no table', () => {
  it.each([
    ['a file', { blobId: 'f1', columns: [], viewType: 'blobby' }, /is a file, not a table/],
    ['a story', { assetType: 'story', viewType: 'story', columns: [] }, /is a story/],
    [
      'a map',
      { assetType: 'map', viewType: 'geo', columns: [], childViews: ['wxyz-9876'] },
      /shows wxyz-9876/,
    ],
    ['a link', { assetType: 'href', viewType: 'href', columns: [] }, /is a href/],
  ])('is refused by name: %s', async (_what, changes, message) => {
    const portal = await start(() => [TABLE], {}, describedAs(changes))
    const error = await failureOf(open(portal).describe())
    expect([error.code, error.remedy]).toEqual(['source-no-table', 'fix-config'])
    expect(error.message).toMatch(message)
    expect(portal.portal.requests).toHaveLength(1)
  })

  it('is refused when it answers [] to a count', async () => {
    const nothing = { status: 200, headers: {}, body: ['[]'] }
    const portal = await start(() => [TABLE])
    portal.misbehave({ alter: ({ path }, answer) => (/resource/.test(path) ? nothing : answer) })
    expect((await failureOf(open(portal).describe())).code).toBe('source-no-table')
  })

  it('is no filtered view, and no map of its own rows', async () => {
    const view = { displayType: 'map', modifyingViewUid: 'wxyz-9876', query: { filterCondition: {} } }
    const portal = await start(() => [TABLE], {}, describedAs(view))
    const [offer] = (await open(portal).describe()).offers
    expect(offer?.facts).toMatchObject({ parent: 'wxyz-9876', filtered: true })
  })
})

describe('a Socrata portal that misbehaves', () => {
  const whole = asSourceRows(TABLE)

  it.each([
    ['caps pages', { read: 'pages', pageRows: 10 }, capsSilently(3)],
    ['caps the export', { read: 'export' }, capsSilently(9)],
    ['caps SODA 3', { api: 'soda3', pageRows: 10 }, capsSilently(4)],
    ['fails once', {}, fails(500, 1)],
    ['throttles', {}, throttles(2)],
    ['is not ready', { read: 'export' }, isNotReady(1)],
    ['compresses its export twice', { read: 'export' }, zipsTwice(1)],
    ['breaks off', {}, breaksAfter(100, 2)],
    ['breaks off in its export', { read: 'export' }, breaksAfter(100, 1)],
  ])('and %s brings all rows nevertheless', async (_what, settings, faults) => {
    const portal = await start(() => [TABLE], {}, faults)
    const { rows } = await readWhole(open(portal, settings))
    expect(rows.map((row) => row.sr_number)).toEqual(whole.map((row) => row.sr_number))
  })

  it.each([
    ['a page cut as if it were whole', truncates(200, 2)],
    ['a page compressed twice', zipsTwice(2)],
    ['a page for people', answersHtml(2, 3, 4)],
    ['silence about its failure', fails(503, 1, 2, 3, 4, 5, 6, 7, 8, 9)],
  ])('never gives a prefix as the whole: %s', async (_what, faults) => {
    const portal = await start(() => [TABLE], {}, faults)
    const error = await failureOf(readWhole(open(portal)))
    expect(error.name).toBe('WardbookError')
    expect(error.remedy).toMatch(/retry|fix-source/)
  })

  it.each([
    ['an empty page in the middle', answersNothing(2)],
    ['a count that is too high', liesAboutCount(5)],
    ['a count that is too low', liesAboutCount(-9)],
  ])('shows %s by the number of rows, against the count', async (_what, faults) => {
    const portal = await start(() => [TABLE], {}, faults)
    const { publication, rows } = await readWhole(open(portal))
    expect(rows.length).not.toBe(publication.offers[0]?.rows)
  })

  it('reads on while pages are full, whatever the count says', async () => {
    const portal = await start(() => [TABLE], {}, liesAboutCount(-4))
    expect((await readWhole(open(portal, { pageRows: 12 }))).rows).toHaveLength(23)
  })

  it('does not go on for ever when it ignores the offset', async () => {
    const portal = await start(() => [TABLE])
    portal.misbehave({
      rewrite: (request) => {
        const query = new URLSearchParams(request.query)
        query.delete('$offset')
        return { ...request, query }
      },
    })
    const error = await failureOf(readWhole(open(portal)))
    expect([error.code, error.facts.counted]).toEqual(['portal-answer-unusable', 23])
  })

  it('changes its description when it changes between pages', async () => {
    const after = trialTable(TRIAL_TYPES, trialRows(25), { updatedAt: TABLE.updatedAt + 1_000 })
    const { table, hooks } = changing(TABLE, after, 2)
    const portal = await start(() => [table()], {}, hooks)
    const source = open(portal)
    const { publication } = await readWhole(source)
    const [again] = (await source.describe()).offers
    expect(again?.changeToken).not.toBe(publication.offers[0]?.changeToken)
    expect(again?.rows).toBe(25)
  })

  it('cannot hide rows that come twice from who counts keys', async () => {
    const { table, hooks } = reordering(TABLE)
    const portal = await start(() => [table], {}, hooks)
    const { rows } = await readWhole(open(portal))
    expect(new Set(rows.map((row) => row.sr_number)).size).toBeLessThan(23)
  })

  it('is told when a column is gone', async () => {
    const { note: _note, ...fewer } = TRIAL_TYPES
    const after = trialTable(
      fewer,
      trialRows(23).map((row) => row.slice(0, 5)),
    )
    const { table, hooks } = changing(TABLE, after, 2)
    const portal = await start(() => [table()], {}, hooks)
    const error = await failureOf(readWhole(open(portal)))
    expect([error.code, error.facts.portalCode]).toEqual([
      'portal-rejected-request',
      'query.soql.no-such-column',
    ])
  })

  it('is told when its export is headed by titles', async () => {
    const titled = {
      ...TABLE,
      columns: TABLE.columns.map((column) => ({ ...column, label: `The ${column.name}` })),
    }
    const portal = await start(() => [titled], { newBackend: false }, describedAs({ newBackend: true }))
    const error = await failureOf(readWhole(open(portal, { read: 'export' })))
    expect([error.code, error.remedy]).toEqual(['portal-answer-unusable', 'fix-source'])
    expect(error.message).toMatch(/set read: pages/)
  })
})

it('a view of groups, which has no row ids, is read in the order of its columns', async () => {
  for (const [api, order] of [
    ['soda2', /\$order=sr_number%2Copened%2C/],
    ['soda3', /ORDER BY sr_number, opened, /],
  ] as const) {
    const portal = await start(() => [TABLE], {}, describedAs({ query: { groupBys: [{}] } }))
    expect((await readWhole(open(portal, { api }))).rows).toHaveLength(23)
    const { pages } = await readWhole(open(portal, { api }))
    const { url, post } = pages[0]?.[0]?.request ?? { url: '' }
    expect(`${url} ${post?.text}`).toMatch(order)
    await portal.portal.close()
  }
})

describe('the interface of a Socrata portal', () => {
  it('is SODA 3 where SODA 2 is refused', async () => {
    const portal = await start(() => [TABLE], { soda2: false })
    const read = await readWhole(open(portal))
    expect(read.rows).toHaveLength(23)
    expect(read.publication.offers[0]?.facts?.api).toBe('soda3')
  })

  it('is named with the variable of the token when it wants one', async () => {
    const portal = await start(() => [TABLE], { soda2: false, token: TOKEN })
    const error = await failureOf(open(portal).describe())
    expect([error.code, error.remedy]).toEqual(['portal-refused', 'fix-config'])
    expect(error.message).toMatch(/logged in.*SOCRATA_APP_TOKEN/)
    const wrong = await failureOf(open(portal, {}, { SOCRATA_APP_TOKEN: 'stale' }).describe())
    expect(wrong.message).toMatch(/Invalid app_token/)
    expect(wrong.message).not.toContain('stale')
  })

  it('gives the export in pages of at most 50,000 where it is old', async () => {
    const many: PortalTable = { ...trialTable({ id: 'text' }, []), rowCount: 120_001, row: (at) => [`${at}`] }
    const portal = await start(() => [many], { newBackend: false })
    const { pages, rows } = await readWhole(open(portal, { read: 'export' }))
    expect(rows).toHaveLength(120_001)
    expect(pages[0]?.map(({ signals }) => signals.rows)).toEqual([50_000, 50_000, 20_001])
  })
})

describe('tables found by their years', () => {
  const year = (id: string, name: string) => trialTable(TRIAL_TYPES, trialRows(1), { id, name })
  const tables = [
    year('aaaa-2024', '311 Service  Requests 2024'),
    year('aaaa-2023', '311 service requests 2023'),
    year('aaaa-2022', '311 Service Requests 2022'),
    year('aaaa-0001', '311 Service Requests 2024 Summary'),
    year('aaaa-0002', 'Trees'),
  ]

  it('are read from the first year on, oldest first, and the missing ones are named', async () => {
    const portal = await start(() => tables)
    const find = { name: '311 Service Requests {year}', from: 2023 }
    const { offers, missing } = await open(portal, { datasets: [], find }).describe()
    expect(offers.map(({ name }) => name.slice(-9))).toEqual(['aaaa-2023', 'aaaa-2024'])
    expect(missing).toEqual(['311 Service Requests 2025', '311 Service Requests 2026'])
  })

  it('have to be one a year', async () => {
    const portal = await start(() => [...tables, year('bbbb-2024', '311 Service Requests 2024')])
    const find = { name: '311 Service Requests {year}', from: 2023 }
    const error = await failureOf(open(portal, { datasets: [], find }).describe())
    expect([error.code, error.facts.ids]).toEqual(['source-ambiguous', ['aaaa-2024', 'bbbb-2024']])
  })

  it('are an error when there is none', async () => {
    const portal = await start(() => tables)
    const error = await failureOf(
      open(portal, { datasets: [], find: { name: 'Potholes {year}', from: 2020 } }).describe(),
    )
    expect(error.code).toBe('source-empty-list')
  })
})

describe('the catalog of a Socrata portal', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_none, at) =>
      trialTable({ id: 'text' }, [], { id: `${String(at).padStart(4, '0')}-aaaa`, name: `Table ${at}` }),
    )

  it.each([
    [450, 3],
    [10_400, 54],
  ])('lists %d tables, each once, in %d requests', async (count, requests) => {
    const tables = many(count)
    const portal = await start(() => tables)
    const ids = []
    for await (const entry of socrataCatalog(portal.portal.url, trialTools())) ids.push(entry.id)
    expect(new Set(ids).size).toBe(count)
    expect(ids).toHaveLength(count)
    expect(portal.portal.requests).toHaveLength(requests)
  })

  it('tells columns, types and the last change', async () => {
    const portal = await start(() => [TABLE])
    const entries = []
    for await (const entry of socrataCatalog(portal.portal.url, trialTools())) entries.push(entry)
    expect(entries).toEqual([
      {
        id: 'abcd-1234',
        name: 'Service Requests',
        columns: [
          { name: 'sr_number', type: 'text' },
          { name: 'opened', type: 'calendar_date' },
          { name: 'amount', type: 'number' },
          { name: 'emergency', type: 'checkbox' },
          { name: 'place', type: 'location' },
          { name: 'note', type: 'text' },
        ],
        updatedAt: '2026-01-31T00:00:00.000Z',
        kind: 'dataset',
        link: `${portal.portal.url}/d/abcd-1234`,
        family: 'socrata',
      },
    ])
  })
})

it('faults can come together', async () => {
  const portal = await start(() => [TABLE], {}, together(capsSilently(5), fails(502, 2)))
  expect((await readWhole(open(portal))).rows).toHaveLength(23)
})
