import type { PartRunner } from '../contracts/part-runner.js'
import type { OpenOriginals } from '../ingest/adopt/originals.js'
import { type ChildOptions, ChildWorker, serveJob } from '../kernel/child.js'
import { WardbookError } from '../kernel/errors.js'
import type { Owner } from '../lake/prefixes.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { openOriginals, openStore } from './open-store.js'

/** A task, the lake it works on, and its job. */
interface PartOrder {
  readonly task: string
  readonly lake: string
  readonly job: unknown
}

/** @param open how originals outside the lake are read */
type PartTask = (store: ObjectStore, job: never, open: OpenOriginals) => Promise<unknown>

/**
 * Every piece of work that runs in a process of its own, with the owner whose prefixes it may use. Only the one that is asked
 * for is loaded: a worker's memory is for its part.
 */
const TASKS: Record<string, { readonly owner: Owner; readonly load: () => Promise<PartTask> }> = {
  'ingest.divide': {
    owner: 'ingest',
    load: async () => (await import('../ingest/divide-divisions.js')).divideDivisions,
  },
  'ingest.write': {
    owner: 'ingest',
    load: async () => (await import('../ingest/write-parts.js')).writeParts,
  },
  'ingest.merge': {
    owner: 'ingest',
    load: async () => (await import('../ingest/incremental/merge-rows.js')).mergeRows,
  },
  'ingest.quarantine': {
    owner: 'ingest',
    load: async () => (await import('../ingest/write-quarantine.js')).writeQuarantine,
  },
  'ingest.survey': {
    owner: 'ingest',
    load: async () => (await import('../ingest/adopt/survey-files.js')).surveyFiles,
  },
  'ingest.adopt': {
    owner: 'ingest',
    load: async () => (await import('../ingest/adopt/adopt-divisions.js')).adoptDivisions,
  },
  'ingest.compare': {
    owner: 'ingest',
    load: async () => (await import('../ingest/changes/compare-parts.js')).compareParts,
  },
  'harmonize.type': {
    owner: 'harmonize',
    load: async () => (await import('../harmonize/harmonize-divisions.js')).harmonizeDivisions,
  },
  'measure.count': {
    owner: 'measure',
    load: async () => (await import('../measure/measure-divisions.js')).measureDivisions,
  },
  'detect.test': {
    owner: 'detect',
    load: async () => (await import('../detect/detect-series.js')).detectSeries,
  },
}

/** Names of all part tasks. */
export const PART_TASKS = Object.keys(TASKS)

/** How long a worker waits for a job that was expected. */
const WAITS_MS = 60_000

/**
 * Runs part tasks in child processes on one machine.
 * @param lake address of the lake, as `openStore` takes it
 * @param options how the processes are started
 * @param lanes   jobs at a time, of all stages together; others wait. Default: no limit, and no lanes are told
 */
export function childPartRunner(lake: string, options: ChildOptions = {}, lanes?: number): PartRunner {
  const turn = takeTurns(lanes ?? Number.POSITIVE_INFINITY)
  const waiting = new Map<ChildWorker, string>()
  const take = (task: string): ChildWorker | undefined => {
    for (const [worker, expected] of waiting) {
      if (expected !== task) continue
      waiting.delete(worker)
      if (worker.waits) return worker
    }
    return undefined
  }
  const start = (task: string) => {
    const worker = new ChildWorker('main/part-worker', [task], options)
    waiting.set(worker, task)
    setTimeout(() => waiting.delete(worker) && worker.dismiss(), WAITS_MS).unref()
  }
  return {
    ...(lanes === undefined ? {} : { lanes }),
    run: (task, job) =>
      turn(() => {
        const worker = take(task) ?? new ChildWorker('main/part-worker', [], options)
        return worker.run({ task, lake, job })
      }),
    expect: (task, jobs) => {
      const ready = [...waiting].filter(([worker, expected]) => expected === task && worker.waits)
      for (let missing = jobs - ready.length; missing > 0; missing--) start(task)
    },
  }
}

/** At most so many pieces of work at a time, in the order in which they came. */
function takeTurns(most: number) {
  const waiting: (() => void)[] = []
  let running = 0
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift() // its place is handed on
      if (next === undefined) running -= 1
      else next()
    }
  }
}

async function workOff({ task, lake, job }: PartOrder): Promise<unknown> {
  const known = TASKS[task]
  if (known === undefined)
    throw new WardbookError('no-such-task', 'report-bug', `there is no part task '${task}'`, { task })
  const work = await known.load()
  const open: OpenOriginals = (from) => openOriginals(from, lake)
  return work(scopeTo(known.owner, await openStore(lake)), job as never, open)
}

/** Loads what the task will need, while there is time. */
async function getReady(task: string): Promise<void> {
  await TASKS[task]?.load()
}

if (process.send !== undefined && process.argv[1]?.endsWith('part-worker.js')) {
  serveJob(workOff)
  if (process.argv[2] !== undefined) getReady(process.argv[2]).catch(() => undefined) // the job itself will tell
}
