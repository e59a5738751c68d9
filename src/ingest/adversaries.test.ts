import { describe, expect, it } from 'vitest'
import {
  cityOfWay,
  onQueries,
  type ReadingWay,
  truthOf,
  WAYS,
  type WayName,
} from '../../testkit/adversary-trial.js'
import { freshLake } from '../../testkit/fresh.js'
import { queryTable, rowsOf } from '../../testkit/lake-fixture.js'
import {
  alterRows,
  capsSilently,
  changing,
  liesAboutCount,
  reordering,
  spoilt,
} from '../../testkit/portal-faults.js'
import { startTrialPortal } from '../../testkit/portal-trial.js'
import { DATASET, ingest, SOURCE } from '../../testkit/test-city.js'
import type { Misbehave } from '../demo/portals/arcgis/arcgis-portal.js'
import type { PortalHooks } from '../demo/portals/portal-server.js'
import type { PortalTable } from '../demo/portals/portal-table.js'
import type { WardbookError } from '../kernel/errors.js'
import { tables } from '../lake/tables.js'

const RAW = tables.raw(DATASET, SOURCE)
const NUMBERS = Array.from({ length: 23 }, (_none, at) => at + 1)
const CHANGED_AT = Date.UTC(2026, 1, 1)

/** What a portal does wrong, and with which table. */
interface Trouble {
  readonly table?: () => PortalTable
  readonly hooks?: PortalHooks
  readonly misbehave?: Misbehave
}

type Adversary = (way: ReadingWay, calm: PortalTable) => Trouble

/** Rows changed, gone and new; numbers of the others are as before. */
function changedTable(way: ReadingWay): PortalTable {
  return way.table([...NUMBERS.slice(2), 31, 32, 33, 34], { updatedAt: CHANGED_AT })
}

const altering =
  (change: Parameters<typeof alterRows>[0], ...which: number[]): Adversary =>
  ({ asks }) => ({ hooks: alterRows(change, which, asks) })

const ADVERSARIES = {
  'caps pages silently': () => ({
    hooks: capsSilently(3),
    misbehave: onQueries({ capRows: 3, dropFlag: true }),
  }),
  'caps records silently': () => ({
    hooks: {
      rewrite: (request) => {
        const query = new URLSearchParams(request.query)
        if (Number(query.get('$top')) > 3) query.set('$top', '3')
        return { ...request, query }
      },
    },
  }),
  'caps an export silently once': altering(spoilt.shortened(9), 1),
  'caps each export silently': altering(spoilt.shortened(4)),
  'caps an export within a row, at a line end': altering(spoilt.shortened(5)),
  'reorders between pages': (way, calm) => reorder(way, calm),
  'does not order at all': () => ({
    hooks: {
      rewrite: (request) => {
        const query = new URLSearchParams(request.query)
        query.delete('$orderby')
        return { ...request, query }
      },
    },
  }),
  'drops the end flag': () => ({
    hooks: { alter: (_request, answer) => ({ ...answer, body: [withoutFlags(answer.body)] }) },
    misbehave: onQueries({ dropFlag: true }),
  }),
  'breaks after the 200': altering(spoilt.broken(150), 2),
  'breaks after the 200 of its only answer': altering(spoilt.broken(150), 1),
  'breaks after each 200': altering(spoilt.broken(150)),
  'answers HTML': altering(spoilt.html, 2),
  'answers HTML at once': altering(spoilt.html, 1),
  'throttles for a while': altering(spoilt.throttled, 1, 2),
  'throttles for ever': altering(spoilt.throttled),
  'counts too many': () => ({
    hooks: liesAboutCount(5),
    misbehave: onQueries({ countOff: 5 }, 'returnCountOnly'),
  }),
  'counts too few': () => ({
    hooks: liesAboutCount(-9),
    misbehave: onQueries({ countOff: -9 }, 'returnCountOnly'),
  }),
  'changes between pages': (way, calm) => changing(calm, changedTable(way), 2, way.asks),
  'changes before its only answer': (way, calm) => changing(calm, changedTable(way), 1, way.asks),
  'changes each time': (way) => changesEachTime(way),
  'truncates a page': altering(spoilt.truncated(300), 2),
  'truncates its only answer': altering(spoilt.truncated(300), 1),
  'truncates the last cell of its only answer': altering(spoilt.truncated(-4), 1),
  'compresses twice': altering(spoilt.zipped, 2),
  'compresses its only answer twice': altering(spoilt.zipped, 1),
} satisfies Readonly<Record<string, Adversary>>
type AdversaryName = keyof typeof ADVERSARIES

function reorder(way: ReadingWay, calm: PortalTable): Trouble {
  const { table, hooks } = reordering(calm, way.asks)
  return { table: () => table, hooks, misbehave: onQueries({ reorder: true }) }
}

