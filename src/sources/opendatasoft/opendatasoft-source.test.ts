import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { failureOf } from '../../../testkit/failure-of.js'
import {
  asSourceRows,
  TRIAL_TYPES,
  trialRows,
  trialTable,
  trialTools,
} from '../../../testkit/portal-trial.js'
import { readWhole, type SourceRow } from '../../../testkit/read-source.js'
import { findShared, titleWith } from '../../../testkit/shared-folder.js'
import { describeSource } from '../../../testkit/source.contract.js'
import { OpendatasoftSource } from '../../contracts/sources/opendatasoft.js'
import {
  type OpendatasoftPortalOptions,
  startOpendatasoftPortal,
} from '../../demo/portals/opendatasoft/opendatasoft-portal.js'
import type { PortalAnswer, PortalHooks, RunningPortal } from '../../demo/portals/portal-server.js'
import type { PortalTable } from '../../demo/portals/portal-table.js'
import { opendatasoftCatalog } from './opendatasoft-catalog.js'
import { openOpendatasoftSource } from './opendatasoft-source.js'

const portals: RunningPortal[] = []
afterEach(async () => {
  for (const portal of portals.splice(0)) await portal.close()
})

type Settings = Omit<Parameters<typeof OpendatasoftSource.parse>[0] & object, 'family' | 'portal'>

const REQUESTS = { id: 'requests', keyColumn: 'sr_number' }
const table = (rows: number, about: Partial<PortalTable> = {}) =>
  trialTable(TRIAL_TYPES, trialRows(rows), { ...REQUESTS, ...about })

function sourceAt(portal: string, settings: Settings = {}, env = {}, fetcher: typeof fetch = fetch) {
  const config = OpendatasoftSource.parse({
    family: 'opendatasoft',
    portal,
    datasets: ['requests'],
    ...settings,
  })
  return openOpendatasoftSource('requests', config, trialTools(env, fetcher))
}

async function open(
  tables: readonly PortalTable[],
  options: OpendatasoftPortalOptions = {},
  hooks: PortalHooks = {},
  settings: Settings = {},
) {
  const portal = await startOpendatasoftPortal(() => tables, options, hooks)
  portals.push(portal)
  return { portal, source: sourceAt(portal.url, settings) }
}

/** CSV cannot tell an empty text from no value. */
const asCsvRows = (rows: readonly SourceRow[]) =>
  rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, cell ?? ''])))

const isExport = ({ path }: { path: string }) => path.includes('/exports/')
const onExport = (change: (answer: PortalAnswer) => PortalAnswer): PortalHooks => ({
  alter: (request, answer) => (isExport(request) ? change(answer) : answer),
})
const bytesOf = ({ body }: PortalAnswer) =>
  Buffer.concat([...body].map((part) => Buffer.from(part as string)))

