import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from '../../contracts/message.js'
import { asWardbookError, WardbookError } from '../../kernel/errors.js'
import { canonicalJson } from '../../kernel/ids.js'
import type { DeadLetter, MessageOf, Queue, Topic } from '../queue.js'

const MAX_TRIES = 5
const FIRST_WAIT_MS = 50 // doubled after each failed try

export interface EmbeddedQueueOptions {
  /** How it waits between tries; tests pass a wait that does not. */
  readonly wait?: (ms: number) => Promise<unknown>
  /** Messages of different topics that are worked on at a time, 1 or more. Default 1. More: more memory at once. */
  readonly lanes?: number
}

/**
 * A queue within one process. Nothing is stored: after a crash the state is derived again from the tables' positions.
 */
export function createEmbeddedQueue(options: EmbeddedQueueOptions = {}): Queue {
  return new EmbeddedQueue(options.wait ?? sleep, options.lanes ?? 1)
}

interface Waiting {
  readonly topic: Topic
  readonly message: Message
}

class EmbeddedQueue implements Queue {
  private readonly handlers = new Map<Topic, (message: Message) => Promise<void>>()
  private readonly waiting: Waiting[] = []
  private dead: DeadLetter[] = []
  private draining: Promise<void> | undefined
  private readonly busy = new Map<Topic, Promise<void>>()

  constructor(
    private readonly wait: (ms: number) => Promise<unknown>,
    private readonly lanes: number,
  ) {}

  async send<To extends Topic>(topic: To, message: MessageOf<To>): Promise<void> {
    const next = canonicalJson({ topic, message })
    if (!this.waiting.some((other) => canonicalJson({ ...other }) === next)) {
      this.waiting.push({ topic, message })
    }
  }

  listen<Of extends Topic>(topic: Of, handler: (message: MessageOf<Of>) => Promise<void>): void {
    this.handlers.set(topic, handler as (message: Message) => Promise<void>) // a topic has one kind of message
  }

  async drain(): Promise<readonly DeadLetter[]> {
    // Again while anything waits: a message may come just when another caller's drain has found nothing more.
    while (this.draining !== undefined || this.waiting.length > 0) {
      this.draining ??= this.workOff().finally(() => {
        this.draining = undefined
      })
      await this.draining
    }
    const dead = this.dead
    this.dead = []
    return dead
  }

  /** Gives out the oldest message whose topic is free, as long as a lane is. */
  private async workOff(): Promise<void> {
    while (this.waiting.length > 0 || this.busy.size > 0) {
      const at =
        this.busy.size < this.lanes ? this.waiting.findIndex(({ topic }) => !this.busy.has(topic)) : -1
      const [next] = at < 0 ? [] : this.waiting.splice(at, 1)
      if (next === undefined) await Promise.race(this.busy.values())
      else
        this.busy.set(
          next.topic,
          this.deliver(next).finally(() => this.busy.delete(next.topic)),
        )
    }
  }

  private async deliver({ topic, message }: Waiting): Promise<void> {
    for (let tries = 1; ; tries++) {
      const error = await this.handle(topic, message)
      if (error === undefined) return
      if (error.remedy !== 'retry' || tries === MAX_TRIES) {
        this.dead.push({ topic, message, error, tries })
        return
      }
      await this.wait(FIRST_WAIT_MS * 2 ** (tries - 1))
    }
  }

  private async handle(topic: Topic, message: Message): Promise<WardbookError | undefined> {
    const handler = this.handlers.get(topic)
    if (handler === undefined) {
      return new WardbookError('nobody-listens', 'report-bug', `no stage listens to '${topic}'`, { topic })
    }
    try {
      await handler(message)
      return undefined
    } catch (thrown) {
      return asWardbookError(thrown)
    }
  }
}
