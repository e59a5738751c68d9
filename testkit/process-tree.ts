import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Remote addresses that stay on this machine, as the kernel writes them: loopback of IPv4 and IPv6, and none. */
const AT_HOME = /^(0100007F|00000000|0{24}(01000000|00000000)|0{16}FFFF00000100007F):/
const SAMPLE_MS = 1_000

/** What a process and all below it were seen to do. */
export interface WatchedTree {
  /** Most resident memory of all together, MiB. */
  readonly peakMib: number
  /** Remote addresses beyond this machine, as the kernel writes them. */
  readonly foreign: readonly string[]
}

/** Watches the memory and the connections of a process and all below it, once a second. Linux only. */
export function watchTree(root: number): { stop(): WatchedTree } {
  let peakKib = 0
  const foreign = new Set<string>()
  const timer = setInterval(() => {
    const pids = pidsBelow(root)
    peakKib = Math.max(
      peakKib,
      pids.reduce((sum, pid) => sum + kibOf(pid, 'VmRSS'), 0),
    )
    for (const address of foreignAddresses(pids)) foreign.add(address)
  }, SAMPLE_MS)
  return {
    stop: () => {
      clearInterval(timer)
      return { peakMib: Math.round(peakKib / 1024), foreign: [...foreign] }
    },
  }
}

/** A process and all below it. */
export function pidsBelow(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    parents.set(Number(name), Number(/^PPid:\s+(\d+)/m.exec(textOf(`/proc/${name}/status`))?.[1] ?? 0))
  }
  const isBelow = (pid: number): boolean =>
    pid === root || (parents.has(pid) && isBelow(parents.get(pid) as number))
  return [...parents.keys()].filter(isBelow)
}

/** Resident memory of a process, now (`VmRSS`) or at its most (`VmHWM`), KiB; 0 when it has ended. */
export function kibOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(textOf(`/proc/${pid}/status`))?.[1] ?? 0)
}

/** The command line of a process; empty when it has ended. */
export function commandOf(pid: number): string {
  return textOf(`/proc/${pid}/cmdline`)
}

function foreignAddresses(pids: readonly number[]): string[] {
  const sockets = new Set(pids.flatMap(socketsOf))
  return ['/proc/net/tcp', '/proc/net/tcp6', '/proc/net/udp', '/proc/net/udp6'].flatMap((table) =>
    textOf(table)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , remote = '', , , , , , , inode = '']) => sockets.has(inode) && !AT_HOME.test(remote))
      .map(([, , remote = '']) => remote),
  )
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(
      (fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
    )
  } catch {
    return [] // it has ended
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
