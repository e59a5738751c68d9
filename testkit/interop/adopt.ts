import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { watchPeak } from '../../bench/peak-memory.js'
import { LEAN, withEngine } from '../../src/lake/duckdb/engine.js'
import { literal } from '../../src/lake/duckdb/sql.js'
import type { Verdict } from './verdict.js'

const HERE = import.meta.dirname
const COMMAND = join(HERE, '..', '..', 'dist', 'cli', 'bin.js')
const ROWS = 3_000_000
const AWKWARD = [
  '%20x',
  '07',
  '7',
  'Ward 3',
  'unassigned',
  'Côte-d’Or',
  'a/b',
  '50%',
  '東',
  "O'Hare",
  '#1 & more?',
]
/** 40 divisions: awkward ones, one without a value, and plain ones. */
const DIVISIONS: readonly (string | null)[] = [
  ...AWKWARD,
  null,
  ...Array.from({ length: 40 - AWKWARD.length - 1 }, (_, at) => `District ${at + 10}`),
]

/** One way in which somebody's files lie there. */
interface Case {
  readonly name: string
  /** Whether the files lie in the lake and are to stay as they are. */
  readonly inPlace: boolean
  write(source: string, folder: string): Promise<void>
}

const CASES: readonly Case[] = [
  {
    name: 'duckdb',
    inPlace: false,
    write: (source, folder) => writeByDuckDb(source, folder, '*'),
  },
  { name: 'polars', inPlace: false, write: writeBy('polars') },
  { name: 'chdb', inPlace: false, write: writeBy('chdb') },
  {
    name: 'duckdb-in-place',
    inPlace: true,
    write: (source, folder) => writeByDuckDb(source, folder, '* REPLACE (opened::TIMESTAMPTZ AS opened)'),
  },
]

/**
 * 3 million rows in 40 hive partitions, written by DuckDB, polars and ClickHouse, are adopted by the built command. ClickHouse compares rows, values
 * and partition values with the source; a second adoption adds nothing; originals are as they were. The next stages run on the files that
 * stayed in place: raw tables of equal sums are the same to them, and minutes each.
 */
export async function* adoptions(folder: string): AsyncGenerator<Verdict> {
  const source = join(folder, 'source.parquet')
  await writeSource(folder, source)
  const wanted = sumsOf(folder, 'file', 'source.parquet')
  for (const one of CASES) {
    for await (const verdict of tryCase(folder, source, wanted, one))
      yield { ...verdict, name: `${one.name} ${verdict.name}` }
    await rm(join(folder, one.name), { recursive: true, force: true })
  }
}

async function* tryCase(folder: string, source: string, wanted: Sums, one: Case): AsyncGenerator<Verdict> {
  const base = join(folder, one.name)
  const lake = join(base, 'lake')
  const raw = join(lake, 'raw', 'requests', 'all')
  const originals = one.inPlace ? raw : join(base, 'originals')
  await mkdir(originals, { recursive: true })
  await one.write(source, originals)
  const before = await pictureOf(originals)
  const cityFile = await writeCity(base, one.inPlace ? undefined : originals)

  const first = await run('lake', 'adopt', cityFile, '--lake', lake)
  yield { name: 'is adopted', same: first.exit === 0, detail: `${before.size} files, ${costOf(first)}` }
  if (first.exit !== 0) return
  yield compare('raw values by division', wanted, sumsOf(lake, 'delta', 'raw/requests/all'))
  const moved = differences(before, await pictureOf(originals, before))
  yield { name: 'originals', same: moved.length === 0, detail: moved[0] ?? 'untouched' }

  const objects = await pictureOf(lake)
  const again = await run('lake', 'adopt', cityFile, '--lake', lake)
  const added = differences(objects, await pictureOf(lake))
  const isUnchanged = again.exit === 0 && again.said.includes('unchanged') && added.length === 0
  yield {
    name: 'second adoption',
    same: isUnchanged,
    detail: added[0] ?? `adds nothing, ${costOf(again)}`,
  }

  if (!one.inPlace) return
  const next = await run('catch-up', cityFile, '--lake', lake)
  yield { name: 'next stages', same: next.exit === 0, detail: costOf(next) }
  if (next.exit === 0) yield compare('tidy rows by division', onlyRows(wanted), tidyOf(lake))
}

/** Rows and checksums by division. */
type Sums = ReadonlyMap<string, string>

function sumsOf(base: string, kind: 'file' | 'delta', path: string): Sums {
  const text = execFileSync(process.execPath, [join(HERE, 'sum-requests.mjs'), base, kind, path], {
    encoding: 'utf8',
  })
  const lines = text.split('\n').filter(Boolean)
  return new Map(lines.map((line) => [(JSON.parse(line) as { division: string }).division, line]))
}

function onlyRows(sums: Sums): Sums {
  return new Map([...sums].map(([division, line]) => [division, String(JSON.parse(line).requests)]))
}

