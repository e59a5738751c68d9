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
  liesAboutCount,
  reordering,
  throttles,
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
import { readWhole, type SourceRow } from '../../../testkit/read-source.js'
import { describeSource, type SourceTrial } from '../../../testkit/source.contract.js'
import { CkanSource as Settings } from '../../contracts/sources/ckan.js'
import { type CkanPortalOptions, startCkanPortal } from '../../demo/portals/ckan/ckan-portal.js'
import type { CkanPackage, CkanResource } from '../../demo/portals/ckan/packages.js'
import type { PortalHooks } from '../../demo/portals/portal-server.js'
import type { PortalTable } from '../../demo/portals/portal-table.js'
import type { Source } from '../source.js'
import { ckanCatalog } from './catalog.js'
import { openCkanSource } from './ckan-source.js'

const TABLE = trialTable(TRIAL_TYPES, trialRows(23))
const TOKEN = 'a-token-of-nobody'

let running: TrialPortal | undefined
afterEach(() => running?.portal.close())

function packageWith(...resources: readonly CkanResource[]): CkanPackage {
  return { id: 'package-1', name: 'requests', title: 'Requests', resources }
}

async function start(
  packages: () => readonly CkanPackage[],
  options: CkanPortalOptions = {},
  faults: PortalHooks = {},
): Promise<TrialPortal> {
  running = await startTrialPortal((hooks) => startCkanPortal(packages, options, hooks))
  running.misbehave(faults)
  return running
}

function startWith(
  table: PortalTable,
  resource: Partial<CkanResource> = {},
  options: CkanPortalOptions = {},
  faults: PortalHooks = {},
): Promise<TrialPortal> {
  return start(() => [packageWith({ table, ...resource })], options, faults)
}

function open({ portal }: TrialPortal, settings: object = {}, env: Record<string, string> = {}): Source {
  const standard = {
    family: 'ckan',
    portal: portal.url,
    resources: ['abcd-1234'],
    read: 'pages',
    pageRows: 7,
  }
  return openCkanSource('requests', Settings.parse({ ...standard, ...settings }), trialTools(env))
}

async function trial(
  options: CkanPortalOptions,
  settings: object,
  resource: Partial<CkanResource> = {},
  env: Record<string, string> = {},
): Promise<SourceTrial> {
  let table = TABLE
  const portal = await start(() => [packageWith({ table, ...resource })], options)
  const body = ['{"help":"","success":false,"error":{"__type":"Search Error","message":"gone"}}']
  return {
    rows: asSourceRows(TABLE),
    secrets: Object.values(env),
    open: () => open(portal, settings, env),
    requests: () => portal.portal.requests.length,
    change: () => {
      table = { ...TABLE, updatedAt: TABLE.updatedAt + 60_000 }
    },
    breakNextPage: () => portal.misbehave(breaksAfter(120, 1)),
    answerErrors: () => portal.misbehave({ alter: () => ({ status: 200, headers: {}, body }) }),
    close: async () => undefined, // closed after each test
  }
}

describeSource('CKAN in pages of lists', () => trial({}, {}))
describeSource('CKAN in pages that name the next one', () => trial({ nextPage: true }, {}))
describeSource('CKAN before 2.7, in pages of objects', () => trial({ lists: false }, {}))
describeSource('CKAN as a dump', () => trial({}, { read: 'dump' }))
describeSource('CKAN as a file', () => trial({}, { read: 'file' }, { datastore: false }))
describeSource('a private resource of CKAN', () =>
  trial({ token: TOKEN }, { read: 'auto' }, { private: true }, { CKAN_API_TOKEN: TOKEN }),
)

const anyCell = fc.oneof(
  { weight: 1, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom('', '"', '\n', '\r\n', ',', '\\', '\u2028', '[]', 'null', 'true') },
  { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }).filter((text) => text.isWellFormed()) },
)
const anyRows = fc.array(fc.tuple(fc.uuid(), anyCell, anyCell), { maxLength: 20 })

const emptyAsNull = (rows: readonly SourceRow[]) =>
  rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, cell || null])))

