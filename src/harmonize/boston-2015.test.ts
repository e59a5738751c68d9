import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BOSTON_MIRROR, loadBoston } from '../../testkit/boston.js'
import { makeLake, queryTable, type TestLake } from '../../testkit/lake-fixture.js'
import { titleWith } from '../../testkit/shared-folder.js'
import { harmonize, ingest } from '../../testkit/test-city.js'
import { CityFile } from '../contracts/city-file.js'
import { tables } from '../lake/tables.js'

const mirror = BOSTON_MIRROR

/** Cases that both publications of 2015 hold; 18 of them with another district. */
const SHARED_CASES = 6_221
const OTHER_DISTRICT = 18

/** Both publications of 2015: the year's file of the later one, all files of the older one. */
async function cityOf2015(): Promise<CityFile> {
  const city = await loadBoston()
  const later = city.datasets['service-requests'] as CityFile['datasets'][string]
  const sources = { 'by-year': { family: 'files', mirror: ['**/by-year/filtered_2015.csv.gz'] } }
  return CityFile.parse({
    ...city,
    datasets: { ...city.datasets, 'service-requests': { ...later, sources } },
  })
}

describe.skipIf(mirror === undefined)(titleWith(mirror, "Boston's two publications of 2015"), () => {
  let lake: TestLake
  let pairs: Record<string, number>

  beforeAll(async () => {
    lake = await makeLake()
    const city = await cityOf2015()
    const options = { mirror: mirror as string }
    await ingest(lake.store, city, options, 'service-requests', 'by-year')
    await ingest(lake.store, city, options, 'service-requests-2015', 'by-type')
    for (const dataset of Object.keys(city.datasets)) await harmonize(lake.store, city, options, dataset)
    pairs = await comparePairs(lake)
  })
  afterAll(() => lake.remove())

  it('hold the same 6,221 cases by id', () => {
    expect(pairs.cases).toBe(SHARED_CASES)
  })

  it('agree on the instant of the request, though one writes UTC and the other local time', () => {
    expect(pairs.requested_at).toBe(SHARED_CASES)
    expect(pairs.requested_on).toBe(SHARED_CASES)
  })

  it('agree on type, queue and channel', () => {
    expect(pairs).toMatchObject({ service_name: SHARED_CASES, queue: SHARED_CASES, channel: SHARED_CASES })
  })

  it('agree on the district save for 18 cases', () => {
    expect(pairs.city_council_district).toBe(SHARED_CASES - OTHER_DISTRICT)
  })

  it('count the cases that were closed before they were opened', async () => {
    const table = tables.tidy('service-requests')
    const [later] = await queryTable<{ cases: number }>(
      lake.store,
      table,
      'SELECT count(*) AS cases FROM {table} WHERE closed_at < requested_at',
    )
    expect(later?.cases).toBe(3)
  })
})

/** How many of the cases of both publications agree, field by field. */
async function comparePairs(lake: TestLake): Promise<Record<string, number>> {
  const fields = ['requested_at', 'requested_on', 'service_name', 'queue', 'channel', 'city_council_district']
  const list = ['service_request_id', ...fields].map((field) => `${field}::VARCHAR AS ${field}`).join(', ')
  const rowsOf = (dataset: string) =>
    queryTable<Record<string, string>>(lake.store, tables.tidy(dataset), `SELECT ${list} FROM {table}`)
  const later = new Map((await rowsOf('service-requests')).map((row) => [row.service_request_id, row]))
  const pairs: Record<string, number> = { cases: 0 }
  for (const older of await rowsOf('service-requests-2015')) {
    const other = later.get(older.service_request_id)
    if (other === undefined) continue
    pairs.cases = (pairs.cases ?? 0) + 1
    for (const field of fields) if (older[field] === other[field]) pairs[field] = (pairs[field] ?? 0) + 1
  }
  return pairs
}
