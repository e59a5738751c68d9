import { CityFile } from '../src/contracts/city-file.js'
import { indexOfDay, MET_ON } from '../src/demo/city/calendar.js'
import { makePocketCity } from '../src/demo/city/pocket-city.js'
import { startFilePortal } from '../src/demo/publish/file-portal.js'
import { PublishedTable } from '../src/demo/publish/published-table.js'
import { requestsOfOneSystem } from '../src/demo/publish/service-requests.js'
import { publishedYears } from '../src/demo/publish/years.js'

/** The service requests of the pocket city as plain files, one a year: a small city of one dataset and one portal. */
export interface YearlyFiles {
  readonly city: CityFile
  /** Addresses of the files. */
  readonly urls: readonly string[]
  close(): Promise<void>
}

const SEED = 311
/** Detection wants two years of history before what it tests. */
const FIRST_YEAR = 2022
const LAST_YEAR = 2026

/** Before the redistricting a ward is published as `Ward 3`. */
const WARDS = Object.fromEntries(
  Array.from({ length: 10 }, (_none, at) => [`Ward ${at + 1}`, String(at + 1)]),
)

/** Starts the portal: gzip CSV with ETag and Last-Modified as a real one has them. */
export async function startYearlyFiles(): Promise<YearlyFiles> {
  const city = makePocketCity(SEED)
  const years = publishedYears(LAST_YEAR).filter(({ year }) => year >= FIRST_YEAR)
  const files = years.map((year) => {
    const table = new PublishedTable(city, requestsOfOneSystem(year))
    table.publish(indexOfDay(MET_ON))
    return { path: `/requests-${year.year}.csv.gz`, form: 'csv.gz' as const, table }
  })
  const portal = await startFilePortal(() => files)
  const urls = files.map(({ path }) => `${portal.url}${path}`)
  return { urls, city: cityOf(urls), close: () => portal.close() }
}

function cityOf(urls: readonly string[]): CityFile {
  const times = { formats: ['%Y-%m-%dT%H:%M:%S.%f'] }
  return CityFile.parse({
    city: { slug: 'pocket', name: 'Pocket City', timeZone: 'America/Chicago', simulated: true },
    datasets: {
      'service-requests': {
        ...{ name: 'Service requests of Pocket City', kind: 'service-requests', key: 'case_number' },
        partition: { column: 'council_district', from: 'ward', values: WARDS },
        sources: { yearly: { family: 'files', urls } },
        mapping: {
          ...{ service_request_id: 'case_number', service_name: 'sr_type', address: 'street_address' },
          ...{ agency_responsible: 'owner_department', channel: 'origin' },
          requested_at: { from: 'created_date', ...times },
          closed_at: { from: 'closed_date', ...times },
        },
      },
    },
  })
}