describe('rows of a CKAN datastore', () => {
  it('come back exactly as sent, whatever they hold, in pages of any length', async () => {
    let table = TABLE
    const portal = await start(() => [packageWith({ table })])
    await fc.assert(
      fc.asyncProperty(anyRows, fc.integer({ min: 1, max: 9 }), async (rows, pageRows) => {
        table = trialTable({ id: 'text', 'Köpf "a"': 'text', 'a, b': 'text' }, rows)
        expect((await readWhole(open(portal, { pageRows }))).rows).toEqual(asSourceRows(table))
      }),
      { numRuns: 25 },
    )
  })

  it('come back from a dump, where only an empty text cannot be told from none', async () => {
    let table = TABLE
    const portal = await start(() => [packageWith({ table })])
    await fc.assert(
      fc.asyncProperty(anyRows, async (rows) => {
        table = trialTable({ id: 'text', one: 'text', other: 'text' }, rows)
        const { rows: read } = await readWhole(open(portal, { read: 'dump' }))
        expect(emptyAsNull(read)).toEqual(emptyAsNull(asSourceRows(table)))
      }),
      { numRuns: 25 },
    )
  })

  it('never have _id, which a reload renumbers', async () => {
    const portal = await startWith(TABLE)
    for (const read of ['pages', 'dump', 'auto']) {
      const { publication, rows } = await readWhole(open(portal, { read }))
      expect(publication.offers[0]?.columns?.map(({ name }) => name)).toEqual(Object.keys(TRIAL_TYPES))
      expect(Object.keys(rows[0] ?? {})).toEqual(Object.keys(TRIAL_TYPES))
    }
  })

  it('are asked for once more only where the last page was full', async () => {
    const portal = await startWith(TABLE)
    const { pages } = await readWhole(open(portal, { pageRows: 23 }))
    expect(pages[0]?.map(({ signals }) => signals.rows)).toEqual([23, 0])
  })

  it('are counted once, not at each page', async () => {
    const portal = await startWith(TABLE)
    await readWhole(open(portal))
    const counts = portal.portal.requests.map(({ query }) => query.get('include_total'))
    expect(counts).toEqual([null, 'true', 'true', 'false', 'false', 'false'])
  })

  it('are paged by the filter that the portal names, and by rows received where it names none', async () => {
    const named = await startWith(TABLE, {}, { nextPage: true })
    await readWhole(open(named))
    const places = ({ portal }: TrialPortal) =>
      portal.requests.slice(2).map(({ query }) => query.get('filters') ?? query.get('offset'))
    expect(places(named)).toEqual([null, '{"_id":{"gt":7}}', '{"_id":{"gt":14}}', '{"_id":{"gt":21}}'])
    await named.portal.close()
    const plain = await startWith(TABLE)
    await readWhole(open(plain))
    expect(places(plain)).toEqual([null, '7', '14', '21'])
  })

  it('are asked for by POST where the fields do not fit into an address', async () => {
    const names = Array.from({ length: 400 }, (_none, at) => `a long name of a field, number ${at}`)
    const types = Object.fromEntries(names.map((name) => [name, 'text' as const]))
    const wide = trialTable(types, [names.map((_name, at) => String(at))])
    const portal = await startWith(wide)
    const { rows } = await readWhole(open(portal, { read: 'auto' }))
    expect(rows).toEqual(asSourceRows(wide))
    expect(portal.portal.requests.at(-1)?.method).toBe('POST')
  })
})

