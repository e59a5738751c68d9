import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readDecoded } from '../../../testkit/page-body.js'
import { type DerivedColumn, withDerived } from '../derived-column.js'
import type { DecodedPage } from './decoded-page.js'
import { deriveColumns } from './derive-columns.js'
import { StrictCsvWriter } from './strict-csv.js'

const COLUMNS = ['id', 'code', 'geometry']
const DERIVED: readonly DerivedColumn[] = [
  { name: 'code_label', from: 'code', labels: { '1': 'Open', '2': 'Closed, "done"' } },
  { name: 'longitude', from: 'geometry', member: 'x' },
]

/** A strict page of rows, cut into chunks of some bytes. */
function pageOf(rows: readonly (string | null)[][], chunkBytes: number): DecodedPage {
  const writer = new StrictCsvWriter()
  for (const row of [COLUMNS, ...rows]) {
    for (const cell of row) cell === null ? writer.none() : writer.text(cell)
    writer.endRecord()
  }
  const bytes = writer.flush(true) as Buffer
  const signals = { rows: rows.length, columns: COLUMNS, envelope: {}, lastRow: undefined }
  async function* open() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
  }
  return { form: 'strict', delimiter: ',', columns: COLUMNS, open, signals }
}

describe('a page with derived columns', () => {
  it('has every published cell as it was, and labels and members beside them, whatever the chunks', async () => {
    const cell = fc.oneof(
      fc.constantFrom(null, '', '1', '2', '3', 'a "quoted"\nline', '{"x":-71.06,"y":42.3}', '{"x":"NaN"}'),
      fc.string({ unit: 'grapheme' }),
    )
    const row = fc.tuple(fc.string({ minLength: 1 }), cell, cell)
    await fc.assert(
      fc.asyncProperty(fc.array(row), fc.integer({ min: 1, max: 40 }), async (rows, chunkBytes) => {
        const derived = deriveColumns(pageOf(rows, chunkBytes), DERIVED)
        const found = await readDecoded(derived)
        expect(derived.columns).toEqual([...COLUMNS, 'code_label', 'longitude'])
        const wanted = rows.map((cells) => {
          const named = Object.fromEntries(COLUMNS.map((name, at) => [name, cells[at] ?? null]))
          return Object.values(withDerived(named, DERIVED))
        })
        expect(found.rows).toEqual(wanted)
      }),
    )
  })

  it('is the page itself without derived columns', () => {
    const page = pageOf([['1', null, null]], 8)
    expect(deriveColumns(page, [])).toBe(page)
  })
})
