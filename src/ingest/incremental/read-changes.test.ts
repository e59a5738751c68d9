import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  BEGAN,
  DATED_WAYS,
  type DatedWay,
  datedCity,
  pagesIn,
  provenanceIn,
  rowsIn,
} from '../../../testkit/dated-ways.js'
import { type Edit, EditedTable } from '../../../testkit/edited-table.js'
import {
  copyLake,
  counting,
  failingAt,
  inProcessRunner,
  keysOf,
  makeLake,
  NOON,
  queryTable,
  type TestLake,
  worldOf,
} from '../../../testkit/lake-fixture.js'
import { startTrialPortal, type TrialPortal } from '../../../testkit/portal-trial.js'
import { DATASET, ingest, SOURCE } from '../../../testkit/test-city.js'
import type { PartRunner } from '../../contracts/part-runner.js'
import type { PortalTable } from '../../demo/portals/portal-table.js'
import { startSocrataPortal } from '../../demo/portals/socrata/socrata-portal.js'
import { WardbookError } from '../../kernel/errors.js'
import { DeltaTable } from '../../lake/delta/table.js'
import type { ObjectStore } from '../../lake/store.js'
import { tables } from '../../lake/tables.js'
import type { PageRecord } from '../../sources/source.js'

const RAW = tables.raw(DATASET, SOURCE)
const ROWS = 60
/** Longer than the overlap: what was published before is not asked for again. */
const DAYS = 72

let lake: TestLake
let trial: TrialPortal
let edited: EditedTable
/** What the portal shows instead of the edited table as it is. */
let shown: (table: PortalTable) => PortalTable
const told: string[] = []

beforeEach(async () => {
  lake = await makeLake()
  edited = new EditedTable(ROWS, BEGAN, false, true)
  shown = (table) => table
  told.length = 0
})
afterEach(async () => {
  await trial.portal.close()
  await lake.remove()
})

/** Reads the first publication, in full. */
async function begin(name = 'Socrata export'): Promise<DatedWay> {
  const way = DATED_WAYS[name] as DatedWay
  edited = new EditedTable(ROWS, BEGAN, way.showsEdits, way.promisesKeys)
  trial = await startTrialPortal((hooks) => way.start(() => shown(edited.table()), hooks))
  await read(way)
  expect((await provenanceIn(lake.store)).incremental).toBeUndefined()
  return way
}

const report = ({ message }: { message: string }) => void told.push(message)

/** Reads what is published now. @returns the requests for rows that it took */
async function read(
  way: DatedWay,
  settings: object = {},
  dataset: object = {},
  { rereads = false, clock = NOON }: { rereads?: boolean; clock?: () => Date } = {},
) {
  const before = trial.portal.requests.length
  told.length = 0
  const city = datedCity(way, trial.portal.url, settings, dataset)
  const result = await ingest(lake.store, city, { report, rereads, clock })
  return { result, asked: trial.portal.requests.slice(before).filter(way.asks) }
}

/** Publishes edits, reads, and sees that the table is the published one. */
async function publish(way: DatedWay, edits: readonly Edit[], settings: object = {}, dataset: object = {}) {
  edited.publish(edits, DAYS)
  const done = await read(way, settings, dataset)
  await expectPublished()
  return done
}

async function expectPublished(): Promise<void> {
  const { rowCount, row } = edited.table()
  const rows = await queryTable<Record<string, string | null>>(
    lake.store,
    RAW,
    "SELECT number, district, coalesce(title, '') AS title FROM {table}",
  )
  const lines = rows.map(({ number, district, title }) => JSON.stringify([number, district, title]))
  const truth = Array.from({ length: rowCount }, (_none, at) => row(at).slice(0, 3))
  expect(lines.sort()).toEqual(truth.map((cells) => JSON.stringify(cells.map((cell) => cell ?? ''))).sort())
}

