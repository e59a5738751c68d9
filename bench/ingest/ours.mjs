/** One source of one city, read over HTTP and committed: `node ours.mjs <url> <lake folder> <profile>`; the built program. */
import { readSource } from './program.mjs'

const [url, lake, profileName] = process.argv.slice(2)
const city = {
  city: { slug: 'testville', name: 'Testville', timeZone: 'America/New_York', simulated: true },
  datasets: {
    requests: {
      name: 'Requests',
      kind: 'service-requests',
      key: 'case_id',
      partition: { column: 'council_district' },
      sources: { portal: { family: 'files', urls: [url] } },
      mapping: { service_name: 'type', requested_at: { from: 'opened_at', formats: ['%Y-%m-%d %H:%M:%S'] } },
    },
  },
}
const { rows, quarantined } = await readSource(city, lake, profileName)
process.stdout.write(`${JSON.stringify({ rows, quarantined })}\n`)
