import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IngestResult } from '../../src/ingest/source-work.js'
import { asWardbookError } from '../../src/kernel/errors.js'
import { DeltaTable } from '../../src/lake/delta/table.js'
import { tables } from '../../src/lake/tables.js'
import { makeLake, type TestLake } from '../lake-fixture.js'
import { DATASET, detect, harmonize, ingest, measure, SOURCE, testCity } from '../test-city.js'
import { CeilingRunner, type TaskPeak } from './ceiling-runner.js'
import { readDatedPart } from './dated-part.js'
import { makeCeiling } from './memory-ceiling.js'
import { editedParts, hardShapes, largestParts, type Shape, writeShape } from './shapes.js'

/**
 * `npm run ceiling [-- [--quick] stage …]`: the part workers of each stage, under the hard memory ceilings that the code declares, on the largest
 * parts that ingestion can emit and on the hardest shapes. Says the peak of each task, and ends with `N passed, N failed`.
 * Stages: ingest, harmonize, measure, detect; default all. The stages after ingestion are measured and noted: a ceiling that they do not
 * keep yet fails nothing here.
 */
const STAGES = ['ingest', 'harmonize', 'measure', 'detect'] as const
const LATER = { harmonize, measure, detect }
/** Part of their full size that the hard shapes have in a quick run. */
const QUICK_SHARE = 0.1

const isQuick = process.argv.includes('--quick')
const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'))
const unknown = asked.find((stage) => !(STAGES as readonly string[]).includes(stage))
if (unknown !== undefined) {
  process.stderr.write(`there is no stage '${unknown}': ${STAGES.join(', ')}\n`)
  process.exit(64)
}
const stages = asked.length === 0 ? STAGES : STAGES.filter((stage) => asked.includes(stage))

const folder = await mkdtemp(join(tmpdir(), 'wardbook-ceilings-'))
const isHard = (task: string) => task.startsWith('ingest.')
const peaks: TaskPeak[] = []
let passed = 0
let failed = 0

