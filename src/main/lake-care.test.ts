import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keysOf, makeLake, queryTable, rowsOf, type TestLake } from '../../testkit/lake-fixture.js'
import { DATASET, harmonize, ingest, measure, SOURCE, testCity, writeFiles } from '../../testkit/test-city.js'
import type { Proposal } from '../contracts/proposal.js'
import { DeltaTable } from '../lake/delta/table.js'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import { scanFiles } from '../lake/duckdb/scan.js'
import { scopeTo } from '../lake/prefixes.js'
import { tables } from '../lake/tables.js'
import type { TableVacuum } from '../lake/vacuum.js'
import { takeInProposals } from '../ledger/take-in.js'
import { CITY, completeRun, NOON, openLog, propose, proposeFinding } from '../ledger/test-lake.js'
import { verifyLog } from '../ledger/verify.js'
import { claimLake } from './claim-lake.js'
import { compactLake, type VacuumOptions, vacuumLake } from './lake-care.js'

const TIDY = tables.tidy(DATASET)
const RAW = tables.raw(DATASET, SOURCE)
const DAY_MS = 86_400_000

let lake: TestLake
let mirror: string
beforeEach(async () => {
  lake = await makeLake()
  mirror = await mkdtemp(join(tmpdir(), 'wardbook-mirror-'))
  await claimLake(lake.store, 'testville')
})
afterEach(async () => {
  await lake.remove()
  await rm(mirror, { recursive: true, force: true })
})

/** Publishes these calls of district 7, up to the series. */
async function publish(ids: readonly string[]): Promise<void> {
  const rows = ids.map((id) => `${id},7,Noise,2026-01-01`)
  await writeFiles(mirror, { 'calls.csv': `id,District,Type,Opened\n${rows.join('\n')}\n` })
  const city = testCity()
  await ingest(lake.store, city, { mirror })
  await harmonize(lake.store, city)
  await measure(lake.store, city)
}

async function takeIn(): Promise<void> {
  const log = await openLog(lake.store)
  await takeInProposals({ store: scopeTo('ledger', lake.store), city: CITY, clock: NOON, log })
}

describe('the lake of a newer release', () => {
  it('is left alone: what its files mean is not known', async () => {
    await scopeTo('main', lake.store).put('lake.json', Buffer.from('{"formatVersion":99,"city":"testville"}'))
    const before = await keysOf(lake.store, '')
    await expect(compactLake(lake.folder, () => {})).rejects.toMatchObject({ code: 'lake-newer-format' })
    await expect(vacuum()).rejects.toMatchObject({ code: 'lake-newer-format' })
    expect(await keysOf(lake.store, '')).toEqual(before)
  })
})

async function cite(table: string, version: number): Promise<void> {
  const { evidence, ...finding } = proposeFinding()
  await propose(lake.store, 'detect', [
    { ...finding, evidence: { ...evidence, files: [], tables: [{ table, version }] } },
  ])
}

/** Vacuums as if this many days had passed. */
async function vacuum(days = 30, options: Partial<VacuumOptions> = {}): Promise<TableVacuum[]> {
  const plans: TableVacuum[] = []
  const settings = { retentionDays: 7, dryRun: false, forgetsCited: false, ...options }
  await vacuumLake(
    lake.folder,
    settings,
    (plan) => plans.push(plan),
    () => new Date(Date.now() + days * DAY_MS),
  )
  return plans
}

const filesOf = (plans: readonly TableVacuum[], root: string) =>
  plans.find(({ table }) => table === root)?.objects.length

async function idsAt(root: string, version: number, id = 'service_request_id'): Promise<string[]> {
  const snapshot = await new DeltaTable(lake.store, root).snapshot(version)
  if (snapshot === undefined) throw new Error(`no version ${version}`)
  const scan = await scanFiles(lake.store, root, snapshot)
  const scratch = await lake.store.scratch()
  const rows = await withEngine(LEAN, scratch.folder, (engine) =>
    engine.rows<{ id: string }>(`SELECT ${id} AS id FROM ${scan.sql} ORDER BY 1`),
  )
  await scratch.remove()
  return rows.map((row) => row.id)
}

