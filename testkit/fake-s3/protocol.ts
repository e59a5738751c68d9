import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Verb } from './faults.js'
import type { FakeObject, FakeObjects } from './objects.js'
import { errorXml, listXml } from './xml.js'

/** A request, read completely. */
export interface FakeRequest {
  readonly verb: Verb
  readonly bucket: string
  /** Name in the bucket; for LIST the prefix. */
  readonly name: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What is sent back. */
export interface FakeAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

/** What the double is like, apart from its faults. */
export interface FakeRules {
  readonly bucket: string
  readonly accessKeyId: string
  /** Most names of one page of a listing. */
  readonly maxKeys: number
  /** Overwrites in spite of every condition, as a service that does not know the header. */
  readonly ignoresConditions: boolean
}

const KEPT_HEADER = /^(x-amz-meta-|x-amz-server-side-encryption|content-type$)/

/** What S3 answers, and what it does to the objects. Path style, header signatures (of which only the key id is read). */
export function answerTo(request: FakeRequest, objects: FakeObjects, rules: FakeRules): FakeAnswer {
  const { authorization = '' } = request.headers
  if (!authorization.includes(`Credential=${rules.accessKeyId}/`)) return refusal(authorization)
  if (request.bucket !== rules.bucket)
    return failure(404, 'NoSuchBucket', 'The specified bucket does not exist')
  if (request.verb === 'LIST') return answerList(request, objects, rules)
  if (request.verb === 'PUT') return answerPut(request, objects, rules)
  if (request.verb === 'DELETE') {
    objects.delete(request.name)
    return { status: 204 }
  }
  const object = objects.get(request.name)
  if (object === undefined) return failure(404, 'NoSuchKey', 'The specified key does not exist.')
  return answerRead(request.headers.range, object)
}

export function failure(status: number, code: string, message = code): FakeAnswer {
  return { status, headers: { 'content-type': 'application/xml' }, body: errorXml(code, message) }
}

/** S3 repeats who asked and what was signed. */
function refusal(authorization: string): FakeAnswer {
  const message = 'The AWS Access Key Id you provided does not exist in our records.'
  const repeated = {
    AWSAccessKeyId: /Credential=([^/]*)/.exec(authorization)?.[1] ?? '',
    CanonicalRequest: authorization,
  }
  return { ...failure(403, 'InvalidAccessKeyId'), body: errorXml('InvalidAccessKeyId', message, repeated) }
}

function answerPut({ name, headers, body }: FakeRequest, objects: FakeObjects, rules: FakeRules): FakeAnswer {
  if (headers['content-encoding']?.includes('aws-chunked'))
    return failure(501, 'NotImplemented', 'no chunked signatures here')
  const md5 = createHash('md5').update(body).digest('base64')
  if (headers['content-md5'] !== undefined && headers['content-md5'] !== md5)
    return failure(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
  const kept = Object.entries(headers).filter(([header]) => KEPT_HEADER.test(header))
  const onlyIfAbsent = headers['if-none-match'] === '*' && !rules.ignoresConditions
  const result = objects.put(name, body, Object.fromEntries(kept) as Record<string, string>, onlyIfAbsent)
  if (result === 'precondition-failed')
    return failure(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')
  if (result === 'full') return failure(507, 'FakeIsFull', 'the double holds no more bytes')
  return { status: 200, headers: { etag: objects.get(name)?.etag ?? '' } }
}

function answerRead(range: string | undefined, { bytes, etag, modifiedAt, headers }: FakeObject): FakeAnswer {
  const about = { ...headers, etag, 'last-modified': modifiedAt.toUTCString(), 'accept-ranges': 'bytes' }
  const asked = /^bytes=(\d+)-(\d+)$/.exec(range ?? '')
  if (asked === null) return { status: 200, headers: about, body: bytes }
  const [from, last] = [Number(asked[1]), Math.min(Number(asked[2]), bytes.length - 1)]
  if (from >= bytes.length) return failure(416, 'InvalidRange', 'The requested range is not satisfiable')
  const contentRange = `bytes ${from}-${last}/${bytes.length}`
  return {
    status: 206,
    headers: { ...about, 'content-range': contentRange },
    body: bytes.subarray(from, last + 1),
  }
}

function answerList(
  { name: prefix, query }: FakeRequest,
  objects: FakeObjects,
  rules: FakeRules,
): FakeAnswer {
  const token = query.get('continuation-token')
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString()
  const maxKeys = Math.min(Number(query.get('max-keys') ?? rules.maxKeys), rules.maxKeys)
  const names = objects.names(prefix, after)
  const page = names.slice(0, maxKeys)
  const next = names.length > page.length ? Buffer.from(page.at(-1) ?? '').toString('base64url') : undefined
  const entries = page.map((name) => [name, objects.get(name) as FakeObject] as const)
  const isUrlEncoded = query.get('encoding-type') === 'url'
  const body = listXml({ bucket: rules.bucket, prefix, entries, maxKeys, next, isUrlEncoded })
  return { status: 200, headers: { 'content-type': 'application/xml' }, body }
}
