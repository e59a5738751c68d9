import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchDemo } from './demo.js'
import { benchIngest } from './ingest.js'
import { benchLake } from './lake.js'

/** One measured number against its target. */
export interface Figure {
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly target: string
  readonly ok: boolean
  readonly peer?: string
  readonly ratio?: number
}

/** How a bench is to be run; each has defaults of its own. */
export interface BenchOptions {
  /** Sizes in rows; the first is compared with peers in all pairs. */
  readonly rows: readonly number[] | undefined
  readonly pairs: number | undefined
  readonly quick: boolean
  /** Seeds of simulated cities. */
  readonly seeds: number | undefined
  /** Also the largest city. */
  readonly large: boolean
  /** The scores of cities alone. */
  readonly scores: boolean
}

/** Benches by name. The other names of the plan (harmonize, …) come with the stages that they measure. */
const BENCHES: Record<string, (options: BenchOptions) => Promise<Figure[]>> = {
  demo: benchDemo,
  ingest: benchIngest,
  lake: benchLake,
}

const FLAGS = {
  json: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  large: { type: 'boolean', default: false },
  scores: { type: 'boolean', default: false },
  rows: { type: 'string' },
  seeds: { type: 'string' },
  pairs: { type: 'string' },
} as const

/** `npm run bench -- <name> [--json] [--rows N[,N…]] [--pairs N] [--seeds N] [--scores] [--large] [--quick]`: measures, prints, and exits 1 when a target was missed. */
async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...argv], options: FLAGS, allowPositionals: true })
  const name = positionals[0] ?? ''
  const bench = BENCHES[name]
  if (bench === undefined) {
    process.stderr.write(
      `usage: npm run bench -- <name> [--json] [--rows N[,N…]] [--pairs N] [--seeds N] [--scores] [--large] [--quick]; benches: ${Object.keys(BENCHES).join(', ')}\n`,
    )
    return 64
  }
  const figures = await bench({
    rows: values.rows?.split(',').map(Number),
    pairs: values.pairs === undefined ? undefined : Number(values.pairs),
    seeds: values.seeds === undefined ? undefined : Number(values.seeds),
    quick: values.quick,
    large: values.large,
    scores: values.scores,
  })
  const report = { bench: name, machine: machine(), versions: versions(), figures }
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : table(figures))
  return figures.every(({ ok }) => ok) ? 0 : 1
}

function machine(): string {
  return `${cpus().length} cores ${cpus()[0]?.model ?? ''}, ${Math.round(totalmem() / 2 ** 30)} GiB`
}

function versions(): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'))
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  return {
    node: process.version,
    wardbook: `${manifest.version} (${commit})`,
    duckdb: manifest.dependencies['@duckdb/node-api'],
  }
}

function table(figures: readonly Figure[]): string {
  const line = ({ metric, value, unit, target, ok }: Figure) =>
    `${ok ? 'ok    ' : 'MISSED'} ${metric.padEnd(72)} ${String(value).padStart(10)} ${unit.padEnd(4)} target ${target}`
  return `${figures.map(line).join('\n')}\n`
}

process.exitCode = await main(process.argv.slice(2))
