import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  FAMILIES,
  type FamilyPortal,
  instantOf,
  LEGISTAR,
  localText,
  mappingOf,
  publicationOf,
} from '../../../testkit/family-portals.js'
import { freshFolder } from '../../../testkit/fresh.js'
import { makeLake, queryTable, type TestLake } from '../../../testkit/lake-fixture.js'
import { harmonize, ingest } from '../../../testkit/test-city.js'
import { CityFile } from '../../contracts/city-file.js'
import { CITYWIDE, UNASSIGNED } from '../../contracts/columns.js'
import { KINDS, type KindName } from '../../contracts/kinds.js'
import { sha256Hex } from '../../kernel/ids.js'
import type { Day } from '../../kernel/time.js'
import { tables } from '../../lake/tables.js'
import { indexOfDay } from '../city/calendar.js'
import { type DatasetId, planOf } from '../city/catalog.js'
import { makePocketCity, type PocketCity } from '../city/pocket-city.js'
import type { CityRecord } from '../city/records.js'
import { blockOf, CITY_ZONE, isUnplaced } from './cells.js'
import { CRIME, MATTERS, PERMITS } from './other-datasets.js'
import type { Publication, PublishedColumn } from './publication.js'
import { PublishedTable } from './published-table.js'
import { geoJsonOf } from './true-city.js'

/** In this city everything that is to be told on the days below happens on them. */
const SEED = 22
const SOURCE = 'portal'

/** One table, and two evenings on which it is read. */
interface Trial {
  readonly publication: Publication
  readonly families: readonly FamilyPortal[]
  readonly evenings: readonly [Day, Day]
  /** The partition by the names of a family's columns. */
  partition(column: FamilyPortal['column']): object
  /** What has to become of rows between both evenings. */
  readonly told: readonly Change[]
}

type Change = 'moved' | 'relabeled' | 'closed' | 'deleted'

const TRIALS: readonly Trial[] = [
  {
    publication: MATTERS,
    families: [LEGISTAR, ...FAMILIES],
    evenings: ['2025-03-15', '2025-03-26'],
    partition: () => ({ by: 'citywide' }),
    told: ['relabeled', 'closed', 'deleted'],
  },
  {
    // both days on which clocks change
    publication: { ...CRIME, from: indexOfDay('2024-03-04') },
    families: FAMILIES,
    evenings: ['2024-11-07', '2024-11-21'],
    partition: (column) => ({ from: column('COUNCIL_DIST') }),
    told: ['moved', 'relabeled', 'deleted'],
  },
  {
    publication: { ...PERMITS, from: indexOfDay('2024-12-01') },
    families: FAMILIES,
    evenings: ['2025-03-15', '2025-04-10'],
    partition: (column) => ({ by: 'point', point: { latitude: column('lat'), longitude: column('lon') } }),
    told: ['moved', 'closed', 'deleted'],
  },
]

type TidyRow = Readonly<Record<string, string | number | null>>

const maps = freshFolder('maps')
let city: PocketCity
beforeAll(() => {
  city = makePocketCity(SEED)
})

/** The city file with the one dataset as a family publishes it. */
async function cityFileOf(trial: Trial, family: FamilyPortal, url: string): Promise<CityFile> {
  const { dataset, keyColumn } = trial.publication
  const { id, validFrom } = city.maps[1]
  const file = join(maps.path, `${id}.geojson`)
  const map = geoJsonOf(city.maps[1])
  await writeFile(file, map)
  return CityFile.parse({
    city: { slug: 'pocket', name: 'Pocket City', timeZone: CITY_ZONE, simulated: true },
    divisions: { boundaries: [{ id, file, property: 'district', validFrom, sha256: sha256Hex(map) }] },
    datasets: {
      [dataset]: {
        ...{ name: dataset, kind: planOf(dataset).kind, key: family.column(keyColumn) },
        partition: trial.partition(family.column),
        sources: { [SOURCE]: family.source(url) },
        mapping: mappingOf(family, publicationOf(family, trial.publication)),
      },
    },
  })
}

