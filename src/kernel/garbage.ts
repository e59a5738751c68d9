import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | undefined

/**
 * Gives back what this process holds and does not use any more, before another one takes memory beside it; some milliseconds. Bytes that were
 * streamed lie outside the JavaScript heap, so that nothing presses the engine to look for them: a process that waits would keep 30 MiB and more.
 */
export function giveBackMemory(): void {
  collect ??= exposedCollector()
  collect()
}

/** Node gives the collector by a flag alone; set later, the flag holds for contexts that are made from then on. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc')
  const collector = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose-gc')
  return collector
}
