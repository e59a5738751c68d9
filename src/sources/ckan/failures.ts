import { WardbookError } from '../../kernel/errors.js'

/** What a portal says in an envelope with `success: false`, or in a bare JSON string. */
export interface CkanError {
  /** `Not Found Error`, `Authorization Error`, `Validation Error`, `Search Error`, …; empty when it names none. */
  readonly type: string
  /** Its message, and what it says of single fields. */
  readonly message: string
}

/** The error in a body, or undefined when it holds none. @param body JSON, as text or parsed */
export function errorIn(body: unknown): CkanError | undefined {
  const parsed = typeof body === 'string' ? parse(body) : body
  if (typeof parsed === 'string') return { type: '', message: parsed }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { success, error } = parsed as Record<string, unknown>
  if (success !== false) return undefined
  if (typeof error !== 'object' || error === null) return { type: '', message: JSON.stringify(error ?? '') }
  const { __type, ...said } = error as Record<string, unknown>
  return { type: typeof __type === 'string' ? __type : '', message: messageOf(said) }
}

function messageOf(said: Record<string, unknown>): string {
  const entries = Object.entries(said).map(([field, texts]) => [field, textOf(texts)] as const)
  const [first, ...more] = entries
  if (first?.[0] === 'message' && more.length === 0) return first[1]
  return entries.map(([field, text]) => `${field}: ${text}`).join('; ')
}

function textOf(texts: unknown): string {
  const all: readonly unknown[] = Array.isArray(texts) ? texts : [texts]
  return all.map((text) => (typeof text === 'string' ? text : JSON.stringify(text))).join(', ')
}

/** What a portal's refusal means, with its own words. Anything but a refusal of CKAN comes back as it is. */
export function explainCkanFailure(thrown: unknown, tokenVariable: string): unknown {
  if (!(thrown instanceof WardbookError)) return thrown
  const said = errorIn(thrown.facts.start)
  return said === undefined ? thrown : meaningOf(said, String(thrown.facts.url), tokenVariable, thrown)
}

/** The error that an envelope stands for. @param cause the failure in whose body it was */
export function meaningOf(
  { type, message }: CkanError,
  url: string,
  tokenVariable: string,
  cause?: WardbookError,
): WardbookError {
  const facts = { ...cause?.facts, url, portalError: type, portalMessage: message }
  const options = cause === undefined ? {} : { cause }
  const said = type === '' ? message : `${type}: ${message}`
  if (type === 'Not Found Error' || (cause?.code === 'source-not-found' && type === '')) {
    const next = 'was it removed, or made private? Ids stay when names change'
    return new WardbookError('source-not-found', 'fix-source', `${url}: ${said}; ${next}`, facts, options)
  }
  if (type === 'Authorization Error' || cause?.code === 'portal-refused') {
    const next = `put a valid token into ${tokenVariable}`
    return new WardbookError('portal-refused', 'fix-config', `${url}: ${said}; ${next}`, facts, options)
  }
  if (/took too long|timeout|timed out/i.test(message) || cause?.remedy === 'retry') {
    const next = 'try again later, or with a smaller pageRows'
    return new WardbookError('portal-failed', 'retry', `${url}: ${said}; ${next}`, facts, options)
  }
  const next = 'has a field been renamed or removed?'
  return new WardbookError(
    'portal-rejected-request',
    'fix-source',
    `${url}: ${said}; ${next}`,
    facts,
    options,
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // HTML of a proxy, or a longer body that was cut: the HTTP failure stands as it is
  }
}
