import type { ChildProcess } from 'node:child_process'
import type { PocketMirror } from '../pocket-mirror.js'

/** What a long trial is told. */
export interface SoakSettings {
  /** Another city than the bundled one: its file, and the folder that replaces the network. */
  readonly city: PocketMirror | undefined
  /** How long rounds are begun; the first is in any case. */
  readonly seconds: number
  readonly seed: number
  /** SIGKILLs of a round. */
  readonly kills: number
  /** Rows of the large read. */
  readonly rows: number
}

/** How often the promise was kept and broken. */
export interface Tally {
  readonly passed: number
  readonly failed: number
}

/** A long trial in an empty folder. */
export type Trial = (folder: string, settings: SoakSettings) => Promise<Tally>

/** The code with which a process ended, or ends; null when it was killed. */
export function ended(run: ChildProcess): Promise<number | null> {
  if (run.exitCode !== null || run.signalCode !== null) return Promise.resolve(run.exitCode)
  return new Promise((resolve) => run.once('exit', (code) => resolve(code)))
}

/** Kills the process alone; its workers notice that nobody waits for them and end. */
export async function kill(run: ChildProcess): Promise<void> {
  run.kill('SIGKILL')
  await ended(run)
}

/** Tells the differences between two worlds, the first of them in full. @returns whether there is none */
export function tellDifferences(differences: readonly string[]): boolean {
  for (const difference of differences.slice(0, 20)) say(`  ${difference}`)
  return differences.length === 0
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
