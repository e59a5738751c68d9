import { describe, expect, it } from 'vitest'
import { freshFolder, freshLake } from '../../testkit/fresh.js'
import { dailyRows, kindCsv, mappingOfAll } from '../../testkit/kind-rows.js'
import { queryTable, rowsOf } from '../../testkit/lake-fixture.js'
import {
  DATASET,
  detect,
  harmonize,
  ingest,
  measure,
  SOURCE,
  testCity,
  writeFiles,
} from '../../testkit/test-city.js'
import { KIND_NAMES, KINDS, type KindName, tidyColumns } from '../contracts/kinds.js'
import { type FindingProposal, Proposal } from '../contracts/proposal.js'
import { tables } from '../lake/tables.js'

const TIDY = tables.tidy(DATASET)
const lake = freshLake()
const mirror = freshFolder('mirror')

const cityOf = (kind: KindName, dataset: object = {}) =>
  testCity({ dataset: { kind, partition: { by: 'citywide' }, mapping: mappingOfAll(kind), ...dataset } })

/** Reads, types and counts one file of a kind. */
async function run(kind: KindName, csv: string, dataset: object = {}): Promise<void> {
  await writeFiles(mirror.path, { 'a.csv': csv })
  const city = cityOf(kind, dataset)
  await ingest(lake.store, city, { mirror: mirror.path })
  await harmonize(lake.store, city)
  await measure(lake.store, city)
}

async function plain(table: string, query: string): Promise<Record<string, unknown>[]> {
  return (await queryTable<Record<string, unknown>>(lake.store, table, query)).map((row) => ({ ...row }))
}

async function findings(): Promise<FindingProposal[]> {
  const rows = await rowsOf<{ body: string }>(lake.store, tables.outbox('detect'))
  return rows.map(({ body }) => Proposal.parse(JSON.parse(body))).filter((one) => one.kind === 'finding')
}

describe.each(KIND_NAMES)('a dataset of the kind %s', (kind) => {
  const { fields, id, category, at, on, metric } = KINDS[kind]

  it('is typed to the columns of its kind and counted by category and local day', async () => {
    const late = { [at]: '2026-01-03 23:30:00' }
    await run(
      kind,
      kindCsv(kind, [
        { [id]: '1', [category]: 'One' },
        { [id]: '2', [category]: 'One' },
        { [id]: '3', [category]: 'Two', ...late },
      ]),
    )
    const described = await plain(TIDY, 'SELECT column_name AS name FROM (DESCRIBE FROM {table})')
    expect(described.map(({ name }) => name).sort()).toEqual(
      [...tidyColumns(kind).map(({ name }) => name), 'council_district'].sort(),
    )
    const typed = fields.filter(({ name, type }) => type !== 'timestamp' && name !== id && name !== category)
    const [first] = await plain(TIDY, `SELECT * FROM {table} ORDER BY "${id}"`)
    for (const { name, type } of typed) expect(first?.[name]).toBe(type === 'string' ? `some ${name}` : 3)
    expect(first).toMatchObject({ council_district: 'citywide', [at]: '2026-01-01T17:00:00.000Z' })
    expect(await plain(TIDY, `SELECT "${on}"::VARCHAR AS day FROM {table} WHERE "${id}" = '3'`)).toEqual([
      { day: '2026-01-03' },
    ])
    const series = 'SELECT metric, category, day::VARCHAR AS day, count FROM {table} ORDER BY ALL'
    expect(await plain(tables.series(DATASET), series)).toEqual([
      { metric, category: 'One', day: '2026-01-01', count: 2 },
      { metric, category: 'Two', day: '2026-01-03', count: 1 },
    ])
  })

  it('sets rows aside that cannot be counted, by the names of its fields', async () => {
    await run(
      kind,
      kindCsv(kind, [
        { [id]: '1', [category]: '' },
        { [id]: '2', [at]: 'soon' },
        { [id]: '3', [category]: 'Good' },
      ]),
    )
    const rows = await rowsOf<{ reason: string; detail: string }>(
      lake.store,
      tables.quarantine('harmonize', DATASET, SOURCE),
    )
    expect(rows.map(({ reason }) => reason).sort()).toEqual([`missing-${category}`, `unreadable-${at}`])
    expect(rows.find(({ reason }) => reason.startsWith('unreadable'))?.detail).toBe(
      `${category}: some ${category}; ${at}: soon`,
    )
  })

  it('needs the columns of its category and its instant in every source', async () => {
    const mapping = { ...mappingOfAll(kind), [category]: 'NOWHERE' }
    await expect(run(kind, kindCsv(kind, [{}]), { mapping })).rejects.toMatchObject({
      code: 'mapped-column-missing',
      facts: { field: category },
    })
  })

  it('has findings of its metric, whose evidence is found by its own columns', async () => {
    const plan = { category: "It's one", from: '2022-01-03', weeks: 160 }
    const usual = (week: number, day: number) => 1 + ((week * 5 + day * 3) % 3 === 0 ? 1 : 0)
    const rises = (week: number) => week >= 140 && week < 143
    const count = (week: number, day: number) => usual(week, day) * (rises(week) ? 4 : 1)
    await run(kind, kindCsv(kind, dailyRows(kind, { ...plan, count })))
    await detect(lake.store, cityOf(kind))
    const found = await findings()
    expect(new Set(found.map((one) => `${one.division} ${one.metric} ${one.onset}`))).toEqual(
      new Set([`citywide ${metric} 2024-09-09`]),
    )
    const { claim, evidence } = found[0] as FindingProposal
    const counted = evidence.sql
      .replace('SELECT *', 'SELECT count(*)::INTEGER AS rows')
      .replace(/FROM "?[\w/]+"?/, 'FROM {table}')
    expect(await plain(TIDY, counted)).toEqual([{ rows: claim.observed }])
  })
})

describe('a whole number', () => {
  it('is read as it is written; what is none becomes an empty cell that is counted', async () => {
    const cells = ['2', '2.0', '1.5', '0x1F', 'two', '-1', '']
    await run(
      'collisions',
      kindCsv(
        'collisions',
        cells.map((injured, at) => ({ collision_id: `${at}`, injured })),
      ),
    )
    const rows = await plain(TIDY, 'SELECT injured FROM {table} ORDER BY collision_id')
    expect(rows.map(({ injured }) => injured)).toEqual([2, 2, null, null, null, -1, null])
    const [record] = await rowsOf<{ untyped_cells: string }>(lake.store, tables.runs('harmonize'))
    expect(JSON.parse(record?.untyped_cells ?? '')).toEqual({ injured: 3 })
  })
})