describe('reading a dataset of OpenDataSoft', () => {
  it('gives any table exactly, in the order of its key', async () => {
    const anyCell = fc.option(
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0')),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(anyCell, anyCell), { maxLength: 30 }), async (cells) => {
        const rows = cells.map((row, at) => [String(at).padStart(4, '0'), ...row])
        const tables = trialTable({ sr_number: 'text', a: 'text', b: 'text' }, rows, REQUESTS)
        const { source, portal } = await open([tables])
        expect(asCsvRows((await readWhole(source)).rows)).toEqual(asCsvRows(asSourceRows(tables)))
        await portal.close()
      }),
      { numRuns: 20 },
    )
  })

  describeSource('as a source', async () => {
    let tables = table(40)
    let [breaks, errors] = [false, false]
    const portal = await startOpendatasoftPortal(
      () => [tables],
      { token: 's3cret' },
      onExport((answer) => {
        if (errors)
          return { status: 400, headers: {}, body: ['{"error_code":"ODSQLError","message":"Unknown field"}'] }
        const broken = breaks ? { ...answer, breakAfterBytes: 500 } : answer
        breaks = false
        return broken
      }),
    )
    return {
      rows: asSourceRows(tables),
      secrets: ['s3cret'],
      open: () => sourceAt(portal.url, {}, { ODS_API_KEY: 's3cret' }),
      requests: () => portal.requests.length,
      change: () => {
        tables = table(41, { updatedAt: Date.UTC(2026, 4, 5) })
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

  it('asks for names, not titles, in the zone and of the columns that the source wants', async () => {
    const { source, portal } = await open([table(3)], {}, {}, { timeZone: 'America/Denver', drops: ['note'] })
    const { rows } = await readWhole(source)
    expect(Object.keys(rows[0] as SourceRow)).toEqual(['sr_number', 'opened', 'amount', 'emergency', 'place'])
    expect(Object.fromEntries(portal.requests.find(isExport)?.query ?? [])).toMatchObject({
      ...{ use_labels: 'false', timezone: 'America/Denver', order_by: '`sr_number`' },
    })
  })

  it('keeps what remains of the quota with the page', async () => {
    const { source } = await open([table(3)], { dailyRequests: 5 })
    const { pages } = await readWhole(source)
    expect(pages[0]?.[0]?.headers).toMatchObject({ 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '2' })
  })

  it('is put off until the quota is full again, without a second try', async () => {
    const resetAt = '2026-06-16T00:00:00Z'
    const { source, portal } = await open([table(3)], { dailyRequests: 2, resetAt })
    const failure = await failureOf(readWhole(source, { tries: 1 }))
    expect(failure).toMatchObject({
      code: 'portal-quota-spent',
      remedy: 'retry',
      facts: { retryAt: resetAt, limit: 2 },
    })
    expect(portal.requests).toHaveLength(3)
  })

  it.each([
    ['an unknown dataset', { settings: { datasets: ['nowhere'] } }, 'source-not-found', 'fix-source'],
    ['a private portal', { options: { token: 'x' } }, 'portal-refused', 'fix-config'],
    [
      'a column that was renamed after the read began',
      {
        hooks: onExport(() => ({
          status: 400,
          headers: {},
          body: ['{"error_code":"ODSQLError","message":"Unknown field: a"}'],
        })),
      },
      ...['portal-rejected-request', 'fix-source'],
    ],
    [
      'an error object in place of a table',
      {
        hooks: onExport((answer) => ({ ...answer, body: ['{"error_code":"InternalError","message":"no"}'] })),
      },
      ...['answered-json', 'fix-source'],
    ],
    [
      'a web page',
      { hooks: onExport((answer) => ({ ...answer, body: ['<!DOCTYPE html><html></html>'] })) },
      'answered-html',
      'fix-source',
    ],
    [
      'an export that breaks',
      { hooks: onExport((answer) => ({ ...answer, breakAfterBytes: 90 })) },
      'portal-broke-off',
      'retry',
    ],
    ['nothing to read', { settings: { datasets: [] } }, 'source-empty-list', 'fix-config'],
  ] as [
    string,
    { settings?: Settings; options?: OpendatasoftPortalOptions; hooks?: PortalHooks },
    string,
    string,
  ][])('fails with the right remedy for %s', async (_title, { settings, options, hooks }, code, remedy) => {
    const { source } = await open([table(9)], options, hooks, settings)
    const failure = await failureOf(readWhole(source, { tries: 1 }))
    expect(failure).toMatchObject({ code, remedy })
  })

  it('tells by its count of an export that ends early as if it were whole', async () => {
    const cut = onExport((answer) => {
      const records = bytesOf(answer).toString('utf8').split('\r\n')
      return { ...answer, body: [`${records.slice(0, 6).join('\r\n')}\r\n`] }
    })
    const { rows, publication } = await readWhole((await open([table(40)], {}, cut)).source)
    expect([rows.length, publication.offers[0]?.rows]).toEqual([5, 40])
  })

  it('reads an export that was compressed twice', async () => {
    const twice = onExport((answer) => ({ ...answer, body: [gzipSync(bytesOf(answer))] }))
    expect((await readWhole((await open([table(9)], {}, twice)).source)).rows).toHaveLength(9)
  })
})

describe('finding datasets of years', () => {
  it('goes by id or title through the whole catalog, and tells which year is missing', async () => {
    const others = Array.from({ length: 230 }, (_none, at) =>
      table(1, { id: `other-${at}`, name: `Other ${at}` }),
    )
    const years = [table(1, { id: '311-2025', name: 'x' }), table(1, { id: 'abc', name: '311-2023' })]
    const settings = { datasets: [], find: { name: '311-{year}', from: 2023 } }
    const { source } = await open([...others, ...years], {}, {}, settings)
    const { offers, missing } = await source.describe()
    expect(offers.map(({ name }) => name.replace(/.*\//, ''))).toEqual(['abc', '311-2025'])
    expect(missing).toEqual(['311-2024', '311-2026'])
  })

  it('does not take a catalog for whole that lists some datasets twice', async () => {
    const tables = Array.from({ length: 150 }, (_none, at) => table(1, { id: `d-${at}` }))
    const shifted: PortalHooks = {
      rewrite: (request) => {
        const query = new URLSearchParams(request.query)
        if (query.get('offset') === '100') {
          query.set('offset', '90')
          query.set('limit', '50')
        }
        return { ...request, query }
      },
    }
    const { source } = await open(tables, {}, shifted, {
      datasets: [],
      find: { name: 'x{year}', from: 2026 },
    })
    expect(await failureOf(source.describe())).toMatchObject({
      code: 'portal-answer-unusable',
      remedy: 'retry',
    })
  })
})

describe('the catalog of a portal', () => {
  it('lists every dataset with its columns', async () => {
    const { portal } = await open([table(3, { description: '<p>All</p>' }), table(1, { id: 'other' })])
    const entries = []
    for await (const entry of opendatasoftCatalog(portal.url, trialTools())) entries.push(entry)
    expect(entries).toHaveLength(2)
    expect(entries[0]).toMatchObject({ id: 'requests', rows: 3, description: 'All', family: 'opendatasoft' })
    expect(entries[0]?.columns.map(({ name }) => name)).toEqual(Object.keys(TRIAL_TYPES))
  })
})

const folder = findShared('fixtures', 'portals', 'ods')
const recorded: Readonly<Record<string, { status: number; code: string; remedy: string }>> = {
  '429-anonymous.json': { status: 429, code: 'portal-quota-spent', remedy: 'retry' },
  'v2-doc-example-1.json': { status: 200, code: 'portal-answer-unusable', remedy: 'fix-source' },
  'v2-doc-example-2.json': { status: 200, code: 'portal-answer-unusable', remedy: 'fix-source' },
}

describe.skipIf(folder === undefined)(titleWith(folder, 'recorded answers of OpenDataSoft'), () => {
  it('are all cases here', () => {
    const files = readdirSync(folder as string).filter((name) => name !== 'SOURCES.md')
    expect(files.sort()).toEqual(Object.keys(recorded).sort())
  })

  it.each(Object.entries(recorded))(
    '%s is refused for what it is',
    async (file, { status, code, remedy }) => {
      const body = readFileSync(join(folder as string, file), 'utf8')
      const source = sourceAt('https://data.example.org', {}, {}, async () => new Response(body, { status }))
      expect(await failureOf(source.describe())).toMatchObject({ code, remedy })
    },
  )
})
