import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Column } from '../../src/contracts/columns.js'
import { DeltaTable } from '../../src/lake/delta/table.js'
import { QUERY, withEngine } from '../../src/lake/duckdb/engine.js'
import { scanFiles } from '../../src/lake/duckdb/scan.js'
import { openLocalStore } from '../../src/lake/local/local-store.js'
import { writePocketMirror } from '../pocket-mirror.js'

/**
 * `npm run interop`: an engine nobody here wrote reads every table of two lakes and must see the same rows and values, awkward
 * partition values included. Ends with `N passed, N failed`.
 */
const HERE = import.meta.dirname
const COMMAND = join(HERE, '..', '..', 'dist', 'cli', 'bin.js')
const AWKWARD_DIVISIONS = [
  '%20x',
  '07',
  '7',
  'Ward 3',
  'unassigned',
  'Côte-d’Or',
  'a/b',
  '..',
  '"quoted"',
  '',
  '#1 & more?',
  '東',
]

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-interop-'))
  try {
    const pocket = await writePocketMirror(folder)
    const awkward = await writeAwkwardCity(folder)
    let failed = 0
    let passed = 0
    for (const [name, { cityFile, mirror }] of Object.entries({ pocket, awkward })) {
      const lake = join(folder, `lake-${name}`)
      execFileSync(
        process.execPath,
        [COMMAND, 'run', cityFile, '--mirror', mirror, '--lake', lake, '--quiet'],
        { stdio: 'ignore' },
      )
      for (const verdict of await compareLake(lake)) {
        process.stdout.write(
          `${verdict.same ? 'same' : 'DIFFERENT'}  ${name} ${verdict.table}: ${verdict.detail}\n`,
        )
        if (verdict.same) passed += 1
        else failed += 1
      }
    }
    process.stdout.write(`interop: ${passed} passed, ${failed} failed\n`)
    return failed === 0 && passed > 0 ? 0 : 1
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A city whose divisions are spelled in every way that breaks paths. */
async function writeAwkwardCity(folder: string) {
  const mirror = join(folder, 'awkward')
  await mkdir(mirror)
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`
  const rows = AWKWARD_DIVISIONS.flatMap((division, at) =>
    ['Pothole', 'Graffiti'].map(
      (type, day) => `${at}-${day},2026-01-0${day + 1} 08:00:00,${type},${quote(division)}`,
    ),
  )
  await writeFile(join(mirror, 'requests.csv'), `id,opened,type,district\n${rows.join('\n')}\n`)
  const city = {
    city: { slug: 'awkward', name: 'Awkward', timeZone: 'UTC' },
    datasets: {
      requests: {
        name: 'Requests',
        kind: 'service-requests',
        partition: { column: 'district' },
        key: 'id',
        sources: { all: { family: 'files', mirror: ['*.csv'] } },
        mapping: { service_name: 'type', requested_at: { from: 'opened', formats: ['%Y-%m-%d %H:%M:%S'] } },
      },
    },
  }
  const cityFile = join(folder, 'awkward.yaml')
  await writeFile(cityFile, stringify(city))
  return { cityFile, mirror }
}

interface Verdict {
  readonly table: string
  readonly same: boolean
  readonly detail: string
}

async function compareLake(lake: string): Promise<Verdict[]> {
  const store = await openLocalStore(lake)
  const roots = new Set<string>()
  for await (const { key } of store.list('')) {
    const at = key.indexOf('/_delta_log/')
    if (at >= 0) roots.add(key.slice(0, at))
  }
  const foreign = readForeign(lake, [...roots])
  const verdicts: Verdict[] = []
  for (const root of [...roots].sort()) {
    const table = new DeltaTable(store, root)
    const snapshot = await table.snapshot()
    if (snapshot === undefined) continue
    const scratch = await store.scratch()
    const scan = await scanFiles(store, root, snapshot)
    const ours = await withEngine(QUERY, scratch.folder, (engine) =>
      engine.rows<Record<string, unknown>>(`SELECT * FROM ${scan.sql}`),
    )
    await scratch.remove()
    verdicts.push(compareRows(root, snapshot.columns, ours, foreign.get(root) ?? []))
  }
  return verdicts
}

function readForeign(lake: string, tables: readonly string[]): Map<string, Record<string, unknown>[]> {
  const text = execFileSync(process.execPath, [join(HERE, 'read-tables.mjs'), lake, ...tables], {
    encoding: 'utf8',
    maxBuffer: 1024 ** 3,
  })
  const rows = new Map<string, Record<string, unknown>[]>()
  for (const line of text.split('\n').filter(Boolean)) {
    const { table, row } = JSON.parse(line) as { table: string; row: Record<string, unknown> }
    const list = rows.get(table) ?? []
    list.push(row)
    rows.set(table, list)
  }
  return rows
}

function compareRows(
  table: string,
  columns: readonly Column[],
  ours: readonly Record<string, unknown>[],
  theirs: readonly Record<string, unknown>[],
): Verdict {
  const lines = (rows: readonly Record<string, unknown>[]) =>
    rows.map((row) => JSON.stringify(columns.map((column) => plain(column, row[column.name])))).sort()
  const [a, b] = [lines(ours), lines(theirs)]
  const at = a.findIndex((line, index) => line !== b[index])
  const same = a.length === b.length && at < 0 && a.length > 0
  const difference =
    at < 0 ? '' : `; first difference: ours ${a[at]?.slice(0, 300)}, theirs ${b[at]?.slice(0, 300)}`
  return { table, same, detail: `${a.length} rows, theirs ${b.length}${difference}` }
}

/** A value in one form for both engines. */
function plain({ type }: Column, value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (type === 'timestamp') return new Date(String(value)).toISOString()
  if (type === 'date') return String(value).slice(0, 10)
  if (type === 'long' || type === 'integer') return String(value)
  return type === 'double' ? Number(value) : value
}

process.exitCode =
  process.argv[2] === 'adopt' ? await (await import('./adopt.js')).main(process.argv.slice(3)) : await main()
