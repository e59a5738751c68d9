import { type ChildProcess, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../../src/demo/random.js'
import { openLocalStore } from '../../src/lake/local/local-store.js'
import { type PocketMirror, writePocketMirror } from '../pocket-mirror.js'
import { differencesOf, type World, worldOf } from '../same-world.js'
import { ended, kill, type SoakSettings, say, type Tally, tellDifferences } from './trial.js'

const COMMAND = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'bin.js')

/**
 * Rounds of: a fresh lake, a run of all stages killed with SIGKILL at a random moment, again and again, then one calm run.
 * Every round must end in the world of a run that nobody disturbed.
 */
export async function killDemo(folder: string, { seconds, seed, kills, city }: SoakSettings): Promise<Tally> {
  const end = Date.now() + seconds * 1_000
  const random = seededRandom(seed)
  const pocket = city ?? (await writePocketMirror(folder))
  const calm = await calmRun(pocket, join(folder, 'calm'))
  say(`demo: a calm run takes ${calm.milliseconds} ms and leaves ${calm.world.events.length} events`)
  const tally = { passed: 0, failed: 0 }
  for (let round = 1; round === 1 || Date.now() < end; round++) {
    const lake = join(folder, `round-${round}`)
    const moments = Array.from({ length: kills }, () => Math.floor(random() * calm.milliseconds * 1.1))
    for (const moment of moments) await killedRun(pocket, lake, moment)
    const { world } = await calmRun(pocket, lake)
    const differences = differencesOf(calm.world, world)
    const verdict = differences.length === 0 ? 'same world' : 'ANOTHER WORLD'
    say(`demo, round ${round}: killed after ${moments.join(', ')} ms: ${verdict}`)
    tally[tellDifferences(differences) ? 'passed' : 'failed'] += 1
    await rm(lake, { recursive: true, force: true })
  }
  return tally
}

async function calmRun(pocket: PocketMirror, lake: string): Promise<{ world: World; milliseconds: number }> {
  const begun = Date.now()
  const code = await ended(startRun(pocket, lake))
  if (code !== 0) throw new Error(`a calm run ended with code ${code}`)
  const milliseconds = Date.now() - begun
  return { world: await worldOf(await openLocalStore(lake)), milliseconds }
}

async function killedRun(pocket: PocketMirror, lake: string, afterMs: number): Promise<void> {
  const run = startRun(pocket, lake)
  await Promise.race([sleep(afterMs), ended(run)])
  await kill(run)
}

function startRun({ cityFile, mirror }: PocketMirror, lake: string): ChildProcess {
  const args = [COMMAND, 'run', cityFile, '--mirror', mirror, '--lake', lake, '--quiet']
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
