/**
 * What whoever receives an error should do about it.
 * The queue, the command line and the API all act on this word, never on the message.
 */
export type Remedy = 'retry' | 'fix-config' | 'fix-source' | 'shrink' | 'report-bug'

/** An error that says what happened, with the values, and who can act on it. */
export class WardbookError extends Error {
  override readonly name = 'WardbookError'

  /**
   * @param code    stable, kebab-case, documented in docs/errors.md: 'portal-row-cap'
   * @param remedy  the queue, the CLI and the API act on it
   * @param message what happened, with the values and the next step, for a person
   * @param facts   for logs and problem+json; never a secret
   * @param options always pass `{ cause }` when another error led here
   */
  constructor(
    readonly code: string,
    readonly remedy: Remedy,
    message: string,
    readonly facts: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Exit codes after sysexits.h, one a remedy. */
const EXIT_CODES: Record<Remedy, number> = {
  retry: 75, // EX_TEMPFAIL
  'fix-config': 78, // EX_CONFIG
  'fix-source': 65, // EX_DATAERR
  shrink: 70, // EX_SOFTWARE
  'report-bug': 70, // EX_SOFTWARE
}

/** The process exit code for a remedy (sysexits: 65, 70, 75 or 78). */
export function exitCodeOf(remedy: Remedy): number {
  return EXIT_CODES[remedy]
}

/** Any thrown value as a WardbookError; what we did not foresee becomes `unforeseen` (report-bug) with its cause. */
export function asWardbookError(thrown: unknown): WardbookError {
  if (thrown instanceof WardbookError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new WardbookError('unforeseen', 'report-bug', message, {}, { cause: thrown })
}

/** An error in a form that survives a process boundary or a log line. */
export interface ErrorRecord {
  code: string
  remedy: Remedy
  message: string
  facts: Record<string, unknown>
  stack?: string
}

/** The wire form of any thrown value; the inverse is {@link fromErrorRecord}. */
export function toErrorRecord(thrown: unknown): ErrorRecord {
  const error = asWardbookError(thrown)
  const origin = error.cause instanceof Error ? error.cause : error
  const { code, remedy, message, facts } = error
  return { code, remedy, message, facts, ...(origin.stack ? { stack: origin.stack } : {}) }
}

/** The error that a child process, a queue or a log line reported. */
export function fromErrorRecord(record: ErrorRecord): WardbookError {
  const cause = record.stack === undefined ? undefined : causeWith(record.message, record.stack)
  return new WardbookError(record.code, record.remedy, record.message, record.facts, { cause })
}

/** Stands for the error on the other side: its stack is where the trouble began, however many borders it crosses. */
function causeWith(message: string, stack: string): Error {
  const cause = new Error(message)
  cause.stack = stack
  return cause
}
