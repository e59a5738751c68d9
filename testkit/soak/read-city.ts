import { CityFile } from '../../src/contracts/city-file.js'
import type { PagedSourceConfig } from '../../src/contracts/source-config.js'

/** The one dataset and source of {@link readCity}. */
export const DATASET = 'requests'
export const SOURCE = 'portal'

/** A city file whose one source is the large table of a portal. */
export function readCity(portal: string) {
  return {
    city: { slug: 'testville', name: 'Testville', timeZone: 'America/New_York', simulated: true },
    datasets: {
      [DATASET]: {
        name: 'Requests',
        kind: 'service-requests',
        key: 'case_id',
        partition: { column: 'council_district' },
        sources: { [SOURCE]: { family: 'socrata', portal, datasets: ['soak-1234'], api: 'soda2' } },
        mapping: {
          service_name: 'type',
          requested_at: { from: 'opened_at', formats: ['%Y-%m-%d %H:%M:%S'] },
        },
      },
    },
  }
}

/** The settings of that source, defaults included. */
export function sourceOf(city: ReturnType<typeof readCity>): PagedSourceConfig {
  return CityFile.parse(city).datasets[DATASET]?.sources[SOURCE] as PagedSourceConfig
}
