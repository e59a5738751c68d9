import { readdirSync, readFileSync } from 'node:fs'

const SAMPLE_MS = 50

/** Watches resident memory of a process and all below it; `stop` returns the largest sum seen, in MiB. Linux only. */
export function watchPeak(pid: number): { stop(): number } {
  let peakKib = 0
  const timer = setInterval(() => {
    peakKib = Math.max(peakKib, residentKib(pid))
  }, SAMPLE_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return Math.round(peakKib / 1024)
    },
  }
}

/**
 * Watches the processes below one whose command line has a word in it; `stop` returns the most resident memory that the kernel counted
 * for any one of them, in MiB. Linux only.
 */
export function watchLargest(root: number, word: string): { stop(): number } {
  let peakKib = 0
  const timer = setInterval(() => {
    for (const pid of pidsBelow(root))
      if (commandOf(pid).includes(word)) peakKib = Math.max(peakKib, kibOf(pid, 'VmHWM'))
  }, SAMPLE_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return Math.round(peakKib / 1024)
    },
  }
}

function residentKib(root: number): number {
  return pidsBelow(root).reduce((sum, pid) => sum + kibOf(pid, 'VmRSS'), 0)
}

/** A process and all below it. */
function pidsBelow(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(name))
  }
  const inTree = (pid: number): boolean => pid === root || (parents.has(pid) && inTree(parents.get(pid) ?? 0))
  return [...parents.keys()].filter((pid) => pid > 1 && inTree(pid))
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s+(\d+)/m.exec(statusOf(pid))?.[1] ?? 0)
}

function kibOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(statusOf(String(pid)))?.[1] ?? 0)
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** A process may end between two looks. */
function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
