import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import { checkKey } from '../lake/keys.js'
import { MAX_PUT_BYTES, type S3Settings } from '../lake/s3/settings.js'
import { type Environment, type LakePlace, schemeOf } from './lake-address.js'

const DEFAULT_SCRATCH_BYTES = 8 * 2 ** 30
/** S3's rules for names of buckets. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const SWITCH = { true: true, '1': true, false: false, '0': false } as const

/** What the environment says about a lake in a bucket; child processes inherit it. Credentials are the SDK's affair. */
const S3Environment = z.object({
  WARDBOOK_S3_ENDPOINT: z
    .url({ protocol: /^https?$/, error: 'is a URL such as https://s3.example.org' })
    .refine(hasNoUser, 'must not hold a user or password: credentials have variables of their own')
    .optional()
    .describe('URL of an S3 service that is not AWS; default: AWS'),
  WARDBOOK_S3_PATH_STYLE: z
    .enum(['true', 'false', '1', '0'])
    .optional()
    .describe('host/bucket/key in place of bucket.host/key; default: true with an endpoint, else false'),
  AWS_REGION: z
    .string()
    .optional()
    .describe('region of the bucket; default: what the AWS configuration says'),
  WARDBOOK_S3_SSE: z
    .enum(['AES256', 'aws:kms', 'aws:kms:dsse'])
    .optional()
    .describe("encryption asked for each object; default: the bucket's own"),
  WARDBOOK_S3_KMS_KEY: z
    .string()
    .optional()
    .describe("id or ARN of the KMS key; default: the account's key for S3"),
  WARDBOOK_S3_MULTIPART_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .max(MAX_PUT_BYTES)
    .optional()
    .describe('largest file that is sent by one PUT, in bytes; a larger one goes in parts; default 64 MiB'),
  WARDBOOK_SINGLE_WRITER: z
    .enum(['true', 'false', '1', '0'])
    .optional()
    .describe('true: nobody else ever writes to this lake, so a store that lies is taken; default: false'),
  WARDBOOK_SCRATCH: z
    .string()
    .optional()
    .describe('local folder for downloads and intermediate files; default: a folder in the system one'),
  WARDBOOK_SCRATCH_BYTES: z.coerce
    .number()
    .int()
    .positive()
    .default(DEFAULT_SCRATCH_BYTES)
    .describe(
      'largest sum of downloads a process holds at a time, in bytes; default 8 GiB; too small stops work',
    ),
})

/** Names of all variables that {@link openStore} reads, with what they do, for the documentation. */
export const LAKE_VARIABLES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(S3Environment.shape).map(([name, { description = '' }]) => [name, description]),
)

/** Whether the environment says that nobody else writes. Opening a bucket refuses what is neither true nor false. */
export function isSingleWriter(env: Environment): boolean {
  const { success, data } = S3Environment.shape.WARDBOOK_SINGLE_WRITER.safeParse(env.WARDBOOK_SINGLE_WRITER)
  return success && data !== undefined && SWITCH[data]
}

/** What an address names, without opening it. @throws WardbookError 'bad-lake-address' (fix-config) */
export function parseLakeAddress(address: string, env: Environment): LakePlace {
  const scheme = schemeOf(address)
  if (address.trim() === '') throw badAddress(address, 'it is empty')
  if (scheme === undefined) return { kind: 'folder', folder: resolve(address) }
  if (scheme !== 's3') throw badAddress(address, `there is no kind of lake '${scheme}'`)
  return { kind: 's3', settings: { ...parseBucketPath(address), ...readEnvironment(address, env) } }
}

function parseBucketPath(address: string): Pick<S3Settings, 'bucket' | 'basePath'> {
  const [bucket = '', ...parts] = address.slice('s3://'.length).split('/')
  if (!BUCKET.test(bucket))
    throw badAddress(address, 'the bucket has no valid name (3 to 63 of a-z, 0-9, . and -)')
  const basePath = parts.join('/').replace(/\/$/, '')
  if (/[?#]/.test(basePath)) throw badAddress(address, 'options go into the environment, not behind ? or #')
  try {
    return { bucket, basePath: basePath === '' ? '' : checkKey(basePath) }
  } catch (cause) {
    throw badAddress(address, `'${basePath}' is no path: parts are not empty, '.' or '..'`, cause)
  }
}

function readEnvironment(address: string, env: Environment): Omit<S3Settings, 'bucket' | 'basePath'> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim()))
  const parsed = S3Environment.safeParse(given)
  if (!parsed.success) throw badAddress(address, parsed.error.issues.map(sayIssue).join('; '))
  const { data } = parsed
  if (data.WARDBOOK_S3_KMS_KEY && !data.WARDBOOK_S3_SSE?.startsWith('aws:kms'))
    throw badAddress(address, 'WARDBOOK_S3_KMS_KEY needs WARDBOOK_S3_SSE=aws:kms or aws:kms:dsse')
  return {
    forcePathStyle: SWITCH[data.WARDBOOK_S3_PATH_STYLE ?? (data.WARDBOOK_S3_ENDPOINT ? 'true' : 'false')],
    ...(data.WARDBOOK_S3_ENDPOINT ? { endpoint: data.WARDBOOK_S3_ENDPOINT } : {}),
    ...(data.AWS_REGION ? { region: data.AWS_REGION } : {}),
    ...(data.WARDBOOK_S3_SSE ? { serverSideEncryption: data.WARDBOOK_S3_SSE } : {}),
    ...(data.WARDBOOK_S3_KMS_KEY ? { sseKmsKeyId: data.WARDBOOK_S3_KMS_KEY } : {}),
    ...(data.WARDBOOK_S3_MULTIPART_BYTES ? { multipartBytes: data.WARDBOOK_S3_MULTIPART_BYTES } : {}),
    scratchFolder: data.WARDBOOK_SCRATCH ?? join(tmpdir(), `wardbook-scratch-${process.getuid?.() ?? 0}`),
    maxScratchBytes: data.WARDBOOK_SCRATCH_BYTES,
  }
}

function sayIssue(issue: z.core.$ZodIssue): string {
  return `${issue.path.join('.')} ${issue.message}`
}

function hasNoUser(url: string): boolean {
  if (!URL.canParse(url)) return true // said by the check before
  const { username, password } = new URL(url)
  return username === '' && password === ''
}

function badAddress(address: string, reason: string, cause?: unknown): WardbookError {
  const shown = address.replace(/\/\/[^/]*@/, '//…@') // a password may stand there
  const message = `'${shown}' is no address of a lake: ${reason}. Allowed: a folder, or s3://bucket/base/path`
  return new WardbookError('bad-lake-address', 'fix-config', message, { address: shown }, { cause })
}
