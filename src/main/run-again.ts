import type { Clock } from '../kernel/time.js'
import type { Failure } from './pipeline.js'

/** A source that its portal put off. */
export interface PutOffSource {
  readonly dataset: string
  readonly source: string
  /** When it may be asked again, ISO 8601. */
  readonly until: string
}

/** Sources that were put off by their portals, the first to go on first. */
export function putOffSources(failures: readonly Failure[]): PutOffSource[] {
  return failures
    .flatMap(({ dataset, source, until }) =>
      source === undefined || until === undefined ? [] : [{ dataset, source, until }],
    )
    .toSorted((a, b) => (a.until < b.until ? -1 : a.until > b.until ? 1 : 0))
}

/** How a run waits. */
export interface WaitEffects {
  readonly clock: Clock
  sleep(ms: number): Promise<void>
  /** Told before each wait. */
  tell(waiting: readonly PutOffSource[]): void
}

/**
 * Runs, and goes on with sources that their portals put off when these take requests again.
 * @param run    all sources, or only some
 * @param waitMs longest time from the end of the first run; what would be put off beyond it stays a failure
 * @returns what failed in the end
 */
export async function runAndWait(
  run: (only?: readonly PutOffSource[]) => Promise<Failure[]>,
  waitMs: number,
  { clock, sleep, tell }: WaitEffects,
): Promise<Failure[]> {
  let failures = await run()
  const end = clock().getTime() + waitMs
  for (;;) {
    const waiting = putOffSources(failures).filter(({ until }) => Date.parse(until) <= end)
    const [first] = waiting
    if (first === undefined) return failures
    tell(waiting)
    await sleep(Date.parse(first.until) - clock().getTime())
    const due = waiting.filter(({ until }) => until === first.until || Date.parse(until) <= clock().getTime())
    const again = await run(due)
    failures = [...failures.filter((failure) => !isOf(failure, due)), ...again]
  }
}

function isOf({ dataset, source }: Failure, sources: readonly PutOffSource[]): boolean {
  return sources.some((one) => one.dataset === dataset && one.source === source)
}
