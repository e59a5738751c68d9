import { CityFile } from '../contracts/city-file.js'
import type { Column } from '../contracts/columns.js'
import * as columns from '../contracts/columns.js'
import { DATA_SCHEMA, FINDING_EVENT_TYPE } from '../contracts/event.js'
import { tidyColumns } from '../contracts/kinds.js'
import type { PointCounts } from '../contracts/points.js'
import type { Claim, Evidence, FindingState } from '../contracts/proposal.js'
import { canonicalJson, digestOf, eventId, findingId, sha256Hex } from '../kernel/ids.js'
import { addDays, type Day, startOfDay } from '../kernel/time.js'
import { DeltaTable, type NewFile } from '../lake/delta/table.js'
import { type Engine, QUERY, withEngine } from '../lake/duckdb/engine.js'
import { type PlainRow, writeRows } from '../lake/duckdb/rows.js'
import { openLocalStore } from '../lake/local/local-store.js'
import { putPart } from '../lake/parts.js'
import { type Owner, scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { FINDINGS_PARTITION, RUNS_PARTITION, TESTS_PARTITION, tables, withPartition } from '../lake/tables.js'
import { wordsIdOf } from '../words/facts.js'

/** A small city for tests: awkward division names, one strong rise, one gap, a withdrawn finding, a division without any. */
export const FIXTURE_CITY: CityFile = CityFile.parse({
  city: { slug: 'testville', name: 'Testville', timeZone: 'America/Los_Angeles', simulated: true },
  divisions: { label: 'District', members: { '07': {}, 'Ward 3': {} } },
  datasets: {
    calls: {
      name: '311 service requests',
      kind: 'service-requests',
      license: { name: 'CC0-1.0', url: 'https://creativecommons.org/publicdomain/zero/1.0/' },
      attribution: 'City of Testville',
      sources: { 'year-2021': { family: 'files', urls: ['https://data.testville.example/2021.csv'] } },
      mapping: { service_name: 'Type', requested_at: { from: 'Created', formats: ['%Y-%m-%d'] } },
    },
  },
})

const WEEKS = 130
const FIRST_WEEK = '2019-03-04'
/** Monday of the newest week. */
export const NEWEST_WEEK = addDays(FIRST_WEEK, 7 * (WEEKS - 1))
const RISE_WEEKS = 6
const RISE_FROM = addDays(NEWEST_WEEK, -7 * (RISE_WEEKS - 1))
const GAP_WEEK = 70
const ROWS_FROM = addDays(NEWEST_WEEK, -7 * 11)
const SEED = 41

/** A division whose findings are all old: its page shows the empty state. */
export const CALM_DIVISION = 'Ñuñoa'
/** Divisions of the fixture, with names that addresses must survive. */
export const FIXTURE_DIVISIONS = [
  '07',
  'Ward 3',
  'N/E & more?',
  CALM_DIVISION,
  '..',
  '50%.csv',
  'unassigned',
] as const
const CATEGORIES: Record<string, number> = {
  'Illegal Dumping': 57,
  Graffiti: 24,
  '=SUM(A1)': 6,
  'LED Streetlight': 3,
}

interface Week {
  readonly on: Day
  readonly observed: number | null
  readonly expected: number
  readonly lower: number
  readonly upper: number
}

interface FixtureSeries {
  readonly division: string
  readonly category: string
  readonly weeks: readonly Week[]
}

/** Writes the fixture's tables through the scopes of the stages that own them. */
export async function writeFixtureLake(folder: string): Promise<ObjectStore> {
  const store = await openLocalStore(folder)
  const series = FIXTURE_DIVISIONS.flatMap((division) =>
    Object.entries(CATEGORIES).map(([category, level]) => makeSeries(division, category, level)),
  )
  const scratch = await store.scratch()
  await withEngine(QUERY, scratch.folder, async (engine) => {
    const lake = { store, engine, folder: scratch.folder }
    await writeTable(
      lake,
      'detect',
      tables.runs('detect'),
      columns.TEST_COLUMNS,
      TESTS_PARTITION,
      testParts(series),
    )
    await writeTable(
      lake,
      'harmonize',
      tables.tidy('calls'),
      tidyColumns('service-requests'),
      ['council_district'],
      tidyParts(series),
    )
    await writeTable(lake, 'ingest', tables.runs('ingest'), columns.INGEST_RUN_COLUMNS, RUNS_PARTITION, [
      ingestPart(),
    ])
    await writeTable(
      lake,
      'ledger',
      tables.findings(),
      columns.FINDINGS_COLUMNS,
      FINDINGS_PARTITION,
      findingParts(series),
    )
  })
  await scratch.remove()
  return store
}

/** How the rows of the fixture's source were assigned by their points, where {@link addPoints} was called. */
export const FIXTURE_POINTS: PointCounts = {
  ...{ boundary: '2023', sha256: 'ab'.repeat(32) },
  ...{ inside: 9_412, outside: 160, blank: 300, zero: 120, unreadable: 8 },
  ...{ compared: 9_400, differing: 1_034 },
  pairs: [
    { from: '07', to: 'Ward 3', rows: 612 },
    { from: 'Ward 3', to: '07', rows: 422 },
  ],
}

/** Publishes the fixture's source once more, by point, with some housekeeping behind it; a new edition begins. */
export async function addPoints(store: ObjectStore): Promise<void> {
  const raw = new DeltaTable(scopeTo('ingest', store), tables.raw('calls', 'year-2021'))
  const schema = {
    columns: [
      ...tidyColumns('service-requests').slice(0, 1),
      { name: 'council_district', type: 'string' as const },
    ],
    partitionColumns: ['council_district'],
  }
  const provenance = { snapshot: 0, points: FIXTURE_POINTS }
  await raw.commit(undefined, { operation: 'WRITE', schema, provenance })
  await raw.commit(await raw.snapshot(), { operation: 'OPTIMIZE', dataChange: false })
}

/** Adds one event to the read view, as the ledger does, so that a new edition begins. */
export async function addWithdrawal(store: ObjectStore, finding: string, division: string): Promise<void> {
  const scratch = await store.scratch()
  await withEngine(QUERY, scratch.folder, async (engine) => {
    const row = {
      index: 9_000,
      type: `${FINDING_EVENT_TYPE}.withdrawn`,
      finding,
      state: 'withdrawn',
      dataset: 'calls',
    }
    const rows = [
      {
        ...row,
        ...INSTANTS,
        event_id: 'w1',
        category: 'Graffiti',
        metric: 'requests',
        direction: 'up',
        event: '{"data":{}}',
      },
    ]
    const lake = { store, engine, folder: scratch.folder }
    await writeTable(lake, 'ledger', tables.findings(), columns.FINDINGS_COLUMNS, FINDINGS_PARTITION, [
      { partition: { division }, rows },
    ])
  })
  await scratch.remove()
}

const INSTANTS = {
  time: '2021-08-30T07:00:00Z',
  knownat: '2021-08-31T06:15:00Z',
  recordedtime: '2021-08-31T06:20:11Z',
}

interface Lake {
  readonly store: ObjectStore
  readonly engine: Engine
  readonly folder: string
}

interface Part {
  readonly partition: Record<string, string>
  readonly rows: readonly PlainRow[]
}

async function writeTable(
  { store, engine, folder }: Lake,
  owner: Owner,
  root: string,
  stored: readonly Column[],
  partitionColumns: readonly string[],
  parts: readonly Part[],
): Promise<void> {
  const own = scopeTo(owner, store)
  const table = new DeltaTable(own, root)
  const base = await table.snapshot()
  const adds: NewFile[] = []
  for (const [number, { partition, rows }] of parts.entries()) {
    const name = `${root.replaceAll('/', '-')}-${number}`
    const finished = await writeRows(
      engine,
      folder,
      name,
      rows.map((row) => wholeRow(row, stored)),
      stored,
      partition,
    )
    if (finished) adds.push(await putPart(own, root, (base?.version ?? -1) + 1, finished))
  }
  const schema = { columns: withPartition(stored, partitionColumns), partitionColumns }
  await table.commit(base, { operation: 'WRITE', adds, ...(base ? {} : { schema }) })
}

function wholeRow(row: PlainRow, stored: readonly Column[]): PlainRow {
  return Object.fromEntries(stored.map(({ name }) => [name, row[name] ?? null]))
}

/** Numbers that look random and are always the same, 0 to 1. @see mulberry32 */
function noise(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function makeSeries(division: string, category: string, level: number): FixtureSeries {
  const random = noise(
    SEED + [...`${division}${category}`].reduce((sum, letter) => sum + letter.charCodeAt(0), 0),
  )
  const rises = rising(division, category)
  const weeks = Array.from({ length: WEEKS }, (_, number): Week => {
    const on = addDays(FIRST_WEEK, 7 * number)
    const expected = level * (1 + 0.25 * Math.sin((2 * Math.PI * number) / 52))
    const spread = 2.2 * Math.sqrt(expected)
    const usual = expected + (random() + random() - 1) * spread * 0.8
    const count = Math.max(0, Math.round(rises && on >= RISE_FROM ? expected * 1.8 + random() * 6 : usual))
    const observed = number === GAP_WEEK ? null : count
    return {
      on,
      observed,
      expected,
      lower: Math.max(0, Math.floor(expected - spread)),
      upper: Math.ceil(expected + spread),
    }
  })
  return { division, category, weeks }
}

function rising(division: string, category: string): boolean {
  if (division === CALM_DIVISION) return false
  return category === 'Illegal Dumping' || (division === '07' && category !== 'LED Streetlight')
}

function isOutside({ observed, upper }: Week): boolean {
  return observed !== null && observed > upper
}

function testParts(series: readonly FixtureSeries[]): Part[] {
  return FIXTURE_DIVISIONS.map((division) => ({
    partition: { dataset: 'calls', division },
    rows: series
      .filter((one) => one.division === division)
      .flatMap(({ category, weeks }) => weeks.map((week) => testRow(category, week))),
  }))
}

function testRow(category: string, week: Week): PlainRow {
  const { on, observed, expected, lower, upper } = week
  const outside = isOutside(week)
  return {
    metric: 'requests',
    category,
    week_on: on,
    observed,
    expected,
    lower,
    upper,
    dispersion: 1.4,
    baseline_weeks: 104,
    p_value: outside ? 0.0004 : 0.4,
    q_value: outside ? 0.003 : 0.8,
    outside,
    untested_because: observed === null ? 'not-covered' : null,
  }
}

function tidyParts(series: readonly FixtureSeries[]): Part[] {
  return FIXTURE_DIVISIONS.map((council_district) => ({
    partition: { council_district },
    rows: series
      .filter(({ division }) => division === council_district)
      .flatMap(({ category, weeks }) =>
        weeks
          .filter(({ on }) => on >= ROWS_FROM)
          .flatMap(({ on, observed }) =>
            Array.from({ length: observed ?? 0 }, (_, number) => tidyRow(category, on, number)),
          ),
      ),
  }))
}

/** A house number that no page may show. */
export const SECRET_HOUSE = 1234

function tidyRow(category: string, week: Day, number: number): PlainRow {
  const on = addDays(week, number % 7)
  const id = digestOf([category, on, number])
  return {
    service_request_id: `1-${Number.parseInt(id.slice(0, 8), 16)}`,
    service_name: category,
    status: number % 3 === 0 ? 'Open' : 'Closed',
    requested_at: startOfDay(on, 'America/Los_Angeles'),
    closed_at: number % 3 === 0 ? null : startOfDay(addDays(on, 3), 'America/Los_Angeles'),
    agency_responsible: number % 2 === 0 ? 'Sanitation' : 'Street Services',
    channel: number % 5 === 0 ? '=cmd|calc' : 'App',
    address: `${SECRET_HOUSE + number} N MAIN ST APT 5, TESTVILLE, 90012`,
    neighborhood: 'Old Town',
    zipcode: '90012',
    lat: 34.0512345,
    long: -118.2412345,
    requested_on: on,
    _source: 'year-2021',
    _row_hash: Number.parseInt(id.slice(0, 12), 16),
    _source_page: 0,
  }
}

function ingestPart(): Part {
  const row = {
    source: 'year-2021',
    snapshot: 3,
    verdict: 'complete',
    page: 0,
    url: 'https://data.testville.example/2021.csv',
    sha256: sha256Hex('2021'),
    bytes: 900_000,
    rows_in: 12_345,
    rows_quarantined: 2,
    published_at: '2021-08-30T20:00:00Z',
    read_at: '2021-08-31T06:15:00Z',
  }
  return { partition: { dataset: 'calls' }, rows: [{ ...row, snapshot: 2, rows_in: 1 }, row] }
}

function findingParts(series: readonly FixtureSeries[]): Part[] {
  const risen = series.filter(({ division, category }) => rising(division, category))
  const calm = series.find(({ division, category }) => division === CALM_DIVISION && category === 'Graffiti')!
  const events = [
    ...risen.flatMap((one) => [
      event(one, RISE_FROM, 2, 'new'),
      event(one, RISE_FROM, RISE_WEEKS, 'ongoing'),
    ]),
    event(calm, addDays(NEWEST_WEEK, -7 * 60), 2, 'ended'),
  ]
  const rows = events.map(({ division, row }, index) => ({ division, row: { ...row, index } }))
  return FIXTURE_DIVISIONS.map((division) => ({
    partition: { division },
    rows: rows.filter((row) => row.division === division).map(({ row }) => row),
  }))
}

function event(
  series: FixtureSeries,
  from: Day,
  weeks: number,
  state: FindingState,
): { division: string; row: PlainRow } {
  const { division, category } = series
  const to = addDays(from, 7 * weeks)
  const claim = claimOf(series, from, to, weeks)
  const identity = { division, dataset: 'calls', category, metric: 'requests', direction: 'up' as const }
  const finding = findingId({ city: 'testville', ...identity }, from)
  const id = eventId(finding, addDays(to, -7), state, digestOf(claim))
  const { time, knownat } = INSTANTS
  const type = `${FINDING_EVENT_TYPE}.${state}`
  const cloudEvent = {
    specversion: '1.0',
    id,
    source: '/testville',
    type,
    time,
    knownat,
    ...identity,
    finding,
  }
  const data = { claim, evidence: evidenceOf(division, category, claim) }
  const body = canonicalJson({
    ...cloudEvent,
    dataschema: DATA_SCHEMA,
    datacontenttype: 'application/json',
    data,
  })
  const { qValue, severity, ratio } = claim
  const figures = {
    effect_ratio: ratio,
    q_value: qValue,
    severity,
    window_from: addDays(to, -7),
    window_to: to,
  }
  const row = {
    ...INSTANTS,
    ...figures,
    event_id: id,
    type,
    finding,
    state,
    ...identity,
    supersedes: null,
    event: body,
  }
  return { division, row }
}

function claimOf({ weeks }: FixtureSeries, from: Day, to: Day, length: number): Claim {
  const own = weeks.filter(({ on }) => on >= from && on < to)
  const sum = (value: (week: Week) => number) => own.reduce((total, week) => total + value(week), 0)
  const observed = sum((week) => week.observed ?? 0)
  const expected = sum((week) => week.expected)
  return {
    from,
    to,
    weeks: length,
    observed,
    expected,
    lower: sum(({ lower }) => lower) / length,
    upper: sum(({ upper }) => upper) / length,
    ratio: observed / expected,
    pValue: 0.0004,
    qValue: 0.003,
    severity: observed > 400 ? 'high' : observed > 100 ? 'medium' : 'low',
    words: wordsIdOf('up', length),
  }
}

function evidenceOf(division: string, category: string, { from, to, observed }: Claim): Evidence {
  return {
    tables: [
      { table: tables.tidy('calls'), version: 0 },
      { table: tables.series('calls'), version: 0 },
    ],
    files: [{ path: 'tidy/calls/council_district=07/part-0-aa.parquet', sha256: sha256Hex(division) }],
    sql: `SELECT count(*) FROM tidy_calls WHERE council_district = '${division}' AND service_name = '${category}' AND requested_on >= DATE '${from}' AND requested_on < DATE '${to}'`,
    rows: observed,
    detector: 'farrington-flexible/1',
    parameters: { alpha: 0.01, baselineYears: 5, trend: true },
    dispersion: 1.4,
    baselineWeeks: 104,
    family: { id: 'calls/requests/2021-08-23', size: 28 },
  }
}
