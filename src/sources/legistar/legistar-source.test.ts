import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { failureOf } from '../../../testkit/failure-of.js'
import { trialTools } from '../../../testkit/portal-trial.js'
import { readWhole, type SourceRow } from '../../../testkit/read-source.js'
import { findShared, titleWith } from '../../../testkit/shared-folder.js'
import { describeSource } from '../../../testkit/source.contract.js'
import { LegistarSource } from '../../contracts/sources/legistar.js'
import {
  type LegistarPortalOptions,
  startLegistarPortal,
} from '../../demo/portals/legistar/legistar-portal.js'
import type {
  PortalAnswer,
  PortalHooks,
  PortalRequest,
  RunningPortal,
} from '../../demo/portals/portal-server.js'
import { type PortalCell, type PortalTable, tableOfRows } from '../../demo/portals/portal-table.js'
import type { LegistarRecords } from './kinds.js'
import { openLegistarSource } from './legistar-source.js'
import { rawElements } from './raw-records.js'

const portals: RunningPortal[] = []
afterEach(async () => {
  for (const portal of portals.splice(0)) await portal.close()
})

const CLIENT: LegistarPortalOptions = { client: 'pocket' }
type Settings = Partial<Parameters<typeof LegistarSource.parse>[0] & object>

function sourceAt(
  url: string,
  records: LegistarRecords,
  settings: Settings = {},
  env = {},
  fetcher: typeof fetch = fetch,
) {
  const config = LegistarSource.parse({
    family: 'legistar',
    api: `${url}/v1`,
    client: 'pocket',
    records,
    ...settings,
  })
  return openLegistarSource('council', config, trialTools(env, fetcher))
}

async function open(
  records: LegistarRecords,
  tables: readonly PortalTable[],
  {
    options = CLIENT,
    hooks = {},
    settings = {},
  }: { options?: LegistarPortalOptions; hooks?: PortalHooks; settings?: Settings } = {},
) {
  const portal = await startLegistarPortal(() => tables, options, hooks)
  portals.push(portal)
  return { portal, source: sourceAt(portal.url, records, settings) }
}

const about = (id: string) => ({ id, name: id, updatedAt: 0 })

function events(ids: readonly number[]): PortalTable {
  const columns = [
    { name: 'EventId', type: 'number' },
    { name: 'EventDate', type: 'date' },
    { name: 'EventTime', type: 'text' },
    { name: 'EventLastModifiedUtc', type: 'date' },
  ] as const
  const rows = ids.map((id) => [
    String(id),
    `20${String(10 + (id % 10))}-05-24T00:00:00`,
    id % 4 === 0 ? null : '9:00 AM',
    '2014-05-24T04:10:20.03',
  ])
  return tableOfRows({ ...about('events'), columns }, rows)
}

/** Some items an event, each third without any action; `gap` ids between events. */
function eventItems(eventIds: readonly number[], each: number): PortalTable {
  const columns = [
    { name: 'EventItemId', type: 'number' },
    { name: 'EventItemEventId', type: 'number' },
    { name: 'EventItemTitle', type: 'text' },
    { name: 'EventItemActionName', type: 'text' },
    { name: 'EventItemMatterAttachments', type: 'json' },
  ] as const
  const rows = eventIds.flatMap((event) =>
    Array.from({ length: each }, (_none, at) => [
      ...[String(event * 1_000 + at), String(event), `a "title", ${at}`, at % 3 === 0 ? null : 'Passed'],
      `[{"MatterAttachmentId":${at}.50}]`,
    ]),
  )
  return tableOfRows({ ...about('eventitems'), columns }, rows)
}

function votes(items: PortalTable, each: number): PortalTable {
  const columns = [
    { name: 'VoteId', type: 'number' },
    { name: 'VoteEventItemId', type: 'number' },
    { name: 'VoteValueName', type: 'text' },
  ] as const
  const rows = Array.from({ length: items.rowCount }, (_none, index) => items.row(index))
    .filter((item) => item[3] !== null)
    .flatMap(([item]) =>
      Array.from({ length: each }, (_none, at) => [
        `${Number(item) * 10 + at}`,
        item ?? null,
        at === 0 ? 'Nay' : 'Aye',
      ]),
    )
  return tableOfRows({ ...about('votes'), columns }, rows)
}

/** Rows as the source has to give them: every cell in the characters that were sent, the id of the record above in front. */
function expectedRows(table: PortalTable, parentId?: string, parentColumn?: string): SourceRow[] {
  return Array.from({ length: table.rowCount }, (_none, index) => {
    const cells = table.columns.map(
      ({ name }, at) => [name, table.row(index)[at] ?? null] as [string, PortalCell],
    )
    const above = cells.find(([name]) => name === parentColumn)?.[1] ?? null
    const sent = cells.filter((_cell, at) => table.columns[at]?.computed !== true)
    return Object.fromEntries([...(parentId === undefined ? [] : [[parentId, above] as const]), ...sent])
  })
}

