import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { type FakeS3, type FakeS3Options, startFakeS3 } from '../../../testkit/fake-s3/server.js'
import type { Radosgw } from '../../../testkit/radosgw/start.js'
import { makeClient } from './client.js'
import { openS3Store, type S3Store } from './s3-store.js'
import { DEFAULT_PATIENCE, type Patience, type S3Settings } from './settings.js'

/** Short waits, so that tests of repeats take milliseconds; tries as in earnest. */
export const QUICK: Patience = {
  requestTimeoutMs: 2_000,
  maxAttempts: 10,
  deadlineMs: 30_000,
  firstWaitMs: 1,
}

/** A double of S3 and a scratch folder, with stores on them. */
export interface FakeLake {
  readonly fake: FakeS3
  readonly scratchFolder: string
  settings(changes?: Partial<S3Settings>): S3Settings
  /** A new store object, as another process would have. */
  open(changes?: Partial<S3Settings>): Promise<S3Store>
  close(): Promise<void>
}

export async function makeFakeLake(options: FakeS3Options = {}): Promise<FakeLake> {
  const fake = await startFakeS3(options)
  const scratchFolder = await mkdtemp(join(tmpdir(), 'wardbook-s3-'))
  const settings = (changes?: Partial<S3Settings>): S3Settings => ({
    bucket: fake.bucket,
    basePath: 'city',
    endpoint: fake.endpoint,
    forcePathStyle: true,
    credentials: fake.credentials,
    scratchFolder,
    maxScratchBytes: 64 * 2 ** 20,
    patience: QUICK,
    ...changes,
  })
  return {
    fake,
    scratchFolder,
    settings,
    open: (changes) => openS3Store(settings(changes)),
    close: async () => {
      await fake.close()
      await rm(scratchFolder, { recursive: true, force: true })
    },
  }
}

/** Settings for a base path of a bucket of radosgw. */
export function radosgwSettings(gateway: Radosgw, basePath: string, scratchFolder: string): S3Settings {
  return {
    bucket: RADOSGW_BUCKET,
    basePath,
    endpoint: gateway.endpoint,
    forcePathStyle: true,
    credentials: { accessKeyId: gateway.accessKey, secretAccessKey: gateway.secretKey },
    scratchFolder,
    maxScratchBytes: 64 * 2 ** 20,
  }
}

const RADOSGW_BUCKET = 'lake'

/** Makes the bucket of {@link radosgwSettings}. */
export async function makeBucket(gateway: Radosgw): Promise<void> {
  const client = makeClient(radosgwSettings(gateway, '', tmpdir()), DEFAULT_PATIENCE)
  await client.send(new CreateBucketCommand({ Bucket: RADOSGW_BUCKET }))
  client.destroy()
}
