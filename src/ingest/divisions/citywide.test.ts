import { describe, expect, it } from 'vitest'
import {
  BEGAN,
  DATED_WAYS,
  type DatedWay,
  datedCity,
  provenanceIn,
  rowsIn,
} from '../../../testkit/dated-ways.js'
import { type Edit, EditedTable } from '../../../testkit/edited-table.js'
import { freshFolder, freshLake } from '../../../testkit/fresh.js'
import { makeLake, queryTable } from '../../../testkit/lake-fixture.js'
import { DATASET, ingest, SOURCE, testCity, writeFiles } from '../../../testkit/test-city.js'
import type { ObjectStore } from '../../lake/store.js'
import { tables } from '../../lake/tables.js'
import { INGEST_PROFILES } from '../profiles.js'

const CITYWIDE = { partition: { column: 'council_district', by: 'citywide' } }

const retitle = (at: number): Edit => ({ kind: 'retitle', at, title: 'new' })

const lake = freshLake()
const mirror = freshFolder('mirror')

async function divisionsIn(store: ObjectStore): Promise<object[]> {
  const sql = 'SELECT council_district AS division, count(*) AS rows FROM {table} GROUP BY 1 ORDER BY 1'
  return (await queryTable<object>(store, tables.raw(DATASET, SOURCE), sql)).map((row) => ({ ...row }))
}

describe('rows of a dataset that is citywide', () => {
  it.each(Object.entries(INGEST_PROFILES))(
    'all have that value and keep every column, in the profile %s',
    async (_name, profile) => {
      await writeFiles(mirror.path, {
        'a.csv': 'id,council_district,Type,Opened\n1,7,"Wind, \nstrong",2026-01-01\n2,,Rain,2026-01-02\n',
        'b.csv': 'Type,Opened,id\nRain,2026-01-03,3\nbad row\n',
      })
      await ingest(lake.store, testCity({ dataset: CITYWIDE }), { mirror: mirror.path, profile })
      expect(await divisionsIn(lake.store)).toEqual([{ division: 'citywide', rows: 3 }])
      const rows = await queryTable<object>(
        lake.store,
        tables.raw(DATASET, SOURCE),
        'SELECT id, council_district_published AS published FROM {table} ORDER BY id',
      )
      expect(rows.map((row) => ({ ...row }))).toEqual([
        { id: '1', published: '7' },
        { id: '2', published: '' },
        { id: '3', published: null },
      ])
    },
  )

  it('are compared with the last snapshot by key and text; none of them ever moves', async () => {
    const city = testCity({ dataset: { ...CITYWIDE, key: 'id' } })
    const publish = async (...rows: string[]) => {
      await writeFiles(mirror.path, { 'a.csv': `id,District,Type,Opened\n${rows.join('\n')}\n` })
      await ingest(lake.store, city, { mirror: mirror.path, rereads: true })
    }
    await publish('1,7,Rain,2026-01-01', '2,7,Rain,2026-01-01', '3,7,Rain,2026-01-01')
    await publish('1,8,Rain,2026-01-01', '2,7,Rain,2026-01-01', '4,7,Rain,2026-01-04')
    const { changes } = await provenanceIn(lake.store)
    expect(changes).toMatchObject({ added: 1, changed: 1, removed: 1, moved: 0 })
  })

  it.each(Object.keys(DATED_WAYS))(
    'are laid over the table where %s gives changed rows alone',
    async (name) => {
      const way = DATED_WAYS[name] as DatedWay
      const edited = new EditedTable(40, BEGAN, way.showsEdits, way.promisesKeys)
      const portal = await way.start(() => edited.table())
      const full = await makeLake()
      try {
        const changed = datedCity(way, portal.url, {}, CITYWIDE)
        const whole = datedCity(way, portal.url, { incremental: false }, CITYWIDE)
        const publications: Edit[][] = [
          [],
          [retitle(3)],
          [retitle(5), { kind: 'add', district: 1, title: null }],
        ]
        for (const edits of publications) {
          edited.publish(edits, 100)
          await ingest(lake.store, changed)
          await ingest(full.store, whole)
        }
        expect((await provenanceIn(lake.store)).incremental).toBeDefined()
        expect(await rowsIn(lake.store)).toEqual(await rowsIn(full.store))
        expect(await divisionsIn(lake.store)).toEqual([{ division: 'citywide', rows: 41 }])
      } finally {
        await portal.close()
        await full.remove()
      }
    },
  )
})