const retitle = (at: number): Edit => ({ kind: 'retitle', at, title: 'edited' })
const add = (district: number): Edit => ({ kind: 'add', district, title: 'new' })

describe('a read of changed rows', () => {
  it('asks for nothing else, and rewrites only the parts whose rows changed', async () => {
    const way = await begin()
    const before = await worldOf(lake.store)
    const { asked } = await publish(way, [retitle(0), add(0)]) // row 0 is in district 01 as well
    expect(asked.map(({ query }) => query.get('$where'))).toEqual([
      ":updated_at >= '2025-12-31T00:00:00.000Z'",
    ])
    const after = await worldOf(lake.store)
    const stayed = (division: string) => (world: typeof before) =>
      world[RAW]?.filter((file) => file.startsWith(division))
    for (const division of ['02', '03']) expect(stayed(division)(after)).toEqual(stayed(division)(before))
    expect(stayed('01')(after)).not.toEqual(stayed('01')(before))
    const told = await provenanceIn(lake.store)
    expect(told.incremental).toEqual({
      ...{ since: '2025-12-31T00:00:00.000Z', reads: 1, received: 2 },
      ...{ same: 0, replaced: 1, added: 1, removed: 0, keyPages: [] },
    })
    expect(told.changes).toMatchObject({ added: 1, changed: 1, removed: 0, moved: 0 })
  })

  it('lets each row point to the page that brought it, and lists these pages as long as rows of them are left', async () => {
    const way = await begin()
    await publish(way, [retitle(0), add(1)])
    await publish(way, [{ kind: 'retitle', at: 0, title: 'new' }, retitle(1)])
    const pages = await queryTable<object>(
      lake.store,
      RAW,
      "SELECT _source_page AS page, count(*) AS rows FROM {table} WHERE title IN ('edited', 'new') GROUP BY 1 ORDER BY 1",
    )
    expect(pages.map((page) => ({ ...page }))).toEqual([
      { page: 1, rows: 1 },
      { page: 2, rows: 2 },
    ])
    const { counted, told: listed } = await pagesIn(lake.store)
    expect(listed).toEqual(counted)
    const urls = (await provenanceIn(lake.store)).pages.map(({ url }) =>
      decodeURIComponent(new URL(url).search),
    )
    expect(urls.map((url) => /:updated_at >= '([^']+)'/.exec(url)?.[1])).toEqual([
      undefined,
      '2025-12-31T00:00:00.000Z',
      '2026-01-03T00:00:00.000Z',
    ])
  })

  it('leaves a row that came again word for word where it is, with its page', async () => {
    const way = await begin()
    const before = (await worldOf(lake.store))[RAW]
    await publish(way, [{ kind: 'touch', at: 3 }])
    expect((await worldOf(lake.store))[RAW]).toEqual(before)
    expect((await provenanceIn(lake.store)).incremental).toMatchObject({ received: 1, same: 1, replaced: 0 })
  })

  it('asks nothing at all for rows when only the time of the last change is another', async () => {
    const way = await begin()
    const { asked, result } = await publish(way, [])
    expect([asked.length, result.rows]).toEqual([0, ROWS])
  })

  it('tells an empty text from none, where the portal does', async () => {
    const way = await begin('Socrata pages')
    await publish(way, [{ kind: 'retitle', at: 0, title: '' }])
    await publish(way, [{ kind: 'retitle', at: 0, title: null }])
    const [row] = await queryTable<{ nulls: number }>(
      lake.store,
      RAW,
      'SELECT count(*) AS nulls FROM {table} WHERE title IS NULL',
    )
    expect(row?.nulls).toBe(1)
  })
})