const sorted = (rows: readonly SourceRow[]) =>
  rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
const someIds = fc.uniqueArray(fc.integer({ min: 1, max: 100_000 }), { maxLength: 40 })

describe('reading records with a list of their own', () => {
  it('gives any of them exactly, however many fit into a page', async () => {
    await fc.assert(
      fc.asyncProperty(someIds, fc.integer({ min: 1, max: 9 }), async (ids, pageRows) => {
        const table = events(ids)
        const { source, portal } = await open('events', [table], { settings: { pageRows } })
        const { rows } = await readWhole(source)
        expect(sorted(rows)).toEqual(sorted(expectedRows(table)))
        expect(rows.map((row) => Number(row.EventId))).toEqual([...ids].sort((a, b) => a - b))
        await portal.close()
      }),
      { numRuns: 20 },
    )
  })

  describeSource('as a source', async () => {
    let ids = Array.from({ length: 17 }, (_none, at) => at * 3 + 1)
    let [breaks, errors] = [false, false]
    const isPage = ({ query }: PortalRequest) => query.get('$top') !== '1'
    const portal = await startLegistarPortal(
      () => [events(ids)],
      { ...CLIENT, token: 's3cret' },
      {
        alter: (request, answer) => {
          if (!isPage(request)) return answer
          if (errors) return { ...answer, body: ['{"Message":"An error has occurred."}'] }
          const broken = breaks ? { ...answer, breakAfterBytes: 150 } : answer
          breaks = false
          return broken
        },
      },
    )
    return {
      rows: expectedRows(events(ids)),
      secrets: ['s3cret'],
      open: () => sourceAt(portal.url, 'events', { pageRows: 5 }, { LEGISTAR_TOKEN: 's3cret' }),
      requests: () => portal.requests.length,
      change: () => {
        ids = [...ids, 999]
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

  it('reads 2,500 records in pages of 1,000, looks twice whether they are ordered, once for the newest, and once behind the last', async () => {
    const { source, portal } = await open('events', [
      events(Array.from({ length: 2_500 }, (_none, at) => at + 1)),
    ])
    expect((await readWhole(source)).rows).toHaveLength(2_500)
    expect(portal.requests).toHaveLength(7)
  })

  it('begins with the day that is asked for', async () => {
    const table = events([1, 2, 3, 4, 5, 6, 7, 8, 9])
    const { source } = await open('events', [table], { settings: { since: '2015-01-01' } })
    expect((await readWhole(source)).rows.map((row) => row.EventId)).toEqual(['5', '6', '7', '8', '9'])
  })

  it('goes on where a server gives fewer records than asked for', async () => {
    const capped: PortalHooks = {
      rewrite: (request) => {
        const query = new URLSearchParams(request.query)
        query.set('$top', '2')
        return { ...request, query }
      },
    }
    const { source } = await open('events', [events([5, 1, 9, 7, 3])], { hooks: capped })
    expect((await readWhole(source)).rows.map((row) => row.EventId)).toEqual(['1', '3', '5', '7', '9'])
  })

  it('gives every record that stays once although others come and go between pages', async () => {
    let ids = Array.from({ length: 30 }, (_none, at) => at + 1)
    let asked = 0
    const hooks: PortalHooks = {
      rewrite: (request) => {
        ids = ids.filter((id) => id !== asked + 1 && id !== 30 - asked)
        asked += 1
        return request
      },
    }
    const portal = await startLegistarPortal(() => [events(ids)], CLIENT, hooks)
    portals.push(portal)
    const read = (await readWhole(sourceAt(portal.url, 'events', { pageRows: 4 }))).rows.map((row) =>
      Number(row.EventId),
    )
    expect(new Set(read).size).toBe(read.length)
    expect(ids.filter((id) => !read.includes(id))).toEqual([])
  })
})

describe('reading records below others', () => {
  it('gives items of any events with the id of their event, nested lists as they were sent', async () => {
    await fc.assert(
      fc.asyncProperty(someIds, fc.integer({ min: 0, max: 4 }), async (ids, each) => {
        const items = eventItems(ids, each)
        const { source, portal } = await open('eventitems', [events(ids), items])
        const { rows } = await readWhole(source)
        expect(sorted(rows)).toEqual(sorted(expectedRows(items, 'EventId', 'EventItemEventId')))
        await portal.close()
      }),
      { numRuns: 10 },
    )
  })

  it('gives votes through the items on which something was decided', async () => {
    const items = eventItems([1, 2, 3, 4, 5, 6, 7], 3)
    const all = votes(items, 4)
    const { source, portal } = await open('votes', [events([1, 2, 3, 4, 5, 6, 7]), items, all])
    expect(sorted((await readWhole(source)).rows)).toEqual(
      sorted(expectedRows(all, 'EventItemId', 'VoteEventItemId')),
    )
    expect(portal.requests.filter(({ path }) => path.endsWith('/votes'))).toHaveLength(14)
  })

  it('gives histories with the id of their matter, which the portal does not send', async () => {
    const matters = tableOfRows({ ...about('matters'), columns: [{ name: 'MatterId', type: 'number' }] }, [
      ['7'],
      ['9'],
    ])
    const columns = [
      { name: 'MatterHistoryId', type: 'number' },
      { name: 'MatterId', type: 'number', computed: true },
      { name: 'MatterHistoryEventId', type: 'number' },
    ] as const
    const histories = tableOfRows({ ...about('histories'), columns }, [['1', '7', '3683'], ['2', '7', '3683'], ['3', '9', null]]) // biome-ignore format: one row a history
    const { source } = await open('histories', [matters, histories])
    expect((await readWhole(source)).rows).toEqual([
      { MatterId: '7', MatterHistoryId: '1', MatterHistoryEventId: '3683' },
      { MatterId: '7', MatterHistoryId: '2', MatterHistoryEventId: '3683' },
      { MatterId: '9', MatterHistoryId: '3', MatterHistoryEventId: null },
    ])
  })

  it('reads a list below a record that is longer than one answer', async () => {
    const items = eventItems([1], 999)
    const more = eventItems([1], 2_300)
    for (const table of [items, more]) {
      const { source } = await open('eventitems', [events([1]), table])
      expect((await readWhole(source)).rows).toHaveLength(table.rowCount)
    }
  })

  it('goes on after any page with the same rows', async () => {
    const ids = Array.from({ length: 60 }, (_none, at) => at + 1)
    const { source } = await open('eventitems', [events(ids), eventItems(ids, 2)])
    const whole = await readWhole(source)
    expect(whole.pages[0]).toHaveLength(4)
    for (let stopAfterPages = 0; stopAfterPages < 4; stopAfterPages++) {
      const read = await readWhole(source, { goOnFrom: await readWhole(source, { stopAfterPages }) })
      expect(read.rows).toEqual(whole.rows)
    }
  })

  it('keeps votes that the portal can never give as skipped, asks for them once, and reads the others', async () => {
    const items = eventItems([1, 2], 3)
    const all = votes(items, 2)
    const options = { ...CLIENT, brokenItems: ['1001', '2002'] }
    const { source, portal } = await open('votes', [events([1, 2]), items, all], { options })
    const { rows, pages } = await readWhole(source)
    expect(rows.map((row) => row.EventItemId)).toEqual(['1002', '1002', '2001', '2001'])
    expect(pages.flat().flatMap(({ signals }) => source.skipped?.(signals) ?? [])).toEqual([
      { id: 'EventItemId 1001', reason: 'broken at the portal' },
      { id: 'EventItemId 2002', reason: 'broken at the portal' },
    ])
    expect(portal.requests.filter(({ path }) => path.includes('/1001/'))).toHaveLength(1)
  })

  it('keeps a record that went meanwhile as skipped, and fails where every list is gone', async () => {
    const gone = (which: (path: string) => boolean): PortalHooks => ({
      alter: ({ path }, answer) => (which(path) ? { status: 404, headers: {}, body: ['{}'] } : answer),
    })
    const tables = [events([1, 2]), eventItems([1, 2], 2)]
    const one = await open('eventitems', tables, { hooks: gone((path) => path.includes('/events/1/')) })
    const { rows, pages } = await readWhole(one.source)
    expect(rows.map((row) => row.EventId)).toEqual(['2', '2'])
    expect(pages.flat().flatMap(({ signals }) => one.source.skipped?.(signals) ?? [])).toEqual([
      { id: 'EventId 1', reason: 'gone' },
    ])
    const all = await open('eventitems', tables, { hooks: gone((path) => path.includes('/eventitems')) })
    expect(await failureOf(readWhole(all.source))).toMatchObject({
      code: 'source-not-found',
      remedy: 'fix-source',
    })
  })

  it.each([
    [
      '500',
      { status: 500, headers: {}, body: ['{"Message":"An error has occurred."}'] },
      'portal-failed',
      'retry',
    ],
    ['a web page', { status: 200, headers: {}, body: ['<html></html>'] }, 'portal-answer-unusable', 'retry'],
    [
      'records without ids',
      { status: 200, headers: {}, body: ['[{"a":1}]'] },
      'portal-answer-unusable',
      'fix-source',
    ],
  ] as [string, PortalAnswer, string, string][])(
    'never skips a list for %s',
    async (_title, wrong, code, remedy) => {
      const hooks: PortalHooks = {
        alter: ({ path }, answer) => (path.includes('/events/2/') ? wrong : answer),
      }
      const { source } = await open('eventitems', [events([1, 2]), eventItems([1, 2], 2)], { hooks })
      expect(await failureOf(readWhole(source, { tries: 1 }))).toMatchObject({ code, remedy })
    },
  )
})

describe('a read fails with the right remedy for', () => {
  const answering = (body: string, status = 200): PortalHooks => ({
    alter: ({ query }, answer) =>
      Number(query.get('$top')) <= 2 ? answer : { status, headers: {}, body: [body] }, // describing goes well
  })
  it.each([
    ['a missing token', { options: { ...CLIENT, token: 'x' } }, 'portal-refused', 'fix-config'],
    ['a council that is not there', { options: { client: 'elsewhere' } }, 'source-not-found', 'fix-source'],
    [
      'a message in place of records',
      { hooks: answering('{"Message":"Something happened"}') },
      'portal-answer-unusable',
      'fix-source',
    ],
    ['a web page', { hooks: answering('<!DOCTYPE html><html></html>') }, 'answered-html', 'fix-source'],
    ['a page that ends too early', { hooks: answering('[{"EventId":1},{"Eve') }, 'json-broken', 'fix-source'],
    [
      'a filter that is refused',
      { hooks: answering('{"Message":"The query is not valid."}', 400) },
      'portal-rejected-request',
      'fix-source',
    ],
    ['a server that stays down', { hooks: answering('oops', 503) }, 'portal-failed', 'retry'],
    ['a server that throttles', { hooks: answering('slow down', 429) }, 'portal-throttled', 'retry'],
    [
      'a server that ignores the filter',
      { hooks: answering('[{"EventId":1},{"EventId":2}]') },
      'portal-answer-unusable',
      'fix-source',
    ],
  ] as [string, Parameters<typeof open>[2], string, string][])(
    '%s',
    async (_title, trouble, code, remedy) => {
      const { source } = await open('events', [events([1, 2, 3])], trouble)
      expect(await failureOf(readWhole(source, { tries: 1 }))).toMatchObject({ code, remedy })
    },
  )
})

describe('the elements of a list', () => {
  it('are the texts that were sent, whatever stands in them', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), (list, space) => {
        expect(rawElements(JSON.stringify(list, null, space)).map((text) => JSON.parse(text))).toEqual(
          JSON.parse(JSON.stringify(list)),
        )
      }),
    )
    expect(rawElements('[ 1.50, {"a":[1E3,"],["]} ]')).toEqual(['1.50', '{"a":[1E3,"],["]}'])
  })

  it('are none where the text is no list', () => {
    for (const text of ['{"a":[1]}', '"[1]"', '[1', 'null'])
      expect(() => rawElements(text)).toThrow(SyntaxError)
  })
})

