import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { WardbookError } from '../../kernel/errors.js'
import type { BegunUpload, Bucket, Part } from './bucket.js'
import { unreadable } from './content.js'
import { holderOf } from './create.js'
import { type Attempted, FailedTry, readFailure } from './failure.js'
import { type PartsPlan, type PlannedPart, planParts } from './parts-plan.js'
import type { Tries } from './tries.js'

/** Parts that are read, held and sent together: the memory of an upload is this many parts, however large the file. */
export const PARTS_AT_A_TIME = 2
/** An upload may be taken away while it runs (a lifecycle rule, a clean-up); so many are begun before we give up. */
const MAX_UPLOADS = 3

/** What a multipart upload is made with. */
export interface Uploading {
  readonly bucket: Bucket
  readonly tries: Tries
  /** Bytes of a part; more when the file has more than 10,000 of them. */
  readonly partBytes: number
  /** Makes the buffer of a part; tests count what is held. */
  readonly allocate?: (bytes: number) => Buffer
}

/** A file with its size in bytes and its SHA-256, hexadecimal. */
export interface LargeContent {
  readonly file: string
  readonly size: number
  readonly sha256: string
}

type Outcome = 'created' | 'exists' | 'gone'

/**
 * Creates a large object by a multipart upload, if its name is free: looks first, sends the parts, looks again, and completes
 * with `If-None-Match: *`. Each part has its `Content-MD5` and its own repeats.
 *
 * - 412 or 409 on completion, or 404 since an earlier try has completed it: the holder's put-id tells whose object stands there.
 * - 404 and nobody stands there: the upload was taken away; it is begun anew, three times at most.
 * - What fails for good is aborted. Not so after 'outcome-unknown': a completion may be under way, and an abort could meet it
 *   half-way; what is left is for the bucket's lifecycle rule, like the uploads of killed processes.
 *
 * A service that ignores the condition of a completion (radosgw 16) may tell two racers 'created', and the later one's
 * object stands. So only content whose bytes follow from its name may be this large.
 * @throws WardbookError what {@link Tries.run} throws; 'content-unreadable' (report-bug) when the file changes meanwhile;
 *   'store-unavailable' (retry) when upload after upload is taken away
 */
export async function createLargeIfAbsent(
  uploading: Uploading,
  what: Attempted,
  name: string,
  content: LargeContent,
): Promise<'created' | 'exists'> {
  const putId = randomUUID() // one for all uploads: whichever is completed is ours
  for (let begun = 0; begun < MAX_UPLOADS; begun++) {
    const outcome = await new Upload(uploading, what, name, content, putId).run()
    if (outcome !== 'gone') return outcome
  }
  const message = `${what.address}: ${MAX_UPLOADS} uploads of '${what.key}' were taken away before their end; see whether a lifecycle rule or another program aborts them, and do the same again`
  throw new WardbookError('store-unavailable', 'retry', message, { key: what.key, uploads: MAX_UPLOADS })
}

/** One multipart upload of one file. */
class Upload {
  private readonly plan: PartsPlan
  /** Steps that leave nothing to be seen: their failure is no 'outcome-unknown'. */
  private readonly step: Attempted

  constructor(
    private readonly uploading: Uploading,
    private readonly what: Attempted,
    private readonly name: string,
    private readonly content: LargeContent,
    private readonly putId: string,
  ) {
    this.plan = planParts(content.size, uploading.partBytes)
    this.step = { ...what, operation: 'upload' }
  }

  async run(): Promise<Outcome> {
    const holder = await this.look()
    if (holder !== undefined) return holder
    const upload = await this.begin()
    try {
      const etags = await this.sendAll(upload)
      if (etags === undefined) return 'gone'
      const outcome = (await this.look()) ?? (await this.complete(upload, etags))
      if (outcome === 'exists') await this.abort(upload)
      return outcome
    } catch (thrown) {
      if (!isUnsure(thrown)) await this.abort(upload)
      throw thrown
    }
  }

  private look(): Promise<'created' | 'exists' | undefined> {
    const { bucket, tries } = this.uploading
    return tries.run(this.step, 0, (signal) => holderOf(bucket, this.name, this.putId, signal))
  }