describe('rows that were deleted', () => {
  it('are found by asking for all keys, once the count says that some are gone', async () => {
    const way = await begin()
    const { asked } = await publish(way, [
      { kind: 'delete', at: 4 },
      { kind: 'delete', at: 9 },
      add(2),
      retitle(0),
    ])
    expect(asked.map(({ query }) => query.get('$select'))).toEqual(['number,district,title', 'number'])
    const told = await provenanceIn(lake.store)
    expect(told.incremental).toMatchObject({
      added: 1,
      replaced: 1,
      removed: 2,
      keyPages: [{ rows: ROWS - 1 }],
    })
    expect(told.changes).toMatchObject({ added: 1, changed: 1, removed: 2 })
  })

  it('are found also where as many others came', async () => {
    const way = await begin()
    await publish(way, [{ kind: 'delete', at: 4 }, add(2)])
    expect((await provenanceIn(lake.store)).incremental).toMatchObject({ added: 1, removed: 1 })
  })

  it('are found where a row only got another key, and where a division loses its last row', async () => {
    const way = await begin()
    await publish(way, [add(3)])
    await publish(way, [
      { kind: 'renumber', at: 7 },
      { kind: 'delete', at: ROWS },
    ])
    expect((await provenanceIn(lake.store)).incremental).toMatchObject({ added: 1, removed: 2 })
    expect((await worldOf(lake.store))[RAW]?.some((file) => file.startsWith('04'))).toBe(false)
  })
})

