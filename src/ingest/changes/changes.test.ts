import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeLake, type TestLake } from '../../../testkit/lake-fixture.js'
import type { Column } from '../../contracts/columns.js'
import { LEAN, withEngine } from '../../lake/duckdb/engine.js'
import { writeRows } from '../../lake/duckdb/rows.js'
import { countChanges } from './change-counts.js'
import type { ChangeCell, ComparedPart } from './compare-job.js'
import { compareParts } from './compare-parts.js'

/** A published row: key, division as published, and one more cell. */
interface Row {
  readonly id: string
  readonly district: string
  readonly text: string
}

const COLUMNS: readonly Column[] = [
  ...['id', 'district', 'text'].map((name): Column => ({ name, type: 'string' })),
  { name: '_row_hash', type: 'long' },
]

let lake: TestLake
let folder: string
let written = 0
beforeAll(async () => {
  lake = await makeLake()
  folder = await mkdtemp(join(tmpdir(), 'wardbook-changes-'))
})
afterAll(async () => {
  await lake.remove()
  await rm(folder, { recursive: true })
})

/** Stores rows as one part a division. */
async function store(rows: readonly Row[]): Promise<ComparedPart[]> {
  const parts: ComparedPart[] = []
  for (const division of new Set(rows.map(({ district }) => district))) {
    const own = rows.filter(({ district }) => district === division)
    const hashed = own.map((row) => ({ ...row, _row_hash: hashOf(JSON.stringify(row)) }))
    const object = `raw/calls/portal/part-${written++}.parquet`
    await withEngine(LEAN, folder, async (engine) => {
      const finished = await writeRows(engine, folder, `part-${written}`, hashed, COLUMNS, {})
      await lake.store.createIfAbsent(object, { file: finished?.file as string })
    })
    parts.push({ division, object, rows: own.length })
  }
  return parts
}

/** Any hash will do where the stored one decides. */
function hashOf(text: string): number {
  return [...text].reduce((hash, character) => (hash * 31 + character.charCodeAt(0)) % 1_000_000_007, 7)
}

async function compare(
  before: readonly Row[],
  after: readonly Row[],
  settings: { key?: string; sameColumns?: boolean } = {},
) {
  const { key = 'id', sameColumns = true } = settings
  const job = {
    columns: ['id', 'district', 'text'],
    ...{ sameColumns, key: key === '' ? undefined : key, partitionFrom: ['district'] },
    ...{ before: await store(before), after: await store(after) },
  }
  const cells = await compareParts(lake.store, job)
  return { cells, counts: countChanges(cells, 0) }
}

const row = (id: number | string, district: string, text = 'same'): Row => ({
  id: String(id),
  district,
  text,
})
const rows = (count: number, district: (id: number) => string, text = 'same') =>
  Array.from({ length: count }, (_, id) => row(id, district(id), text))

describe('comparing two snapshots', () => {
  it('tells added, changed, removed and moved rows apart, division by division', async () => {
    const before = [row(1, 'A'), row(2, 'A'), row(3, 'A'), row(4, 'B'), row(5, 'B')]
    const after = [row(1, 'A'), row(2, 'A', 'other'), row(4, 'A'), row(5, 'B'), row(6, 'B')]
    const { counts } = await compare(before, after)
    expect(counts).toEqual({
      ...{ added: 1, changed: 1, removed: 1, moved: 1 },
      divisions: [
        { division: 'A', added: 0, changed: 1, removed: 1, movedIn: 1, movedOut: 0 },
        { division: 'B', added: 1, changed: 0, removed: 0, movedIn: 0, movedOut: 1 },
      ],
    })
  })

  it('sees no change in the same rows in another order', async () => {
    const before = rows(100, (id) => String(id % 3))
    const { counts } = await compare(before, before.toReversed())
    expect(counts).toEqual({ added: 0, changed: 0, removed: 0, moved: 0, divisions: [] })
  })

  it('tells a new map of divisions as one record, with no removed or moved history', async () => {
    const { counts } = await compare(
      rows(90, (id) => String(id % 3)),
      rows(90, (id) => `Ward ${(id % 3) + 1}`),
    )
    expect(counts).toMatchObject({ added: 0, removed: 0, moved: 0, remapped: { rows: 90, of: 90 } })
    expect(counts.divisions).toEqual([])
    expect(counts.remapped?.pairs).toHaveLength(3)
  })

  it('knows a moved row without a key by the rest of its text', async () => {
    const { counts } = await compare(
      [row('', 'A', 'x'), row('', 'A', 'y')],
      [row('', 'A', 'x'), row('', 'B', 'y')],
      { key: '' },
    )
    expect(counts).toMatchObject({ added: 0, removed: 0, moved: 1 })
  })

  it('goes by the common columns when the publisher added one', async () => {
    const before = rows(30, () => 'A')
    const cells = (await compare(before, before, { sameColumns: false })).cells
    expect(cells).toEqual([{ from: 'A', to: 'A', rows: 30, changed: 0 }])
  })

  it('accounts for every row of both sides, whatever they are', async () => {
    const anyRow = fc.record({
      id: fc.constantFrom('1', '2', '3', '4', ''),
      district: fc.constantFrom('A', 'B'),
      text: fc.constantFrom('x', 'y'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRow, { maxLength: 12 }),
        fc.array(anyRow, { maxLength: 12 }),
        async (before, after) => {
          const { cells } = await compare(before, after)
          const total = (wanted: (cell: ChangeCell) => boolean) =>
            cells.filter(wanted).reduce((sum, cell) => sum + cell.rows, 0)
          for (const division of ['A', 'B']) {
            expect(total(({ from }) => from === division)).toBe(
              before.filter(({ district }) => district === division).length,
            )
            expect(total(({ to }) => to === division)).toBe(
              after.filter(({ district }) => district === division).length,
            )
          }
          const ids = (list: readonly Row[]) => new Set(list.map(({ id }) => id).filter((id) => id !== ''))
          const gone = [...ids(before)].filter((id) => !ids(after).has(id))
          if (gone.length === 0 && before.length <= after.length) return
          expect(total(({ to }) => to === undefined)).toBeGreaterThanOrEqual(gone.length)
        },
      ),
      { numRuns: 30 },
    )
  })
})