const probe = makeCeiling(folder, 320)
probe.remove()
say('       ', `ceilings by ${probe.kind}`)
try {
  await onLargestParts()
  if (stages.includes('ingest')) await onDatedPart()
  if (stages.includes('ingest'))
    for (const shape of hardShapes(isQuick ? QUICK_SHARE : 1)) await onShape(shape)
  tellPeaks()
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1

/** The largest parts go through every stage that is asked for; ingestion compares them with an edited snapshot too. */
async function onLargestParts(): Promise<void> {
  await withLake(async (lake, runner) => {
    const isTaken = await ingestShape(lake, runner, largestParts(isQuick))
    if (isTaken && stages.includes('ingest')) await ingestShape(lake, runner, editedParts(isQuick))
    if (isTaken) await laterStages(lake, runner)
  })
}

/** A part that is read by its changes. */
async function onDatedPart(): Promise<void> {
  await withLake(async (lake, runner) => {
    const rows = isQuick ? 100_000 : 1_000_000
    const { full, changed, wrong } = await readDatedPart(lake, runner, rows).catch((thrown) => ({
      full: undefined,
      changed: undefined,
      wrong: asWardbookError(thrown).message,
    }))
    const told = [full, changed].map((cost) =>
      cost === undefined
        ? 'failed'
        : `${cost.requests} requests, ${cost.bytes} bytes, ${Math.round(cost.seconds)} s`,
    )
    verdict(
      wrong === undefined,
      `${rows} dated rows: in full ${told[0]}; by changes and keys ${told[1]}${wrong === undefined ? '' : `: ${wrong}`}`,
    )
  })
}

/** All stages up to the last that is asked for: each needs the tables of the one before. */
async function laterStages(lake: TestLake, runner: CeilingRunner): Promise<void> {
  const shape = largestParts(isQuick)
  runner.shape = shape.name
  const last = Math.max(...stages.map((stage) => STAGES.indexOf(stage)))
  for (const stage of STAGES.slice(1, last + 1) as (keyof typeof LATER)[]) {
    try {
      await LATER[stage](lake.store, cityOf(shape), { runner })
    } catch (thrown) {
      say('note   ', `${stage} failed: ${asWardbookError(thrown).message}`)
      return
    }
  }
}

async function onShape(shape: Shape): Promise<void> {
  await withLake((lake, runner) => ingestShape(lake, runner, shape))
}

async function withLake(work: (lake: TestLake, runner: CeilingRunner) => Promise<unknown>): Promise<void> {
  const lake = await makeLake()
  const runner = new CeilingRunner(lake.folder, folder, isHard)
  try {
    await work(lake, runner)
  } finally {
    peaks.push(...runner.peaks())
    await lake.remove()
  }
}

function cityOf({ dataset = {} }: Shape) {
  return testCity({ dataset })
}

/** @returns whether ingestion did what the shape demands */
async function ingestShape(lake: TestLake, runner: CeilingRunner, shape: Shape): Promise<boolean> {
  const mirror = join(folder, 'mirror')
  await writeShape(mirror, shape, new Date())
  runner.shape = shape.name
  const began = Date.now()
  const wrong = await ingest(lake.store, cityOf(shape), { mirror, runner }).then(
    (result) => whatIsWrong(lake, shape, result),
    (thrown) => whatIsWrongWith(shape, thrown),
  )
  await rm(mirror, { recursive: true })
  const seconds = Math.round((Date.now() - began) / 1_000)
  verdict(wrong === undefined, `${shape.name}, ${seconds} s${wrong === undefined ? '' : `: ${wrong}`}`)
  return wrong === undefined
}

async function whatIsWrong(
  lake: TestLake,
  { files, refused, parts = {}, quarantined = 0 }: Shape,
  result: IngestResult,
): Promise<string | undefined> {
  if (refused !== undefined || result.verdict !== 'committed') return `it was ${result.verdict}`
  const rows = files.reduce((sum, file) => sum + file.rows, 0) - quarantined
  if (result.rows !== rows || result.quarantined !== quarantined)
    return `${result.rows} rows and ${result.quarantined} in quarantine, not ${rows} and ${quarantined}`
  const snapshot = await new DeltaTable(lake.store, tables.raw(DATASET, SOURCE)).snapshot()
  const live = [...(snapshot?.files.values() ?? [])].map((file) => file.partition.council_district)
  for (const [division, [least, most]] of Object.entries(parts)) {
    const count = live.filter((one) => one === division).length
    if (count < least || count > most)
      return `division ${division} came to ${count} parts, not ${least} to ${most}`
  }
  return undefined
}

function whatIsWrongWith({ refused }: Shape, thrown: unknown): string | undefined {
  const { remedy, message } = asWardbookError(thrown)
  const isExpected = refused !== undefined && remedy === refused.remedy && message.includes(refused.said)
  return isExpected ? undefined : `${remedy}: ${message}`
}

/** The worst of each task over all shapes. */
function tellPeaks(): void {
  for (const task of [...new Set(peaks.map((peak) => peak.task))].sort()) {
    if (!stages.some((stage) => task.startsWith(`${stage}.`))) continue
    const seen = peaks.filter((peak) => peak.task === task)
    const worst = seen.reduce((most, peak) => (peak.peakMib > most.peakMib ? peak : most))
    const jobs = seen.reduce((sum, peak) => sum + peak.jobs, 0)
    const exceeded = seen.reduce((sum, peak) => sum + peak.exceeded, 0)
    const isKept = exceeded === 0 && worst.peakMib <= worst.ceilingMib
    const told = `${task}: ${worst.peakMib} of ${worst.ceilingMib} MiB in ${jobs} jobs; most in: ${worst.shape}`
    if (isKept || isHard(task)) verdict(isKept, told)
    else say('note   ', `${told}; its ceiling is not kept yet`)
  }
}

function verdict(isPassed: boolean, what: string): void {
  if (isPassed) passed += 1
  else failed += 1
  say(isPassed ? 'passed ' : 'failed ', what)
}

function say(word: string, what: string): void {
  process.stdout.write(`${word} ${what}\n`)
}
