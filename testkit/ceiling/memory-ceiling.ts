import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

const CGROUP = '/sys/fs/cgroup'
const MIB = 2 ** 20
/** Data segments are larger than what is resident: an engine that takes 210 MiB was refused at 280 and ran at 330. */
const DATA_LIMIT_FACTOR = 1.6

/** A hard limit on the memory of processes that are started through `nodePath`. */
export interface MemoryCeiling {
  /** How it is enforced: a memory cgroup, or the kernel's limit of a process's data (RLIMIT_DATA) where no cgroup may be made. */
  readonly kind: 'cgroup-v1' | 'cgroup-v2' | 'rlimit-data'
  /** Stands for the node executable; the ceiling holds for the process and all below it (RLIMIT_DATA: for each of them). */
  readonly nodePath: string
  /** Times that the ceiling was hit, or undefined where that is not told. */
  hits(): number | undefined
  remove(): void
}

/**
 * Makes a ceiling. Linux only.
 * @param folder existing folder for the script that stands for node
 * @param mib    MiB of resident memory; page cache is given back before a process is ended
 */
export function makeCeiling(folder: string, mib: number): MemoryCeiling {
  const name = `wardbook-${process.pid}-${Math.random().toString(36).slice(2, 8)}`
  return cgroupV1(folder, name, mib) ?? cgroupV2(folder, name, mib) ?? rlimit(folder, name, mib)
}

function cgroupV1(folder: string, name: string, mib: number): MemoryCeiling | undefined {
  const group = join(CGROUP, 'memory', name)
  if (!existsSync(join(CGROUP, 'memory', 'cgroup.procs')) || !makeGroup(group)) return undefined
  writeFileSync(join(group, 'memory.limit_in_bytes'), String(mib * MIB))
  return ofGroup('cgroup-v1', folder, name, group, () =>
    Number(readFileSync(join(group, 'memory.failcnt'), 'utf8')),
  )
}

function cgroupV2(folder: string, name: string, mib: number): MemoryCeiling | undefined {
  const group = join(CGROUP, name)
  if (!existsSync(join(CGROUP, 'cgroup.controllers')) || !makeGroup(group)) return undefined
  if (!existsSync(join(group, 'memory.max'))) {
    rmdirSync(group)
    return undefined
  }
  writeFileSync(join(group, 'memory.max'), String(mib * MIB))
  if (existsSync(join(group, 'memory.swap.max'))) writeFileSync(join(group, 'memory.swap.max'), '0')
  const hits = () =>
    Number(/^oom_kill (\d+)/m.exec(readFileSync(join(group, 'memory.events'), 'utf8'))?.[1] ?? 0)
  return ofGroup('cgroup-v2', folder, name, group, hits)
}

function ofGroup(
  kind: MemoryCeiling['kind'],
  folder: string,
  name: string,
  group: string,
  hits: () => number,
): MemoryCeiling {
  const nodePath = writeScript(folder, name, `echo $$ > '${join(group, 'cgroup.procs')}'`)
  return { kind, nodePath, hits, remove: () => rmdirSync(group) }
}

function rlimit(folder: string, name: string, mib: number): MemoryCeiling {
  const kib = Math.round(mib * DATA_LIMIT_FACTOR * 1024)
  const nodePath = writeScript(folder, name, `ulimit -d ${kib}`)
  return { kind: 'rlimit-data', nodePath, hits: () => undefined, remove: () => undefined }
}

function makeGroup(group: string): boolean {
  try {
    mkdirSync(group)
    accessSync(join(group, 'cgroup.procs'), constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** A script that limits itself and then becomes node: channel and arguments are handed on. */
function writeScript(folder: string, name: string, limit: string): string {
  const file = join(folder, `${name}.sh`)
  writeFileSync(file, `#!/bin/sh\n${limit} && exec '${process.execPath}' "$@"\n`)
  chmodSync(file, 0o755)
  return file
}
