import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeFakeLake } from '../lake/s3/s3-lake.fixture.js'
import { absoluteAddress } from './lake-address.js'
import { openStore } from './open-store.js'
import { LAKE_VARIABLES, parseLakeAddress } from './parse-lake-address.js'

function settingsOf(address: string, env: Record<string, string> = {}) {
  const place = parseLakeAddress(address, env)
  return place.kind === 's3' ? place.settings : undefined
}

describe('the address of a lake', () => {
  it('is a folder when it has no scheme', () => {
    expect(parseLakeAddress('lake/pocket', {})).toEqual({ kind: 'folder', folder: resolve('lake/pocket') })
    expect(absoluteAddress('lake/pocket')).toBe(resolve('lake/pocket'))
  })

  it('names bucket and base path, whatever slashes end it', () => {
    for (const [address, bucket, basePath] of [
      ['s3://my-bucket', 'my-bucket', ''],
      ['s3://my-bucket/', 'my-bucket', ''],
      ['s3://my.bucket/cities/pocket', 'my.bucket', 'cities/pocket'],
      ['s3://my-bucket/cities/pocket/', 'my-bucket', 'cities/pocket'],
    ] as const) {
      expect(settingsOf(address)).toMatchObject({ bucket, basePath })
      expect(absoluteAddress(address)).toBe(address)
    }
  })

  it('asks for AWS with its own defaults when the environment says nothing', () => {
    expect(settingsOf('s3://lake/city')).toEqual({
      bucket: 'lake',
      basePath: 'city',
      forcePathStyle: false,
      scratchFolder: expect.stringContaining(tmpdir()),
      maxScratchBytes: 8 * 2 ** 30,
    })
  })

  it('takes every option from the environment, blank ones as not given', () => {
    const env = {
      WARDBOOK_S3_ENDPOINT: 'https://s3.example.org',
      WARDBOOK_S3_PATH_STYLE: '0',
      AWS_REGION: 'eu-central-1',
      WARDBOOK_S3_SSE: 'aws:kms',
      WARDBOOK_S3_KMS_KEY: 'key-1',
      WARDBOOK_S3_MULTIPART_BYTES: '5000000',
      WARDBOOK_SINGLE_WRITER: 'true',
      WARDBOOK_SCRATCH: '/scratch',
      WARDBOOK_SCRATCH_BYTES: '1000',
    }
    expect(Object.keys(env).sort()).toEqual(Object.keys(LAKE_VARIABLES).sort())
    expect(settingsOf('s3://lake', env)).toEqual({
      bucket: 'lake',
      basePath: '',
      endpoint: 'https://s3.example.org',
      forcePathStyle: false,
      region: 'eu-central-1',
      serverSideEncryption: 'aws:kms',
      sseKmsKeyId: 'key-1',
      multipartBytes: 5_000_000,
      scratchFolder: '/scratch',
      maxScratchBytes: 1_000,
    })
    expect(settingsOf('s3://lake', { WARDBOOK_S3_ENDPOINT: ' ', WARDBOOK_SCRATCH_BYTES: '' })).toMatchObject({
      forcePathStyle: false,
      maxScratchBytes: 8 * 2 ** 30,
    })
  })

  it('uses path style with an endpoint unless told otherwise', () => {
    expect(settingsOf('s3://lake', { WARDBOOK_S3_ENDPOINT: 'http://localhost:9000' })?.forcePathStyle).toBe(
      true,
    )
  })

  it.each([
    ['', {}, 'it is empty'],
    ['gs://bucket/a', {}, "no kind of lake 'gs'"],
    ['s3://', {}, 'the bucket has no valid name'],
    ['s3://My_Bucket/a', {}, 'the bucket has no valid name'],
    ['s3://bucket//a', {}, "'/a' is no path"],
    ['s3://bucket/a/../b', {}, "'a/../b' is no path"],
    ['s3://bucket/a?region=x', {}, 'options go into the environment'],
    ['s3://bucket', { WARDBOOK_S3_ENDPOINT: 'localhost:9000' }, 'WARDBOOK_S3_ENDPOINT'],
    ['s3://bucket', { WARDBOOK_S3_ENDPOINT: 'nonsense' }, 'WARDBOOK_S3_ENDPOINT'],
    ['s3://bucket', { WARDBOOK_S3_ENDPOINT: 'https://me:pass@host' }, 'must not hold a user'],
    ['s3://bucket', { WARDBOOK_S3_PATH_STYLE: 'yes' }, 'WARDBOOK_S3_PATH_STYLE'],
    ['s3://bucket', { WARDBOOK_S3_SSE: 'rot13' }, 'WARDBOOK_S3_SSE'],
    ['s3://bucket', { WARDBOOK_S3_KMS_KEY: 'key-1' }, 'needs WARDBOOK_S3_SSE=aws:kms'],
    ['s3://bucket', { WARDBOOK_S3_MULTIPART_BYTES: '9000000000' }, 'WARDBOOK_S3_MULTIPART_BYTES'],
    ['s3://bucket', { WARDBOOK_SINGLE_WRITER: 'yes' }, 'WARDBOOK_SINGLE_WRITER'],
    ['s3://bucket', { WARDBOOK_SCRATCH_BYTES: 'many' }, 'WARDBOOK_SCRATCH_BYTES'],
  ])('%j with %j is refused: %s', (address, env, reason) => {
    expect(() => parseLakeAddress(address, env as Record<string, string>)).toThrowError(
      expect.objectContaining({
        code: 'bad-lake-address',
        remedy: 'fix-config',
        message: expect.stringContaining(reason),
      }),
    )
  })

  it('is refused without showing a password that stands in it', () => {
    for (const address of ['s3://key:secret@bucket/a', 'https://key:secret@host/bucket']) {
      const refuse = () => parseLakeAddress(address, {})
      expect(refuse).toThrowError(expect.objectContaining({ code: 'bad-lake-address' }))
      expect(refuse).not.toThrowError(/secret/)
    }
    const env = { WARDBOOK_S3_ENDPOINT: 'https://me:secret@host' }
    expect(() => parseLakeAddress('s3://bucket', env)).not.toThrowError(/secret/)
  })
})

describe('opening a store by its address', () => {
  it('opens a folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wardbook-open-'))
    expect((await openStore(folder)).address).toBe(folder)
    await rm(folder, { recursive: true, force: true })
  })

  it('opens a bucket without a request', async () => {
    const { fake, scratchFolder, close } = await makeFakeLake()
    const env = { WARDBOOK_S3_ENDPOINT: fake.endpoint, WARDBOOK_SCRATCH: scratchFolder }
    const store = await openStore(`s3://${fake.bucket}/cities/pocket/`, env)
    expect([store.address, fake.count()]).toEqual(['s3://lake/cities/pocket', 0])
    await close()
  })
})
