import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type ErrorRecord, fromErrorRecord, toErrorRecord, WardbookError } from './errors.js'

type Answer<Result> = { result: Result } | { error: ErrorRecord }

const WORKER_HEAP_MIB = 192 // JavaScript heap of a part worker; the engine's memory is native and has its own limit
const WORKER_YOUNG_MIB = 1 // of short-lived objects: a worker that streams makes many, and V8 would let 48 MiB of them lie

/** How a child process is started. */
export interface ChildOptions {
  /** Ends the process. */
  readonly signal?: AbortSignal
  /** Stands for the node executable; default: the one that runs here. */
  readonly nodePath?: string
  /** Told once, when the process was started. */
  onStart?(pid: number): void
}

/**
 * Runs one job in a child process of its own, so that native memory dies with the job.
 * @param worker module below `dist/` without extension, e.g. 'ingest/part-worker'; it calls {@link serveJob}
 * @param job    anything JSON can carry
 * @returns what the worker answered
 * @throws the worker's own WardbookError; 'worker-died' (retry) when it ended without an answer
 */
export function runInChild<Job, Result>(
  worker: string,
  job: Job,
  { signal, nodePath, onStart }: ChildOptions = {},
): Promise<Result> {
  return new Promise<Result>((resolve, reject) => {
    const child = fork(workerFile(worker), [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [`--max-old-space-size=${WORKER_HEAP_MIB}`, `--max-semi-space-size=${WORKER_YOUNG_MIB}`],
      ...(signal ? { signal } : {}),
      ...(nodePath === undefined ? {} : { execPath: nodePath }),
    })
    if (child.pid !== undefined) onStart?.(child.pid)
    let answer: Answer<Result> | undefined
    child.on('message', (message) => {
      answer = message as Answer<Result>
    })
    // It could not be started, or was gone before it took the job; a caller's own abort stays what it is.
    child.on('error', (cause) =>
      reject(signal?.aborted ? cause : diedWithoutAnswer(worker, null, null, cause)),
    )
    child.on('exit', (code, killedBy) => {
      if (answer === undefined) reject(diedWithoutAnswer(worker, code, killedBy))
      else if ('error' in answer) reject(fromErrorRecord(answer.error))
      else resolve(answer.result)
    })
    child.send(job as object)
  })
}

/** The worker's side of {@link runInChild}: takes one job, answers once, and lets the process end. */
export function serveJob<Job, Result>(work: (job: Job) => Promise<Result>): void {
  process.on('disconnect', () => process.exit(1)) // the parent is gone: nobody can use the answer
  process.once('message', async (job) => {
    let answer: Answer<Result>
    try {
      answer = { result: await work(job as Job) }
    } catch (thrown) {
      answer = { error: toErrorRecord(thrown) }
    }
    process.send?.(answer, () => process.exit(0))
  })
}

/**
 * Starts a module in a thread of this process, for work on bytes that this process receives.
 * @param worker as for {@link runInChild}
 * @param data   anything the structured clone algorithm takes
 */
export function startThread(worker: string, data: unknown): Worker {
  const resourceLimits = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: WORKER_HEAP_MIB }
  return new Worker(workerFile(worker), { workerData: data, resourceLimits })
}

/** Workers run built JavaScript, also when the caller is a TypeScript test: Node 20 runs no TypeScript. */
function workerFile(worker: string): string {
  const file = join(import.meta.dirname, '..', '..', 'dist', `${worker}.js`)
  if (existsSync(file)) return file
  throw new WardbookError('not-built', 'fix-config', `${file} is missing: run 'npm run build'`, { file })
}

function diedWithoutAnswer(
  worker: string,
  code: number | null,
  killedBy: NodeJS.Signals | null,
  cause?: Error,
): WardbookError {
  const how = cause?.message ?? (killedBy ? `ended by ${killedBy}` : `ended with code ${code}`)
  return new WardbookError(
    'worker-died',
    'retry',
    `the worker ${worker} died before it answered: ${how}`,
    { worker, code, signal: killedBy },
    { cause },
  )
}
