import { asWardbookError, type Remedy, type WardbookError } from '../kernel/errors.js'

/** An error as RFC 9457 says it, with our stable code. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: ProblemStatus
  readonly detail: string
  readonly code: string
  readonly facts: Readonly<Record<string, unknown>>
}

export type ProblemStatus = 400 | 404 | 500 | 502 | 503

const STATUS: Record<Remedy, ProblemStatus> = {
  retry: 503,
  'fix-config': 400,
  'fix-source': 502,
  shrink: 500,
  'report-bug': 500,
}

const TITLES: Record<ProblemStatus, string> = {
  400: 'This request cannot be answered',
  404: 'Not found',
  500: 'Something is broken here',
  502: 'The data could not be read',
  503: 'Not right now',
}

/** Seconds after which a caller told 503 may ask again. */
export const RETRY_AFTER_S = 5

/** Any thrown value as a problem. What is our own fault says its code only: its message may hold SQL or paths. */
export function problemOf(thrown: unknown): Problem {
  const error: WardbookError = asWardbookError(thrown)
  const status = STATUS[error.remedy]
  const isForCaller = error.remedy === 'fix-config'
  return {
    type: 'about:blank',
    title: TITLES[status],
    status,
    detail: isForCaller ? error.message : INTERNAL_DETAIL[status],
    code: error.code,
    facts: isForCaller ? error.facts : {},
  }
}

const INTERNAL_DETAIL: Record<ProblemStatus, string> = {
  400: '',
  404: '',
  500: 'The server failed while it made this answer. The people who run it find the cause in its log.',
  502: 'A table behind this answer cannot be read as it is stored. The people who run this site must repair it.',
  503: 'A file behind this answer is being replaced or the storage does not answer. Ask again in a few seconds.',
}

/** The problem of an address that leads nowhere. */
export function notFound(detail: string): Problem {
  return { type: 'about:blank', title: TITLES[404], status: 404, detail, code: 'not-found', facts: {} }
}
