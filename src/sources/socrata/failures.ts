import { WardbookError } from '../../kernel/errors.js'
import { cutOff, unusable } from '../http/read-json.js'
import { withoutSecrets } from '../http/redact.js'
import type { PageRequest, PageSignals } from '../source.js'

/** A portal's error object; `code` is not always there. */
interface SocrataError {
  readonly code?: string
  readonly message: string
}

/** The error object in the start of a body, or undefined when it holds none. */
export function errorIn(body: unknown): SocrataError | undefined {
  const parsed = typeof body === 'string' ? parse(body) : body
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined
  const { error, code, message } = parsed as Record<string, unknown>
  if (error !== true && typeof code !== 'string') return undefined
  return {
    ...(typeof code === 'string' ? { code } : {}),
    message: typeof message === 'string' ? message : JSON.stringify(parsed),
  }
}

/**
 * What a portal's refusal means for the reader, with its own words and who can act. Anything but a refusal comes back as it is.
 * @param tokenVariable environment variable that holds the token
 */
export function explainSocrataFailure(thrown: unknown, tokenVariable: string): unknown {
  if (!(thrown instanceof WardbookError)) return thrown
  const { url, start } = thrown.facts
  const said = errorIn(start)
  if (said === undefined) return thrown
  return meaningOf(said, String(url), tokenVariable, thrown) ?? thrown
}

/** The error that an error object stands for. @param cause the failure in whose body it was */
export function meaningOf(
  said: SocrataError,
  url: string,
  tokenVariable: string,
  cause?: WardbookError,
): WardbookError | undefined {
  const facts = { ...cause?.facts, url, portalCode: said.code ?? null, portalMessage: said.message }
  const options = cause === undefined ? {} : { cause }
  if (said.code === 'dataset.missing' || said.code === 'not_found') {
    const message = `${url}: the portal knows no such table (${said.message}); was it moved, or made private?`
    return new WardbookError('source-not-found', 'fix-source', message, facts, options)
  }
  if (cause?.code === 'portal-refused' || isRefusal(said)) {
    const message = `${url}: ${said.message}; put a valid token into ${tokenVariable}, or unset it for a public table`
    return new WardbookError('portal-refused', 'fix-config', message, facts, options)
  }
  if (said.code?.startsWith('query.') || /^Unrecognized arguments/.test(said.message)) {
    const message = `${url}: the portal does not take the request (${said.message}); has a column been renamed or removed?`
    return new WardbookError('portal-rejected-request', 'fix-source', message, facts, options)
  }
  return undefined
}

function isRefusal({ code, message }: SocrataError): boolean {
  return /logged in|app_token|permission|not authorized|authenticat/i.test(`${code ?? ''} ${message}`)
}

/**
 * The failure that a page tells although its status was 200: an error object instead of rows, or a header with other columns (some portals
 * head their CSV with titles, which publishers change at will; see RSocrata issue 163).
 * @param columns that the request lists; empty: the header is not compared
 * @returns undefined when the page is what was asked for
 */
export function failureOfPage(
  request: PageRequest,
  signals: PageSignals,
  columns: readonly string[],
  tokenVariable: string,
): Error | undefined {
  const url = withoutSecrets(request.url)
  const said = errorIn(signals.envelope) ?? errorInRow(signals, columns)
  if (said !== undefined) {
    const failure = meaningOf(said, url, tokenVariable)
    return failure ?? unusable(url, `is an error: ${said.message}`, { remedy: 'retry' })
  }
  if (request.format.kind !== 'file') return undefined
  if (signals.endsInLine === false) return cutOff(url)
  if (columns.length === 0) return undefined
  const other = signals.columns.filter((name) => !columns.includes(name))
  const gone = columns.filter((name) => !signals.columns.includes(name))
  if (other.length === 0 && gone.length === 0) return undefined
  const what = `has other columns than the portal's description: ${shown('more', other)}${shown('missing', gone)}; set read: pages`
  return unusable(url, what, { remedy: 'fix-source', facts: { other, gone } })
}

/** An error object that was taken for the only row: its members are no columns of the table. */
function errorInRow({ rows, lastRow }: PageSignals, columns: readonly string[]): SocrataError | undefined {
  if (rows !== 1 || lastRow?.error !== 'true' || columns.includes('error')) return undefined
  return errorIn({ error: true, code: lastRow.code ?? undefined, message: lastRow.message ?? '' })
}

function shown(word: string, names: readonly string[]): string {
  return names.length === 0 ? '' : ` ${word} ${names.slice(0, 5).join(', ')}`
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no error object of Socrata; the HTTP failure stands as it is
  }
}
