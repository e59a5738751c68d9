import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Verb } from './faults.js'
import type { FakeObject, FakeObjects } from './objects.js'
import type { CompleteResult, FakeUploads, NamedParts } from './uploads.js'
import { beginXml, completeXml, errorXml, listXml } from './xml.js'

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
  /** Ignores the condition of a multipart upload's completion only, as radosgw 16 does. */
  readonly ignoresConditionOfUploads: boolean
  /** Least bytes of a part that is not the last; S3 wants 5 MiB. */
  readonly minPartBytes: number
}

/** What the double holds. */
export interface FakeContents {
  readonly objects: FakeObjects
  readonly uploads: FakeUploads
}

const KEPT_HEADER = /^(x-amz-meta-|x-amz-server-side-encryption|content-type$)/

/** What S3 answers, and what it does to the objects. Path style, header signatures (of which only the key id is read). */
export function answerTo(request: FakeRequest, contents: FakeContents, rules: FakeRules): FakeAnswer {
  const { authorization = '' } = request.headers
  if (!authorization.includes(`Credential=${rules.accessKeyId}/`)) return refusal(authorization)
  if (request.bucket !== rules.bucket)
    return failure(404, 'NoSuchBucket', 'The specified bucket does not exist')
  return ANSWERS[request.verb](request, contents, rules)
}

/** What each kind of request is answered by. */
const ANSWERS: Record<Verb, (request: FakeRequest, contents: FakeContents, rules: FakeRules) => FakeAnswer> =
  {
    GET: answerRead,
    HEAD: answerRead,
    LIST: (request, { objects }, rules) => answerList(request, objects, rules),
    PUT: (request, { objects }, rules) => answerPut(request, objects, rules),
    DELETE: ({ name }, { objects }) => {
      objects.delete(name)
      return { status: 204 }
    },
    BEGIN: ({ name, headers }, { uploads }, { bucket }) =>
      xml(200, beginXml(bucket, name, uploads.begin(name, keptOf(headers)))),
    PART: answerPart,
    COMPLETE: answerComplete,
    ABORT: ({ name, query }, { uploads }) =>
      uploads.abort(name, query.get('uploadId') ?? '') ? { status: 204 } : failure(404, 'NoSuchUpload'),
  }

function xml(status: number, body: string): FakeAnswer {
  return { status, headers: { 'content-type': 'application/xml' }, body }
}

export function failure(status: number, code: string, message = code): FakeAnswer {
  return xml(status, errorXml(code, message))
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
  const damage = damageOf(headers, body)
  if (damage !== undefined) return damage
  const onlyIfAbsent = headers['if-none-match'] === '*' && !rules.ignoresConditions
  const result = objects.put(name, body, keptOf(headers), onlyIfAbsent)
  if (result !== 'stored') return REFUSALS[result]()
  return { status: 200, headers: { etag: objects.get(name)?.etag ?? '' } }
}

/** Each way in which a write is refused. */
const REFUSALS: Record<Exclude<CompleteResult, 'stored'>, () => FakeAnswer> = {
  'precondition-failed': () =>
    failure(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold'),
  full: () => failure(507, 'FakeIsFull', 'the double holds no more bytes'),
  'no-such-upload': () => failure(404, 'NoSuchUpload', 'The specified multipart upload does not exist.'),
  'invalid-part': () => failure(400, 'InvalidPart', 'One or more of the specified parts could not be found.'),
  'invalid-order': () => failure(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.'),
  'too-small': () => failure(400, 'EntityTooSmall', 'Your proposed upload is smaller than the minimum'),
}

/** The refusal of a body that is not what its headers say, or that the double cannot read. */
function damageOf(headers: IncomingHttpHeaders, body: Buffer): FakeAnswer | undefined {
  if (headers['content-encoding']?.includes('aws-chunked'))
    return failure(501, 'NotImplemented', 'no chunked signatures here')
  const md5 = createHash('md5').update(body).digest('base64')
  if (headers['content-md5'] === undefined || headers['content-md5'] === md5) return undefined
  return failure(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
}

function keptOf(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.entries(headers).filter(([header]) => KEPT_HEADER.test(header))
  return Object.fromEntries(kept) as Record<string, string>
}

function answerPart({ name, query, headers, body }: FakeRequest, { uploads }: FakeContents): FakeAnswer {
  const damage = damageOf(headers, body)
  if (damage !== undefined) return damage
  const etag = uploads.part(name, query.get('uploadId') ?? '', Number(query.get('partNumber')), body)
  return etag === undefined ? REFUSALS['no-such-upload']() : { status: 200, headers: { etag } }
}

function answerComplete(
  { name, query, headers, body }: FakeRequest,
  { objects, uploads }: FakeContents,
  rules: FakeRules,
): FakeAnswer {
  const isHeeded = !rules.ignoresConditions && !rules.ignoresConditionOfUploads
  const onlyIfAbsent = headers['if-none-match'] === '*' && isHeeded
  const { minPartBytes } = rules
  const named = namedParts(body.toString())
  const id = query.get('uploadId') ?? ''
  const result = uploads.complete(name, id, named, objects, { onlyIfAbsent, minPartBytes })
  return result === 'stored'
    ? xml(200, completeXml(rules.bucket, name, objects.get(name)?.etag ?? ''))
    : REFUSALS[result]()
}

/** The parts that a completion's XML names, in its order. */
function namedParts(body: string): NamedParts {
  return [...body.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => [
    Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
    (/<ETag>(.*?)</.exec(part)?.[1] ?? '').replaceAll('&quot;', '"'),
  ])
}

function answerRead({ name, headers: asked }: FakeRequest, { objects }: FakeContents): FakeAnswer {
  const object = objects.get(name)
  if (object === undefined) return failure(404, 'NoSuchKey', 'The specified key does not exist.')
  return objectAnswer(asked.range, object)
}

function objectAnswer(
  range: string | undefined,
  { bytes, etag, modifiedAt, headers }: FakeObject,
): FakeAnswer {
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
