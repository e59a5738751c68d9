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

function residentKib(root: number): number {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(name))
  }
  const inTree = (pid: number): boolean => pid === root || (parents.has(pid) && inTree(parents.get(pid) ?? 0))
  return [...parents.keys()]
    .filter((pid) => pid > 1 && inTree(pid))
    .reduce((sum, pid) => sum + residentOf(pid), 0)
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s+(\d+)/m.exec(statusOf(pid))?.[1] ?? 0)
}

function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(statusOf(String(pid)))?.[1] ?? 0)
}

/** A process may end between two looks. */
function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}
