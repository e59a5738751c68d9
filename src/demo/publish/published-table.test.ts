import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../kernel/ids.js'
import type { Day } from '../../kernel/time.js'
import { dayAt, indexOfDay, MET_ON } from '../city/calendar.js'
import { cityOf } from '../city/cities.fixture.js'
import { PUBLICATION_EVENTS } from '../city/plan-events.js'
import { type CityRecord, changedOn, isPublished } from '../city/records.js'
import type { PortalTable } from '../portals/portal-table.js'
import { bodyOf, type FileForm } from './file-portal.js'
import { COLLISIONS, CRIME, EDITED, MATTERS, PERMITS, VIOLATIONS } from './other-datasets.js'
import type { Publication } from './publication.js'
import { PublishedTable } from './published-table.js'
import { LEGACY_REQUESTS, NEW_REQUESTS } from './service-requests.js'

const CITY = cityOf(7)

function byId(publications: readonly Publication[], id: string): Publication {
  return publications.find((publication) => publication.id === id) as Publication
}

/** Short enough to be read again and again: half a year of each, around what happens to its publication. */
const HALF_YEARS: readonly Publication[] = [
  { ...CRIME, from: indexOfDay('2025-01-01') },
  { ...PERMITS, from: indexOfDay('2026-05-01') },
  { ...VIOLATIONS, from: indexOfDay('2025-08-01') },
  { ...NEW_REQUESTS, from: indexOfDay('2026-03-01') },
  { ...MATTERS, from: indexOfDay('2025-01-01') },
]
const CLOSED_YEARS = [byId(LEGACY_REQUESTS, 'srpc-2021'), byId(COLLISIONS, 'collisions-2024')]

function tableAt(publication: Publication, asOf: Day): PublishedTable {
  const table = new PublishedTable(CITY, publication)
  table.publish(indexOfDay(asOf))
  return table
}

function rowsOf(table: PortalTable): string[] {
  return Array.from({ length: table.rowCount }, (_none, index) => table.row(index).join('|'))
}

/** Records that the publication has on an evening, in order. */
function recordsOf({ dataset, from, to, holds = () => true }: Publication, asOf: number): CityRecord[] {
  const { maker } = CITY.datasets[dataset]
  const days = Math.max(0, Math.min(to, asOf + 1) - from)
  const records = Array.from({ length: days }, (_none, at) => maker.recordsOf(from + at)).flat()
  return records.filter((record) => isPublished(record, asOf) && holds(record))
}

describe.each([...HALF_YEARS, ...CLOSED_YEARS])('the published table $id', (publication) => {
  const evenings =
    publication.closedOn === undefined ? ['2026-06-28', '2026-07-15'] : ['2021-12-01', '2025-03-01']
  const [first, second] = evenings as [Day, Day]

  it('has the rows that are published, as many as it says, before and after a further day', () => {
    const table = new PublishedTable(CITY, publication)
    for (const asOf of [first, second, first]) {
      table.publish(indexOfDay(asOf))
      const records = recordsOf(
        publication,
        Math.min(indexOfDay(asOf), publication.closedOn ?? Number.POSITIVE_INFINITY),
      )
      expect(table.rowCount).toBe(records.length)
      expect(records.map((_record, index) => table.rowId(index))).toEqual(records.map(({ serial }) => serial))
    }
  })

  it('gives any row in any order as it gives them one after the other', () => {
    const table = new PublishedTable(CITY, publication)
    for (const asOf of [first, second]) {
      table.publish(indexOfDay(asOf))
      const rows = rowsOf(tableAt(publication, asOf))
      if (rows.length === 0) continue
      fc.assert(
        fc.property(fc.integer({ min: 0, max: rows.length - 1 }), (index) => {
          expect(table.row(index).join('|')).toBe(rows[index])
        }),
        { numRuns: 200 },
      )
    }
  })

  it('says of no row that it changed after the table, and of the table when it was published', () => {
    const table = tableAt(publication, second)
    const changes = Array.from({ length: table.rowCount }, (_none, index) => table.rowUpdatedAt(index))
    expect(changes.every((at) => at <= table.updatedAt)).toBe(true)
    if (publication.closedOn === undefined)
      expect(new Date(table.updatedAt).toISOString()).toBe('2026-07-16T10:30:00.000Z')
  })

  it('has keys that are unique', () => {
    const table = tableAt(publication, second)
    const key = table.columns.findIndex(({ name }) => name === table.keyColumn)
    expect(new Set(rowsOf(table).map((row) => row.split('|')[key])).size).toBe(table.rowCount)
  })
})

