import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PocketMirror } from './pocket-mirror.js'
import { killDemo } from './soak/kill-demo.js'
import { killRead } from './soak/kill-read.js'
import { type SoakSettings, say, type Trial } from './soak/trial.js'

/** What is tried, by the name of the soak; `promise` and `chaos` come with the stages that they try. */
const SOAKS: Readonly<Record<string, Readonly<Record<string, Trial>>>> = {
  kill: { demo: killDemo, read: killRead },
}

const USAGE =
  'usage: npm run soak -- kill [demo|read] [--seconds N] [--seed N] [--kills N] [--rows N] [--city FILE --mirror DIR]\n'

/**
 * `npm run soak -- kill [demo|read] [--seconds 120] [--seed N] [--kills 10] [--rows 60000] [--city FILE --mirror DIR]`: long trials of what
 * must never break. Trials share the seconds, in which rounds of so many kills are begun. Prints a line a round, and `N passed, N failed` at the end.
 */
async function main(argv: readonly string[]): Promise<number> {
  const [name = '', only] = argv.slice(0, argv.findIndex((word) => word.startsWith('--')) >>> 0)
  const trials = Object.entries(SOAKS[name] ?? {}).filter(([trial]) => only === undefined || only === trial)
  if (trials.length === 0) {
    process.stderr.write(USAGE)
    return 64
  }
  const settings: SoakSettings = {
    seconds: numberFlag(argv, '--seconds', 120) / trials.length,
    seed: numberFlag(argv, '--seed', Date.now() % 1_000_000),
    kills: numberFlag(argv, '--kills', 10),
    rows: numberFlag(argv, '--rows', 60_000),
    city: cityFlags(argv),
  }
  say(`seed ${settings.seed}`)
  let [passed, failed] = [0, 0]
  for (const [, trial] of trials) {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-soak-'))
    try {
      const tally = await trial(folder, settings)
      passed += tally.passed
      failed += tally.failed
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  say(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

function cityFlags(argv: readonly string[]): PocketMirror | undefined {
  const [cityFile, mirror] = ['--city', '--mirror'].map((name) =>
    argv.includes(name) ? argv[argv.indexOf(name) + 1] : undefined,
  )
  return cityFile !== undefined && mirror !== undefined ? { cityFile, mirror } : undefined
}

function numberFlag(argv: readonly string[], name: string, fallback: number): number {
  const at = argv.indexOf(name)
  return at < 0 ? fallback : Number(argv[at + 1])
}

process.exitCode = await main(process.argv.slice(2))
