import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { ended, kill } from './trial.js'

/** Parts of a read: until all pages are received and sorted out; until the commit and its records; until the process ends. */
export const PHASES = ['reading', 'writing', 'cleaning up'] as const
export type Phase = (typeof PHASES)[number]

/** How long each part took, and all of it, in milliseconds. */
export type ReadTimes = Readonly<Record<Phase | 'ended', number>>

/** A moment of a read: so long after a part of it began. */
export interface Moment {
  readonly phase: Phase
  readonly afterMs: number
}

/** In which part of its read a process died, and how long after that began. */
export type Death = Moment

const PROGRAM = join(import.meta.dirname, '..', '..', 'bench', 'ingest', 'program.mjs')

/** Starts the built program on a city file of one source. */
export function startRead(cityFile: string, lake: string): ReadRun {
  const args = ['--max-semi-space-size=1', PROGRAM, cityFile, lake, 'bounded']
  return new ReadRun(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
}

/** The times of a read that nobody disturbs. @throws when it fails */
export async function timesOf(run: ReadRun): Promise<ReadTimes> {
  const code = await run.ended()
  if (code !== 0) throw new Error(`a calm read ended with code ${code}`)
  return run.times()
}

/** A process that reads, watched by what it tells. */
export class ReadRun {
  /** When each part began. */
  private readonly begun = new Map<Phase | 'ended', number>([['reading', Date.now()]])
  private readonly waiting = new Map<Phase, () => void>()

  constructor(private readonly child: ChildProcess) {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const { facts = {} } = JSON.parse(line) as { facts?: object }
      if ('resumed' in facts) this.begin('writing')
      if ('version' in facts) this.begin('cleaning up')
    })
  }

  async ended(): Promise<number | null> {
    const code = await ended(this.child)
    if (!this.begun.has('ended')) this.begun.set('ended', Date.now())
    return code
  }

  times(): ReadTimes {
    const at = (phase: Phase | 'ended') => this.begun.get(phase) ?? this.begun.get('ended') ?? Number.NaN
    return {
      reading: at('writing') - at('reading'),
      writing: at('cleaning up') - at('writing'),
      'cleaning up': at('ended') - at('cleaning up'),
      ended: at('ended') - at('reading'),
    }
  }

  /**
   * Kills the process at a moment of its read.
   * @returns how it died; undefined when it got to its end before
   * @throws when it failed
   */
  async killAt(moment: Moment): Promise<Death | undefined> {
    const isOver = this.ended()
    await Promise.race([this.beginningOf(moment.phase).then(() => sleep(moment.afterMs)), isOver])
    await kill(this.child)
    const code = await isOver
    if (code === 0) return undefined
    if (code !== null) throw new Error(`a read failed with code ${code}`)
    const [phase, since] = [...this.begun].filter(([one]) => one !== 'ended').at(-1) as [Phase, number]
    return { phase, afterMs: (this.begun.get('ended') as number) - since }
  }

  private beginningOf(phase: Phase): Promise<void> {
    if (this.begun.has(phase)) return Promise.resolve()
    return new Promise((resolve) => this.waiting.set(phase, resolve))
  }

  private begin(phase: Phase): void {
    this.begun.set(phase, Date.now())
    this.waiting.get(phase)?.()
  }
}
