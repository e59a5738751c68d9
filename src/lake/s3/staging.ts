import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { WardbookError } from '../../kernel/errors.js'
import { sha256OfFile } from '../parts.js'
import type { Scratch, StagedFile } from '../store.js'
import type { Bucket, Reply } from './bucket.js'
import { demandDigest, demandLength } from './content.js'
import { type Attempted, readFailure } from './failure.js'
import type { Tries } from './tries.js'

/** Bytes that downloads may take at a time. */
export class ScratchBudget {
  private used = 0

  constructor(private readonly maxBytes: number) {}

  /** @throws WardbookError 'scratch-full' (fix-config) */
  take(bytes: number, key: string): void {
    if (this.used + bytes > this.maxBytes) {
      const message = `staging '${key}' needs ${bytes} bytes, and ${this.used} of ${this.maxBytes} are in use: raise WARDBOOK_SCRATCH_BYTES, or release staged files earlier`
      const facts = { key, bytes, used: this.used, maxBytes: this.maxBytes }
      throw new WardbookError('scratch-full', 'fix-config', message, facts)
    }
    this.used += bytes
  }

  give(bytes: number): void {
    this.used -= bytes
  }

  get usedBytes(): number {
    return this.used
  }
}

/** What a download is made with. */
export interface Downloading {
  readonly bucket: Bucket
  readonly tries: Tries
  readonly budget: ScratchBudget
  /** Bytes of one GET. */
  readonly rangeBytes: number
  /** A new folder for one download. */
  readonly scratch: () => Promise<Scratch>
}

interface Download {
  readonly ready: Promise<Landed>
  users: number
}

interface Landed {
  readonly file: string
  readonly bytes: number
  remove(): Promise<void>
}

/** Local copies of objects, one for all who want the same key at the same time, removed with their last user. */
export class Staging {
  private readonly downloads = new Map<string, Download>()

  constructor(private readonly parts: Downloading) {}

  /**
   * One GET for each range of the object, so one for most.
   * @throws WardbookError 'object-missing' (retry), 'scratch-full' (fix-config), 'object-damaged' (fix-source)
   */
  async stage(what: Attempted, name: string): Promise<StagedFile> {
    const download = this.downloads.get(name) ?? this.begin(what, name)
    download.users += 1
    const landed = await download.ready
    let isReleased = false
    return {
      file: landed.file,
      release: async () => {
        if (isReleased) return
        isReleased = true
        download.users -= 1
        if (download.users === 0) await this.remove(name, landed)
      },
    }
  }

  private begin(what: Attempted, name: string): Download {
    const download = { ready: landObject(this.parts, what, name), users: 0 }
    download.ready.catch(() => this.downloads.delete(name))
    this.downloads.set(name, download)
    return download
  }

  private async remove(name: string, landed: Landed): Promise<void> {
    this.downloads.delete(name)
    await landed.remove()
    this.parts.budget.give(landed.bytes)
  }
}

/** Downloads an object and checks it; a copy with a wrong digest is thrown away and fetched again. */
async function landObject(parts: Downloading, what: Attempted, name: string): Promise<Landed> {
  const { folder, remove } = await parts.scratch()
  const transfer = new Transfer(parts, what, name, join(folder, 'object'))
  try {
    await parts.tries.run(what, 0, () => transfer.run())
  } catch (thrown) {
    await remove()
    parts.budget.give(transfer.bytes ?? 0)
    throw thrown
  }
  return { file: transfer.file, bytes: transfer.bytes ?? 0, remove }
}

/** One object on its way into one file, range after range. */
class Transfer {
  /** Size of the object, taken from the budget; known from the first answer on. */
  bytes: number | undefined
  private etag: string | undefined
  private sha256: string | undefined

  constructor(
    private readonly parts: Downloading,
    private readonly what: Attempted,
    private readonly name: string,
    readonly file: string,
  ) {}

  async run(): Promise<void> {
    const { rangeBytes, tries } = this.parts
    await writeFile(this.file, '')
    for (let from = 0; from === 0 || from < (this.bytes ?? 0); from += rangeBytes)
      await tries.run(this.what, rangeBytes, (signal) => this.land(from, from + rangeBytes, signal))
    if (this.sha256 !== undefined) demandDigest(await sha256OfFile(this.file), this.sha256)
  }

  private async land(from: number, to: number, signal: AbortSignal): Promise<void> {
    const reply = await this.ask(from, to, signal)
    if (reply === 'empty') return this.begin(0, undefined)
    try {
      if (this.bytes === undefined) this.begin(reply.total ?? 0, reply)
      this.demandSameObject(reply)
      const sink = createWriteStream(this.file, { flags: 'r+', start: from })
      await pipeline(reply.body, sink, { signal })
      demandLength(sink.bytesWritten, Math.min(to, this.bytes ?? 0) - from)
    } finally {
      reply.body.destroy()
    }
  }

  private begin(bytes: number, reply: Reply | undefined): void {
    this.parts.budget.take(bytes, this.what.key)
    this.bytes = bytes
    this.etag = reply?.etag
    this.sha256 = reply?.sha256
  }

  private async ask(from: number, to: number, signal: AbortSignal): Promise<Reply | 'empty'> {
    try {
      const reply = await this.parts.bucket.get(this.name, signal, [from, to])
      if (reply !== undefined) return reply
    } catch (thrown) {
      if (from === 0 && readFailure(thrown).kind === 'range') return 'empty' // no range lies in an empty object
      throw thrown
    }
    const { address, key } = this.what
    throw new WardbookError('object-missing', 'retry', `${address} has no object '${key}'`, { key })
  }

  private demandSameObject({ etag, total }: Reply): void {
    if (etag === this.etag && total === this.bytes) return
    const { address, key } = this.what
    const message = `${address}: '${key}' was replaced while it was read; read it again`
    throw new WardbookError('store-unavailable', 'retry', message, { key })
  }
}
