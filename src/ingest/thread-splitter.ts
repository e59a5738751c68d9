import { EventEmitter, once } from 'node:events'
import { rm, stat } from 'node:fs/promises'
import type { Worker } from 'node:worker_threads'
import { startThread } from '../kernel/child.js'
import { fromErrorRecord } from '../kernel/errors.js'
import type { PageBody } from '../sources/decode/decoded-page.js'
import type { DivisionSettings } from './division-rule.js'
import type { CsvPage, SplitPage, SplitSource, Splitter } from './split-pages.js'
import type { FromThread, ThreadStart, ToThread } from './splitter-messages.js'

const BLOCK_BYTES = 256 * 1024
/** Blocks on their way: the thread may fall behind by 2 MiB, then the source waits. */
const BLOCKS = 8

/**
 * A {@link Splitter} in a thread of its own: this one receives and hashes the next bytes while that one looks at the last. What lies in a file is read
 * there; what has to be made of the file here first (unpacked, decoded, cut) is handed over in blocks.
 */
export class ThreadSplitter implements Splitter {
  private readonly thread: Worker
  private readonly free = Array.from({ length: BLOCKS }, () => new Uint8Array(BLOCK_BYTES))
  private readonly heard = new EventEmitter()
  private failure: unknown
  private readonly failed: Promise<never>
  private tellFailed: (thrown: unknown) => void = () => {}
  private taken: SplitPage | undefined
  private split: SplitSource | undefined

  constructor(
    private readonly folder: string,
    division: DivisionSettings,
  ) {
    this.failed = new Promise((_never, reject) => {
      this.tellFailed = reject
    })
    this.failed.catch(() => undefined) // nobody may be waiting
    this.thread = startThread('ingest/splitter-worker', { folder, division } satisfies ThreadStart)
    this.thread.on('message', (message: FromThread) => this.hear(message))
    this.thread.on('error', (thrown) => this.fail(thrown))
  }

  async take({ bytes, plain, ...page }: CsvPage): Promise<SplitPage> {
    this.tell({ kind: 'page', page, file: plain?.file })
    try {
      if (plain === undefined) await this.sendAll(bytes)
      else await this.tellGrowth(plain)
    } catch (thrown) {
      throw this.failure ?? thrown // what the thread says of the page comes before what became of its transfer
    }
    this.taken = undefined
    this.tell({ kind: 'end' })
    await this.until(() => this.taken !== undefined)
    return this.taken as unknown as SplitPage
  }

  private async sendAll(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    let block = await this.freeBlock()
    let filled = 0
    for await (const chunk of bytes) {
      for (let from = 0; from < chunk.length; ) {
        const part = chunk.subarray(from, from + BLOCK_BYTES - filled)
        block.set(part, filled)
        filled += part.length
        from += part.length
        if (filled < BLOCK_BYTES) continue
        this.send(block, filled)
        block = await this.freeBlock()
        filled = 0
      }
    }
    this.send(block, filled)
  }

  /** The thread reads the file by itself, as far as it is told that there is something. */
  private async tellGrowth({ file, arrival }: PageBody): Promise<void> {
    if (arrival === undefined) {
      this.tell({ kind: 'grown', bytes: (await stat(file)).size })
      return
    }
    const next = (there: number) => Promise.race([arrival.beyond(there), this.failed])
    for (let there = await next(0); there !== undefined; there = await next(there))
      this.tell({ kind: 'grown', bytes: there })
  }

  async finish(): Promise<SplitSource> {
    this.tell({ kind: 'finish' })
    await this.until(() => this.split !== undefined)
    await this.thread.terminate()
    return this.split as SplitSource
  }

  async remove(): Promise<void> {
    await this.thread.terminate()
    await rm(this.folder, { recursive: true, force: true })
  }

  private async freeBlock(): Promise<Uint8Array<ArrayBuffer>> {
    await this.until(() => this.free.length > 0)
    return this.free.pop() as Uint8Array<ArrayBuffer>
  }

  private send(block: Uint8Array<ArrayBuffer>, length: number): void {
    this.thread.postMessage({ kind: 'bytes', block, length } satisfies ToThread, [
      block.buffer as ArrayBuffer,
    ])
  }

  private tell(message: ToThread): void {
    this.thread.postMessage(message)
  }

  private hear(message: FromThread): void {
    if (message.kind === 'block') this.free.push(message.block)
    else if (message.kind === 'taken') this.taken = message.page
    else if (message.kind === 'split') this.split = message.split
    else this.fail(fromErrorRecord(message.error))
    this.heard.emit('one')
  }

  private fail(thrown: unknown): void {
    this.failure ??= thrown
    this.tellFailed(this.failure)
    this.heard.emit('one')
  }

  /** Waits for the thread. @throws what it failed with */
  private async until(isSo: () => boolean): Promise<void> {
    while (!isSo() && this.failure === undefined) await once(this.heard, 'one')
    if (this.failure !== undefined) throw this.failure
  }
}
