import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { WardbookError } from '../../kernel/errors.js'
import type { Scratch } from '../store.js'

/** What a process of another machine left is swept after this long; that machine's processes cannot be asked. */
const FOREIGN_SCRATCH_MS = 24 * 3_600_000
const OWNER_ONLY = 0o700

/** Local folders for downloads and intermediate files, each of one process. */
export class ScratchSpace {
  private constructor(private readonly root: string) {}

  /**
   * Makes the folder and sweeps what ended processes left in it.
   * @throws WardbookError 'scratch-unusable' (fix-config)
   */
  static async open(root: string): Promise<ScratchSpace> {
    try {
      await mkdir(root, { recursive: true })
      for (const name of await readdir(root)) await sweep(root, name)
    } catch (cause) {
      throw unusable(root, cause)
    }
    return new ScratchSpace(root)
  }

  /** A new, empty folder that only this user can read. */
  async make(): Promise<Scratch> {
    const folder = join(this.root, `${hostname()}~${process.pid}~${randomBytes(6).toString('hex')}`)
    try {
      await mkdir(folder, { recursive: true, mode: OWNER_ONLY })
    } catch (cause) {
      throw unusable(this.root, cause)
    }
    return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
  }
}

function unusable(root: string, cause: unknown): WardbookError {
  const message = `the scratch folder ${root} cannot be used: ${(cause as Error).message}; name another one (WARDBOOK_SCRATCH)`
  return new WardbookError('scratch-unusable', 'fix-config', message, { folder: root }, { cause })
}

/** Removes a folder whose process has ended; names that are none of ours stay. */
async function sweep(root: string, name: string): Promise<void> {
  const [host, pid, random] = name.split('~')
  if (random === undefined) return
  const path = join(root, name)
  const isLeft = host === hostname() ? !isRunning(Number(pid)) : await isOlderThan(path, FOREIGN_SCRATCH_MS)
  if (isLeft) await rm(path, { recursive: true, force: true })
}

async function isOlderThan(path: string, ageMs: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined) // another process may sweep at the same time
  return found !== undefined && Date.now() - found.mtimeMs > ageMs
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}
