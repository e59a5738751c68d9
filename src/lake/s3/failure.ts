import { WardbookError } from '../../kernel/errors.js'

/**
 * What a failed request means for the operation it belongs to.
 * `absent`: no such object. `taken`: the name exists (412). `range`: beyond the object's end (416).
 * `passing`: worth another try. `damaged`: the bytes are not those that were stored. `final`: another try fails likewise.
 */
export type FailureKind = 'absent' | 'taken' | 'range' | 'passing' | 'damaged' | 'final'

/** A failed request, reduced to what may be shown: no headers, no signature, no account. */
export interface S3Failure {
  readonly kind: FailureKind
  /** The service's or the system's word: 'SlowDown', 'ECONNRESET'. */
  readonly code: string
  readonly message: string
  readonly status: number | undefined
  readonly requestId: string | undefined
  /** True unless the answer proves that the request changed nothing. */
  readonly mayHaveActed: boolean
  /** The original stack and message, without the SDK's fields: these hold request headers and what was signed. */
  readonly cause: Error
}

/** Thrown by our own checks within a try: the next try may do better. */
export class FailedTry extends Error {
  constructor(
    readonly kind: 'passing' | 'damaged',
    message: string,
  ) {
    super(message)
  }
}

interface SdkError {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly stack?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
}

/** Errors that came before anything was sent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
/** 4xx answers that a repeat may cure; the service says that it did nothing. */
const PASSING_CODES = new Set([
  'BadDigest',
  'ConditionalRequestConflict',
  'IncompleteBody',
  'OperationAborted',
  'RequestTimeout',
  'RequestTimeTooSkewed', // the SDK takes the service's clock from this answer
  'TooManyRequestsException',
  'XAmzContentSHA256Mismatch',
])
const PASSING_STATUS = new Set([408, 409, 425, 429])
const NO_CREDENTIALS =
  /^(CredentialsProviderError|TokenProviderError)$|Region is missing|Resolved credential object/

/** What any error of a request means. A WardbookError is none of ours to judge: pass it on before. */
export function readFailure(thrown: unknown): S3Failure {
  if (thrown instanceof FailedTry) return ownFailure(thrown)
  const error = (thrown ?? {}) as SdkError
  const status = error.$metadata?.httpStatusCode
  const code = codeOf(error, status)
  const kind = kindOf(code, error.message ?? '', status)
  return {
    kind,
    code,
    message: error.message ?? String(thrown),
    status,
    requestId: error.$metadata?.requestId,
    mayHaveActed:
      kind === 'passing' && !NOT_SENT.has(code) && (status === undefined || status < 300 || status >= 500),
    cause: withoutFields(error),
  }
}

/** An answer to HEAD has no body that could name the error. */
function codeOf({ code, name = 'Unknown' }: SdkError, status: number | undefined): string {
  if (code !== undefined) return code
  return name.startsWith('Unknown') && status !== undefined ? `HTTP ${status}` : name
}

function ownFailure(thrown: FailedTry): S3Failure {
  const { kind, message } = thrown
  return {
    kind,
    code: kind,
    message,
    status: undefined,
    requestId: undefined,
    mayHaveActed: false,
    cause: thrown,
  }
}

function kindOf(code: string, message: string, status: number | undefined): FailureKind {
  if (NO_CREDENTIALS.test(code) || NO_CREDENTIALS.test(message)) return 'final'
  if (code === 'NoSuchBucket') return 'final'
  if (status === 404) return 'absent'
  if (status === 412) return 'taken'
  if (status === 416) return 'range'
  if (status === 501) return 'final'
  const isRefusal = status !== undefined && status >= 300 && status < 500
  return isRefusal && !PASSING_CODES.has(code) && !PASSING_STATUS.has(status) ? 'final' : 'passing'
}

function withoutFields(error: SdkError): Error {
  const clean = new Error(error.message ?? '')
  clean.name = error.name ?? 'Error'
  if (error.stack !== undefined) clean.stack = error.stack
  return clean
}

/** What was tried, for messages. */
export interface Attempted {
  /** `s3://bucket/base`. */
  readonly address: string
  /** 'get', 'create', 'list', … */
  readonly operation: string
  readonly key: string
}

/** An operation that no repeat would cure. */
export function refused(what: Attempted, failure: S3Failure): WardbookError {
  const facts = factsOf(what, failure)
  const options = { cause: failure.cause }
  if (failure.code === 'NoSuchBucket') {
    const message = `${what.address}: there is no such bucket; create it, or correct the lake's address`
    return new WardbookError('bucket-missing', 'fix-config', message, facts, options)
  }
  const message = `${sentence(what)} was refused: ${failure.message} (${failure.code}); check credentials, region and the rights of this role`
  return new WardbookError('store-refused', 'fix-config', message, facts, options)
}

/** An object whose bytes are not those that were stored, read after read. */
export function damaged(what: Attempted, failure: S3Failure): WardbookError {
  const message = `${sentence(what)}: ${failure.message}; bring the object back from a copy`
  const options = { cause: failure.cause }
  return new WardbookError('object-damaged', 'fix-source', message, factsOf(what, failure), options)
}

/** An operation that no try completed. @param seen the failures of its tries, in order */
export function exhausted(what: Attempted, seen: readonly S3Failure[]): WardbookError {
  const latest = seen.at(-1) as S3Failure
  const facts = { ...factsOf(what, latest), tries: seen.length }
  const options = { cause: latest.cause }
  const told = `${latest.message} (${latest.code}), after ${seen.length} tries`
  if (seen.some(mayHaveCreated(what))) {
    const message = `${sentence(what)}: no definite answer, it may or may not be stored: ${told}; do the same again`
    return new WardbookError('outcome-unknown', 'retry', message, facts, options)
  }
  return new WardbookError('store-unavailable', 'retry', `${sentence(what)} failed: ${told}`, facts, options)
}

/** True for a failed try of a create after which the object may be there, or may still come. */
export function mayHaveCreated({ operation }: Attempted): (failure: S3Failure) => boolean {
  return ({ mayHaveActed }) => operation === 'create' && mayHaveActed
}

function sentence({ address, operation, key }: Attempted): string {
  return `${address}: ${operation} '${key}'`
}

function factsOf({ operation, key }: Attempted, failure: S3Failure): Record<string, unknown> {
  const { code, status, requestId } = failure
  return { operation, key, s3Code: code, ...(status ? { status } : {}), ...(requestId ? { requestId } : {}) }
}
