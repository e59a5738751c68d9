/**
 * One source of one city, read and committed by the built program: `node ingest-program.mjs <city.json> <lake> <profile>`, or by `readSource` from
 * another program. Prints each step that is done as a line of JSON.
 */
import { readFile } from 'node:fs/promises'

const dist = new URL('../../dist/', import.meta.url)
const load = (file) => import(new URL(file, dist))

/** Reads the one source of a city of one dataset. @returns what `ingestSource` returns */
export async function readSource(cityFile, lake, profileName, report = () => {}) {
  const [{ CityFile }, { ingestSource }, { INGEST_PROFILES }, { openStore }, { scopeTo }] = await Promise.all(
    [
      load('contracts/city-file.js'),
      load('ingest/ingest-source.js'),
      load('ingest/profiles.js'),
      load('main/open-store.js'),
      load('lake/prefixes.js'),
    ],
  )
  const { childPartRunner } = await load('main/part-worker.js')
  const [{ openSource }, { httpClient, systemEffects }] = await Promise.all([
    load('sources/open-source.js'),
    load('sources/http/client.js'),
  ])
  const city = CityFile.parse(cityFile)
  const [[datasetId, { sources }]] = Object.entries(city.datasets)
  const effects = {
    http: httpClient(systemEffects()),
    env: {},
    mirror: undefined,
    cityFolder: '.',
    now: Date.now,
  }
  const context = {
    store: scopeTo('ingest', await openStore(lake)),
    city,
    runner: childPartRunner(lake),
    ingestProfile: INGEST_PROFILES[profileName],
    clock: () => new Date(),
    report,
    openSource: (name, config) => openSource(name, config, effects),
  }
  return ingestSource(context, datasetId, Object.keys(sources)[0])
}

if (process.argv[1] === import.meta.filename) {
  const [cityFile, lake, profileName] = process.argv.slice(2)
  const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)
  try {
    const city = JSON.parse(await readFile(cityFile, 'utf8'))
    await readSource(city, lake, profileName, ({ message, facts }) => tell({ message, facts }))
  } catch (thrown) {
    const { toErrorRecord } = await load('kernel/errors.js')
    tell({ error: toErrorRecord(thrown) })
    process.exitCode = 1
  }
}
