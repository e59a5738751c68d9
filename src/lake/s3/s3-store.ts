import { rm } from 'node:fs/promises'
import { sha256Hex } from '../../kernel/ids.js'
import { checkKey, checkPrefix } from '../keys.js'
import type { Content, ObjectInfo, ObjectStore, Scratch, StagedFile } from '../store.js'
import { Bucket, type Page, type Reply } from './bucket.js'
import { makeClient } from './client.js'
import { demandDigest, type Prepared, prepare, readBody } from './content.js'
import { createIfAbsent } from './create.js'
import { type Attempted, FailedTry, readFailure } from './failure.js'
import { createLargeIfAbsent } from './multipart.js'
import { ScratchSpace } from './scratch.js'
import {
  DEFAULT_MULTIPART_BYTES,
  DEFAULT_PART_BYTES,
  DEFAULT_PATIENCE,
  DEFAULT_STAGE_RANGE_BYTES,
  MAX_PUT_BYTES,
  type S3Settings,
} from './settings.js'
import { ScratchBudget, Staging } from './staging.js'
import { Tries, type Waiting } from './tries.js'

/** Whole objects that callers take into memory are pages, segments and commits: the time limit of a read allows for this. */
const WHOLE_READ_BYTES = 64 * 2 ** 20

/** A lake in a bucket, and what its downloads take just now. */
export interface S3Store extends ObjectStore {
  /** Bytes of staged files that are not released. */
  stagedBytes(): number
}

/**
 * A lake in a bucket of S3, or of a service that speaks its protocol and honors `If-None-Match: *`
 * (`raceCreateIfAbsent` in `lake/doctor.ts` finds out). Opening makes no request.
 *
 * Requests: get, getRange, stat, put, delete one each; createIfAbsent one, and one more when the name is taken, for a file above
 * 64 MiB four and one for each 16 MiB; list one for each 1,000 objects; stage one for each 32 MiB. Each is repeated within
 * `settings.patience` when the service stumbles.
 *
 * Errors: 'store-unavailable' (retry) after the last repeat, 'outcome-unknown' (retry) when a create may have been stored,
 * 'store-refused' and 'bucket-missing' (fix-config), 'object-damaged' (fix-source) when content differs from its digest,
 * 'object-too-large' (shrink) above 5 TiB, 'scratch-full' and 'scratch-unusable' (fix-config).
 * Two stores of one bucket share no key when neither base path lies below the other.
 * @param waiting for tests: clock, chance and pauses of the repeats
 */
export async function openS3Store(settings: S3Settings, waiting?: Waiting): Promise<S3Store> {
  return new BucketStore(settings, await ScratchSpace.open(settings.scratchFolder), waiting)
}

class BucketStore implements S3Store {
  readonly address: string
  private readonly base: string
  private readonly bucket: Bucket
  private readonly tries: Tries
  private readonly budget: ScratchBudget
  private readonly staging: Staging

  constructor(
    private readonly settings: S3Settings,
    private readonly space: ScratchSpace,
    waiting: Waiting | undefined,
  ) {
    const patience = { ...DEFAULT_PATIENCE, ...settings.patience }
    const { basePath, maxScratchBytes, stageRangeBytes: rangeBytes = DEFAULT_STAGE_RANGE_BYTES } = settings
    this.base = basePath === '' ? '' : `${basePath}/`
    this.address = `s3://${settings.bucket}/${basePath}`
    this.bucket = new Bucket(makeClient(settings, patience), settings)
    this.tries = new Tries(patience, waiting)
    this.budget = new ScratchBudget(maxScratchBytes)
    const { bucket, tries, budget } = this
    this.staging = new Staging({ bucket, tries, budget, rangeBytes, scratch: () => this.scratch() })
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const name = this.name(key)
    return this.tries.run(this.attempted('get', key), WHOLE_READ_BYTES, async (signal) => {
      const reply = await this.bucket.get(name, signal)
      return reply && readWhole(reply)
    })
  }

