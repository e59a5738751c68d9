import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeForeign } from '../../../testkit/hive-folder.js'
import { makeLake, NOON, queryTable } from '../../../testkit/lake-fixture.js'
import { DATASET, SOURCE, testCity } from '../../../testkit/test-city.js'
import type { PartRunner } from '../../contracts/part-runner.js'
import { scopeTo } from '../../lake/prefixes.js'
import { makeFakeLake } from '../../lake/s3/s3-lake.fixture.js'
import { tables } from '../../lake/tables.js'
import { BOUNDED } from '../profiles.js'
import { adoptDivisions } from './adopt-divisions.js'
import { adoptSource } from './adopt-source.js'
import { surveyFiles } from './survey-files.js'

describe('adopting from a bucket', () => {
  it('only lists and reads, whatever the names of its folders', async () => {
    const bucket = await makeFakeLake()
    const lake = await makeLake()
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-hive-'))
    try {
      const originals = await bucket.open({ basePath: 'parquet' })
      const open = async () => originals
      for (const name of ['District=Ward%203/a.parquet', 'District=7/b.parquet']) {
        await writeForeign(folder, name, 'SELECT i AS id, \'Noise\' AS "Type" FROM range(5) t(i)')
        await originals.put(name, await readFile(join(folder, name)))
      }
      bucket.fake.forget()
      const store = scopeTo('ingest', lake.store)
      const runner: PartRunner = {
        run: async (task, job) => {
          const work = task === 'ingest.survey' ? surveyFiles : adoptDivisions
          return (await work(store, job as never, open)) as never
        },
      }
      const city = testCity({ source: { family: 'hive', from: 's3://bucket/parquet' } })
      const context = {
        store,
        city,
        runner,
        ingestProfile: BOUNDED,
        clock: NOON,
        report: () => {},
        openOriginals: open,
      }
      expect(await adoptSource(context, DATASET, SOURCE)).toMatchObject({ verdict: 'committed', rows: 10 })
      const asked = bucket.fake.seen.map(({ verb }) => verb)
      expect(asked.filter((verb) => verb !== 'GET' && verb !== 'HEAD' && verb !== 'LIST')).toEqual([])
      const divisions = 'SELECT council_district, count(*) AS rows FROM {table} GROUP BY 1 ORDER BY 1'
      expect(await queryTable(lake.store, tables.raw(DATASET, SOURCE), divisions)).toEqual([
        { council_district: '7', rows: 5 },
        { council_district: 'Ward 3', rows: 5 },
      ])
    } finally {
      await bucket.close()
      await lake.remove()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