  private begin(): Promise<BegunUpload> {
    const { bucket, tries } = this.uploading
    return tries.run(this.step, 0, (signal) =>
      bucket.beginUpload(this.name, this.content, this.putId, signal),
    )
  }

  /** @returns the ETags of all parts; undefined when the upload was taken away */
  private async sendAll(upload: BegunUpload): Promise<string[] | undefined> {
    const { parts } = this.plan
    const buffers = this.makeBuffers()
    const hash = createHash('sha256')
    const etags: string[] = []
    const handle = await this.openFile()
    try {
      for (let at = 0; at < parts.length; at += buffers.length) {
        const read = await this.readParts(handle, parts.slice(at, at + buffers.length), buffers)
        for (const { bytes } of read) hash.update(bytes)
        for (const etag of await allOf(read.map((part) => this.send(upload, part)))) {
          if (etag === undefined) return undefined
          etags.push(etag)
        }
      }
    } finally {
      await handle.close()
    }
    if (hash.digest('hex') !== this.content.sha256) throw unreadable(this.content.file)
    return etags
  }

  private makeBuffers(): Buffer[] {
    const { allocate = Buffer.allocUnsafeSlow } = this.uploading
    const { parts, partBytes } = this.plan
    const length = Math.min(PARTS_AT_A_TIME, parts.length)
    return Array.from({ length }, () => allocate(Math.min(partBytes, this.content.size)))
  }

  private send(upload: BegunUpload, part: Part): Promise<string | undefined> {
    const { bucket, tries } = this.uploading
    return tries.run(this.step, part.bytes.byteLength, (signal) => bucket.uploadPart(upload, part, signal))
  }

  private complete(upload: BegunUpload, etags: readonly string[]): Promise<Outcome> {
    const { bucket, tries } = this.uploading
    const look = (signal: AbortSignal) => holderOf(bucket, this.name, this.putId, signal)
    return tries.run(this.what, this.content.size, async (signal) => {
      try {
        if (await bucket.completeUpload(upload, etags, signal)) return 'created'
      } catch (thrown) {
        const { kind, status } = readFailure(thrown)
        if (kind !== 'taken' && status !== 409) throw thrown
        const holder = await look(signal)
        if (holder !== undefined) return holder
        throw status === 409
          ? thrown
          : new FailedTry('passing', 'the name was taken, and then there was no object')
      }
      return (await look(signal)) ?? 'gone'
    })
  }

  /** What cannot be aborted is left to the lifecycle rule: the caller has an answer or an error that matters more. */
  private async abort(upload: BegunUpload): Promise<void> {
    const { bucket, tries } = this.uploading
    await tries.run(this.step, 0, (signal) => bucket.abortUpload(upload, signal)).catch(() => undefined)
  }

  private openFile(): Promise<FileHandle> {
    const { file } = this.content
    return open(file, 'r').catch((cause) => {
      throw unreadable(file, cause)
    })
  }

  private async readParts(
    handle: FileHandle,
    parts: readonly PlannedPart[],
    buffers: readonly Buffer[],
  ): Promise<Part[]> {
    const read: Part[] = []
    for (const [slot, part] of parts.entries()) {
      const bytes = await this.fill(buffers[slot] as Buffer, handle, part)
      read.push({ number: part.number, bytes, md5: createHash('md5').update(bytes).digest('base64') })
    }
    return read
  }

  private async fill(buffer: Buffer, handle: FileHandle, { from, to }: PlannedPart): Promise<Buffer> {
    const { file } = this.content
    let filled = 0
    while (filled < to - from) {
      const { bytesRead } = await handle
        .read(buffer, filled, to - from - filled, from + filled)
        .catch((cause) => {
          throw unreadable(file, cause)
        })
      if (bytesRead === 0) throw unreadable(file)
      filled += bytesRead
    }
    return buffer.subarray(0, filled)
  }
}

/** All results, once every piece of work has ended: no part is under way when an upload is aborted. */
async function allOf<Result>(works: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(works)
  return Promise.all(works)
}

function isUnsure(thrown: unknown): boolean {
  return thrown instanceof WardbookError && thrown.code === 'outcome-unknown'
}
