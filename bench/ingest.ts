import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, existsSync, readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { QUERY, withEngine } from '../src/lake/duckdb/engine.js'
import { literal } from '../src/lake/duckdb/sql.js'
import { BENCH_COLUMNS, serviceRequestsCsv } from './ingest/service-requests.js'
import { type Measured, measureCommand, median } from './measure.js'
import type { BenchOptions, Figure } from './run.js'

const HERE = import.meta.dirname
const ROWS = 1_500_000
const PAIRS = 5
const QUICK_ROWS = 150_000
/** A small function's young generation; V8's default lets tens of MiB of dead chunks lie. */
const BOUNDED_FLAGS = '--max-semi-space-size=1'

/** One run of a contender over one file. */
interface Run extends Measured {
  readonly outputBytes: number
  readonly smallestGroup: number | undefined
}

/** Somebody who turns the file into Parquet by district. */
interface Contender {
  readonly name: string
  readonly gzip?: true
  /** Runs in the first round only: it is far from the others. */
  readonly once?: true
  command(place: Place, out: string): readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** Where the files are: on disk for peers, at the portal for us. */
interface Place {
  readonly folder: string
  readonly url: string
}

const ours = (profile: 'bounded' | 'fast', file: string) => (place: Place, out: string) => [
  process.execPath,
  ...(profile === 'bounded' ? [BOUNDED_FLAGS] : []),
  join(HERE, 'ingest', 'ours.mjs'),
  `${place.url}/${file}`,
  out,
  profile,
]
const peer =
  (script: string, file: string, ...more: readonly string[]) =>
  (place: Place, out: string) => [
    process.execPath,
    '--max-old-space-size=12000', // the naive ways need it; nobody else comes near
    join(HERE, 'peers', `${script}.mjs`),
    join(place.folder, file),
    out,
    ...more,
  ]

const CONTENDERS: readonly Contender[] = [
  { name: 'wardbook bounded', command: ours('bounded', 'a.csv') },
  { name: 'chdb, 1 thread', command: peer('chdb', 'a.csv', '1', BENCH_COLUMNS.join(',')) },
  { name: 'wardbook fast', command: ours('fast', 'a.csv') },
  { name: 'DuckDB default, 2 threads', command: peer('duckdb', 'a.csv', '2', 'text') },
  {
    name: 'DuckDB default, 2 threads, types guessed, snappy',
    command: peer('duckdb', 'a.csv', '2', 'auto'),
    once: true,
  },
  { name: 'wardbook bounded, gzip', gzip: true, command: ours('bounded', 'a.csv.gz'), once: true },
  { name: 'wardbook fast, gzip', gzip: true, command: ours('fast', 'a.csv.gz'), once: true },
  {
    name: 'DuckDB default, 2 threads, gzip',
    gzip: true,
    command: peer('duckdb', 'a.csv.gz', '2', 'text'),
    once: true,
  },
  { name: 'nodejs-polars, all in memory', command: peer('polars', 'a.csv'), once: true },
  { name: 'naive: read all, group, write', command: peer('naive', 'a.csv'), once: true },
]

/**
 * Ingestion against what others do with the same bytes. Ours is a whole run: download, hash, spool, quarantine, split, commit;
 * peers read a local file and check nothing. Contenders take turns, so that load falls on all alike.
 */
export async function benchIngest(options: BenchOptions): Promise<Figure[]> {
  const sizes = options.rows ?? [options.quick ? QUICK_ROWS : ROWS]
  const figures: Figure[] = []
  const peaks: number[] = []
  for (const [at, rows] of sizes.entries()) {
    const measured = await benchSize(
      rows,
      at === 0 ? (options.pairs ?? (options.quick ? 1 : PAIRS)) : 1,
      at === 0,
    )
    figures.push(...measured.figures)
    peaks.push(measured.boundedPeak)
  }
  if (peaks.length > 1) {
    const growth = Math.max(...peaks) / (peaks[0] as number)
    figures.push(limit('bounded: largest peak against the smallest file', growth, 'x', 1.25))
  }
  return figures
}

async function benchSize(
  rows: number,
  pairs: number,
  isFull: boolean,
): Promise<{ figures: Figure[]; boundedPeak: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-bench-'))
  const portal = fork(join(HERE, 'ingest', 'portal.ts'), [folder], { execArgv: ['--import', 'tsx'] })
  try {
    const [port] = await once(portal, 'message')
    await makeFile(join(folder, 'a.csv'), rows, false)
    const contenders = CONTENDERS.filter((one) => isInstalled(one) && (isFull || one.once === undefined))
    if (contenders.some(({ gzip }) => gzip)) await makeFile(join(folder, 'a.csv.gz'), rows, true)
    const place = { folder, url: `http://127.0.0.1:${port}` }
    const runs = new Map<string, Run[]>()
    for (let pair = 0; pair < pairs; pair++) {
      for (const contender of contenders.filter((one) => pair === 0 || one.once === undefined)) {
        const run = await runOnce(contender, place, rows).catch((thrown: Error) => thrown)
        if (run instanceof Error) {
          if (contender.name.startsWith('wardbook')) throw run
          note(`${contender.name} failed: ${run.message}`)
          continue
        }
        runs.set(contender.name, [...(runs.get(contender.name) ?? []), run])
        note(`${rows} rows, ${pair + 1}/${pairs} ${contender.name}: ${shown(run)}`)
      }
    }
    return { figures: figuresOf(rows, runs), boundedPeak: middle(runs, 'wardbook bounded', 'peakMib') }
  } finally {
    portal.disconnect()
    await rm(folder, { recursive: true, force: true })
  }
}

async function makeFile(file: string, rows: number, zipped: boolean): Promise<void> {
  const out = createWriteStream(file)
  const pieces = Readable.from(copies(rows), { objectMode: false })
  if (zipped) await pipeline(pieces, createGzip({ level: 1 }), out)
  else await pipeline(pieces, out)
}

/** The generator overwrites its pieces. */
function* copies(rows: number): Generator<Buffer> {
  for (const piece of serviceRequestsCsv(rows)) yield Buffer.from(piece)
}

/** Peers have an install of their own; without it, only those run that wardbook itself stands on. */
function isInstalled({ name }: Contender): boolean {
  const needed = /^(chdb|nodejs-polars|naive)/.exec(name)?.[1]
  const folder =
    { chdb: 'chdb', 'nodejs-polars': 'nodejs-polars', naive: 'hyparquet-writer' }[needed ?? ''] ?? ''
  if (existsSync(join(HERE, 'peers', 'node_modules', folder)) || needed === undefined) return true
  note(`${name} is left out: run 'npm install --no-package-lock' in bench/peers`)
  return false
}

async function runOnce(contender: Contender, place: Place, rows: number): Promise<Run> {
  const out = join(place.folder, 'out')
  try {
    const measured = await measureCommand(contender.command(place, out), contender.env)
    const files = parquetFiles(existsSync(join(out, 'raw')) ? join(out, 'raw') : out)
    const { rows: found, smallestGroup } = await countRows(files)
    const told = measured.stdout.startsWith('{')
      ? JSON.parse(measured.stdout)
      : { rows: found, quarantined: 0 }
    if (found !== told.rows || told.rows + told.quarantined !== rows)
      throw new Error(
        `${contender.name}: ${rows} rows in, ${found} rows out, ${told.quarantined} in quarantine`,
      )
    const outputBytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
    return { ...measured, outputBytes, smallestGroup }
  } finally {
    await rm(out, { recursive: true, force: true })
  }
}

function parquetFiles(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true }) as string[]
  return names.filter((name) => name.endsWith('.parquet')).map((name) => join(folder, name))
}

