import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CEILINGS_MIB } from '../src/contracts/part-runner.js'
import { readTruth } from '../src/demo/score/read-truth.js'
import { serveEmbedded } from '../src/main/embedded.js'
import { loadCityWithoutMaps } from '../src/main/load-city.js'
import { watchLargest, watchPeak } from './peak-memory.js'
import type { BenchOptions, Figure } from './run.js'
import { type RunningCity, scoreSeeds } from './score-seeds.js'

const COMMAND = join(import.meta.dirname, '..', 'dist', 'cli', 'bin.js')
const PAGES_TARGET_S = 60
const PEAK_TARGET_MIB = 768
const LARGE_TARGET_S = 600
const SEEDS = 10
/** Seeds that no figure was chosen on. */
const FIRST_SEED = 1_001

/**
 * From the start command to pages with findings, and again on the lake that is there; what is found of what was planted in cities of
 * several seeds (with `scores`, that alone); with `large`, the largest city from its portals to its findings.
 */
export async function benchDemo({ seeds = SEEDS, scores, large }: BenchOptions): Promise<Figure[]> {
  const figures = await withFolder(async (folder) => [
    ...(scores ? [] : await startFigures(folder)),
    ...(large ? await largeFigures(folder) : []),
  ])
  const chosen = Array.from({ length: seeds }, (_none, at) => FIRST_SEED + at)
  return [...figures, ...(await scoreSeeds(chosen, runCity))]
}

async function startFigures(folder: string): Promise<Figure[]> {
  const lake = join(folder, 'lake')
  const first = await startDemo(lake)
  const second = await startDemo(lake)
  const isFound = first.findings > 0
  return [
    figure('first start to pages with findings', first.seconds, 's', PAGES_TARGET_S, isFound),
    figure('peak of the process tree', first.peakMib, 'MiB', PEAK_TARGET_MIB),
    { ...figure('second start to pages', second.seconds, 's', Number.POSITIVE_INFINITY), target: 'none set' },
  ]
}

async function largeFigures(folder: string): Promise<Figure[]> {
  const demo = spawnDemo(['--size', 'L', '--once', '--quiet', '--lake', join(folder, 'large')], 'ignore')
  const begun = Date.now()
  const workers = watchLargest(demo.pid ?? 0, 'part-worker')
  const code = await new Promise<number | null>((resolve) => demo.once('exit', resolve))
  const ceiling = Math.max(...Object.values(CEILINGS_MIB))
  return [
    figure('size L, from portals to findings', secondsSince(begun), 's', LARGE_TARGET_S, code === 0),
    figure('size L, largest part worker', workers.stop(), 'MiB', ceiling),
  ]
}

function figure(metric: string, value: number, unit: string, most: number, holds = true): Figure {
  return { metric, value, unit, target: `<= ${most}`, ok: holds && value <= most }
}

/** A city of size S that has been read, served by this process. */
async function runCity(seed: number): Promise<RunningCity> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-seed-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const lake = join(folder, 'lake')
    const demo = spawnDemo(['--seed', String(seed), '--once', '--quiet', '--lake', lake], 'ignore')
    const code = await new Promise<number | null>((resolve) => demo.once('exit', resolve))
    if (code !== 0) throw new Error(`the demo of seed ${seed} ended with code ${code}`)
    const city = await loadCityWithoutMaps(`${lake}-city/city.yaml`)
    const pages = await serveEmbedded(city, lake, 0)
    const truth = await readTruth(`${lake}-city/truth.json`)
    return { truth, url: pages.url, close: () => pages.close().then(remove) }
  } catch (thrown) {
    await remove()
    throw thrown
  }
}

async function startDemo(lake: string): Promise<{ seconds: number; findings: number; peakMib: number }> {
  const begun = Date.now()
  const demo = spawnDemo(['--json', '--port', '0', '--speed', '0', '--lake', lake], 'pipe')
  const peak = watchPeak(demo.pid ?? 0)
  let text = ''
  await new Promise<void>((resolve, reject) => {
    demo.stdout?.on('data', (chunk) => {
      text += chunk
      if (text.includes('"url"')) resolve()
    })
    demo.once('exit', (code) => reject(new Error(`the demo ended with code ${code} before there were pages`)))
  })
  const seconds = secondsSince(begun)
  const peakMib = peak.stop()
  demo.removeAllListeners('exit')
  const gone = new Promise((resolve) => demo.once('exit', resolve))
  demo.kill('SIGINT')
  await gone
  const findings = text.split('\n').filter((line) => line.includes('"finding"')).length
  return { seconds, findings, peakMib }
}

function spawnDemo(flags: readonly string[], stdout: 'pipe' | 'ignore'): ChildProcess {
  return spawn(process.execPath, [COMMAND, 'demo', ...flags], { stdio: ['ignore', stdout, 'inherit'] })
}

function secondsSince(begun: number): number {
  return Number(((Date.now() - begun) / 1_000).toFixed(1))
}

async function withFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-bench-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