describe('how a CKAN resource is read', () => {
  const planOf = async (portal: TrialPortal, settings: object = { read: 'auto' }) => {
    const [offer] = (await open(portal, settings).describe()).offers
    return { read: (offer?.plan as { read: string } | undefined)?.read, rows: offer?.rows }
  }

  it.each<[string, Partial<CkanResource>, object]>([
    ['an active datastore', {}, { read: 'dump', rows: 23 }],
    ['no datastore', { datastore: false }, { read: 'file' }],
    ['a datastore with a part of the file', { holdsAll: false }, { read: 'file' }],
    ['an empty datastore beside a file', { table: { ...TABLE, rowCount: 0 } }, { read: 'file' }],
    ['a table made through the interface', { urlType: 'datastore' }, { read: 'dump', rows: 23 }],
  ])('is decided by what there is: %s', async (_what, resource, plan) => {
    expect(await planOf(await startWith(TABLE, resource))).toEqual({ rows: undefined, ...plan })
  })

  it.each(['dump', 'pages'])('is refused where %s is asked for and there is no datastore', async (read) => {
    const portal = await startWith(TABLE, { datastore: false })
    const error = await failureOf(open(portal, { read }).describe())
    expect([error.code, error.remedy]).toEqual(['datastore-inactive', 'fix-config'])
    expect(error.message).toMatch(/not the same as no rows; set read: file/)
  })

  it('is never zero rows when the portal says active and has nothing', async () => {
    const portal = await startWith(
      TABLE,
      { urlType: 'datastore' },
      {},
      {
        alter: ({ path }, answer) =>
          path.endsWith('datastore_search')
            ? {
                status: 404,
                headers: {},
                body: ['{"success":false,"error":{"__type":"Not Found Error","message":"Not found"}}'],
              }
            : answer,
      },
    )
    expect((await failureOf(open(portal, { read: 'auto' }).describe())).code).toBe('datastore-inactive')
  })

  it('has no count where the portal only estimates', async () => {
    const portal = await startWith(
      TABLE,
      {},
      {},
      {
        alter: (_request, answer) => ({
          ...answer,
          body: [
            [...answer.body].join('').replace('"total_was_estimated":false', '"total_was_estimated":true'),
          ],
        }),
      },
    )
    const [offer] = (await open(portal).describe()).offers
    expect([offer?.rows, offer?.facts?.totalWasEstimated]).toEqual([undefined, true])
    expect((await readWhole(open(portal))).rows).toHaveLength(23)
  })

  it('never brings the token to the host of a linked file, whose blanks are escaped', async () => {
    const other = await startTrialPortal((hooks) =>
      startCkanPortal(() => [packageWith({ table: TABLE })], {}, hooks),
    )
    const url = `${other.portal.url}//dataset/package-1/resource/abcd-1234/download/all requests.csv`
    const portal = await startWith(TABLE, { datastore: false, urlType: 'link', url }, { token: TOKEN })
    const { rows } = await readWhole(open(portal, { read: 'auto' }, { CKAN_API_TOKEN: TOKEN }))
    expect(emptyAsNull(rows)).toEqual(emptyAsNull(asSourceRows(TABLE)))
    expect(portal.portal.requests[0]?.headers.authorization).toBe(TOKEN)
    expect(other.portal.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
    await other.portal.close()
  })
})

describe('the sign of change of a CKAN resource', () => {
  const tokenOf = async (portal: TrialPortal, read = 'auto') =>
    (await open(portal, { read }).describe()).offers[0]?.changeToken

  it('is none for a table that is filled through the interface', async () => {
    expect(await tokenOf(await startWith(TABLE, { urlType: 'datastore' }))).toBeUndefined()
  })

  it('changes with a field, also when no time does', async () => {
    let table = TABLE
    const portal = await start(() => [packageWith({ table })])
    const before = await tokenOf(portal)
    table = { ...TABLE, columns: [...TABLE.columns, { name: 'ward', type: 'text' }] }
    expect(await tokenOf(portal)).not.toBe(before)
  })

  it('changes with the headers of a linked file, whose resource knows nothing', async () => {
    let other = TABLE
    const portal = await start(() => [
      packageWith(
        {
          table: { ...TABLE, id: 'link-0001' },
          datastore: false,
          urlType: 'link',
          url: '/dataset/p/resource/abcd-1234/download/x.csv',
        },
        { table: other, datastore: false },
      ),
    ])
    const token = async () =>
      (await open(portal, { resources: ['link-0001'], read: 'auto' }).describe()).offers[0]?.changeToken
    const before = await token()
    other = { ...TABLE, updatedAt: TABLE.updatedAt + 5_000 }
    expect(await token()).not.toBe(before)
  })
})

describe('a CKAN portal that misbehaves', () => {
  it.each<[string, object, CkanPortalOptions, PortalHooks]>([
    ['lowers the limit', { pageRows: 16 }, { rowsMax: 5 }, {}],
    ['lowers the limit and names the next page', { pageRows: 16 }, { rowsMax: 5, nextPage: true }, {}],
    ['caps pages without a word', { pageRows: 16 }, {}, capsSilently(3)],
    ['fails once', {}, {}, fails(500, 1)],
    ['throttles', {}, {}, throttles(2)],
    ['breaks off', {}, {}, breaksAfter(150, 2)],
    ['breaks off in its dump', { read: 'dump' }, {}, breaksAfter(150, 1)],
  ])('and %s brings all rows nevertheless', async (_what, settings, options, faults) => {
    const portal = await startWith(TABLE, {}, options, faults)
    const { rows } = await readWhole(open(portal, settings))
    expect(emptyAsNull(rows)).toEqual(emptyAsNull(asSourceRows(TABLE)))
  })

  it('goes on behind the last row of a dump that ended early', async () => {
    const portal = await startWith(
      TABLE,
      {},
      {},
      {
        rewrite: (request) => {
          const query = new URLSearchParams(request.query)
          if (request.path.includes('/dump/') && !query.has('offset')) query.set('limit', '9')
          return { ...request, query }
        },
      },
    )
    const { rows, pages } = await readWhole(open(portal, { read: 'dump' }))
    expect(emptyAsNull(rows)).toEqual(emptyAsNull(asSourceRows(TABLE)))
    expect(pages[0]).toHaveLength(2)
  })

  it.each<[string, PortalHooks]>([
    ['a page cut as if it were whole', truncates(400, 2)],
    ['a page compressed twice', zipsTwice(2)],
    ['a page for people', answersHtml(2, 3, 4)],
    ['a list where an envelope belongs', answersNothing(2)],
    ['silence about its failure', fails(503, 1, 2, 3, 4, 5, 6, 7, 8, 9)],
  ])('never gives a prefix as the whole: %s', async (_what, faults) => {
    const portal = await startWith(TABLE, {}, {}, faults)
    const error = await failureOf(readWhole(open(portal)))
    expect(error.remedy).toMatch(/retry|fix-source/)
  })

  it.each([3, -9])('shows a count that is wrong by %d by the number of rows', async (by) => {
    const portal = await startWith(TABLE, {}, {}, liesAboutCount(by))
    const { publication, rows } = await readWhole(open(portal))
    expect(rows.length).not.toBe(publication.offers[0]?.rows)
  })

  it('changes its description when it changes between pages', async () => {
    const after = trialTable(TRIAL_TYPES, trialRows(25), { updatedAt: TABLE.updatedAt + 1_000 })
    const { table, hooks } = changing(TABLE, after, 2)
    const portal = await start(() => [packageWith({ table: table() })], {}, hooks)
    const source = open(portal)
    const { publication } = await readWhole(source)
    const [again] = (await source.describe()).offers
    expect([again?.rows, publication.offers[0]?.rows]).toEqual([25, 23])
    expect(again?.changeToken).not.toBe(publication.offers[0]?.changeToken)
  })

  it('cannot hide rows that come twice from who counts keys', async () => {
    const { table, hooks } = reordering(TABLE)
    const portal = await startWith(table, {}, {}, hooks)
    const { rows } = await readWhole(open(portal))
    expect(new Set(rows.map((row) => row.sr_number)).size).toBeLessThan(23)
  })

  it('is told when a field is gone', async () => {
    const { note: _note, ...fewer } = TRIAL_TYPES
    const after = trialTable(
      fewer,
      trialRows(23).map((row) => row.slice(0, 5)),
    )
    const { table, hooks } = changing(TABLE, after, 2)
    const portal = await start(() => [packageWith({ table: table() })], {}, hooks)
    const error = await failureOf(readWhole(open(portal)))
    expect([error.code, error.facts.portalError]).toEqual(['portal-rejected-request', 'Validation Error'])
    expect(error.message).toMatch(/field "note" not in table/)
  })

  it('is told when its dump does not leave _id out', async () => {
    const portal = await startWith(TABLE, {}, { dumpFields: false })
    const error = await failureOf(readWhole(open(portal, { read: 'dump' })))
    expect([error.code, error.remedy]).toEqual(['portal-answer-unusable', 'fix-source'])
    expect(error.message).toMatch(/set read: pages/)
  })
})

describe('what a CKAN portal refuses', () => {
  it.each<[string, number, string, string, string]>([
    [
      'a missing resource',
      404,
      '{"success":false,"error":{"__type":"Not Found Error","message":"Not found"}}',
      'source-not-found',
      'fix-source',
    ],
    [
      'a private resource',
      403,
      '{"success":false,"error":{"__type":"Authorization Error","message":"Access denied"}}',
      'portal-refused',
      'fix-config',
    ],
    [
      'a parameter',
      409,
      '{"success":false,"error":{"__type":"Validation Error","limit":["Invalid integer"]}}',
      'portal-rejected-request',
      'fix-source',
    ],
    [
      'a slow search',
      409,
      '{"success":false,"error":{"query":["Search took too long"],"__type":"Validation Error"}}',
      'portal-failed',
      'retry',
    ],
    [
      'a search',
      400,
      '{"success":false,"error":{"__type":"Search Query Error","message":"bad"}}',
      'portal-rejected-request',
      'fix-source',
    ],
    [
      'an integrity',
      400,
      '{"success":false,"error":{"__type":"Integrity Error"}}',
      'portal-rejected-request',
      'fix-source',
    ],
    [
      'JSON',
      400,
      '"Bad request - JSON Error: Error decoding JSON data."',
      'portal-rejected-request',
      'fix-source',
    ],
    ['everything', 500, '<html>Internal Server Error</html>', 'portal-failed', 'retry'],
    ['everybody', 403, '<html>Blocked by firewall</html>', 'portal-refused', 'fix-config'],
    [
      'in an envelope under 200',
      200,
      '{"success":false,"error":{"__type":"Not Found Error","message":"Not found"}}',
      'source-not-found',
      'fix-source',
    ],
    ['with a page under 200', 200, '<html>Please log in</html>', 'portal-answer-unusable', 'retry'],
    [
      'with something else',
      200,
      '{"success":true,"result":{"id":7}}',
      'portal-answer-unusable',
      'fix-source',
    ],
  ])('is said with its own words: %s', async (_what, status, body, code, remedy) => {
    const portal = await startWith(TABLE, {}, {}, { alter: () => ({ status, headers: {}, body: [body] }) })
    const error = await failureOf(open(portal).describe())
    expect([error.code, error.remedy]).toEqual([code, remedy])
  })
})

describe('resources found by their years', () => {
  const year = (id: string, name: string, more: Partial<CkanResource> = {}): CkanResource => ({
    table: trialTable(TRIAL_TYPES, trialRows(1), { id, name }),
    ...more,
  })
  const resources = [
    year('r-2024', '311 SERVICE REQUESTS - 2024'),
    year('r-2023', '311 Service Requests - 2023'),
    year('x-2023', '311 Service Requests - 2023', { datastore: false, format: 'XLSX' }),
    year('r-2022', '311 Service Requests - 2022'),
    year('other', 'Data dictionary'),
  ]
  const find = { name: '311 service requests - {year}', from: 2023 }

  it('are read oldest first, from the datastore where a year is there twice; the missing ones are named', async () => {
    const portal = await start(() => [packageWith(...resources)])
    const { offers, missing } = await open(portal, { resources: [], package: 'requests', find }).describe()
    expect(offers.map(({ facts }) => facts?.id)).toEqual(['r-2023', 'r-2024'])
    expect(offers[0]?.facts?.license).toMatch(/Public Domain/)
    expect(missing).toEqual(['311 service requests - 2025', '311 service requests - 2026'])
  })

  it('have to be one a year', async () => {
    const portal = await start(() => [
      packageWith(...resources, year('s-2024', '311 Service Requests - 2024')),
    ])
    const error = await failureOf(open(portal, { resources: [], package: 'requests', find }).describe())
    expect([error.code, error.facts.ids]).toEqual(['source-ambiguous', ['r-2024', 's-2024']])
  })

  it('need a package, and something in it', async () => {
    const portal = await start(() => [packageWith(...resources)])
    expect((await failureOf(open(portal, { resources: [], find }).describe())).code).toBe('source-empty-list')
    const none = { resources: [], package: 'requests', find: { name: 'Trees {year}', from: 2020 } }
    expect((await failureOf(open(portal, none).describe())).code).toBe('source-empty-list')
    expect((await failureOf(open(portal, { resources: [] }).describe())).code).toBe('source-empty-list')
  })
})

describe('the catalog of a CKAN portal', () => {
  it('lists tables of all packages, each once, in pages', async () => {
    const packages = Array.from(
      { length: 230 },
      (_none, at): CkanPackage => ({
        id: `p-${String(at).padStart(3, '0')}`,
        name: `package-${at}`,
        title: `Package ${at}`,
        resources: [
          { table: trialTable(TRIAL_TYPES, [], { id: `r-${at}`, name: 'All rows' }) },
          {
            table: trialTable(TRIAL_TYPES, [], { id: `h-${at}`, name: 'Page' }),
            datastore: false,
            format: 'HTML',
          },
        ],
      }),
    )
    const portal = await start(() => packages)
    const entries = []
    for await (const entry of ckanCatalog(portal.portal.url, trialTools())) entries.push(entry)
    expect(new Set(entries.map(({ id }) => id)).size).toBe(230)
    expect(entries).toHaveLength(230)
    expect(entries[0]).toEqual({
      id: 'r-0',
      name: 'Package 0 / All rows',
      columns: [],
      updatedAt: '2026-01-31T00:00:00.000Z',
      kind: 'datastore',
      link: `${portal.portal.url}/dataset/package-0/resource/r-0`,
      family: 'ckan',
    })
    expect(portal.portal.requests.map(({ query }) => query.get('start'))).toEqual(['0', '100', '200'])
  })
})
