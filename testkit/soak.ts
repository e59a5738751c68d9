import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../src/demo/random.js'
import { openLocalStore } from '../src/lake/local/local-store.js'
import { type PocketMirror, writePocketMirror } from './pocket-mirror.js'
import { differencesOf, type World, worldOf } from './same-world.js'

/** Trials by name; `promise` and `chaos` come with the stages that they try. */
const TRIALS: Record<string, (folder: string, settings: SoakSettings) => Promise<number>> = {
  kill: killTrial,
}

interface SoakSettings {
  /** Another city than the bundled one: its file, and the folder that replaces the network. */
  readonly city: PocketMirror | undefined
  readonly seconds: number
  readonly seed: number
  readonly kills: number
}

const COMMAND = join(import.meta.dirname, '..', 'dist', 'cli', 'bin.js')

/**
 * `npm run soak -- kill [--seconds 120] [--seed N] [--kills 10] [--city FILE --mirror DIR]`: long trials of what must never break.
 * Prints one line a round and `N passed, N failed` at the end.
 */
async function main(argv: readonly string[]): Promise<number> {
  const trial = TRIALS[argv[0] ?? '']
  if (trial === undefined) {
    process.stderr.write(
      `usage: npm run soak -- ${Object.keys(TRIALS).join('|')} [--seconds N] [--seed N] [--kills N] [--city FILE --mirror DIR]\n`,
    )
    return 64
  }
  const settings = {
    seconds: numberFlag(argv, '--seconds', 120),
    seed: numberFlag(argv, '--seed', Date.now() % 1_000_000),
    kills: numberFlag(argv, '--kills', 10),
    city: cityFlags(argv),
  }
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-soak-'))
  try {
    return await trial(folder, settings)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
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

/**
 * Rounds of: a fresh lake, a run killed with SIGKILL at a random moment, again and again, then one calm run.
 * Every round must end in the world of a run that nobody disturbed.
 */
async function killTrial(folder: string, { seconds, seed, kills, city }: SoakSettings): Promise<number> {
  const random = seededRandom(seed)
  const pocket = city ?? (await writePocketMirror(folder))
  const calm = await calmRun(pocket, join(folder, 'calm'))
  say(`seed ${seed}; a calm run takes ${calm.milliseconds} ms and leaves ${calm.world.events.length} events`)
  const end = Date.now() + seconds * 1_000
  let passed = 0
  let failed = 0
  for (let round = 1; round === 1 || Date.now() < end; round++) {
    const lake = join(folder, `round-${round}`)
    const moments = Array.from({ length: kills }, () => Math.floor(random() * calm.milliseconds * 1.1))
    for (const moment of moments) await killedRun(pocket, lake, moment)
    const { world } = await calmRun(pocket, lake)
    const differences = differencesOf(calm.world, world)
    if (differences.length === 0) passed += 1
    else failed += 1
    say(
      `round ${round}: killed after ${moments.join(', ')} ms: ${differences.length === 0 ? 'same world' : 'ANOTHER WORLD'}`,
    )
    for (const difference of differences.slice(0, 20)) say(`  ${difference}`)
    await rm(lake, { recursive: true, force: true })
  }
  say(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

async function calmRun(pocket: PocketMirror, lake: string): Promise<{ world: World; milliseconds: number }> {
  const begun = Date.now()
  const code = await ended(startRun(pocket, lake))
  if (code !== 0) throw new Error(`a calm run ended with code ${code}`)
  const milliseconds = Date.now() - begun
  return { world: await worldOf(await openLocalStore(lake)), milliseconds }
}

/** Kills the process alone; its workers notice that nobody waits for them and end. */
async function killedRun(pocket: PocketMirror, lake: string, afterMs: number): Promise<void> {
  const run = startRun(pocket, lake)
  await Promise.race([sleep(afterMs), ended(run)])
  run.kill('SIGKILL')
  await ended(run)
}

function startRun({ cityFile, mirror }: PocketMirror, lake: string): ChildProcess {
  const args = [COMMAND, 'run', cityFile, '--mirror', mirror, '--lake', lake, '--quiet']
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function ended(run: ChildProcess): Promise<number | null> {
  if (run.exitCode !== null || run.signalCode !== null) return Promise.resolve(run.exitCode)
  return new Promise((resolve) => run.once('exit', (code) => resolve(code)))
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exitCode = await main(process.argv.slice(2))
