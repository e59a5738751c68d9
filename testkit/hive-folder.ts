import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CityFile } from '../src/contracts/city-file.js'
import { adoptSource, planSource } from '../src/ingest/adopt/adopt-source.js'
import type { AdoptContext } from '../src/ingest/adopt/adopt-work.js'
import { BOUNDED } from '../src/ingest/profiles.js'
import { LEAN, withEngine } from '../src/lake/duckdb/engine.js'
import { literal } from '../src/lake/duckdb/sql.js'
import { scopeTo } from '../src/lake/prefixes.js'
import type { ObjectStore } from '../src/lake/store.js'
import { openOriginals } from '../src/main/open-store.js'
import { inProcessRunner, NOON } from './lake-fixture.js'
import { DATASET, SOURCE, type StageOptions } from './test-city.js'

/** Runs SQL of a foreign writer: an engine of its own with its defaults. */
export async function foreignSql(folder: string, ...statements: string[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  await withEngine(LEAN, folder, async (engine) => {
    for (const statement of statements) await engine.run(statement)
  })
}

/** Writes one Parquet file of a query below a folder; the path stands as given. */
export async function writeForeign(folder: string, path: string, query: string, options = ''): Promise<void> {
  const file = join(folder, path)
  await mkdir(dirname(file), { recursive: true })
  await foreignSql(folder, `COPY (${query}) TO ${literal(file)} (FORMAT parquet${options})`)
}

function contextOf(store: ObjectStore, city: CityFile, options: StageOptions): AdoptContext {
  return {
    store: scopeTo('ingest', store),
    city,
    runner: options.runner ?? inProcessRunner(store),
    ingestProfile: BOUNDED,
    clock: NOON,
    report: options.report ?? (() => {}),
    openOriginals: (from) => openOriginals(from, store.address),
  }
}

/** Adopts the one source of a test city. */
export function adopt(store: ObjectStore, city: CityFile, options: StageOptions = {}) {
  return adoptSource(contextOf(store, city, options), DATASET, SOURCE)
}

/** Plans what {@link adopt} would do. */
export function planAdopt(store: ObjectStore, city: CityFile, options: StageOptions = {}) {
  return planSource(contextOf(store, city, options), DATASET, SOURCE)
}
