import { readFileSync } from 'node:fs'
import { CEILINGS_MIB, type PartRunner } from '../../src/contracts/part-runner.js'
import { childPartRunner } from '../../src/main/part-worker.js'
import { makeCeiling } from './memory-ceiling.js'

/** What was seen of one task over all its jobs. */
export interface TaskPeak {
  readonly task: string
  readonly ceilingMib: number
  readonly jobs: number
  /** Largest resident memory of a job's process, in MiB. */
  readonly peakMib: number
  /** During which shape that was. */
  readonly shape: string
  /** Jobs that failed below the ceiling and were done once more without it; 0 where the ceiling is hard. */
  readonly exceeded: number
}

const SAMPLE_MS = 20

/** Runs part tasks as the product does, each job's process under the hard ceiling of its task, and keeps the peaks. */
export class CeilingRunner implements PartRunner {
  /** Said of what is run next. */
  shape = ''
  private readonly seen = new Map<string, TaskPeak>()

  /**
   * @param lake   address of the lake
   * @param folder for the scripts that stand for node
   * @param isHard whether a task fails when its job does; the others are done once more without a ceiling, to be measured
   */
  constructor(
    private readonly lake: string,
    private readonly folder: string,
    private readonly isHard: (task: string) => boolean,
  ) {}

  async run<Job extends object, Result>(task: string, job: Job): Promise<Result> {
    const mib = CEILINGS_MIB[task]
    if (mib === undefined) throw new Error(`${task} has no line in CEILINGS_MIB`)
    const ceiling = makeCeiling(this.folder, mib)
    try {
      return await this.watch<Job, Result>(task, mib, job, ceiling.nodePath)
    } catch (thrown) {
      if (this.isHard(task)) throw thrown
      this.note(task, mib, { exceeded: 1 })
    } finally {
      ceiling.remove()
    }
    return this.watch<Job, Result>(task, mib, job, process.execPath)
  }

  /** Ascending by task. */
  peaks(): TaskPeak[] {
    return [...this.seen.values()].toSorted((a, b) => (a.task < b.task ? -1 : 1))
  }

  private async watch<Job extends object, Result>(
    task: string,
    mib: number,
    job: Job,
    nodePath: string,
  ): Promise<Result> {
    let peakMib = 0
    let timer: NodeJS.Timeout | undefined
    const onStart = (pid: number) => {
      timer = setInterval(() => {
        peakMib = Math.max(peakMib, highWaterMib(pid))
      }, SAMPLE_MS)
    }
    try {
      return await childPartRunner(this.lake, { nodePath, onStart }).run<Job, Result>(task, job)
    } finally {
      clearInterval(timer)
      this.note(task, mib, { jobs: 1, peakMib })
    }
  }

  private note(
    task: string,
    ceilingMib: number,
    { jobs = 0, peakMib = 0, exceeded = 0 }: { jobs?: number; peakMib?: number; exceeded?: number },
  ): void {
    const before = this.seen.get(task) ?? { jobs: 0, peakMib: -1, exceeded: 0, shape: '' }
    const isWorst = peakMib > before.peakMib
    this.seen.set(task, {
      ...{ task, ceilingMib, jobs: before.jobs + jobs, exceeded: before.exceeded + exceeded },
      ...(isWorst
        ? { peakMib, shape: this.shape }
        : { peakMib: Math.max(0, before.peakMib), shape: before.shape }),
    })
  }
}

/** The kernel's own mark of the most that was resident; 0 when the process is gone. */
function highWaterMib(pid: number): number {
  try {
    const kib = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
    return Math.round(kib / 1024)
  } catch {
    return 0
  }
}
