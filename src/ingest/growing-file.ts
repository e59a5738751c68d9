import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import type { Arrival, PageBody } from '../sources/decode/decoded-page.js'
import { FileAppender } from './file-appender.js'

const CHUNK_BYTES = 256 * 1024

/** What was received. */
export interface Received {
  readonly sha256: string
  readonly bytes: number
}

/**
 * A body that goes into a local file as it comes, while others read what is there already: a reader at the end waits for more, and learns how the
 * transfer ended.
 */
export class GrowingFile implements Arrival {
  private written = 0
  private ended: 'whole' | 'broken' | undefined
  private isUnwanted = false
  private readonly heard = new EventEmitter().setMaxListeners(0)
  private readonly transfer: Promise<Received>

  constructor(
    private readonly name: string,
    private readonly file: string,
    chunks: AsyncIterable<Uint8Array>,
    private readonly onGrown: (bytes: number) => void = () => {},
  ) {
    this.transfer = this.receive(chunks)
    this.transfer.catch(() => undefined) // whoever reads or waits is told
  }

  /** The file as the body of a page. */
  body(): PageBody {
    return { name: this.name, file: this.file, open: () => this.read(), arrival: this }
  }

  bytes(): number {
    return this.written
  }

  async beyond(bytes: number): Promise<number | undefined> {
    while (this.written <= bytes && this.ended === undefined) await once(this.heard, 'more')
    if (this.written > bytes) return this.written
    await this.transfer
    return undefined
  }

  async whole(): Promise<void> {
    await this.transfer
  }

  /** Digest and size, when all has come. @throws what ended the transfer early */
  received(): Promise<Received> {
    return this.transfer
  }

  /** Ends the transfer, for nobody wants the rest; returns when the file is left alone. */
  async abandon(): Promise<void> {
    this.isUnwanted = true
    await this.transfer.catch(() => undefined)
  }

  private async receive(chunks: AsyncIterable<Uint8Array>): Promise<Received> {
    const hash = createHash('sha256')
    let bytes = 0
    try {
      const open = () => FileAppender.open(this.file, (more) => this.grow(more))
      let appender: FileAppender | undefined
      try {
        for await (const chunk of chunks) {
          if (this.isUnwanted) break
          appender ??= await open() // here, so that a file that cannot be opened ends the transfer
          hash.update(chunk)
          bytes += chunk.length
          await appender.append(chunk)
        }
        appender ??= await open()
        await appender.finish()
      } finally {
        await appender?.close()
      }
    } catch (thrown) {
      this.end('broken')
      throw thrown
    }
    this.end('whole')
    return { sha256: hash.digest('hex'), bytes }
  }

  private grow(bytes: number): void {
    this.written += bytes
    this.onGrown(this.written)
    this.heard.emit('more')
  }

  private end(how: 'whole' | 'broken'): void {
    this.ended = how
    this.heard.emit('more')
  }

  private async *read(): AsyncGenerator<Uint8Array> {
    let handle: FileHandle | undefined
    try {
      for (let at = 0; ; ) {
        const there = at < this.written ? this.written : await this.beyond(at)
        if (there === undefined) return
        handle ??= await open(this.file, 'r')
        const length = Math.min(CHUNK_BYTES, there - at)
        const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(length), 0, length, at)
        if (bytesRead === 0) throw new Error(`${this.file} has become shorter than it was`)
        at += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await handle?.close()
    }
  }
}