describe('a full read is made', () => {
  /** The read tells why, and the table is the published one all the same. */
  async function expectWhole(
    way: DatedWay,
    edits: readonly Edit[],
    why: RegExp,
    settings = {},
    dataset = {},
  ) {
    await publish(way, edits, settings, dataset)
    expect(told.filter((message) => message.startsWith('reads all rows'))).toEqual([
      expect.stringMatching(why),
    ])
    expect((await provenanceIn(lake.store)).incremental).toBeUndefined()
  }

  it('when the publisher loads the table anew, whatever the portal calls its rows then', async () => {
    const way = await begin()
    await expectWhole(way, [{ kind: 'reload' }, retitle(1)], /60 of 60 rows were changed: the publisher/)
    expect((await provenanceIn(lake.store)).changes).toMatchObject({ added: 0, changed: 1, removed: 0 })
  })

  it('every so many reads, by default the seventh', async () => {
    const way = await begin()
    for (let reads = 1; reads <= 6; reads++) {
      await publish(way, [retitle(reads)])
      expect((await provenanceIn(lake.store)).incremental?.reads).toBe(reads)
    }
    await expectWhole(way, [retitle(0)], /a full read is due/)
    await publish(way, [retitle(2)], { fullEvery: 2 })
    await expectWhole(way, [retitle(3)], /a full read is due/, { fullEvery: 2 })
  })

  it('without a word where the city file says so, names no key, or was changed, and by --reread', async () => {
    const way = await begin()
    for (const [settings, dataset] of [
      [{ incremental: false }],
      [{ fullEvery: 1 }],
      [{}, { key: undefined }],
    ] as const) {
      await publish(way, [retitle(1)], settings, dataset)
      expect((await provenanceIn(lake.store)).incremental).toBeUndefined()
    }
    await publish(way, [retitle(2)]) // with its key again, under which the table was not made
    expect((await provenanceIn(lake.store)).incremental).toBeUndefined()
    edited.publish([retitle(3)], DAYS)
    await read(way, {}, {}, { rereads: true })
    expect((await provenanceIn(lake.store)).incremental).toBeUndefined()
    await expectPublished()
  })

  it('when the columns are others', async () => {
    const way = await begin()
    shown = (table) => ({
      ...table,
      columns: [...table.columns, { name: 'status', type: 'text' }],
      row: (index) => [...table.row(index), `state of ${index}`],
    })
    await expectWhole(way, [retitle(1)], /columns or the way it is read/)
  })

  it('when a row came that the portal dates before the changes', async () => {
    const way = await begin()
    shown = (table) => ({ ...table, rowUpdatedAt: (index) => (index === ROWS ? 0 : BEGAN - 1e10) })
    await expectWhole(way, [add(1)], /1 rows came that the portal does not date/)
  })

  it('when a changed row has no key', async () => {
    const way = await begin()
    shown = (table) => ({
      ...table,
      row: (index) => (index === 5 ? ['', ...table.row(5).slice(1)] : table.row(index)),
    })
    edited.publish([retitle(5)], DAYS)
    await read(way)
    expect(told.join('\n')).toMatch(/reads all rows: 1 changed rows have no key/)
  })

  it('when a key stands in several rows, also where one that doubled makes up for one that went', async () => {
    const way = await begin('Socrata export without row identifier')
    const doubled: Edit = { kind: 'double', at: 6 }
    await expectWhole(way, [doubled], /1 keys are blank or stand in several rows at the portal/)
    await expectWhole(way, [{ kind: 'delete', at: 20 }, add(1)], /stand in several rows/)
  })

  it('when fewer changed rows come than the portal counts, or the portal does not take the question', async () => {
    const way = await begin()
    trial.misbehave({
      alter: (request, answer) =>
        request.query.has('$where') && !way.asks(request) ? { ...answer, body: ['[{"count":"3"}]'] } : answer,
    })
    await expectWhole(way, [retitle(1), retitle(2)], /counts 3 changed rows, and 2 came/)
    trial.misbehave({
      alter: (request, answer) =>
        request.query.has('$where')
          ? {
              status: 400,
              headers: {},
              body: ['{"code":"query.compiler.malformed","error":true,"message":"no"}'],
            }
          : answer,
    })
    await expectWhole(way, [retitle(3)], /does not tell its changed rows/)
  })

  it('when the portal refuses these questions, or has no answer to them in time', async () => {
    const way = await begin()
    for (const [at, status] of [403, 504].entries()) {
      trial.misbehave({
        alter: (request, answer) =>
          request.query.has('$where') ? { status, headers: {}, body: ['no'] } : answer,
      })
      await expectWhole(way, [retitle(at)], /reads all rows: /)
    }
  })

  it('when the worker that lays changes over the table dies', async () => {
    const way = await begin()
    edited.publish([retitle(1)], DAYS)
    const inner = inProcessRunner(lake.store)
    const runner: PartRunner = {
      run: async (task, job) => {
        if (task !== 'ingest.merge') return inner.run(task, job)
        throw new WardbookError('worker-died', 'retry', 'out of memory')
      },
    }
    await ingest(lake.store, datedCity(way, trial.portal.url), { report, runner })
    expect(told.join('\n')).toMatch(
      /reads all rows: the changes could not be laid over the table: out of memory/,
    )
    await expectPublished()
  })

  it('when the publication changes while it is read', async () => {
    const way = await begin()
    trial.misbehave({
      alter: (request, answer) => {
        if (way.asks(request) && request.query.has('$where')) {
          trial.misbehave()
          edited.publish([retitle(8)], 1)
        }
        return answer
      },
    })
    await expectWhole(way, [retitle(1)], /changed while it was read: its change token/)
  })
})

