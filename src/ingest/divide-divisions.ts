import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { WardbookError } from '../kernel/errors.js'
import type { ObjectStore } from '../lake/store.js'
import { readCsv } from '../sources/files/read-csv.js'
import { partTooLarge } from './part-too-large.js'
import { bucketsFor, budgetFor, fitsBudget, type PlannedPart, partOf, sizeOf } from './plan-parts.js'
import { finishedRun, type Run, RunFiles, type RunHandle } from './run-files.js'
import type { DivisionRuns } from './split-pages.js'
import type { DivideJob, JobLayout } from './write-job.js'

const MAX_ROUNDS = 4 // each round doubles the buckets; only equal keys can defeat it

/**
 * Worker: divides divisions that are too large into parts within the budget, by the hash of the key, or of the whole row, so
 * that rows of equal key share a part. Runs in, runs out: every row once, in its order.
 * @throws WardbookError 'part-too-large' (shrink) when rows of one key alone exceed the budget
 */
export async function divideDivisions(_store: ObjectStore, job: DivideJob): Promise<PlannedPart[]> {
  const parts: PlannedPart[] = []
  for (const division of job.divisions) parts.push(...(await divideDivision(job, division)))
  return parts
}

async function divideDivision(job: DivideJob, { division, runs }: DivisionRuns): Promise<PlannedPart[]> {
  const whole = sizeOf(runs)
  const budget = budgetFor(whole, job.budget)
  for (let round = 0, count = bucketsFor(whole, budget); round < MAX_ROUNDS; round++, count *= 2) {
    const buckets = await divideRuns(job, runs, count)
    const parts = buckets.filter((bucket) => bucket.length > 0).map((bucket) => partOf(division, bucket))
    const fits = parts.every((part) => fitsBudget(part, budget))
    for (const { file } of fits ? runs : buckets.flat()) await rm(file)
    if (fits) return parts
  }
  if (fitsBudget(whole, job.budget)) return [partOf(division, runs)] // long rows of one key stay together
  throw partTooLarge(job, division, whole)
}

/** Runs by bucket. */
async function divideRuns(job: DivideJob, runs: readonly Run[], count: number): Promise<Run[][]> {
  const buckets = Array.from({ length: count }, () => [] as Run[])
  for (const run of runs) {
    const divided = await divideRun(job, run, count)
    for (const [bucket, one] of divided.entries()) if (one.rows > 0) buckets[bucket]?.push(one)
  }
  return buckets
}

async function divideRun(job: DivideJob, run: Run, count: number): Promise<Run[]> {
  const layout = job.layouts[run.layout] as JobLayout
  const key = job.key === undefined ? -1 : layout.columns.indexOf(job.key)
  const files = new RunFiles(job.folder, `${basename(run.file, '.csv')}-of-${count}`)
  const firstLine = Buffer.from([...layout.columns.keys(), layout.columns.length].join(layout.delimiter))
  const handles: RunHandle[] = Array.from({ length: count }, () => files.start(run.layout, firstLine))
  try {
    const { goodRows } = await readCsv(
      createReadStream(run.file, { highWaterMark: 256 * 1024 }),
      // The run's first line names its cells by number, from 0.
      {
        delimiter: layout.delimiter,
        wanted: key < 0 ? [] : [String(key)],
        isDivision: false,
        file: run.file,
        maxRecordBytes: run.longest, // longer than it was published by the page's number, and by quotes that were doubled
      },
      {
        onGood: (buffer, start, end, _isRegular, ranges) => {
          const [from = start, to = end] = ranges
          const handle = handles[hashOf(buffer, from, to) % count] as RunHandle
          files.append(handle, buffer, start, end, NOTHING)
        },
      },
    )
    if (goodRows !== run.rows) throw rowsLost(run, goodRows)
    files.finish()
  } finally {
    files.close()
  }
  return handles.map(finishedRun)
}

function rowsLost({ file, rows }: Run, read: number): WardbookError {
  const message = `a file of ${rows} rows that were sorted out has ${read} when it is read again: ${file}`
  return new WardbookError('rows-unreadable', 'report-bug', message, { file, rows, read })
}

const NOTHING = new Uint8Array()
const QUOTE = 0x22

/** 32 bits of FNV-1a over a cell's bytes without its quotes, mixed once more, so that low bits depend on all. */
function hashOf(buffer: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at++) {
    const byte = buffer[at] as number
    if (byte !== QUOTE) hash = Math.imul(hash ^ byte, 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