describe('vacuum of a lake', () => {
  it('takes files of versions that nobody needs, and leaves the newest rows and every published snapshot', async () => {
    await publish(['1'])
    await publish(['1', '2'])
    await takeIn()
    const before = await rowsOf(lake.store, TIDY)
    const plans = await vacuum()
    expect([filesOf(plans, TIDY), filesOf(plans, RAW)]).toEqual([1, 0])
    expect(await rowsOf(lake.store, TIDY)).toEqual(before)
    expect(await idsAt(RAW, 0, 'id')).toEqual(['1'])
    await expect(idsAt(TIDY, 0)).rejects.toMatchObject({
      code: 'version-vacuumed',
      remedy: 'fix-source',
      facts: { table: TIDY, version: 0, newest: 1 },
    })
    expect(filesOf(await vacuum(), TIDY)).toBe(0)
  })

  it('never takes what a finding cites, also while the ledger has not taken it in; and takes it when told', async () => {
    await publish(['1'])
    await publish(['1', '2'])
    await cite(TIDY, 0)
    for (const isTakenIn of [false, true]) {
      if (isTakenIn) await takeIn()
      expect(filesOf(await vacuum(), TIDY), `taken in: ${isTakenIn}`).toBe(0)
      expect(await idsAt(TIDY, 0)).toEqual(['1'])
    }
    expect(filesOf(await vacuum(30, { forgetsCited: true }), TIDY)).toBe(1)
    await expect(idsAt(TIDY, 0)).rejects.toMatchObject({ code: 'version-vacuumed' })
    expect(await idsAt(TIDY, 1)).toEqual(['1', '2'])
  })

  it('plans only, with a dry run', async () => {
    await publish(['1'])
    await publish(['1', '2'])
    const keys = await keysOf(lake.store)
    expect(filesOf(await vacuum(30, { dryRun: true }), TIDY)).toBe(1)
    expect(await keysOf(lake.store)).toEqual(keys)
  })

  it('leaves what is younger than the retention, and refuses one below a day', async () => {
    await publish(['1'])
    await publish(['1', '2'])
    const keys = await keysOf(lake.store)
    await vacuum(6)
    expect(await keysOf(lake.store)).toEqual(keys)
    const short = { code: 'retention-too-short', remedy: 'fix-config' }
    await expect(vacuum(30, { retentionDays: 0.5 })).rejects.toMatchObject(short)
  })

  it('takes what a killed writer left, and never a file that somebody else put there', async () => {
    await publish(['1'])
    const ours = `${TIDY}/council_district=7/part-3-${'a'.repeat(24)}.parquet`
    const theirs = `${TIDY}/council_district=7/data_0.parquet`
    for (const key of [ours, theirs]) await lake.store.put(key, new Uint8Array(4))
    await vacuum()
    expect([await lake.store.stat(ours), (await lake.store.stat(theirs))?.size]).toEqual([undefined, 4])
  })

  it.each([
    ['a segment is damaged', 'ledger/main/seg/x000/x000/x000/000', 'ledger-segment-broken'],
    ['its description is gone', 'ledger/main/log.0.json', 'ledger-file-broken'],
  ])('removes nothing while %s: what is cited is not known', async (_what, key, code) => {
    await publish(['1'])
    await publish(['1', '2'])
    await takeIn()
    if (code === 'ledger-segment-broken') await lake.store.put(key, new Uint8Array(40))
    else await lake.store.delete(key)
    const keys = await keysOf(lake.store)
    await expect(vacuum()).rejects.toMatchObject({ code, remedy: 'fix-source' })
    expect(await keysOf(lake.store)).toEqual(keys)
  })

  it('removes nothing when the whole ledger is gone, and the view says that there was one', async () => {
    await publish(['1'])
    await publish(['1', '2'])
    await takeIn()
    for (const key of await keysOf(lake.store, 'ledger/')) await lake.store.delete(key)
    await expect(vacuum()).rejects.toMatchObject({ code: 'ledger-shorter-than-view' })
  })
})

describe('compaction of a lake', () => {
  it('merges what the ledger has taken in of an outbox, and changes neither events nor view', async () => {
    const finding = (n: number): Proposal[] => [proposeFinding({}, 30 + n), completeRun(`r${n}`)]
    for (let n = 0; n < 3; n++) await propose(lake.store, 'detect', finding(n))
    await takeIn()
    await propose(lake.store, 'detect', finding(3))
    const done: string[] = []
    await compactLake(lake.folder, ({ table, outcome, files, into }) =>
      done.push(`${table} ${outcome} ${files} ${into}`),
    )
    expect(done).toEqual(['findings compacted 3 1', 'outbox/detect compacted 3 1'])
    const outbox = await new DeltaTable(lake.store, tables.outbox('detect')).snapshot()
    expect([...(outbox?.files.values() ?? [])].map(({ since }) => since).sort()).toEqual([2, 3])
    const rows = await queryTable(lake.store, tables.findings(), 'SELECT "index" FROM {table} ORDER BY 1')
    await takeIn()
    const after = await queryTable<{ index: number }>(
      lake.store,
      tables.findings(),
      'SELECT "index" FROM {table} ORDER BY 1',
    )
    expect(after.slice(0, rows.length)).toEqual(rows)
    expect(after).toHaveLength(4)
    expect(await verifyLog({ store: lake.store, view: true })).toMatchObject({ size: 4 })
    await vacuum()
    expect(await verifyLog({ store: lake.store, view: true })).toMatchObject({ size: 4 })
  })
})
