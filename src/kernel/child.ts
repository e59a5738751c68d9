import { type ChildProcess, fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type ErrorRecord, fromErrorRecord, toErrorRecord, WardbookError } from './errors.js'

type Answer<Result> = { result: Result } | { error: ErrorRecord }

const WORKER_HEAP_MIB = 192 // JavaScript heap of a part worker; the engine's memory is native and has its own limit
const WORKER_YOUNG_MIB = 1 // of short-lived objects: a worker that streams makes many, and V8 would let 48 MiB of them lie

/** Threads for files and for the engine: each that the engine has run on keeps memory. */
const WORKER_THREADS = 2

/** Heaps of the C library in a worker: one for each thread would keep 10 MiB of what was freed. */
const WORKER_ARENAS = 1

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
 * A child process for one job, so that native memory dies with the job. The job may come later; until then the process does not keep this one
 * alive.
 */
export class ChildWorker {
  private readonly child: ChildProcess
  private started: Error | undefined

  /**
   * Starts the process.
   * @param worker module below `dist/` without extension, e.g. 'ingest/part-worker'; it calls {@link serveJob}
   * @param args   its command line, e.g. what it may get ready for
   * @throws WardbookError 'not-built' (fix-config)
   */
  constructor(
    private readonly worker: string,
    args: readonly string[],
    private readonly options: ChildOptions = {},
  ) {
    const { signal, nodePath, onStart } = options
    this.child = fork(workerFile(worker), args, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...process.env,
        UV_THREADPOOL_SIZE: String(WORKER_THREADS),
        MALLOC_ARENA_MAX: String(WORKER_ARENAS),
      },
      execArgv: [`--max-old-space-size=${WORKER_HEAP_MIB}`, `--max-semi-space-size=${WORKER_YOUNG_MIB}`],
      ...(signal ? { signal } : {}),
      ...(nodePath === undefined ? {} : { execPath: nodePath }),
    })
    this.child.on('error', (cause) => {
      this.started = cause
    })
    this.child.unref()
    this.child.channel?.unref()
    if (this.child.pid !== undefined) onStart?.(this.child.pid)
  }

  /** Whether it still waits for its job. */
  get waits(): boolean {
    return this.started === undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /**
   * Gives it its job; once.
   * @param job anything JSON can carry
   * @returns what the worker answered
   * @throws the worker's own WardbookError; 'worker-died' (retry) when it ended without an answer
   */
  run<Job, Result>(job: Job): Promise<Result> {
    const { child, worker } = this
    const { signal } = this.options
    child.ref()
    child.channel?.ref()
    return new Promise<Result>((resolve, reject) => {
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

  /** Ends it without a job. */
  dismiss(): void {
    this.child.kill()
  }
}

/** The worker's side of a {@link ChildWorker}: takes one job, answers once, and lets the process end. */
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
 * @param worker as for {@link ChildWorker}
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
