import { pino } from 'pino'

/** A logger of JSON lines; the first argument holds the facts, the second a short sentence. */
export interface Logger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** A logger that writes one JSON object a line to standard error, from `level` upward. */
export function createLogger(level: 'debug' | 'info' | 'warn' | 'error' | 'silent' = 'info'): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ fd: 2, sync: true }),
  )
}

/** A logger that says nothing, for tests and libraries. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
