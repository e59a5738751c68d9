/** One source of one city, read over HTTP and committed: `node ours.mjs <url> <lake folder> <profile>`; the built program. */
const [url, lake, profileName] = process.argv.slice(2)
const dist = new URL('../../dist/', import.meta.url)
const load = (file) => import(new URL(file, dist))
const [{ CityFile }, { ingestSource }, { INGEST_PROFILES }, { openStore }, { scopeTo }] = await Promise.all([
  load('contracts/city-file.js'),
  load('ingest/ingest-source.js'),
  load('ingest/profiles.js'),
  load('main/open-store.js'),
  load('lake/prefixes.js'),
])
const { childPartRunner } = await load('main/part-worker.js')
const [{ openSource }, { httpClient, systemEffects }] = await Promise.all([
  load('sources/open-source.js'),
  load('sources/http/client.js'),
])
const effects = {
  http: httpClient(systemEffects()),
  env: {},
  mirror: undefined,
  cityFolder: '.',
  now: Date.now,
}

const city = CityFile.parse({
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
})
const context = {
  store: scopeTo('ingest', await openStore(lake)),
  city,
  runner: childPartRunner(lake),
  ingestProfile: INGEST_PROFILES[profileName],
  clock: () => new Date(),
  report: () => {},
  openSource: (name, config) => openSource(name, config, effects),
}
const { rows, quarantined } = await ingestSource(context, 'requests', 'portal')
process.stdout.write(`${JSON.stringify({ rows, quarantined })}\n`)
