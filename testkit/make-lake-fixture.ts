import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { stringify } from 'yaml'
import type { CityFile } from '../src/contracts/city-file.js'
import { harmonizeDataset } from '../src/harmonize/harmonize-dataset.js'
import { ingestSource } from '../src/ingest/ingest-source.js'
import { BOUNDED } from '../src/ingest/profiles.js'
import { addDays } from '../src/kernel/time.js'
import { openLocalStore } from '../src/lake/local/local-store.js'
import { scopeTo } from '../src/lake/prefixes.js'
import type { ObjectStore } from '../src/lake/store.js'
import { claimLake } from '../src/main/claim-lake.js'
import { loadCity } from '../src/main/load-city.js'
import { openOriginals } from '../src/main/open-store.js'
import { connectStages, type PipelineParts, runPipeline } from '../src/main/pipeline.js'
import { createEmbeddedQueue } from '../src/queue/embedded/embedded-queue.js'
import { openSource } from '../src/sources/open-source.js'
import { inProcessRunner } from './lake-fixture.js'
import { recordLake } from './lake-record.js'
import { sourceEffects } from './test-city.js'
import { requestsCsv } from './weekly-requests.js'

/**
 * `npx tsx testkit/make-lake-fixture.ts`: a small lake as this release leaves it, with everything that a later release must still
 * open, in `testkit/lakes/format-<N>/`. It is made once, when a format is new, and never changed: a lake that exists is refused.
 */
const LAKES = join(import.meta.dirname, 'lakes')
const FROM = '2023-06-26' // a Monday
const FIRST_RUN_AT = '2026-03-02T06:00:00.000Z'
const DAY_MS = 24 * 3_600_000
const WEEKS = 140
const BURST_WEEKS = [133, 134, 135, 136]
const DIVISIONS = ['7', 'Ward 3', '']
/** Edits of the mapping, each undone or followed by the next: enough commits for checkpoints of three tables. */
const EDITS = 19

const CITY = {
  city: { slug: 'millbrook', name: 'Millbrook', timeZone: 'America/New_York', simulated: true },
  datasets: {
    requests: {
      name: 'Service requests',
      kind: 'service-requests',
      partition: { column: 'council_district', from: 'District' },
      key: 'id',
      sources: { portal: { family: 'files', mirror: ['requests.csv.gz'] } },
      mapping: {
        service_request_id: 'id',
        service_name: 'Type',
        requested_at: { from: 'Opened', formats: ['%Y-%m-%d %H:%M:%S'] },
      },
    },
  },
}

/** About one request a week and division, and twenty a week in division 7 for four weeks. */
function requests(): string[] {
  const text = requestsCsv({
    from: FROM,
    weeks: WEEKS,
    divisions: DIVISIONS,
    categories: ['Pothole'],
    count: (division, _category, week, day) => {
      if (division === '7' && BURST_WEEKS.includes(week)) return day < 5 ? 4 : 0
      return (week + day * 3 + division.length) % 7 === 0 ? 1 : 0
    },
  })
  return text.trimEnd().split('\n')
}

/**
 * Three publications: a first try of one division; all divisions, with a torn line; and a last one that lacks some rows of the
 * second. In each there is a row without a day.
 */
function publications(): readonly string[] {
  const [header = '', ...rows] = requests()
  const undated = 'undated-1,Ward 3,Pothole,soon'
  const torn = 'torn-1,7,Pothole'
  const kept = rows.filter((row) => !row.startsWith(`7-Pothole-${FROM.slice(0, 7)}`))
  const late = `Ward 3-Pothole-late,Ward 3,Pothole,${addDays(FROM, WEEKS * 7 - 1)} 09:30:00`
  return [
    [...rows.filter((row) => row.startsWith('Ward 3')).slice(0, 20), undated],
    [...rows, undated, torn],
    [...kept, undated, late],
  ].map((lines) => `${[header, ...lines].join('\n')}\n`)
}

/** The city file with one more format that no row has, or, before and after all edits, as it is. */
function edited(city: CityFile, edit: number): CityFile {
  if (edit === 0 || edit === EDITS) return city
  const changed = structuredClone(city)
  const setting = changed.datasets.requests?.mapping.requested_at as { formats: string[] }
  setting.formats.push(`edit ${edit}: %Y`)
  return changed
}

async function main(): Promise<void> {
  const folder = join(LAKES, 'new')
  await rm(folder, { recursive: true, force: true })
  await mkdir(join(folder, 'source'), { recursive: true })
  await writeFile(join(folder, 'city.yaml'), stringify(CITY))
  const store = await openLocalStore(join(folder, 'lake'))
  await fillLake(folder, store)
  const record = await recordLake(store)
  for (const left of ['.scratch', 'spool'])
    await rm(join(folder, 'lake', left), { recursive: true, force: true })
  await writeFile(join(folder, 'record.json'), `${JSON.stringify(record, null, 1)}\n`)
  const { formatVersion } = JSON.parse(await readFile(join(folder, 'lake', 'lake.json'), 'utf8'))
  const place = join(LAKES, `format-${formatVersion}`)
  if (existsSync(place)) throw new Error(`${place} exists: a fixture is never made again`)
  await rename(folder, place)
  process.stdout.write(`${place}: ${record.ledger?.size} events\n`)
}

/** The first publication is read, and each edit taken in by harmonize alone, as a run that was ended there leaves it; then two whole runs. */
async function fillLake(folder: string, store: ObjectStore): Promise<void> {
  const mirror = join(folder, 'source')
  const city = await loadCity(join(folder, 'city.yaml'))
  await claimLake(store, city.city.slug)
  let now = new Date(FIRST_RUN_AT)
  const nextDay = () => {
    now = new Date(now.getTime() + DAY_MS)
    return now
  }
  const parts: PipelineParts = {
    ...{ store, city, queue: createEmbeddedQueue(), runner: inProcessRunner(store), ingestProfile: BOUNDED },
    clock: () => now,
    report: ({ stage, message }) => void process.stdout.write(`${stage.padEnd(9)} ${message}\n`),
    openSource: (name, config) => openSource(name, config, sourceEffects({ mirror })),
    openOriginals: (from) => openOriginals(from, store.address),
  }
  const [first = '', ...later] = publications()
  await publish(join(mirror, 'requests.csv.gz'), first, nextDay())
  await ingestSource({ ...parts, store: scopeTo('ingest', store) }, 'requests', 'portal')
  for (let edit = 0; edit <= EDITS; edit++, nextDay()) {
    const context = { ...parts, city: edited(city, edit), store: scopeTo('harmonize', store) }
    await harmonizeDataset(context, 'requests')
  }
  connectStages(parts)
  for (const text of later) {
    await publish(join(mirror, 'requests.csv.gz'), text, nextDay())
    const [failure] = await runPipeline(parts)
    if (failure !== undefined) throw failure.error
  }
}

async function publish(file: string, text: string, at: Date): Promise<void> {
  await writeFile(file, gzipSync(text, { level: 9 }))
  await utimes(file, at, at)
}

await main()
