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
  /**
   * Largest file that is stored by one PUT, in bytes, default 64 MiB, at most 5 GiB; a larger one is sent in parts. Bytes in memory
   * are always one PUT. Raised: a broken line repeats more; lowered: more requests, and more names of which a service that
   * ignores the condition of a completion may tell two writers that they created it (see README.md).
   */
  readonly multipartBytes?: number
  /** Bytes of a part, default 16 MiB, raised for files of more than 10,000 of them; an upload holds two parts in memory. */
  readonly partBytes?: number
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

/** Files up to this size are one PUT: most parts of a table are below, and one request is cheaper than four. */
export const DEFAULT_MULTIPART_BYTES = 64 * 2 ** 20
/** Two of these are held in memory by an upload; S3 wants 5 MiB or more. */
export const DEFAULT_PART_BYTES = 16 * 2 ** 20
/** Most parts of one upload. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MAX_PARTS = 10_000
/** Largest object that one PUT stores. */
export const MAX_PUT_BYTES = 5 * 2 ** 30
/** Largest object that a multipart upload stores on every service. Larger content is refused ('object-too-large'). */
export const MAX_OBJECT_BYTES = 5 * 2 ** 40
