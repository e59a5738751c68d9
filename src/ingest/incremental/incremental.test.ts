import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
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
import { makeLake } from '../../../testkit/lake-fixture.js'
import { ingest } from '../../../testkit/test-city.js'

/** Full reads and reads of changed rows take a second together; a trial by hand runs more. */
const RUNS = Number(process.env.INCREMENTAL_RUNS ?? 2)
const NO_CHANGE = { added: 0, changed: 0, removed: 0, moved: 0, divisions: [] }

/** Edits of every kind that a read of changed rows takes. */
const EXAMPLE: { edits: Edit[]; hours: number }[] = [
  {
    edits: [
      { kind: 'retitle', at: 3, title: 'a "quoted" word' },
      { kind: 'move', at: 5, district: 3 },
      { kind: 'delete', at: 7 },
      { kind: 'add', district: 0, title: null },
    ],
    hours: 30,
  },
  {
    edits: [
      { kind: 'renumber', at: 9 },
      { kind: 'touch', at: 11 },
      { kind: 'retitle', at: 3, title: '' },
    ],
    hours: 5,
  },
]

const anyTitle = fc.option(
  fc.constantFrom('', 'new title', 'two\nlines', 'a "quoted" word', 'comma, and; more', ' '),
)
const anyAt = fc.nat(1_000)
const anyDistrict = fc.nat(3)
const anyEdit = ({ promisesKeys }: DatedWay): fc.Arbitrary<Edit> =>
  fc.oneof(
    {
      weight: promisesKeys ? 0 : 3,
      arbitrary: fc.record({ kind: fc.constant('double' as const), at: anyAt }),
    },
    {
      weight: 12,
      arbitrary: fc.record({ kind: fc.constant('add' as const), district: anyDistrict, title: anyTitle }),
    },
    {
      weight: 12,
      arbitrary: fc.record({ kind: fc.constant('retitle' as const), at: anyAt, title: anyTitle }),
    },
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('move' as const), at: anyAt, district: anyDistrict }),
    },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: anyAt }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('renumber' as const), at: anyAt }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('touch' as const), at: anyAt }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'reload' as const }) },
  )

describe.each(Object.keys(DATED_WAYS))('reads of changed rows from %s', (name) => {
  const way = DATED_WAYS[name] as DatedWay

  it('leave the table that full reads leave, whatever the publisher edits, with the same changes told', async () => {
    const publications = fc.array(
      fc.record({ edits: fc.array(anyEdit(way), { maxLength: 8 }), hours: fc.integer({ min: 1, max: 60 }) }),
      { minLength: 1, maxLength: 4 },
    )
    let read = 0
    await fc.assert(
      fc.asyncProperty(publications, async (all) => {
        const edited = new EditedTable(40, BEGAN, way.showsEdits, way.promisesKeys)
        const own = await way.start(() => edited.table())
        const [changed, full] = [await makeLake(), await makeLake()]
        try {
          const [one, other] = [datedCity(way, own.url), datedCity(way, own.url, { incremental: false })]
          for (const { edits, hours } of [{ edits: [], hours: 0 }, ...all]) {
            edited.publish(edits, hours)
            const { verdict: ownVerdict } = await ingest(changed.store, one)
            const { verdict } = await ingest(full.store, other)
            expect(await rowsIn(changed.store)).toEqual(await rowsIn(full.store))
            const [told, truth] = [await provenanceIn(changed.store), await provenanceIn(full.store)]
            // The same bytes again are no snapshot of their own; of changed rows nobody can say so.
            const expected = verdict === 'committed' ? truth.changes : told.changes && NO_CHANGE
            if (ownVerdict === 'committed') expect(told.changes).toEqual(expected)
            else expect(verdict).toBe('unchanged')
            if (verdict === 'committed') expect(told.offers).toEqual(truth.offers)
            const { counted, told: pages } = await pagesIn(changed.store)
            expect(pages).toEqual(counted)
            if (told.incremental !== undefined) read += 1
          }
        } finally {
          await own.close()
          await changed.remove()
          await full.remove()
        }
      }),
      { numRuns: RUNS, examples: [[EXAMPLE]] },
    )
    expect(read).toBeGreaterThan(0)
  }, 240_000)
})
