import type { TableCommitted } from '../contracts/message.js'

/** A stage that listens. */
export type Topic = 'harmonize' | 'measure' | 'detect' | 'ledger'

/** A message that could not be worked off, with the reason; kept until somebody looks. */
export interface DeadLetter {
  readonly topic: Topic
  readonly message: TableCommitted
  readonly error: Error
  readonly tries: number
}

/**
 * Carries wake-ups between stages. A message is delivered at least once; a handler that returns acknowledges it, one that throws
 * sees it again ('retry', with growing waits) or it becomes a dead letter (any other remedy, or too many tries).
 * Losing every message loses nothing: `catch-up` compares positions and sends what is missing.
 */
export interface Queue {
  /** Puts a message on a topic. Equal messages that wait on the same topic are one. */
  send(topic: Topic, message: TableCommitted): Promise<void>

  /** Names the handler of a topic; one at a time runs per topic. */
  listen(topic: Topic, handler: (message: TableCommitted) => Promise<void>): void

  /** Waits until no message is waiting or being worked on; returns the dead letters since the last call. */
  drain(): Promise<readonly DeadLetter[]>
}
