import { type FileHandle, open } from 'node:fs/promises'

const BLOCK_BYTES = 512 * 1024
/** What is written goes to the disk meanwhile: whoever makes the file durable in the end waits for no more than this. */
const UNSYNCED_BYTES = 32 * 1024 * 1024

/** Appends to a file in large blocks: one is written while the next is filled. */
export class FileAppender {
  private filling = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  private spare = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  private filled = 0
  private writing: Promise<void> = Promise.resolve()
  private unsynced = 0
  private syncing: Promise<void> | undefined

  private constructor(
    private readonly handle: FileHandle,
    private readonly onWritten: (bytes: number) => void,
  ) {}

  /** Opens a new file, or empties an old one. @param onWritten told how many more bytes can be read from the file */
  static async open(file: string, onWritten: (bytes: number) => void = () => {}): Promise<FileAppender> {
    return new FileAppender(await open(file, 'w'), onWritten)
  }

  /** Takes the bytes; waits only while both blocks are full. */
  async append(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + BLOCK_BYTES - this.filled)
      this.filling.set(part, this.filled)
      this.filled += part.length
      from += part.length
      if (this.filled === BLOCK_BYTES) await this.turn()
    }
  }

  /** Writes what is left. All bytes are in the file when it returns. */
  async finish(): Promise<void> {
    await this.turn()
    await this.writing
    await this.syncing
  }

  /** Closes the file. */
  async close(): Promise<void> {
    await this.writing.catch(() => undefined) // finish() has told, or nobody wants to know any more
    await this.syncing?.catch(() => undefined)
    await this.handle.close()
  }

  private async turn(): Promise<void> {
    await this.writing
    const [block, length] = [this.filling, this.filled]
    this.filling = this.spare
    this.spare = block
    this.filled = 0
    this.writing = this.write(block, length)
    this.writing.catch(() => undefined) // whoever waits for it next is told
  }

  private async write(block: Buffer, length: number): Promise<void> {
    for (let at = 0; at < length; ) at += (await this.handle.write(block, at, length - at)).bytesWritten
    this.onWritten(length)
    this.unsynced += length
    if (this.unsynced < UNSYNCED_BYTES || this.syncing !== undefined) return
    this.unsynced = 0
    this.syncing = this.handle.datasync().finally(() => {
      this.syncing = undefined
    })
    this.syncing.catch(() => undefined) // a disk that fails says so again to whoever makes the file durable
  }
}
