import { WardbookError } from '../../kernel/errors.js'

const SHOWN_CHARACTERS = 200

/**
 * What a status says that is no answer, with who can act on it. `facts.start` keeps the beginning of the body.
 * @param start first 2 KiB of the body as text; some are HTML of a proxy
 */
export function failureOfStatus(
  status: number,
  url: string,
  start: string,
  retryAfter: string | null = null,
): WardbookError {
  const facts = { url, status, start, ...(retryAfter === null ? {} : { retryAfter }) }
  const said = shown(start)
  const failure = (code: string, remedy: 'retry' | 'fix-config' | 'fix-source', next: string) =>
    new WardbookError(code, remedy, `${url} answered ${status}${said}; ${next}`, facts)
  if (status === 429)
    return failure('portal-throttled', 'retry', 'too many requests: try again later, or set a token')
  if (status === 202)
    return failure('portal-not-ready', 'retry', 'it is still making the file: try again later')
  if (status === 401 || status === 403)
    return failure(
      'portal-refused',
      'fix-config',
      'a token is missing or wrong (see the source in the city file)',
    )
  if (status === 404 || status === 410) return failure('source-not-found', 'fix-source', 'has it moved?')
  if (status >= 500 || status === 408 || status === 425)
    return failure('portal-failed', 'retry', 'try again later')
  return failure('portal-rejected-request', 'fix-source', 'did a column or the address change?')
}

/** @param reason what the network said */
export function portalUnreachable(url: string, reason: string, cause?: unknown): WardbookError {
  const isUnknown = isUnknownHost(cause)
  const message = `${url} cannot be reached: ${reason}${isUnknown ? '; is the name right?' : ''}`
  return new WardbookError('portal-unreachable', 'retry', message, { url }, { cause })
}

/** Whether the name service says that there is no such host: it may be mistaken once, not for long. */
export function isUnknownHost(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  return (thrown as NodeJS.ErrnoException).code === 'ENOTFOUND' || isUnknownHost(thrown.cause)
}

/** The innermost message of a network error: the outer one is always "fetch failed". */
export function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message
}

function shown(start: string): string {
  const line = start.replaceAll(/\s+/g, ' ').trim().slice(0, SHOWN_CHARACTERS)
  return line === '' ? '' : ` (${line})`
}