const folder = findShared('fixtures', 'portals', 'legistar')

describe.skipIf(folder === undefined)(titleWith(folder, 'recorded answers of Legistar'), () => {
  const read = (file: string) => readFileSync(join(folder as string, file), 'utf8')
  /** The recorded list stands below the one matter there is. */
  const replay =
    (file: string): typeof fetch =>
    async (address) => {
      const { pathname, searchParams } = new URL(String(address))
      if (!pathname.endsWith('/matters')) return new Response(read(file))
      return new Response(searchParams.get('$filter') === null ? '[{"MatterId":5036}]' : '[]')
    }

  it('are all cases here', () => {
    expect(readdirSync(folder as string).sort()).toEqual([
      'SOURCES.md',
      'chicago-dupe_event.json',
      'metro-matter_index.json',
    ])
  })

  it('chicago-dupe_event.json: four histories, two of them at the same event, every cell as sent', async () => {
    const source = sourceAt('https://api.example.org', 'histories', {}, {}, replay('chicago-dupe_event.json'))
    const { rows } = await readWhole(source)
    const recorded = JSON.parse(read('chicago-dupe_event.json')) as Record<string, unknown>[]
    expect(rows).toEqual(
      recorded.map((history) => ({
        MatterId: '5036',
        ...Object.fromEntries(
          Object.entries(history).map(([name, value]) => [name, value === null ? null : String(value)]),
        ),
      })),
    )
    expect(rows.filter((row) => row.MatterHistoryEventId === '3683')).toHaveLength(2)
  })

  it('metro-matter_index.json: an index is no history, and is refused', async () => {
    const source = sourceAt('https://api.example.org', 'histories', {}, {}, replay('metro-matter_index.json'))
    expect(await failureOf(readWhole(source))).toMatchObject({
      code: 'portal-answer-unusable',
      remedy: 'fix-source',
    })
  })
})