  async getRange(key: string, from: number, to: number): Promise<Uint8Array | undefined> {
    const name = this.name(key)
    if (to <= from) return (await this.stat(key)) && new Uint8Array(0)
    return this.tries.run(this.attempted('get', key), to - from, async (signal) => {
      try {
        const reply = await this.bucket.get(name, signal, [from, to])
        return reply && (await readBody(reply.body, lengthOfRange(reply, from, to)))
      } catch (thrown) {
        if (readFailure(thrown).kind === 'range') return new Uint8Array(0)
        throw thrown
      }
    })
  }

  async stat(key: string): Promise<ObjectInfo | undefined> {
    const name = this.name(key)
    const head = await this.tries.run(this.attempted('stat', key), 0, (signal) =>
      this.bucket.head(name, signal),
    )
    return head && { key, size: head.size, modifiedAt: head.modifiedAt }
  }

  async createIfAbsent(key: string, content: Content): Promise<'created' | 'exists'> {
    const name = this.name(key)
    const prepared = await prepare(content)
    const outcome = await this.create(this.attempted('create', key), name, content, prepared)
    if (!(content instanceof Uint8Array)) await rm(content.file, { force: true }) // moved, as in a folder
    return outcome
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const name = this.name(key)
    const content = await prepare(bytes)
    await this.tries.run(this.attempted('put', key), content.size, (signal) =>
      this.bucket.put(name, content, signal),
    )
  }

  async *list(prefix: string, startAfter = ''): AsyncIterable<ObjectInfo> {
    checkPrefix(prefix)
    let token: string | undefined
    do {
      const page = await this.listPage(prefix, startAfter, token)
      for (const { name, size, modifiedAt } of page.objects) {
        const key = name.slice(this.base.length)
        if (key !== '' && !key.endsWith('/')) yield { key, size, modifiedAt } // consoles make "folders"
      }
      token = page.next
    } while (token !== undefined)
  }

  async delete(key: string): Promise<void> {
    const name = this.name(key)
    await this.tries.run(this.attempted('delete', key), 0, (signal) => this.bucket.delete(name, signal))
  }

  async stage(key: string): Promise<StagedFile> {
    return this.staging.stage(this.attempted('stage', key), this.name(key))
  }

  scratch(): Promise<Scratch> {
    return this.space.make()
  }

  stagedBytes(): number {
    return this.budget.usedBytes
  }

  /** Bytes in memory, such as commits and segments, are never sent in parts: one PUT has one winner on every honest service. */
  private create(
    what: Attempted,
    name: string,
    content: Content,
    prepared: Prepared,
  ): Promise<'created' | 'exists'> {
    const { bucket, tries } = this
    const { multipartBytes = DEFAULT_MULTIPART_BYTES, partBytes = DEFAULT_PART_BYTES } = this.settings
    if (content instanceof Uint8Array || prepared.size <= Math.min(multipartBytes, MAX_PUT_BYTES))
      return createIfAbsent(bucket, tries, what, name, prepared)
    const { size, sha256 } = prepared
    return createLargeIfAbsent({ bucket, tries, partBytes }, what, name, { file: content.file, size, sha256 })
  }

  private listPage(prefix: string, startAfter: string, token: string | undefined): Promise<Page> {
    const after = {
      ...(token === undefined ? {} : { token }),
      ...(startAfter === '' ? {} : { name: this.base + startAfter }),
    }
    return this.tries.run(this.attempted('list', prefix), 0, (signal) =>
      this.bucket.list(this.base + prefix, after, signal),
    )
  }

  private name(key: string): string {
    return checkKey(this.base + checkKey(key))
  }

  private attempted(operation: string, key: string): Attempted {
    return { address: this.address, operation, key }
  }
}

async function readWhole(reply: Reply): Promise<Uint8Array> {
  const bytes = await readBody(reply.body, reply.length)
  demandDigest(sha256Hex(bytes), reply.sha256)
  return bytes
}

/** Bytes that a range has to have. @throws FailedTry when the service answered with another range */
function lengthOfRange({ body, length, total }: Reply, from: number, to: number): number | undefined {
  if (total === undefined) return length
  const wanted = Math.min(to, total) - from
  if (length === wanted) return wanted
  body.destroy()
  throw new FailedTry('passing', `bytes ${from} to ${to} of ${total} were asked, ${length} are sent`)
}
