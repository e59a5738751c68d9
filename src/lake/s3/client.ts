import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { Patience, S3Settings } from './settings.js'

const CONNECT_TIMEOUT_MS = 5_000
const REGION_OF_OTHERS = 'us-east-1' // services that are not AWS take it, or take any

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/**
 * The SDK's client, with what it would do on its own switched off: repeats (see `tries.ts`), and checksums that
 * other services do not know. Our own checksums are in `content.ts`.
 */
export function makeClient(settings: S3Settings, patience: Patience): S3Client {
  // The SDK's version is pinned, so its notice on later versions helps nobody who runs this; each worker would print it.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  const { endpoint, region, forcePathStyle, credentials } = settings
  const place: S3ClientConfig = {
    ...(endpoint === undefined ? {} : { endpoint, region: REGION_OF_OTHERS }),
    ...(region === undefined ? {} : { region }),
    ...(forcePathStyle === undefined ? {} : { forcePathStyle }),
    ...(credentials === undefined ? {} : { credentials }),
  }
  return new S3Client({
    ...place,
    maxAttempts: 1,
    logger: SILENT, // it would tell the console of failures that we repeat
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, socketTimeout: patience.requestTimeoutMs },
  })
}
