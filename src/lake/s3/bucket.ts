import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { Prepared } from './content.js'
import { readFailure } from './failure.js'
import type { S3Settings } from './settings.js'

/** Metadata: who stored the object, so that a writer knows its own after a lost reply. */
const PUT_ID = 'wardbook-put'
/** Metadata: SHA-256 of the content, hexadecimal. */
const SHA256 = 'wardbook-sha256'

/** An answer with a body that has to be read or destroyed. */
export interface Reply {
  readonly body: Readable
  /** Bytes of this body. */
  readonly length: number | undefined
  /** Bytes of the whole object. */
  readonly total: number | undefined
  readonly etag: string | undefined
  /** SHA-256 of the whole object as its writer stored it. */
  readonly sha256: string | undefined
}

/** What a HEAD tells. */
export interface Head {
  readonly size: number
  readonly modifiedAt: Date
  readonly putId: string | undefined
}

/** A multipart upload that was begun. */
export interface BegunUpload {
  readonly name: string
  readonly uploadId: string
}

/** One part of it, in memory. */
export interface Part {
  /** From 1. */
  readonly number: number
  readonly bytes: Uint8Array
  /** Base64. */
  readonly md5: string
}

/** One page of a listing; keys are names in the bucket. */
export interface Page {
  readonly objects: readonly { readonly name: string; readonly size: number; readonly modifiedAt: Date }[]
  readonly next: string | undefined
}

/**
 * The requests that we make of a bucket: each method is exactly one request, tried once, with the service's error as it came.
 * The only user of the SDK's commands.
 */
export class Bucket {
  constructor(
    private readonly client: S3Client,
    private readonly settings: S3Settings,
  ) {}

  /** @param range half-open, in bytes; undefined for all */
  async get(
    name: string,
    signal: AbortSignal,
    range?: readonly [from: number, to: number],
  ): Promise<Reply | undefined> {
    const input = { ...this.at(name), ...(range ? { Range: `bytes=${range[0]}-${range[1] - 1}` } : {}) }
    return absentAsUndefined(
      this.client.send(new GetObjectCommand(input), { abortSignal: signal }).then(replyOf),
    )
  }

  async head(name: string, signal: AbortSignal): Promise<Head | undefined> {
    const sent = this.client.send(new HeadObjectCommand(this.at(name)), { abortSignal: signal })
    const found = await absentAsUndefined(sent)
    return (
      found && {
        size: found.ContentLength ?? 0,
        modifiedAt: found.LastModified ?? new Date(0),
        putId: found.Metadata?.[PUT_ID],
      }
    )
  }

  /** @param putId makes the PUT conditional on a free name, and marks it as ours */
  async put(name: string, content: Prepared, signal: AbortSignal, putId?: string): Promise<void> {
    const body = content.open()
    const command = new PutObjectCommand({
      ...this.at(name),
      Body: body,
      ContentLength: content.size,
      ContentMD5: content.md5,
      Metadata: metadataOf(content, putId),
      ...(putId ? { IfNoneMatch: '*' } : {}),
      ...this.encryption(),
    })
    try {
      await Promise.race([this.client.send(command, { abortSignal: signal }), failureOf(body)])
    } finally {
      if (body instanceof Readable) body.destroy()
    }
  }

  /** Begins a multipart upload, of which nothing is seen until it is completed. @param putId marks the object as ours */
  async beginUpload(
    name: string,
    content: Pick<Prepared, 'sha256'>,
    putId: string,
    signal: AbortSignal,
  ): Promise<BegunUpload> {
    const input = { ...this.at(name), Metadata: metadataOf(content, putId), ...this.encryption() }
    const answer = await this.client.send(new CreateMultipartUploadCommand(input), { abortSignal: signal })
    return { name, uploadId: answer.UploadId ?? '' }
  }

