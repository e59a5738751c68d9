import { CityFile } from '../contracts/city-file.js'
import { WARDS } from './simulate-requests.js'

/** The simulated city's own city file, as one would write it for a real one. @param urls one file a year */
export function demoCity(urls: readonly string[]): CityFile {
  return CityFile.parse({
    city: { slug: 'pocket', name: 'Pocket City', timeZone: 'America/Chicago', simulated: true },
    divisions: { label: 'District', members: Object.fromEntries(WARDS.map((ward) => [ward, {}])) },
    datasets: {
      'service-requests': {
        name: 'Service requests of Pocket City',
        kind: 'service-requests',
        license: { name: 'CC0, simulated data' },
        partition: { column: 'council_district', from: 'Ward' },
        key: 'Request Number',
        sources: { yearly: { family: 'files', urls } },
        mapping: {
          service_request_id: 'Request Number',
          service_name: 'Type',
          agency_responsible: 'Department',
          requested_at: { from: 'Opened', formats: ['%Y-%m-%d %H:%M:%S'] },
          closed_at: { from: 'Closed', formats: ['%Y-%m-%d %H:%M:%S'] },
          address: 'Address',
          channel: 'Channel',
        },
      },
    },
  })
}
