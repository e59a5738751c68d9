import { WardbookError } from '../../kernel/errors.js'
import type { Json } from '../../kernel/ids.js'
import { listOf, memberOf, textOf } from '../exact-json.js'
import { withoutSecrets } from '../http/redact.js'

/** An error object, as ArcGIS sends it with status 200. */
export interface ErrorObject {
  readonly code: number | undefined
  readonly text: string
}

/** Says for almost anything: asking again, or for less, may help. */
const VAGUE = /unable to complete|failed to execute|error performing query|timed? ?out/i

/** The error object in an answer; undefined when there is none. @param json the answer, or the envelope of a page */
export function errorObjectOf(json: Json | undefined): ErrorObject | undefined {
  const error = memberOf(json, 'error')
  if (error === undefined || error === null || error === false) return undefined
  const code = Number(memberOf(error, 'code') ?? Number.NaN)
  const details = listOf(error, 'details').filter((detail) => typeof detail === 'string' && detail !== '')
  const said = [
    textOf(error, 'message') ?? textOf({ error }, 'error') ?? 'an error without words',
    ...details,
  ]
  return { code: Number.isNaN(code) ? undefined : code, text: [...new Set(said)].join('; ').slice(0, 500) }
}

/** Whether asking again, or for fewer rows, may help. */
export function mayPass({ code, text }: ErrorObject): boolean {
  return code === 500 || code === 504 || (code === 400 && VAGUE.test(text))
}

/** The error object as ours, with who can act on it. */
export function failureOfObject(url: string, { code, text }: ErrorObject): WardbookError {
  const shown = withoutSecrets(url)
  const facts = { url: shown, code, said: text }
  const said = `${shown} answered with error ${code ?? '(no code)'}: ${text}`
  if (code === 498 || code === 499 || code === 401 || code === 403) {
    const next = `${said}; a token is missing, wrong or expired (tokenFrom in the city file)`
    return new WardbookError('portal-refused', 'fix-config', next, facts)
  }
  if (code === 404)
    return new WardbookError('source-not-found', 'fix-source', `${said}; has it moved?`, facts)
  if (code === 429)
    return new WardbookError(
      'portal-throttled',
      'retry',
      `${said}; too many requests: try again later`,
      facts,
    )
  if (code !== undefined && code >= 500)
    return new WardbookError('portal-failed', 'retry', `${said}; try again later`, facts)
  const next = `${said}; did a column or the layer change?`
  return new WardbookError('portal-rejected-request', 'fix-source', next, facts)
}
