import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { benchDemo } from './demo.js'
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

/** Benches by name. The other names of the plan (ingest, harmonize, …) come with the stages that they measure. */
const BENCHES: Record<string, () => Promise<Figure[]>> = { demo: benchDemo, lake: benchLake }

/** `npm run bench -- <name> [--json]`: measures, prints, and exits 1 when a target was missed. */
async function main(argv: readonly string[]): Promise<number> {
  const name = argv[0] ?? ''
  const bench = BENCHES[name]
  if (bench === undefined) {
    process.stderr.write(
      `usage: npm run bench -- <name> [--json]; benches: ${Object.keys(BENCHES).join(', ')}\n`,
    )
    return 64
  }
  const figures = await bench()
  const report = { bench: name, machine: machine(), versions: versions(), figures }
  process.stdout.write(argv.includes('--json') ? `${JSON.stringify(report)}\n` : table(figures))
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
    `${ok ? 'ok    ' : 'MISSED'} ${metric.padEnd(50)} ${String(value).padStart(10)} ${unit.padEnd(4)} target ${target}`
  return `${figures.map(line).join('\n')}\n`
}

process.exitCode = await main(process.argv.slice(2))