function tidyOf(lake: string): Sums {
  const text = execFileSync(
    process.execPath,
    [join(HERE, 'sum-requests.mjs'), lake, 'tidy', 'tidy/requests'],
    {
      encoding: 'utf8',
    },
  )
  return onlyRows(
    new Map(
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => [JSON.parse(line).division, line]),
    ),
  )
}

function compare(what: string, wanted: Sums, found: Sums): Verdict {
  const wrong = [...new Set([...wanted.keys(), ...found.keys()])].find(
    (key) => wanted.get(key) !== found.get(key),
  )
  const detail =
    wrong === undefined
      ? `the same in ${found.size} divisions`
      : `division '${wrong}': wanted ${wanted.get(wrong)}, found ${found.get(wrong)}`
  return { name: what, same: wrong === undefined && wanted.size === DIVISIONS.length - 1, detail } // null is unassigned as well
}

interface Ran {
  readonly exit: number
  readonly seconds: number
  readonly peakMib: number
  readonly said: string
}

/** Runs the built command; its peak is the largest sum of the process and its workers. */
async function run(...args: string[]): Promise<Ran> {
  const began = performance.now()
  const child = spawn(process.execPath, [COMMAND, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const peak = watchPeak(child.pid ?? 0)
  const lines: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(text))
  const [exit] = (await once(child, 'close')) as [number]
  return { exit, seconds: (performance.now() - began) / 1_000, peakMib: peak.stop(), said: lines.join('') }
}

function costOf({ exit, seconds, peakMib, said }: Ran): string {
  const cost = `${seconds.toFixed(1)} s, peak ${peakMib} MiB of the process and its workers`
  return exit === 0 ? cost : `exit ${exit}, ${cost}; ${said.slice(-600)}`
}

/** Size and time of each file. @param only of these files, when given */
async function pictureOf(base: string, only?: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const files = (await readdir(base, { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
  const picture = new Map<string, string>()
  for (const one of files) {
    const file = join(one.parentPath, one.name)
    const { size, mtimeMs } = await stat(file)
    if (only === undefined || only.has(file)) picture.set(file, `${size} ${mtimeMs}`)
  }
  return picture
}

function differences(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((file) => a.get(file) !== b.get(file))
}

async function writeSource(folder: string, source: string): Promise<void> {
  const list = DIVISIONS.map((value) => (value === null ? 'NULL' : literal(value))).join(', ')
  const rows =
    "SELECT i AS id, ['Pothole', 'Graffiti', 'Noise', 'Rodents, « rats »'][1 + (hash(i) % 4)::BIGINT] AS type, " +
    "CASE WHEN i % 3 > 0 THEN 'note ' || md5(i::VARCHAR) END AS note, " +
    "TIMESTAMP '2023-01-01' + to_seconds((i * 30)::BIGINT) AS opened, CASE WHEN i % 5 > 0 THEN 42 + i / 1e7 END AS lat, " +
    `i % 2 = 0 AS open, [${list}][1 + i % ${DIVISIONS.length}] AS district FROM range(${ROWS}) t(i)`
  await foreign(folder, `COPY (${rows}) TO ${literal(source)} (FORMAT parquet)`)
}

async function writeByDuckDb(source: string, folder: string, select: string): Promise<void> {
  const rows = `SELECT ${select} FROM read_parquet(${literal(source)})`
  await foreign(
    folder,
    `COPY (${rows}) TO ${literal(folder)} (FORMAT parquet, PARTITION_BY (district), OVERWRITE_OR_IGNORE)`,
  )
}

async function foreign(folder: string, sql: string): Promise<void> {
  const spill = join(folder, '.spill')
  await withEngine({ ...LEAN, threads: 2, memoryLimitMb: 2_000 }, spill, (engine) => engine.run(sql))
  await rm(spill, { recursive: true, force: true })
}

function writeBy(writer: 'polars' | 'chdb') {
  return async (source: string, folder: string) => {
    const named = DIVISIONS.map((value) => [
      value,
      `district=${value === null ? '__HIVE_DEFAULT_PARTITION__' : encodeURIComponent(value)}`,
    ])
    const script = join(HERE, 'write-hive.mjs')
    execFileSync(process.execPath, [script, writer, source, folder, JSON.stringify(named)], {
      stdio: 'inherit',
    })
  }
}

async function writeCity(folder: string, from: string | undefined): Promise<string> {
  const city = {
    city: { slug: 'adopted', name: 'Adopted', timeZone: 'UTC' },
    datasets: {
      requests: {
        name: 'Requests',
        kind: 'service-requests',
        partition: { column: 'council_district', from: 'district' },
        key: 'id',
        sources: { all: { family: 'hive', ...(from === undefined ? {} : { from }) } },
        mapping: {
          service_request_id: 'id',
          service_name: 'type',
          requested_at: { from: 'opened', formats: ['%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%SZ'] },
          lat: 'lat',
        },
      },
    },
  }
  const cityFile = join(folder, 'city.yaml')
  await writeFile(cityFile, stringify(city))
  return cityFile
}
