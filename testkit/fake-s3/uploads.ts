import { createHash, randomUUID } from 'node:crypto'
import type { FakeObjects, WriteResult } from './objects.js'

/** One multipart upload that is neither completed nor aborted. */
interface FakeUpload {
  readonly name: string
  readonly headers: Record<string, string>
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>
}

/** What a completion named: parts by number and ETag, in the order of the request. */
export type NamedParts = readonly (readonly [number: number, etag: string])[]

/** How a completion ended. */
export type CompleteResult = WriteResult | 'no-such-upload' | 'invalid-part' | 'invalid-order' | 'too-small'

/** Multipart uploads of one bucket. Their parts are no objects: nothing lists or reads them. */
export class FakeUploads {
  private readonly uploads = new Map<string, FakeUpload>()

  /** @returns the upload's id */
  begin(name: string, headers: Record<string, string>): string {
    const id = randomUUID()
    this.uploads.set(id, { name, headers, parts: new Map() })
    return id
  }

  /** Keeps a part, in place of an earlier one of its number. @returns its ETag; undefined when there is no such upload */
  part(name: string, id: string, number: number, bytes: Buffer): string | undefined {
    const upload = this.find(name, id)
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
    upload?.parts.set(number, { bytes, etag })
    return upload && etag
  }

  /**
   * Makes one object of the parts; the upload is then gone, and a repeat is told 'no-such-upload'. A refusal leaves it.
   * @param minPartBytes of all parts but the last
   */
  complete(
    name: string,
    id: string,
    named: NamedParts,
    objects: FakeObjects,
    { onlyIfAbsent, minPartBytes }: { readonly onlyIfAbsent: boolean; readonly minPartBytes: number },
  ): CompleteResult {
    const upload = this.find(name, id)
    if (upload === undefined) return 'no-such-upload'
    if (named.some(([number], index) => index > 0 && number <= (named[index - 1]?.[0] ?? 0)))
      return 'invalid-order'
    const parts = named.flatMap(([number, etag]) => {
      const part = upload.parts.get(number)
      return part?.etag === etag ? [part.bytes] : []
    })
    if (parts.length === 0 || parts.length < named.length) return 'invalid-part'
    if (parts.slice(0, -1).some(({ length }) => length < minPartBytes)) return 'too-small'
    const result = objects.put(name, Buffer.concat(parts), upload.headers, onlyIfAbsent)
    if (result === 'stored') this.uploads.delete(id)
    return result
  }

  /** @returns false when there is no such upload */
  abort(name: string, id: string): boolean {
    return this.find(name, id) !== undefined && this.uploads.delete(id)
  }

  /** Names of the objects that are being uploaded. */
  names(): string[] {
    return [...this.uploads.values()].map(({ name }) => name)
  }

  /** Aborts all uploads, as a lifecycle rule does. */
  clear(): void {
    this.uploads.clear()
  }

  private find(name: string, id: string): FakeUpload | undefined {
    const upload = this.uploads.get(id)
    return upload?.name === name ? upload : undefined
  }
}
