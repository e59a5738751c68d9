import { commandOf, kibOf, pidsBelow } from '../testkit/process-tree.js'

const SAMPLE_MS = 50

/** Watches resident memory of a process and all below it; `stop` returns the largest sum seen, in MiB. Linux only. */
export function watchPeak(root: number): { stop(): number } {
  return watchMost(() => pidsBelow(root).reduce((sum, pid) => sum + kibOf(pid, 'VmRSS'), 0))
}

/**
 * Watches the processes below one whose command line has a word in it; `stop` returns the most resident memory that the kernel counted
 * for any one of them, in MiB. Linux only.
 */
export function watchLargest(root: number, word: string): { stop(): number } {
  return watchMost(() =>
    Math.max(
      0,
      ...pidsBelow(root)
        .filter((pid) => commandOf(pid).includes(word))
        .map((pid) => kibOf(pid, 'VmHWM')),
    ),
  )
}

function watchMost(lookKib: () => number): { stop(): number } {
  let mostKib = 0
  const timer = setInterval(() => {
    mostKib = Math.max(mostKib, lookKib())
  }, SAMPLE_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return Math.round(mostKib / 1024)
    },
  }
}
