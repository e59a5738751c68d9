import type { FilesArrived, Message, TableCommitted } from '../contracts/message.js'

/** A stage that listens. */
export type Topic = 'ingest' | 'harmonize' | 'measure' | 'detect' | 'ledger'

/** What wakes a stage: arrived files wake ingest, a commit wakes whoever reads that table. */
export type MessageOf<Of extends Topic> = Of extends 'ingest' ? FilesArrived : TableCommitted

/** A message that could not be worked off, with the reason; kept until somebody looks. */
export interface DeadLetter {
  readonly topic: Topic
  readonly message: Message
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
  send<To extends Topic>(topic: To, message: MessageOf<To>): Promise<void>

  /** Names the handler of a topic; one at a time runs per topic. */
  listen<Of extends Topic>(topic: Of, handler: (message: MessageOf<Of>) => Promise<void>): void

  /** Waits until no message is waiting or being worked on; returns the dead letters since the last call. */
  drain(): Promise<readonly DeadLetter[]>
}
