import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PartRunner } from '../src/contracts/part-runner.js'
import { detectSeries } from '../src/detect/detect-series.js'
import { harmonizeDivisions } from '../src/harmonize/harmonize-divisions.js'
import { adoptDivisions } from '../src/ingest/adopt/adopt-divisions.js'
import type { OpenOriginals } from '../src/ingest/adopt/originals.js'
import { surveyFiles } from '../src/ingest/adopt/survey-files.js'
import { compareParts } from '../src/ingest/changes/compare-parts.js'
import { divideDivisions } from '../src/ingest/divide-divisions.js'
import { mergeRows } from '../src/ingest/incremental/merge-rows.js'
import { writeParts } from '../src/ingest/write-parts.js'
import { writeQuarantine } from '../src/ingest/write-quarantine.js'
import type { Clock } from '../src/kernel/time.js'
import { DeltaTable } from '../src/lake/delta/table.js'
import { LEAN, withEngine } from '../src/lake/duckdb/engine.js'
import { scanFiles } from '../src/lake/duckdb/scan.js'
import { openLocalStore } from '../src/lake/local/local-store.js'
import { type Owner, scopeTo } from '../src/lake/prefixes.js'
import type { ObjectStore } from '../src/lake/store.js'
import { openOriginals } from '../src/main/open-store.js'
import { childPartRunner } from '../src/main/part-worker.js'
import { measureDivisions } from '../src/measure/measure-divisions.js'

/** A clock that stands still, so that two runs write the same bytes. */
export const NOON: Clock = () => new Date('2026-01-05T12:00:00.000Z')

/** An empty lake in a temporary folder; `remove` it when done. */
export interface TestLake {
  readonly store: ObjectStore
  readonly folder: string
  remove(): Promise<void>
}

export async function makeLake(): Promise<TestLake> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-lake-'))
  const store = await openLocalStore(folder)
  return { store, folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** A second lake with the same objects. */
export async function copyLake(lake: TestLake): Promise<TestLake> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-lake-'))
  await cp(lake.folder, folder, { recursive: true, preserveTimestamps: true })
  const store = await openLocalStore(folder)
  return { store, folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Runs part tasks as the product does: in child processes from the built `dist/`. */
export function childRunner(lake: TestLake): PartRunner {
  return childPartRunner(lake.folder)
}

type PartTask = (store: ObjectStore, job: never, open: OpenOriginals) => Promise<unknown>

const TASKS: Record<string, readonly [Owner, PartTask]> = {
  'ingest.divide': ['ingest', divideDivisions],
  'ingest.write': ['ingest', writeParts],
  'ingest.merge': ['ingest', mergeRows],
  'ingest.quarantine': ['ingest', writeQuarantine],
  'ingest.compare': ['ingest', compareParts],
  'ingest.survey': ['ingest', surveyFiles],
  'ingest.adopt': ['ingest', adoptDivisions],
  'harmonize.type': ['harmonize', harmonizeDivisions],
  'measure.count': ['measure', measureDivisions],
  'detect.test': ['detect', detectSeries],
}

/** Runs part tasks in this process, under the same scopes as the child processes; jobs and results pass through JSON. */
export function inProcessRunner(store: ObjectStore): PartRunner {
  return {
    run: async (task, job) => {
      const [owner, work] = TASKS[task] as readonly [Owner, PartTask]
      const given = JSON.parse(JSON.stringify(job)) as never
      const result = await work(scopeTo(owner, store), given, (from) => openOriginals(from, store.address))
      return JSON.parse(JSON.stringify(result))
    },
  }
}

/** Thrown by {@link failingAt}: what a kill looks like from within. */
export class StoreKilled extends Error {}

/** A store that counts its writes. */
export interface CountingStore extends ObjectStore {
  readonly writes: () => number
}

/**
 * The store, dead from its n-th write on (from 1): that write and everything after it throws.
 * @param done whether the fatal write still reaches the store: both kinds of crash happen
 */
export function failingAt(store: ObjectStore, fatal: number, done: boolean): CountingStore {
  let writes = 0
  const read = <Result>(work: () => Result): Result => {
    if (writes >= fatal) throw new StoreKilled(`dead since write ${fatal}`)
    return work()
  }
  const write = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const alive = writes < fatal
    writes += 1
    if (alive && writes < fatal) return work()
    if (alive && done) await work()
    throw new StoreKilled(`dead since write ${fatal}`)
  }
  return {
    address: store.address,
    get: async (key) => read(() => store.get(key)),
    getRange: async (key, from, to) => read(() => store.getRange(key, from, to)),
    stat: async (key) => read(() => store.stat(key)),
    list: (prefix, startAfter) => read(() => store.list(prefix, startAfter)),
    stage: async (key) => read(() => store.stage(key)),
    scratch: async () => read(() => store.scratch()),
    createIfAbsent: (key, content) => write(() => store.createIfAbsent(key, content)),
    put: (key, bytes) => write(() => store.put(key, bytes)),
    delete: (key) => write(() => store.delete(key)),
    writes: () => writes,
  }
}

/** The store as it is, with its writes counted. */
export function counting(store: ObjectStore): CountingStore {
  return failingAt(store, Number.POSITIVE_INFINITY, false)
}

/** All rows of a table's newest version, or none when there is no table. @param orderBy SQL expressions */
export async function rowsOf<Row>(store: ObjectStore, root: string, orderBy = 'ALL'): Promise<Row[]> {
  return queryTable<Row>(store, root, `SELECT * FROM {table} ORDER BY ${orderBy}`)
}

/** A query over a table's newest version, which stands as `{table}`. */
export async function queryTable<Row>(store: ObjectStore, root: string, sql: string): Promise<Row[]> {
  const snapshot = await new DeltaTable(store, root).snapshot()
  if (snapshot === undefined) return []
  const scratch = await store.scratch()
  const scan = await scanFiles(store, root, snapshot)
  try {
    return await withEngine(LEAN, scratch.folder, (engine) =>
      engine.rows<Row>(sql.replaceAll('{table}', () => scan.sql)),
    )
  } finally {
    await scan.release()
    await scratch.remove()
  }
}

/** Live files of every table by division and digest: equal worlds have equal tables, however they came to be. */
export async function worldOf(store: ObjectStore): Promise<Record<string, string[]>> {
  const world: Record<string, string[]> = {}
  for (const root of await tableRoots(store)) {
    const snapshot = await new DeltaTable(store, root).snapshot()
    const files = [...(snapshot?.files.values() ?? [])]
    const names = files.map((file) => `${Object.values(file.partition).join('/')} ${file.tags.sha256}`)
    if (names.length > 0) world[root] = names.sort()
  }
  return world
}

/** Keys of all objects, ascending. */
export async function keysOf(store: ObjectStore, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

async function tableRoots(store: ObjectStore): Promise<string[]> {
  const roots = (await keysOf(store)).flatMap((key) =>
    key.includes('/_delta_log/') ? [key.slice(0, key.indexOf('/_delta_log/'))] : [],
  )
  return [...new Set(roots)]
}