function withoutFlags(body: Iterable<string | Uint8Array>): string {
  const text = Buffer.concat([...body].map((part) => Buffer.from(part as string))).toString('utf8')
  return text.replaceAll(
    /, ?"(total|total_was_estimated|next_page)": ?(\d+|true|false|\{"_id":\{"gt":\d+\}\})/g,
    '',
  )
}

/** Each request for rows finds a table that was changed since the last one. */
function changesEachTime(way: ReadingWay): Trouble {
  let asked = 0
  return {
    table: () => way.table(NUMBERS, { updatedAt: CHANGED_AT + asked * 60_000 }),
    hooks: {
      rewrite: (request) => {
        if (way.asks(request)) asked += 1
        return request
      },
    },
  }
}

/**
 * `whole`: the table is committed, once. `changed`: what it was changed into is. Otherwise the code and remedy with which nothing is. The
 * ledger hears of it where the publisher has to act.
 */
type Verdict = 'whole' | 'changed' | readonly [code: string, remedy: WardbookError['remedy']]

const BROKE_OFF = ['portal-broke-off', 'retry'] as const
const CUT_OFF = ['portal-answer-unusable', 'fix-source'] as const
const HTML = ['answered-html', 'fix-source'] as const
const BROKEN_JSON = ['json-broken', 'fix-source'] as const
const THROTTLED = ['portal-throttled', 'retry'] as const
const COUNT = ['count-differs', 'fix-source'] as const
const REPEATED = ['rows-repeated', 'fix-source'] as const
const UNORDERED = ['portal-answer-unusable', 'fix-source'] as const
const RESTLESS = ['changed-during-read', 'retry'] as const

type Verdicts = Readonly<Partial<Record<AdversaryName, Verdict>>>

/** The troubles of any read in pages of JSON. */
const PAGES: Verdicts = {
  'breaks after the 200': BROKE_OFF,
  'answers HTML': HTML,
  'throttles for a while': 'whole',
  'throttles for ever': THROTTLED,
  'truncates a page': BROKEN_JSON,
  'compresses twice': BROKEN_JSON,
}

/** The troubles of any read in one answer of CSV. */
const ONE_CSV: Verdicts = {
  'breaks after the 200 of its only answer': BROKE_OFF,
  'answers HTML at once': HTML,
  'throttles for a while': 'whole',
  'throttles for ever': THROTTLED,
  'changes before its only answer': 'changed',
  'changes each time': RESTLESS,
  'compresses its only answer twice': 'whole',
}

const CUT_CSV: Verdicts = {
  'truncates its only answer': CUT_OFF,
  'truncates the last cell of its only answer': CUT_OFF,
}

const COUNTED: Verdicts = {
  'counts too many': COUNT,
  'counts too few': COUNT,
}

const CHANGING_PAGES: Verdicts = { 'changes between pages': 'changed', 'changes each time': RESTLESS }

const OFFSET_PAGES: Verdicts = {
  ...PAGES,
  ...COUNTED,
  ...CHANGING_PAGES,
  'caps pages silently': 'whole',
  'reorders between pages': REPEATED,
}

/** An export that ends early goes on behind its last row, if that is whole. */
const CONTINUED: Verdicts = {
  'caps an export silently once': 'whole',
  'caps each export silently': 'whole',
  'caps an export within a row, at a line end': CUT_OFF,
}

const COUNCIL: Verdicts = {
  ...PAGES,
  'caps records silently': 'whole',
  'reorders between pages': 'whole', // the portal sorts what it finds, wherever it lies
  'does not order at all': UNORDERED,
}

const VERDICTS: Readonly<Record<WayName, Verdicts>> = {
  'Socrata pages': OFFSET_PAGES,
  'Socrata pages, SODA 3': { 'reorders between pages': REPEATED, 'changes between pages': 'changed' },
  'Socrata export': { ...ONE_CSV, ...CUT_CSV, ...COUNTED, ...CONTINUED },
  'CKAN pages': { ...OFFSET_PAGES, 'drops the end flag': 'whole' },
  'CKAN pages by filter': {
    ...CHANGING_PAGES,
    'caps pages silently': 'whole',
    'reorders between pages': REPEATED,
    'drops the end flag': 'whole',
  },
  'CKAN dump': { ...ONE_CSV, ...CUT_CSV, ...COUNTED, ...CONTINUED },
  'CKAN file': { ...ONE_CSV, 'breaks after the 200 of its only answer': 'whole' }, // goes on with Range
  'ArcGIS pages': {
    ...PAGES,
    ...COUNTED,
    ...CHANGING_PAGES,
    'caps pages silently': 'whole',
    'reorders between pages': UNORDERED,
    'drops the end flag': 'whole',
  },
  'ArcGIS ranges': {
    ...PAGES,
    ...COUNTED,
    ...CHANGING_PAGES,
    'caps pages silently': COUNT,
    'reorders between pages': 'whole',
    'drops the end flag': 'whole',
  },
  'OpenDataSoft export': {
    ...ONE_CSV,
    ...CUT_CSV,
    ...COUNTED,
    'caps an export silently once': 'whole', // it is read again
    'caps each export silently': COUNT,
    'caps an export within a row, at a line end': COUNT,
  },
  'Legistar events': COUNCIL,
  'Legistar matters': { 'does not order at all': UNORDERED, 'caps records silently': 'whole' },
}

