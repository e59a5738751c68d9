import { createHash } from 'node:crypto'

/** An object as the double keeps it. */
export interface FakeObject {
  readonly bytes: Buffer
  /** MD5 in quotes. */
  readonly etag: string
  readonly modifiedAt: Date
  /** Headers to give back: `x-amz-meta-*`, `x-amz-server-side-encryption*`, `content-type`. */
  readonly headers: Readonly<Record<string, string>>
}

/** One write, as the double applied or refused it. */
export type WriteResult = 'stored' | 'precondition-failed' | 'full'

/** The objects of one bucket, in memory. */
export class FakeObjects {
  private readonly objects = new Map<string, FakeObject>()
  private bytes = 0

  constructor(private readonly maxBytes: number) {}

  get(name: string): FakeObject | undefined {
    return this.objects.get(name)
  }

  put(name: string, bytes: Buffer, headers: Record<string, string>, onlyIfAbsent: boolean): WriteResult {
    const old = this.objects.get(name)
    if (onlyIfAbsent && old !== undefined) return 'precondition-failed'
    const grown = this.bytes - (old?.bytes.length ?? 0) + bytes.length
    if (grown > this.maxBytes) return 'full'
    this.bytes = grown
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
    this.objects.set(name, { bytes, etag, modifiedAt: new Date(), headers })
    return 'stored'
  }

  delete(name: string): void {
    this.bytes -= this.objects.get(name)?.bytes.length ?? 0
    this.objects.delete(name)
  }

  /** Names with the prefix after `after`, ascending by UTF-8 bytes. */
  names(prefix = '', after = ''): string[] {
    return [...this.objects.keys()]
      .filter((name) => name.startsWith(prefix) && compareNames(name, after) > 0)
      .sort(compareNames)
  }
}

function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
