import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
} from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { WardbookError } from '../../kernel/errors.js'
import { checkKey, checkPrefix } from '../keys.js'
import type { Content, ObjectInfo, ObjectStore, Originals, Scratch, StagedFile } from '../store.js'

/** Scratch lives inside the base folder, so that `link()` can move a file into place; listings leave it out. */
export const SCRATCH = '.scratch'
/** What a process of another machine left is swept after this long; that machine's processes cannot be asked. */
const FOREIGN_SCRATCH_MS = 24 * 3_600_000

/**
 * A lake in a local folder. A name is taken by `link()` of a finished, synced file, which fails when the name exists:
 * no reader sees half an object, and of two writers one loses. `rename()` would silently replace.
 * File systems without hard links are refused at the first write ('no-hard-links', fix-config).
 */
export async function openLocalStore(base: string): Promise<ObjectStore> {
  const root = resolve(base)
  await mkdir(join(root, SCRATCH), { recursive: true })
  await sweepScratch(join(root, SCRATCH))
  return new LocalStore(root)
}

/** Files of a folder that is not ours: nothing in it is made, swept or changed. A folder that is not there has no files. */
export function openLocalOriginals(base: string): Originals {
  return new LocalStore(resolve(base))
}

class LocalStore implements ObjectStore {
  constructor(private readonly root: string) {}

  get address(): string {
    return this.root
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return absentAsUndefined(() => readFile(this.file(key)))
  }

  async getRange(key: string, from: number, to: number): Promise<Uint8Array | undefined> {
    return absentAsUndefined(async () => {
      const handle = await open(this.file(key), 'r')
      try {
        return await readRange(handle, from, to)
      } finally {
        await handle.close()
      }
    })
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    const found = await absentAsUndefined(() => stat(this.file(key)))
    if (found === undefined || !found.isFile()) return undefined
    return { key, size: found.size, modifiedAt: found.mtime }
  }

  async createIfAbsent(key: string, content: Content): Promise<'created' | 'exists'> {
    const target = this.file(key)
    return orUnavailable(async () => {
      const finished = content instanceof Uint8Array ? await this.writeTemporary(content) : content.file
      try {
        if (!(content instanceof Uint8Array)) await syncFile(finished)
        return await takeName(finished, target)
      } finally {
        await rm(finished, { force: true })
      }
    })
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const target = this.file(key)
    await orUnavailable(async () => {
      const finished = await this.writeTemporary(bytes)
      await makeFolders(dirname(target))
      await rename(finished, target)
      await syncFolder(dirname(target))
    })
  }

  async *list(prefix: string, startAfter = ''): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix)
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
    const isWanted = (key: string) => key.startsWith(prefix) && compareKeys(key, startAfter) > 0
    const keys = (await keysBelow(this.root, folder, isWanted)).sort(compareKeys)
    for (const key of keys) {
      const info = await this.stat(key)
      if (info !== undefined) yield info
    }
  }

  async delete(key: string): Promise<void> {
    await absentAsUndefined(() => unlink(this.file(key)))
  }

  async stage(key: string): Promise<StagedFile> {
    if ((await this.stat(key)) === undefined) {
      throw new WardbookError('object-missing', 'retry', `${this.root} has no object '${key}'`, { key })
    }
    return { file: this.file(key), release: async () => {} }
  }

  async scratch(): Promise<Scratch> {
    const folder = join(this.root, SCRATCH, scratchName())
    await orUnavailable(() => mkdir(folder, { recursive: true }))
    return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
  }

  private file(key: string): string {
    if (key.split('/')[0] === SCRATCH) {
      throw new WardbookError('bad-key', 'report-bug', `'${SCRATCH}' holds scratch, no objects`, { key })
    }
    return join(this.root, checkKey(key))
  }

  private async writeTemporary(bytes: Uint8Array): Promise<string> {
    const file = join(this.root, SCRATCH, scratchName())
    const handle = await open(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o644)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return file
  }
}

/** Takes the name by a hard link and makes the folder entry durable; the loser of a race is told 'exists'. */
async function takeName(finished: string, target: string): Promise<'created' | 'exists'> {
  await makeFolders(dirname(target))
  try {
    await link(finished, target)
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'EEXIST') return 'exists'
    if (code === 'EPERM' || code === 'ENOTSUP') {
      throw new WardbookError(
        'no-hard-links',
        'fix-config',
        `the file system of ${target} has no hard links, which a lake needs: choose a folder on another volume`,
        { target },
        { cause: thrown },
      )
    }
    throw thrown
  }
  await syncFolder(dirname(target))
  return 'created'
}

/** Creates missing folders and makes each new entry durable in its parent. */
async function makeFolders(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

/** `<host>~<pid>~<random>`: tells the sweep whether the owner still runs. */
function scratchName(): string {
  return `${hostname()}~${process.pid}~${randomBytes(6).toString('hex')}`
}

/** Removes what ended processes left behind; running ones keep theirs. */
async function sweepScratch(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const [host, pid] = name.split('~')
    const ended = host === hostname() ? !isRunning(Number(pid)) : await isOlderThan(path, FOREIGN_SCRATCH_MS)
    if (ended) await rm(path, { recursive: true, force: true })
  }
}

async function isOlderThan(path: string, ageMs: number): Promise<boolean> {
  const found = await absentAsUndefined(() => stat(path))
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

async function keysBelow(
  root: string,
  folder: string,
  isWanted: (key: string) => boolean,
): Promise<string[]> {
  if (folder.split('/')[0] === SCRATCH) return []
  const entries = (await absentAsUndefined(() => readdir(join(root, folder), { withFileTypes: true }))) ?? []
  const keys: string[] = []
  for (const entry of entries) {
    const key = `${folder}${entry.name}`
    if (entry.isFile()) {
      if (isWanted(key)) keys.push(key)
    } else if (entry.isDirectory()) {
      for (const inner of await keysBelow(root, `${key}/`, isWanted)) keys.push(inner)
    }
  }
  return keys
}

async function readRange(handle: FileHandle, from: number, to: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(Math.max(0, Math.min(to, (await handle.stat()).size) - from))
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, from + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** What a system call says of a name that no object has: none at all, one below an object, or a folder's. */
const ABSENT: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'EISDIR']

async function absentAsUndefined<T>(work: () => Promise<T>): Promise<T | undefined> {
  return orUnavailable(async () => {
    try {
      return await work()
    } catch (thrown) {
      if (ABSENT.includes((thrown as NodeJS.ErrnoException).code)) return undefined
      throw thrown
    }
  })
}

/** What the disk refuses is 'store-unavailable'; errors of our own stay as they are. */
async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    throw thrown instanceof WardbookError ? thrown : unavailable(thrown)
  }
}

function unavailable(thrown: unknown): WardbookError {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new WardbookError(
    'store-unavailable',
    'retry',
    `the lake's folder failed: ${message}`,
    {},
    { cause: thrown },
  )
}

/** Characters beyond U+FFFF, which alone stand elsewhere in the order of UTF-16 than in that of UTF-8. */
const SURROGATE = /[\ud800-\udfff]/

/** Order of keys by their UTF-8 bytes, as S3 lists them. */
function compareKeys(a: string, b: string): number {
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b))
  if (a === b) return 0
  return a < b ? -1 : 1
}