/** What cannot come about, or cannot be told by anybody, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'reorders between pages, of an export, dump or file':
    'one answer has every row once, in whatever order; that of rows behind an export that ended early is the one that was asked for',
  'drops the end flag, of Socrata and Legistar':
    'neither has one: the end is an empty page, or a short one at the count',
  'drops the end flag, of an export, dump or file': 'its end is that of the body',
  'counts wrong, of Legistar and files': 'they have no count that could be wrong',
  'changes between pages, of Legistar':
    'it tells no change; rows that stay come once, as pages go by id (legistar-source.test.ts)',
  'truncates a file':
    'a file has no count and may end without a line end; against a Content-Length the client sees it as a broken transfer',
  'caps a file':
    'a file that is shorter than the publisher meant is the publication; what is gone is counted as removed',
  'the old backend of Socrata (SODA 2.0), reordering':
    'it gives row ids only with all system columns; the count stands against it',
}

const CASES = Object.entries(VERDICTS).flatMap(([way, verdicts]) =>
  Object.entries(verdicts).map(
    ([adversary, verdict]) => [way, adversary, verdict] as [WayName, AdversaryName, Verdict],
  ),
)

const lake = freshLake()

it('knows why other combinations are not tried', () => {
  expect(Object.values(LEFT_OUT).every((reason) => reason.length > 20)).toBe(true)
})

describe.each(Object.keys(VERDICTS) as WayName[])('%s, when the portal', (name) => {
  const cases = CASES.filter(([way]) => way === name).map(
    ([, adversary, verdict]) => [adversary, verdict] as const,
  )

  it.each(cases)('%s: %j', async (adversary, verdict) => {
    const way: ReadingWay = WAYS[name]
    const calm = way.table(NUMBERS)
    const { table = () => calm, hooks = {}, misbehave } = (ADVERSARIES[adversary] as Adversary)(way, calm)
    let isCalm = false
    const { portal, misbehave: behave } = await startTrialPortal((trial) =>
      way.start(
        () => (isCalm ? calm : table()),
        trial,
        (request) => (isCalm ? undefined : misbehave?.(request)),
      ),
    )
    behave(hooks)
    try {
      const city = cityOfWay(way, portal.url)
      const outcome = await ingest(lake.store, city).then(
        () => 'committed' as const,
        (thrown: WardbookError) => [thrown.code, thrown.remedy],
      )
      const expected = verdict === 'changed' ? changedTable(way) : calm
      if (typeof verdict === 'string') expect(outcome).toBe('committed')
      else expect(outcome).toEqual(verdict)
      expect(await rawRows(way)).toEqual(typeof verdict === 'string' ? truthOf(way, expected) : [])
      expect(await gaps()).toEqual(isPublishers(verdict) ? [verdict[0]] : [])

      isCalm = true
      behave()
      await ingest(lake.store, city, {})
      expect(await rawRows(way)).toEqual(truthOf(way, calm))
    } finally {
      await portal.close()
    }
  })
})

async function rawRows({ columns }: ReadingWay): Promise<string[]> {
  const listed = columns.map((name) => `"${name}"`).join(', ')
  const rows = await queryTable<Record<string, string>>(lake.store, RAW, `SELECT ${listed} FROM {table}`)
  return rows.map((row) => JSON.stringify(columns.map((name) => row[name] ?? null))).sort()
}

/** Codes of the gaps that the ledger is told. */
async function gaps(): Promise<string[]> {
  const proposals = await rowsOf<{ kind: string; body: string }>(lake.store, tables.outbox('ingest'))
  return proposals
    .filter(({ kind }) => kind === 'dataset.gap')
    .map(({ body }) => (JSON.parse(body) as { code: string }).code)
}

function isPublishers(verdict: Verdict): verdict is Exclude<Verdict, string> {
  return typeof verdict !== 'string' && (verdict[1] === 'fix-source' || verdict[0] === 'changed-during-read')
}
