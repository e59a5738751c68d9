import { afterEach, describe, expect, it } from 'vitest'
import { quickTools } from '../../../testkit/quick-tools.js'
import { type ReadRow, readOffer } from '../../../testkit/read-source.js'
import { ArcgisSource } from '../../contracts/sources/arcgis.js'
import { type ArcgisPortalOptions, startArcgisPortal } from '../../demo/portals/arcgis/arcgis-portal.js'
import { HOSTED, SERVER_10_0, SERVER_10_1 } from '../../demo/portals/arcgis/variant.js'
import type { PortalRequest, RunningPortal } from '../../demo/portals/portal-server.js'
import type { PortalTable } from '../../demo/portals/portal-table.js'
import type { WardbookError } from '../../kernel/errors.js'
import type { Offer } from '../source.js'
import { openArcgisSource } from './arcgis-source.js'

const portals: RunningPortal[] = []
afterEach(async () => {
  for (const portal of portals.splice(0)) await portal.close()
})

const ROWS = 40
const PAGE = 10

function tableOf(numbers: readonly number[]): PortalTable {
  const columns = [
    { name: 'NUMBER', type: 'number' },
    { name: 'NOTE', type: 'text' },
  ] as const
  return {
    id: 't',
    name: 'Requests',
    columns,
    rows: numbers.map((NUMBER) => ({ NUMBER, NOTE: `note ${NUMBER}` })),
  }
}
const ALL = Array.from({ length: ROWS }, (_, at) => at)

async function open(options: Partial<ArcgisPortalOptions>, env: Record<string, string> = {}) {
  const portal = await startArcgisPortal({ tables: [tableOf(ALL)], ...options })
  portals.push(portal)
  const config = ArcgisSource.parse({ family: 'arcgis', service: portal.service, pageRows: PAGE })
  const tools = quickTools(env)
  return { portal, tools, source: openArcgisSource('requests', config, tools) }
}

/** What a read comes to: its rows and what the portal counts, or the error. */
async function outcome(options: Partial<ArcgisPortalOptions>, env: Record<string, string> = {}) {
  const { source, portal, tools } = await open(options, env)
  try {
    const [offer] = (await source.describe()).offers as [Offer]
    const rows = (await readOffer(source, offer)).flatMap((page) => page.rows)
    return { numbers: rows.map((row: ReadRow) => Number(row.NUMBER)), counted: offer.rows, portal, tools }
  } catch (thrown) {
    const { code, remedy, message } = thrown as WardbookError
    return { code, remedy, message, portal, tools }
  }
}

/** True for requests of pages, not for questions of the plan. */
function isPage({ path, query }: PortalRequest): boolean {
  return (
    path.endsWith('/query') && (query.get('outFields') === '*' || Number(query.get('resultRecordCount')) > 1)
  )
}

/** Does something to the page with a number, from 0. */
function onPage<T>(number: number, what: T, times = 1): (request: PortalRequest) => T | undefined {
  let seen = -1
  let done = 0
  return (request) => {
    if (!isPage(request)) return undefined
    seen++
    return seen >= number && done++ < times ? what : undefined
  }
}
const onPages = <T>(what: T) => onPage(0, what, Number.POSITIVE_INFINITY)

describe('a layer is read exactly although the server', () => {
  it.each([
    ['caps pages silently below what was asked for', { misbehave: onPages({ capRows: 3, dropFlag: true }) }],
    ['caps pages and says so', { misbehave: onPages({ capRows: 3 }) }],
    ['leaves out the flag', { misbehave: onPages({ dropFlag: true }) }],
    [
      'leaves out the flag and cannot count',
      { variant: { counts: false }, misbehave: onPages({ dropFlag: true }) },
    ],
    ['sends an empty page and says there is more', { misbehave: onPage(2, { emptyWithFlag: true }) }],
    ['answers 500 once', { faults: onPage(1, { kind: 'status', status: 500 } as const) }],
    [
      'answers a vague error once',
      { misbehave: onPage(1, { error: { code: 400, message: 'Unable to complete operation.' } }) },
    ],
    ['is busy for a while', { faults: onPage(1, { kind: 'status', status: 503 } as const, 3) }],
    [
      'throttles',
      { faults: onPage(1, { kind: 'status', status: 429, headers: { 'retry-after': '7' } } as const) },
    ],
  ] as const)('%s', async (_title, options) => {
    expect(await outcome(options)).toMatchObject({ numbers: ALL })
  })

  it('fails on large pages: they are asked for in smaller ones, and grow again', async () => {
    const tooMuch = ({ query }: PortalRequest) =>
      Number(query.get('resultRecordCount')) > 3 && query.get('where')?.includes('> 10')
    const misbehave = (request: PortalRequest) =>
      isPage(request) && tooMuch(request)
        ? { error: { code: 500, message: 'Error performing query operation' } }
        : undefined
    const { numbers, portal } = await outcome({ misbehave })
    expect(numbers).toEqual(ALL)
    const sizes = portal.requests.filter(
      (line) => line.includes('outFields=*') || line.includes('outFields=%2A'),
    )
    expect(sizes.map((line) => new URLSearchParams(line).get('resultRecordCount'))).toEqual(
      ['10', '10', '10', '5', '2', '4', '4', '2', '4', '8', '10', '10']
        .slice(0, 5)
        .concat(sizes.slice(5).map((line) => new URLSearchParams(line).get('resultRecordCount') as string)),
    )
  })

  it.each([
    ['ranges of ids', SERVER_10_1],
    ['chunks of ids', SERVER_10_0],
  ])(
    'fails on wide %s: they are asked for in narrower ones, and none is left out',
    async (_title, variant) => {
      const width = ({ query }: PortalRequest) => {
        const [, from, through] = />= (\d+) AND \S+ <= (\d+)/.exec(query.get('where') ?? '') ?? []
        return Number(through) - Number(from) + 1
      }
      const faults = (request: PortalRequest) =>
        isPage(request) && width(request) > 4 ? ({ kind: 'status', status: 500 } as const) : undefined
      const { numbers } = await outcome({ variant, faults })
      expect(numbers?.toSorted((a, b) => a - b)).toEqual(ALL)
    },
  )
})