/** Rows of all files, and of the smallest row group but the last of each file. */
async function countRows(
  files: readonly string[],
): Promise<{ rows: number; smallestGroup: number | undefined }> {
  const list = files.map(literal).join(', ')
  const sql =
    'WITH g AS (SELECT DISTINCT file_name, row_group_id AS id, row_group_num_rows AS rows ' +
    `FROM parquet_metadata([${list}])) SELECT sum(rows)::BIGINT AS rows, ` +
    'min(rows) FILTER (id < (SELECT max(id) FROM g h WHERE h.file_name = g.file_name)) AS smallest FROM g'
  const [row] = await withEngine(QUERY, tmpdir(), (engine) =>
    engine.rows<{ rows: number; smallest: number | null }>(sql),
  )
  return { rows: row?.rows ?? 0, smallestGroup: row?.smallest ?? undefined }
}

type Runs = ReadonlyMap<string, readonly Run[]>

function middle(runs: Runs, name: string, member: 'wallS' | 'cpuS' | 'peakMib' | 'outputBytes'): number {
  return median((runs.get(name) ?? []).map((run) => run[member]))
}

/** Median of the ratios of the pairs. */
function ratio(runs: Runs, name: string, peerName: string, member: 'wallS' | 'cpuS' | 'outputBytes'): number {
  const theirs = runs.get(peerName) ?? []
  return median(
    (runs.get(name) ?? []).flatMap((run, at) => (theirs[at] ? [run[member] / theirs[at][member]] : [])),
  )
}