describe('what is published of a record', () => {
  it.each(HALF_YEARS)('changes on the day that changedOn names, and on no other: $id', (publication) => {
    const asOf = indexOfDay('2026-08-15')
    const cellsOn = (record: CityRecord, day: number) =>
      publication.columns.flatMap(({ name, cell }) =>
        [EDITED, 'MatterLastModifiedUtc'].includes(name) ? [] : [cell({ record, asOf: day })],
      )
    const changed = recordsOf(publication, asOf).filter((record) => changedOn(record, asOf) > record.toldOn)
    expect(changed.length).toBeGreaterThan(5)
    for (const record of changed.slice(0, 2_000)) {
      const on = changedOn(record, asOf)
      expect(cellsOn(record, on)).toEqual(cellsOn(record, asOf))
      expect(cellsOn(record, on - 1)).not.toEqual(cellsOn(record, on))
    }
  })

  it('changes, comes and goes between two evenings only with a record that did', () => {
    for (const publication of HALF_YEARS) {
      const [from, to] = ['2026-06-28', '2026-07-12'].map(indexOfDay) as [number, number]
      const [before, after] = [from, to].map((day) => new Map(tableRows(publication, day))) as [
        Map<number, string>,
        Map<number, string>,
      ]
      const known = recordsOf(publication, from)
      for (const record of known) {
        const isSame = before.get(record.serial) === after.get(record.serial)
        const isTouched = changedOn(record, to) > from || record.deletedOn <= to
        if (isSame === isTouched) expect({ record, isSame }).toEqual({ record, isSame: !isTouched })
      }
      expect(after.size).toBe(recordsOf(publication, to).length)
    }
  })

  function tableRows(publication: Publication, day: number): (readonly [number, string])[] {
    const table = tableAt(publication, dayAt(day))
    return Array.from(
      { length: table.rowCount },
      (_none, index) => [table.rowId(index), table.row(index).join('|')] as const,
    )
  }
})

describe('the table of a closed year', () => {
  const { rewritten } = PUBLICATION_EVENTS
  const collisions = byId(COLLISIONS, 'collisions-2024')
  const stateOf = (publication: Publication, asOf: Day) => {
    const table = tableAt(publication, asOf)
    return { rows: table.rowCount, updatedAt: table.updatedAt, digest: digestOf(rowsOf(table)) }
  }

  it('stands still from 90 days after the year', () => {
    const requests = byId(LEGACY_REQUESTS, 'srpc-2021')
    const closed = stateOf(requests, dayAt(requests.closedOn as number))
    expect(stateOf(requests, MET_ON)).toEqual(closed)
    expect(stateOf(requests, '2022-03-01')).not.toEqual(closed)
  })

  it('is published anew where history is rewritten, and stands still again', () => {
    const table = new PublishedTable(CITY, collisions)
    const states = [dayAt(collisions.closedOn as number), MET_ON, rewritten.toldOn, '2027-01-01'].map(
      (asOf) => {
        table.publish(indexOfDay(asOf))
        const { rowCount, updatedAt } = table
        return { rowCount, updatedAt, digest: digestOf(rowsOf(table)) }
      },
    )
    expect(states[1]).toEqual(states[0])
    expect(states[3]).toEqual(states[2])
    const struckOut = (states[1]?.rowCount as number) - (states[2]?.rowCount as number)
    const { maker } = CITY.datasets.collisions
    const days = indexOfDay(rewritten.to) - indexOfDay(rewritten.from)
    const rows = Array.from({ length: days }, (_none, at) =>
      maker.recordsOf(indexOfDay(rewritten.from) + at),
    ).flat().length
    expect(struckOut / rows).toBeCloseTo(rewritten.share, 1)
  })

  it('begins with its year', () => {
    expect(tableAt(collisions, '2023-12-31').rowCount).toBe(0)
    expect(tableAt(collisions, '2024-01-03').rowCount).toBeGreaterThan(0)
  })
})

describe('the forms of files', () => {
  const table = tableAt({ ...byId(COLLISIONS, 'collisions-2023'), to: indexOfDay('2023-07-01') }, MET_ON)
  const cells = Array.from({ length: table.rowCount }, (_none, index) => table.row(index))

  const bytesOf = (form: FileForm) =>
    Buffer.concat([...bodyOf(table, form)].map((piece) => Buffer.from(piece)))
  /** No cell of this table needs quotes. */
  const linesOf = (text: string, lineEnd: string, delimiter: string) =>
    text
      .split(lineEnd)
      .slice(0, -1)
      .map((line) => line.split(delimiter).map((cell) => (cell === '' ? null : cell)))

  it.each([
    ['csv', (bytes: Buffer) => linesOf(bytes.toString('utf8'), '\n', ',')],
    ['csv.gz', (bytes: Buffer) => linesOf(gunzipSync(bytes).toString('utf8'), '\n', ',')],
    ['csv-semicolon', (bytes: Buffer) => linesOf(new TextDecoder('windows-1252').decode(bytes), '\r\n', ';')],
  ] as const)('carry the same cells: %s', (form, read) => {
    const [header, ...rows] = read(bytesOf(form))
    expect(header).toEqual(table.columns.map(({ name }) => name))
    expect(rows).toEqual(cells)
    expect(rows.flat().some((cell) => cell?.includes('ñ'))).toBe(true)
  })

  it('carry the same cells: ndjson, with numbers in their own characters', () => {
    const lines = bytesOf('ndjson').toString('utf8').trim().split('\n')
    const rows = lines.map((line) => JSON.parse(line) as Record<string, string | number | null>)
    const read = rows.map((row) =>
      table.columns.map(({ name }) => (row[name] === null ? null : String(row[name]))),
    )
    const asNumbers = cells.map((row) =>
      row.map((cell, at) =>
        cell !== null && table.columns[at]?.type === 'number' ? String(Number(cell)) : cell,
      ),
    )
    expect(read).toEqual(asNumbers)
    const [, digits] = /"y":([\d.]+)/.exec(lines[0] ?? '') ?? []
    expect(digits).toBe(cells[0]?.[7])
  })
})