describe('a source of several tables', () => {
  /** One table a year; both hold the numbers from 0 on. */
  const years = () => [2025, 2026].map((year) => ({ year, table: new EditedTable(ROWS, BEGAN, false, true) }))

  async function beginYears([older, newer]: ReturnType<typeof years>) {
    const tables = () => [
      { ...(older as { table: EditedTable }).table.table(), id: 'abcd-2025' },
      { ...(newer as { table: EditedTable }).table.table(), id: 'abcd-2026' },
    ]
    trial = await startTrialPortal((hooks) => startSocrataPortal(tables, {}, hooks))
    const way = {
      ...(DATED_WAYS['Socrata export'] as DatedWay),
      source: (portal: string) => ({ family: 'socrata', portal, datasets: ['abcd-2025', 'abcd-2026'] }),
    }
    await read(way)
    return way
  }

  const rowsOfNumber = async (number: string) =>
    queryTable<{ title: string; page: number }>(
      lake.store,
      RAW,
      `SELECT title, _source_page AS page FROM {table} WHERE number = '${number}' ORDER BY page`,
    )

  it('reads the last of them by its changes, and leaves the rows of the others, whatever their keys', async () => {
    const both = years()
    const way = await beginYears(both)
    both[1]?.table.publish([retitle(4), { kind: 'delete', at: 9 }, add(1)], DAYS)
    const { asked, result } = await read(way)
    expect(asked.map(({ path }) => path)).toEqual(['/resource/abcd-2026.csv', '/resource/abcd-2026.csv'])
    expect(result.rows).toBe(2 * ROWS)
    expect((await rowsOfNumber('SR-0004')).map((row) => ({ ...row }))).toEqual([
      { title: 'request 4', page: 0 },
      { title: 'edited', page: 2 },
    ])
    expect(await rowsOfNumber('SR-0009')).toHaveLength(1)
    const { counted, told: listed } = await pagesIn(lake.store)
    expect(listed).toEqual(counted)
    expect((await provenanceIn(lake.store)).pages.map(({ offer }) => offer)).toEqual([0, 1, 1])
  })

  it('is read whole where another than the last changed', async () => {
    const both = years()
    const way = await beginYears(both)
    both[0]?.table.publish([retitle(4)], DAYS)
    await read(way)
    expect(told.join('\n')).toMatch(/reads all rows: other tables than the last one came, went or changed/)
    expect((await rowsOfNumber('SR-0004')).map(({ title }) => title)).toEqual(['edited', 'request 4'])
  })
})

describe('a read of a portal that counts nothing', () => {
  const filters = (asked: readonly { query: URLSearchParams }[]) =>
    asked.map(({ query }) => query.get('$filter') ?? '')

  it('asks for what any of its times says was changed, 72 hours back, and for all ids', async () => {
    const way = await begin('Legistar lists')
    await publish(way, [retitle(0)], {}) // the newest change that the portal knows is this one now
    const { asked } = await publish(way, [retitle(3), { kind: 'delete', at: 8 }, add(1)])
    const names = ['EventLastModifiedUtc', 'EventAgendaLastPublishedUTC', 'EventMinutesLastPublishedUTC']
    const since = (above: string) => names.map((name) => `${above}${name} ge datetime'2026-01-01T00:00:00'`)
    expect(filters(asked)[0]).toBe(since('').join(' or '))
    expect(filters(asked)[1]).toBe(since('EventId gt 61 and ').join(' or '))
    const keys = asked.filter(({ query }) => query.has('$select'))
    expect(keys[0]?.query.get('$select')).toBe('EventId,number')
    expect((await provenanceIn(lake.store)).incremental).toMatchObject({
      ...{ received: 3, same: 1, replaced: 1, added: 1, removed: 1 },
      fullAt: NOON().toISOString(),
    })
  })

  it('commits nothing where nothing changed, and reads all rows where a week has gone since it last did', async () => {
    const way = await begin('Legistar lists')
    const before = await worldOf(lake.store)
    const { result, asked } = await read(way)
    expect(result.verdict).toBe('unchanged')
    expect(filters(asked).some((filter) => filter.includes('EventLastModifiedUtc ge'))).toBe(true)
    expect(await worldOf(lake.store)).toEqual(before)
    const later = () => new Date(NOON().getTime() + 7 * 86_400_000)
    expect((await read(way, {}, {}, { clock: later })).result.verdict).toBe('unchanged')
    expect(told.join('\n')).toMatch(/reads all rows: a full read is due/)
  })

  it('reads all rows where too many changed', async () => {
    const way = await begin('Legistar lists')
    await publish(way, [{ kind: 'reload' }])
    expect(told.join('\n')).toMatch(/reads all rows: 60 of 60 rows were changed/)
  })
})

