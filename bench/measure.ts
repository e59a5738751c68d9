import { spawn } from 'node:child_process'
import { watchPeak } from './peak-memory.js'

/** What a whole process and all below it took. */
export interface Measured {
  readonly wallS: number
  /** User and system time of the tree. */
  readonly cpuS: number
  /** Largest sum of resident memory of the tree. */
  readonly peakMib: number
  readonly stdout: string
}

/** Runs a command to its end and measures it. The shell that waits for it tells the time of all its children. */
export function measureCommand(command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Measured> {
  const begun = performance.now()
  const child = spawn('sh', ['-c', '"$@" || exit 1; times', 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  const peak = watchPeak(child.pid ?? 0)
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      const peakMib = peak.stop()
      if (code !== 0) reject(new Error(`${command.slice(0, 3).join(' ')} … ended with code ${code}`))
      const lines = text.trimEnd().split('\n')
      const wallS = (performance.now() - begun) / 1_000
      resolve({ wallS, cpuS: secondsOf(lines.at(-1) ?? ''), peakMib, stdout: lines.slice(0, -2).join('\n') })
    })
  })
}

/** `1m2.5s 0m3.25s` as seconds. */
function secondsOf(times: string): number {
  const found = [...times.matchAll(/(\d+)m([\d.]+)s/g)]
  return found.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0)
}

/** The middle one; of an even number the mean of both. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
}