/** The division of a row, as the city knows it. */
const DIVISION: PublishedColumn = {
  ...{ name: 'council_district', type: 'text' },
  cell: (one) => {
    const block = blockOf(one)
    if (block === undefined) return CITYWIDE
    return isUnplaced(one.record) ? UNASSIGNED : block.divisions[1]
  },
}

/** What a reader has to get of a table, straight from its cells. */
function expectedRows(publication: Publication, asOf: Day): TidyRow[] {
  const columns = [...publication.columns, DIVISION]
  const table = new PublishedTable(city, { ...publication, columns })
  table.publish(indexOfDay(asOf))
  const kind = KINDS[planOf(publication.dataset).kind as KindName]
  const rows = Array.from({ length: table.rowCount }, (_none, index) => {
    const cells = table.row(index)
    const row: Record<string, string | number | null> = { council_district: cells.at(-1) ?? null }
    for (const { name, type } of kind.fields) {
      const cell = cells[columns.findIndex(({ field }) => field === name)] ?? null
      row[name] = cell === null ? null : typedCell(cell, type)
    }
    return { ...row, [kind.on]: localText(row[kind.at] as string).slice(0, 10) }
  })
  return rows.sort((a, b) => compare(a[kind.id] as string, b[kind.id] as string))
}

function typedCell(cell: string, type: string): string | number {
  if (type === 'timestamp') return `${instantOf(cell).slice(0, 19)}.000Z`
  return type === 'string' ? cell : Number(cell)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The tidy table without what says where a row was read. */
function tidyRows(lake: TestLake, dataset: DatasetId): Promise<TidyRow[]> {
  const { on, id } = KINDS[planOf(dataset).kind as KindName]
  return queryTable(
    lake.store,
    tables.tidy(dataset),
    `SELECT * EXCLUDE (_source, _source_page, _row_hash) REPLACE (${on}::VARCHAR AS ${on}) FROM {table} ORDER BY ${id}`,
  )
}

/** What a family gives on both evenings, read by one lake. */
async function readTwice(trial: Trial, family: FamilyPortal) {
  const { publication, evenings } = trial
  const table = new PublishedTable(city, publicationOf(family, publication))
  const lake = await makeLake()
  table.publish(indexOfDay(evenings[0]))
  const portal = await family.start(() => [table])
  try {
    const cityFile = await cityFileOf(trial, family, portal.url)
    const read = async (asOf: Day) => {
      table.publish(indexOfDay(asOf))
      await ingest(lake.store, cityFile, {}, publication.dataset, SOURCE)
      await harmonize(lake.store, cityFile, {}, publication.dataset)
      return tidyRows(lake, publication.dataset)
    }
    return [await read(evenings[0]), await read(evenings[1])] as const
  } finally {
    await portal.close()
    await lake.remove()
  }
}

/** Rows that were published on the first evening and had become another by the second. */
function changesOf({ publication: { dataset, from }, evenings }: Trial): Record<Change, number> {
  const [first, second] = evenings.map(indexOfDay) as [number, number]
  const { maker } = city.datasets[dataset]
  const known = Array.from({ length: first + 1 - from }, (_none, at) => maker.recordsOf(from + at)).flat()
  const count = (day: (record: CityRecord) => number) =>
    known.filter((record) => record.toldOn <= first && first < day(record) && day(record) <= second).length
  return {
    moved: count(({ movedOn }) => movedOn),
    relabeled: count(({ relabeledOn }) => relabeledOn),
    closed: count(({ closedOn }) => closedOn),
    deleted: count(({ deletedOn }) => deletedOn),
  }
}

describe.each(TRIALS)('the six portal families, publishing $publication.name', (trial) => {
  const { publication, evenings, families } = trial

  it('tell on the second evening what became of rows of the first', () => {
    const changes = changesOf(trial)
    expect(trial.told.filter((change) => changes[change] === 0)).toEqual([])
  })

  it.each(families)('give the same tidy rows on both evenings: $name', async (family) => {
    const read = await readTwice(trial, family)
    for (const [at, rows] of read.entries())
      expect(rows).toEqual(expectedRows(publication, evenings[at] as Day))
  })
})
