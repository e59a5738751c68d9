import { setTimeout as sleep } from 'node:timers/promises'
import { WardbookError } from '../../kernel/errors.js'
import {
  type Attempted,
  damaged,
  exhausted,
  mayHaveCreated,
  readFailure,
  refused,
  type S3Failure,
} from './failure.js'
import { MAX_WAIT_MS, type Patience, SLOWEST_BYTES_PER_SECOND } from './settings.js'

/** So many reads with wrong bytes mean that the object is damaged: a line may flip a bit, a disk flips it for good. */
const DAMAGED_READS = 3

/** Side effects of waiting, replaceable by tests. */
export interface Waiting {
  readonly wait: (ms: number) => Promise<unknown>
  /** A number in [0, 1). */
  readonly random: () => number
  /** Milliseconds that never go back. */
  readonly now: () => number
}

const REAL_WAITING: Waiting = { wait: sleep, random: Math.random, now: () => performance.now() }

/**
 * The only place where requests are repeated; the SDK's own repeats are off, because they hide whether an
 * earlier try may have been stored.
 */
export class Tries {
  constructor(
    private readonly patience: Patience,
    private readonly waiting: Waiting = REAL_WAITING,
  ) {}

  /**
   * Repeats `once` until it succeeds, fails for good, or patience ends.
   * @param bytes what a try moves at most; its time limit grows with it
   * @throws WardbookError 'store-unavailable' or 'outcome-unknown' (retry), 'store-refused' or 'bucket-missing' (fix-config),
   *   'object-damaged' (fix-source); what `once` itself throws as WardbookError passes through
   */
  async run<Result>(
    what: Attempted,
    bytes: number,
    once: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const { now, wait } = this.waiting
    const { maxAttempts, deadlineMs } = this.patience
    const overAt = now() + deadlineMs
    const seen: S3Failure[] = []
    for (;;) {
      try {
        return await once(AbortSignal.timeout(this.limitMs(bytes)))
      } catch (thrown) {
        if (thrown instanceof WardbookError) throw thrown
        seen.push(readFailure(thrown))
        const end = endOf(what, seen)
        if (end !== undefined) throw end
        const waitMs = this.waitMs(seen.length)
        if (seen.length >= maxAttempts || now() + waitMs > overAt) throw exhausted(what, seen)
        await wait(waitMs)
      }
    }
  }

  private limitMs(bytes: number): number {
    return this.patience.requestTimeoutMs + Math.ceil((bytes / SLOWEST_BYTES_PER_SECOND) * 1_000)
  }

  /** Full jitter: writers that collided once spread out. */
  private waitMs(tries: number): number {
    const most = Math.min(MAX_WAIT_MS, this.patience.firstWaitMs * 2 ** (tries - 1))
    return Math.ceil(most * this.waiting.random())
  }
}

/** The error, when no further try can change it. */
function endOf(what: Attempted, seen: readonly S3Failure[]): WardbookError | undefined {
  const latest = seen.at(-1) as S3Failure
  if (seen.filter(({ kind }) => kind === 'damaged').length >= DAMAGED_READS) return damaged(what, latest)
  if (latest.kind === 'passing' || latest.kind === 'damaged') return undefined
  return seen.some(mayHaveCreated(what)) ? exhausted(what, seen) : refused(what, latest)
}