  /** @returns the part's ETag; undefined when there is no such upload (any more) */
  async uploadPart(
    { name, uploadId }: BegunUpload,
    { number, bytes, md5 }: Part,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const command = new UploadPartCommand({
      ...this.at(name),
      UploadId: uploadId,
      PartNumber: number,
      Body: bytes,
      ContentLength: bytes.byteLength,
      ContentMD5: md5,
    })
    const answer = await absentAsUndefined(this.client.send(command, { abortSignal: signal }))
    return answer && (answer.ETag ?? '')
  }

  /**
   * Makes one object of the parts if the name is free; not every service heeds the condition.
   * @param etags of all parts, in their order
   * @returns false when there is no such upload: it was aborted, or an earlier try has completed it
   */
  async completeUpload(
    { name, uploadId }: BegunUpload,
    etags: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const command = new CompleteMultipartUploadCommand({
      ...this.at(name),
      UploadId: uploadId,
      MultipartUpload: { Parts: etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 })) },
      IfNoneMatch: '*',
    })
    return (await absentAsUndefined(this.client.send(command, { abortSignal: signal }))) !== undefined
  }

  /** Throws the parts away. */
  async abortUpload({ name, uploadId }: BegunUpload, signal: AbortSignal): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.at(name), UploadId: uploadId })
    await absentAsUndefined(this.client.send(command, { abortSignal: signal }))
  }

  async delete(name: string, signal: AbortSignal): Promise<void> {
    const sent = this.client.send(new DeleteObjectCommand(this.at(name)), { abortSignal: signal })
    await absentAsUndefined(sent)
  }

  /** @param after continuation token of the page before, or the name to start after */
  async list(
    prefix: string,
    after: { readonly token?: string; readonly name?: string },
    signal: AbortSignal,
  ): Promise<Page> {
    const command = new ListObjectsV2Command({
      Bucket: this.settings.bucket,
      Prefix: prefix,
      EncodingType: 'url', // XML cannot carry every character of a name
      ...(after.token ? { ContinuationToken: after.token } : after.name ? { StartAfter: after.name } : {}),
    })
    const answer = await this.client.send(command, { abortSignal: signal })
    const decode = answer.EncodingType === 'url' ? decodeName : (name: string) => name
    const objects = (answer.Contents ?? []).map(({ Key = '', Size = 0, LastModified = new Date(0) }) => ({
      name: decode(Key),
      size: Size,
      modifiedAt: LastModified,
    }))
    return { objects, next: answer.IsTruncated ? answer.NextContinuationToken : undefined }
  }

  private at(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.settings.bucket, Key: name }
  }

  private encryption() {
    const { serverSideEncryption, sseKmsKeyId } = this.settings
    return {
      ...(serverSideEncryption ? { ServerSideEncryption: serverSideEncryption } : {}),
      ...(sseKmsKeyId ? { SSEKMSKeyId: sseKmsKeyId } : {}),
    }
  }
}

function metadataOf({ sha256 }: Pick<Prepared, 'sha256'>, putId: string | undefined): Record<string, string> {
  return { [SHA256]: sha256, ...(putId ? { [PUT_ID]: putId } : {}) }
}

function replyOf(answer: GetObjectCommandOutput): Reply {
  const length = answer.ContentLength
  const total = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1]
  return {
    body: answer.Body as Readable,
    length,
    total: total === undefined ? length : Number(total),
    etag: answer.ETag,
    sha256: answer.Metadata?.[SHA256],
  }
}

async function absentAsUndefined<Result>(sent: Promise<Result>): Promise<Result | undefined> {
  try {
    return await sent
  } catch (thrown) {
    if (readFailure(thrown).kind === 'absent') return undefined
    throw thrown
  }
}

/** Fails when the stream does; a file that cannot be read any more would else leave the request waiting. */
function failureOf(body: Uint8Array | Readable): Promise<never> {
  return new Promise((_, reject) => {
    if (body instanceof Readable) body.once('error', reject)
  })
}

/** URL encoding as S3 writes it: `+` is a blank. */
function decodeName(encoded: string): string {
  return decodeURIComponent(encoded.replaceAll('+', ' '))
}