function figuresOf(rows: number, runs: Runs): Figure[] {
  const size = `${rows / 1_000_000} M rows`
  const duckdb = 'DuckDB default, 2 threads'
  const groups = (runs.get('wardbook bounded') ?? []).flatMap(({ smallestGroup }) => smallestGroup ?? [])
  const known = [
    limit(
      `${size}, bounded: peak of the process tree`,
      middle(runs, 'wardbook bounded', 'peakMib'),
      'MiB',
      320,
    ),
    limit(
      `${size}, bounded: wall against chdb on 1 thread`,
      ratio(runs, 'wardbook bounded', 'chdb, 1 thread', 'wallS'),
      'x',
      2,
    ),
    limit(
      `${size}, bounded: bytes against ${duckdb}, zstd`,
      ratio(runs, 'wardbook bounded', duckdb, 'outputBytes'),
      'x',
      1.05,
    ),
    atLeast(
      `${size}, bounded: smallest row group but the last of a part`,
      Math.min(...groups),
      'rows',
      16_000,
    ),
    limit(`${size}, fast: wall against ${duckdb}`, ratio(runs, 'wardbook fast', duckdb, 'wallS'), 'x', 1.1),
    limit(`${size}, fast: peak of the process tree`, middle(runs, 'wardbook fast', 'peakMib'), 'MiB', 640),
  ]
  const noted = [...runs.keys()].flatMap((name) => [
    plain(`${size}, ${name}: wall`, middle(runs, name, 'wallS'), 's'),
    plain(`${size}, ${name}: CPU`, middle(runs, name, 'cpuS'), 's'),
    plain(`${size}, ${name}: peak`, middle(runs, name, 'peakMib'), 'MiB'),
    plain(`${size}, ${name}: output`, middle(runs, name, 'outputBytes') / 1_000_000, 'MB'),
    plain(`${size}, ${name}: rows a second`, Math.round(rows / middle(runs, name, 'wallS')), '/s'),
  ])
  return [...known.filter(({ value }) => Number.isFinite(value)), ...noted]
}

function limit(metric: string, value: number, unit: string, most: number): Figure {
  return { metric, value: rounded(value), unit, target: `<= ${most}`, ok: value <= most }
}

function atLeast(metric: string, value: number, unit: string, least: number): Figure {
  return { metric, value: rounded(value), unit, target: `>= ${least}`, ok: value >= least }
}

function plain(metric: string, value: number, unit: string): Figure {
  return { metric, value: rounded(value), unit, target: 'none set', ok: true }
}

function rounded(value: number): number {
  return Math.abs(value) < 10 ? Math.round(value * 100) / 100 : Math.round(value * 10) / 10
}

function shown({ wallS, cpuS, peakMib, outputBytes }: Run): string {
  return `${wallS.toFixed(1)} s, ${cpuS.toFixed(1)} CPU s, ${peakMib} MiB, ${(outputBytes / 1_000_000).toFixed(1)} MB`
}

/** Progress goes to the other stream: runs take minutes. */
function note(line: string): void {
  process.stderr.write(`${line}\n`)
}
