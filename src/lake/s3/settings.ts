import type { S3ClientConfig } from '@aws-sdk/client-s3'

/** Which bucket a lake is in, and how it is spoken to. Credentials come from the SDK's default chain. */
export interface S3Settings {
  readonly bucket: string
  /** Where the lake begins in the bucket, without slashes at its ends; '' is the whole bucket. */
  readonly basePath: string
  /** URL of a service that is not AWS. */
  readonly endpoint?: string
  /** By default the SDK's chain decides; with an `endpoint` it is `us-east-1`, which other services take. */
  readonly region?: string
  /** `http://host/bucket/key` in place of `http://bucket.host/key`: what most services that are not AWS want. */
  readonly forcePathStyle?: boolean
  readonly serverSideEncryption?: 'AES256' | 'aws:kms' | 'aws:kms:dsse'
  /** Only with `aws:kms` and `aws:kms:dsse`; the account's own key when left out. */
  readonly sseKmsKeyId?: string
  /** For tests; by default the SDK's chain (environment, profile, web identity, container, instance). */
  readonly credentials?: NonNullable<S3ClientConfig['credentials']>
  readonly patience?: Partial<Patience>
  /** Local folder for downloads and intermediate files. */
  readonly scratchFolder: string
  /** Largest sum of staged downloads at a time, in bytes; intermediate files of engines are not counted. */
  readonly maxScratchBytes: number
  /** Bytes a download asks for at a time, default 32 MiB; smaller means more requests, larger means more to repeat. */
  readonly stageRangeBytes?: number
}

/** How long an operation is tried before it is given up. All of it ends: no operation waits for ever. */
export interface Patience {
  /**
   * Longest silence of a connection in ms; a whole request may take this long plus the time its bytes need on
   * a slow line ({@link SLOWEST_BYTES_PER_SECOND}).
   */
  readonly requestTimeoutMs: number
  /** Most tries of one operation (≥ 1). Raised: a longer outage is waited out, and a dead service is noticed later. */
  readonly maxAttempts: number
  /** No new try begins later than this after the first, in ms. */
  readonly deadlineMs: number
  /** Wait before the second try, in ms; doubled for each further one up to {@link MAX_WAIT_MS}, then a random share of it. */
  readonly firstWaitMs: number
}

export const DEFAULT_PATIENCE: Patience = {
  requestTimeoutMs: 20_000,
  maxAttempts: 10,
  deadlineMs: 120_000,
  firstWaitMs: 50,
}

export const MAX_WAIT_MS = 5_000
export const SLOWEST_BYTES_PER_SECOND = 128 * 1024 // a town hall's upload line
export const DEFAULT_STAGE_RANGE_BYTES = 32 * 2 ** 20

/**
 * Largest object that one PUT stores: S3's own limit. Multipart uploads would go further, but their completion does not
 * honor `If-None-Match` everywhere (radosgw 16 ignores it), so they cannot create if absent; a part of a table
 * is far below. Larger content is refused ('object-too-large').
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
 */
export const MAX_OBJECT_BYTES = 5 * 2 ** 30