describe('a read fails with the right remedy when the server', () => {
  it.each([
    [
      'breaks the connection after its 200',
      { faults: onPage(1, { kind: 'break', afterBytes: 200 } as const) },
      'portal-broke-off',
      'retry',
    ],
    [
      'sends a page that ends too early',
      { faults: onPage(1, { kind: 'truncate', bytes: 400 } as const) },
      'json-broken',
      'fix-source',
    ],
    ['sends a web page', { faults: onPage(1, { kind: 'html' } as const) }, 'answered-html', 'fix-source'],
    [
      'stays down',
      { faults: onPage(1, { kind: 'status', status: 500 } as const, 99) },
      'portal-failed',
      'retry',
    ],
    [
      'ignores the condition',
      { misbehave: onPages({ ignoreWhere: true }) },
      'portal-answer-unusable',
      'fix-source',
    ],
    [
      'says for ever that there is more',
      { misbehave: onPage(1, { emptyWithFlag: true }, 999) },
      'portal-answer-unusable',
      'fix-source',
    ],
    [
      'refuses the query',
      { misbehave: onPages({ error: { code: 400, message: 'Invalid field: X' } }) },
      'portal-rejected-request',
      'fix-source',
    ],
    [
      'says that it cannot, for ever',
      { misbehave: onPages({ error: { code: 500, message: 'Error performing query operation' } }) },
      'portal-failed',
      'retry',
    ],
    [
      'has lost the layer',
      { misbehave: onPages({ error: { code: 404, message: 'Not found' } }) },
      'source-not-found',
      'fix-source',
    ],
    [
      'throttles in its body',
      { misbehave: onPages({ error: { code: 429, message: 'Too many requests' } }) },
      'portal-throttled',
      'retry',
    ],
    ['wants a token', { variant: { token: 'secret' } }, 'portal-refused', 'fix-config'],
    [
      'cuts off a range of ids',
      { variant: { ...SERVER_10_1, flag: 'when-true' as const }, misbehave: onPages({ capRows: 3 }) },
      'portal-row-cap',
      'fix-source',
    ],
  ] as const)('%s', async (_title, options, code, remedy) => {
    expect(await outcome(options)).toMatchObject({ code, remedy })
  })

  it('compresses a page twice', async () => {
    expect(await outcome({ faults: onPage(1, { kind: 'gzip-twice' } as const) })).toMatchObject({
      remedy: 'fix-source',
    })
  })

  it('takes another token', async () => {
    const outcomeWith = await outcome({ variant: { token: 'secret' } }, { ARCGIS_TOKEN: 'old' })
    expect(outcomeWith).toMatchObject({ code: 'portal-refused', remedy: 'fix-config' })
    expect(outcomeWith.message).not.toContain('old')
  })
})

describe('rows and count differ, so that nobody takes it for the whole table, when the server', () => {
  it.each([
    [
      'counts too few',
      {
        misbehave: ({ query }: PortalRequest) =>
          query.has('returnCountOnly') ? { countOff: -7 } : undefined,
      },
      ROWS,
    ],
    [
      'counts too many',
      {
        misbehave: ({ query }: PortalRequest) => (query.has('returnCountOnly') ? { countOff: 7 } : undefined),
      },
      ROWS,
    ],
    ['gives rows in another order', { misbehave: onPages({ reorder: true }) }, undefined],
    [
      'cuts off ranges of ids and does not say so',
      { variant: SERVER_10_1, misbehave: onPages({ capRows: 3 }) },
      undefined,
    ],
  ] as const)('%s', async (_title, options, rows) => {
    const { numbers, counted } = await outcome(options)
    expect(numbers?.length).not.toBe(counted)
    if (rows !== undefined) expect(numbers).toHaveLength(rows)
  })
})

describe('a layer that changes while it is read', () => {
  it('gives every row that stays exactly once', async () => {
    let pages = 0
    const objectId = (row: number) => BigInt(row + 1)
    const gone = new Set<number>()
    // Ids belong to rows: a row that goes leaves a gap, as in a real layer.
    const tables = (request: PortalRequest) => {
      if (isPage(request)) for (const number of [pages * 3, 39 - pages++]) gone.add(number)
      return [
        {
          ...tableOf(ALL),
          rows: ALL.map((NUMBER) => ({ NUMBER, NOTE: gone.has(NUMBER) ? 'gone' : 'stays' })),
        },
      ]
    }
    const { source } = await open({ tables, variant: { ...HOSTED, objectId } })
    const [offer] = (await source.describe()).offers as [Offer]
    const config = (offer.plan as { where: string }).where
    expect(config).toBe('1=1')
    const staying = { ...offer, plan: { ...(offer.plan as object), where: "NOTE = 'stays'" } } as Offer
    const numbers = (await readOffer(source, staying))
      .flatMap((page) => page.rows)
      .map((row) => Number(row.NUMBER))
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(ALL.filter((number) => !gone.has(number) && !numbers.includes(number))).toEqual([])
  })
})
