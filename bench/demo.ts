import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { watchPeak } from './peak-memory.js'
import type { Figure } from './run.js'

const COMMAND = join(import.meta.dirname, '..', 'dist', 'cli', 'bin.js')
const PAGES_TARGET_S = 60

/** From the start command to pages with findings, and again on the lake that is there: time, and peak memory of the process tree. */
export async function benchDemo(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-bench-'))
  try {
    const first = await startDemo(folder)
    const second = await startDemo(folder)
    return [
      {
        metric: 'first start to pages with findings',
        value: first.seconds,
        unit: 's',
        target: `<= ${PAGES_TARGET_S}`,
        ok: first.seconds <= PAGES_TARGET_S && first.findings > 0,
      },
      {
        metric: 'second start, nothing changed',
        value: second.seconds,
        unit: 's',
        target: 'none set',
        ok: true,
      },
      { metric: 'peak of the process tree', value: first.peakMib, unit: 'MiB', target: 'none set', ok: true },
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function startDemo(folder: string): Promise<{ seconds: number; findings: number; peakMib: number }> {
  const begun = Date.now()
  const demo = spawn(
    process.execPath,
    [COMMAND, 'demo', '--json', '--port', '0', '--lake', join(folder, 'lake')],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const peak = watchPeak(demo.pid ?? 0)
  let text = ''
  await new Promise<void>((resolve, reject) => {
    demo.stdout.on('data', (chunk) => {
      text += chunk
      if (text.includes('"url"')) resolve()
    })
    demo.once('exit', (code) => reject(new Error(`the demo ended with code ${code} before there were pages`)))
  })
  const seconds = Number(((Date.now() - begun) / 1_000).toFixed(1))
  const peakMib = peak.stop()
  demo.removeAllListeners('exit')
  const gone = new Promise((resolve) => demo.once('exit', resolve))
  demo.kill('SIGINT')
  await gone
  const findings = text.split('\n').filter((line) => line.includes('"finding"')).length
  return { seconds, findings, peakMib }
}