describe('a read of changed rows that is killed', () => {
  it('at any write, and run again, leaves the world of a calm run, and asks for no page again', async () => {
    const way = await begin('Socrata pages')
    edited.publish(
      [retitle(0), retitle(1), { kind: 'delete', at: 2 }, ...Array.from({ length: 8 }, () => add(1))],
      DAYS,
    )
    const city = datedCity(way, trial.portal.url)
    const calm = await copyLake(lake)
    const store = counting(calm.store)
    await ingest(store, city)
    const expected = await worldOf(calm.store)
    expect((await provenanceIn(calm.store)).incremental).toMatchObject({ received: 10, removed: 1 })
    await calm.remove()
    expect(store.writes()).toBeGreaterThan(8)
    for (let fatal = 1; fatal <= store.writes(); fatal++) {
      const killed = await copyLake(lake)
      await expect(ingest(failingAt(killed.store, fatal, fatal % 2 === 0), city)).rejects.toThrow()
      const pages = (await keysOf(killed.store, 'spool/')).filter((key) => /page-\d+\.json$/.test(key)).length
      const isCommitted = ((await new DeltaTable(killed.store, RAW).snapshot())?.version ?? 0) > 0
      const before = trial.portal.requests.length
      await ingest(killed.store, city)
      const again = trial.portal.requests
        .slice(before)
        .filter((one) => way.asks(one) && one.query.has('$where'))
      expect(again, `write ${fatal}`).toHaveLength(isCommitted ? 0 : 2 - pages)
      expect(await worldOf(killed.store), `write ${fatal}`).toEqual(expected)
      expect(await rowsIn(killed.store)).toHaveLength(ROWS + 7)
      expect(await keysOf(killed.store, 'spool/')).toEqual([])
      await killed.remove()
    }
  }, 240_000)

  it.each([
    ['no page of its own was asked for', { kind: 'reload' }],
    ['its pages came, and one had no key', retitle(5)],
  ] as const)(
    'asks for no page again of the full read that it became when %s',
    async (_when, edit) => {
      const way = await begin('Socrata pages')
      if (edit.kind !== 'reload')
        shown = (table) => ({
          ...table,
          row: (index) => (index === 5 ? ['', ...table.row(5).slice(1)] : table.row(index)),
        })
      edited.publish([edit], DAYS)
      const city = datedCity(way, trial.portal.url)
      const calm = await copyLake(lake)
      const store = counting(calm.store)
      await ingest(store, city)
      const expected = await worldOf(calm.store)
      await calm.remove()
      let kept = 0
      for (let fatal = 1; fatal <= store.writes(); fatal += 3) {
        const killed = await copyLake(lake)
        await expect(ingest(failingAt(killed.store, fatal, true), city)).rejects.toThrow()
        const recorded = (await spooledUrls(killed.store)).filter((url) => !url.includes('$where'))
        kept += recorded.length
        const before = trial.portal.requests.length
        await ingest(killed.store, city)
        const asked = trial.portal.requests.slice(before).map(({ path, query }) => `${path}?${query}`)
        expect(
          asked.map(decodeURIComponent).filter((url) => recorded.includes(url)),
          `write ${fatal}`,
        ).toEqual([])
        expect(await worldOf(killed.store), `write ${fatal}`).toEqual(expected)
        await killed.remove()
      }
      expect(kept).toBeGreaterThan(ROWS / 7) // else nothing was tried
    },
    240_000,
  )
})

/** Path and question of each page that lies recorded in the spool. */
async function spooledUrls(store: ObjectStore): Promise<string[]> {
  const keys = (await keysOf(store, 'spool/')).filter((key) => /page-\d+\.json$/.test(key))
  const pages = await Promise.all(keys.map((key) => store.get(key)))
  return pages.map((bytes) => {
    const { page } = JSON.parse(new TextDecoder().decode(bytes)) as { page: { record: PageRecord } }
    const { pathname, searchParams } = new URL(page.record.request.url)
    return decodeURIComponent(`${pathname}?${searchParams}`)
  })
}
