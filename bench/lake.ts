import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DeltaTable, type NewFile } from '../src/lake/delta/table.js'
import { openLocalStore } from '../src/lake/local/local-store.js'
import type { ObjectStore } from '../src/lake/store.js'
import type { Figure } from './run.js'

const DIST = join(import.meta.dirname, '..', 'dist', 'lake')
const COMMITS = 10_000
const COMMITS_AFTER_CHECKPOINT = 19 // the most that an open has to read
const FILES = 5_000
const FILES_PER_COMMIT = 250
const DIVISIONS = 50
const RUNS = 5
const OPEN_TARGET_MS = 300
const LIST_TARGET_MS = 500

const COLUMNS = [
  { name: 'id', type: 'string' as const },
  { name: 'requested_at', type: 'timestamp' as const },
  { name: 'division', type: 'string' as const },
]
const SCHEMA = { columns: COLUMNS, partitionColumns: ['division'] }

/** Opening a table after 10,000 commits, with and without checkpoint, and listing 5,000 files: each in processes of their own. */
export async function benchLake(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-bench-'))
  try {
    const store = await openLocalStore(folder)
    await makeLongLog(folder, 'long')
    const replayed = await openOften(folder, 'long', 1)
    await addCheckpoint(store, 'long')
    const opened = await openOften(folder, 'long', RUNS)
    await makeWideTable(store, 'wide')
    const listed = await openOften(folder, 'wide', RUNS)
    demand(opened.files === DIVISIONS && listed.files === FILES, 'a table lost files')
    return [
      timed(`open after ${COMMITS + COMMITS_AFTER_CHECKPOINT} commits`, opened.ms, OPEN_TARGET_MS),
      noted('peak of a process that opens it', opened.peakMib, 'MiB'),
      timed(`list ${FILES} files`, listed.ms, LIST_TARGET_MS),
      noted('peak of a process that lists them', listed.peakMib, 'MiB'),
      noted(`open after ${COMMITS} commits without checkpoint`, replayed.ms, 'ms'),
      noted('peak of a process that opens it so', replayed.peakMib, 'MiB'),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function timed(metric: string, value: number, target: number): Figure {
  return { metric, value, unit: 'ms', target: `< ${target}`, ok: value < target }
}

function noted(metric: string, value: number, unit: string): Figure {
  return { metric, value, unit, target: 'none set', ok: true }
}

interface Opened {
  /** Median of `snapshot()`, from a loaded program to the list of files. */
  readonly ms: number
  readonly peakMib: number
  readonly files: number
}

/** Opens a table in a new process, from the built program, as a stage does. */
const OPEN = `
const { openLocalStore } = await import('${pathToFileURL(join(DIST, 'local', 'local-store.js'))}')
const { DeltaTable } = await import('${pathToFileURL(join(DIST, 'delta', 'table.js'))}')
const [folder, root] = process.argv.slice(1)
const store = await openLocalStore(folder)
const begun = performance.now()
const snapshot = await new DeltaTable(store, root).snapshot()
const ms = performance.now() - begun
console.log(JSON.stringify({ ms, peakMib: process.resourceUsage().maxRSS / 1024, files: snapshot.files.size }))
`

async function openOften(folder: string, root: string, runs: number): Promise<Opened> {
  const opened: Opened[] = []
  for (let run = 0; run < runs; run++) opened.push(await openOnce(folder, root))
  const times = opened.map(({ ms }) => ms).sort((a, b) => a - b)
  return {
    ms: Math.round(times[Math.floor(runs / 2)] ?? 0),
    peakMib: Math.round(Math.max(...opened.map(({ peakMib }) => peakMib))),
    files: opened[0]?.files ?? 0,
  }
}

async function openOnce(folder: string, root: string): Promise<Opened> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', OPEN, folder, root], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  const [code] = await once(child, 'close')
  demand(code === 0, `opening ${root} ended with code ${code}`)
  return JSON.parse(text) as Opened
}

/** Commits written straight to disk: each replaces the file of one of 50 divisions and moves its position. */
async function makeLongLog(folder: string, root: string): Promise<void> {
  const log = join(folder, root, '_delta_log')
  await mkdir(log, { recursive: true })
  for (let version = 0; version < COMMITS; version++) {
    const text = commitActions(version).map((action) => `${JSON.stringify(action)}\n`)
    await writeFile(join(log, `${String(version).padStart(20, '0')}.json`), text.join(''))
  }
}

function commitActions(version: number): object[] {
  const division = String(version % DIVISIONS)
  const path = (at: number) => `division=${division}/part-${at}.parquet`
  const { stats, sha256 } = part(version, division)
  const now = Date.now()
  const partitionValues = { division }
  return [
    { commitInfo: { timestamp: now, operation: 'WRITE' } },
    ...(version === 0 ? tableActions() : []),
    { txn: { appId: `measure/calls/portal/${division}/0123456789abcdef`, version, lastUpdated: now } },
    ...(version < DIVISIONS
      ? []
      : [{ remove: { path: path(version - DIVISIONS), deletionTimestamp: now, dataChange: true } }]),
    {
      add: {
        path: path(version),
        ...{ partitionValues, size: 10, modificationTime: now, dataChange: true, stats, tags: { sha256 } },
      },
    },
  ]
}

function tableActions(): object[] {
  const fields = COLUMNS.map((column) => ({ ...column, nullable: true, metadata: {} }))
  return [
    { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
    {
      metaData: {
        id: 'bench',
        format: { provider: 'parquet', options: {} },
        schemaString: JSON.stringify({ type: 'struct', fields }),
        partitionColumns: ['division'],
        configuration: {},
      },
    },
  ]
}

/** The commit of version 10,000, whose writer also writes the checkpoint, and the commits up to the next one. */
async function addCheckpoint(store: ObjectStore, root: string): Promise<void> {
  const table = new DeltaTable(store, root)
  for (let n = 0; n <= COMMITS_AFTER_CHECKPOINT; n++) {
    const base = await table.snapshot()
    const { checkpoint } = await table.commit(base, { operation: 'WRITE' })
    demand(n > 0 || checkpoint?.outcome === 'written', 'the checkpoint was not written')
  }
}

async function makeWideTable(store: ObjectStore, root: string): Promise<void> {
  const table = new DeltaTable(store, root)
  await table.commit(undefined, { operation: 'CREATE', schema: SCHEMA })
  for (let made = 0; made < FILES; made += FILES_PER_COMMIT) {
    const adds = Array.from({ length: FILES_PER_COMMIT }, (_, n) => part(made + n, String(n % DIVISIONS)))
    await table.commit(await table.snapshot(), { operation: 'WRITE', adds })
  }
}

function part(number: number, division: string): NewFile {
  const stats = JSON.stringify({
    numRecords: 10_000,
    minValues: { id: `${number}-0000`, requested_at: '2024-01-01T00:00:00.000Z' },
    maxValues: { id: `${number}-9999`, requested_at: '2024-12-31T23:59:59.999Z' },
    nullCount: { id: 0, requested_at: 0 },
  })
  const sha256 = String(number).padStart(64, '0')
  const key = `division=${division}/part-${number}.parquet`
  return { key, partition: { division }, size: 10, rows: 10_000, sha256, uncompressedBytes: 10, stats }
}

function demand(isTrue: boolean, otherwise: string): void {
  if (!isTrue) throw new Error(otherwise)
}
