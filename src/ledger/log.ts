import { randomUUID } from 'node:crypto'
import type { LedgerEvent, RecordedEvent } from '../contracts/event.js'
import { WardbookError } from '../kernel/errors.js'
import { type Clock, systemClock } from '../kernel/time.js'
import type { ObjectStore } from '../lake/store.js'
import { LOG_NAME } from '../lake/tables.js'
import { type ChainLink, type ComposedSegment, composeSegment } from './chain.js'
import {
  contentCheck,
  eventKey,
  findMissing,
  type KnownEvent,
  nextRecordedTime,
  type PreparedEvent,
  prepareEvent,
  splitBySegment,
  toLeaf,
} from './compose.js'
import { createLogFile } from './log-file.js'
import { LogReader, parseLeaf } from './log-reader.js'
import { decodeSegment } from './segment.js'

const MAX_RACES = 1_000 // a race lost this often is no race

/** What became of one event of an append: where it is, and whether this call put it there. */
export interface AppendedEvent {
  readonly index: number
  readonly outcome: 'created' | 'duplicate'
}

/** How to open a log for writing. */
export interface LogOptions {
  /** Scoped to the ledger: only its prefix may be written. */
  readonly store: ObjectStore
  /** Whose log this is, for ever; every segment repeats it. */
  readonly origin: string
  /** Folder below `ledger/`; default: the lake's main log. */
  readonly log?: string
  readonly clock?: Clock
  /** Named in each segment's header; says which program wrote it. */
  readonly writer?: string
  /** A new word at each call, by which a writer knows its own segment after a lost reply. */
  readonly nonce?: () => string
}

/**
 * The append-only log of events. An append is committed by the creation of one immutable segment named by the size it
 * extends, so any number of writers may append to one folder: one wins, the others read what it wrote and try again.
 *
 * Every id is held once, for ever. Keeps a key and a check of each event in memory, not the events.
 */
export class Log {
  private readonly known = new Map<string, KnownEvent>()
  /** Appends and follows of one object come one after another. */
  private lastTurn: Promise<unknown> = Promise.resolve()
  private stoppedBy: WardbookError | undefined

  private constructor(
    /** For reading and receipts; follow through {@link Log.follow}, which also learns the ids. */
    readonly reader: LogReader,
    private readonly clock: Clock,
    private readonly writer: string,
    private readonly nonce: () => string,
  ) {}

  /**
   * Opens a log, creating it where there is none, and follows it to its end.
   * @throws WardbookError 'ledger-other-origin', 'ledger-newer-format' (fix-config), 'ledger-file-broken',
   * 'ledger-segment-broken', 'ledger-chain-broken' (fix-source)
   */
  static async open(options: LogOptions): Promise<Log> {
    const { store, origin, log = LOG_NAME } = options
    const { clock = systemClock, writer = 'wardbook', nonce = randomUUID } = options
    const reader = new LogReader(store, log, await createLogFile(store, log, origin))
    const opened = new Log(reader, clock, writer, nonce)
    await opened.follow()
    return opened
  }

  /** The log's folder below `ledger/`. */
  get name(): string {
    return this.reader.log
  }

  /** Events in the log as far as it was followed. */
  get size(): number {
    return this.reader.size
  }

  /** Root of the Merkle tree over these events, hexadecimal. */
  get root(): string {
    return this.reader.root
  }

  /** Index of the event with this source and id, or undefined when the log does not hold it. */
  indexOf(source: string, id: string): number | undefined {
    return this.known.get(eventKey(source, id))?.index
  }

  /** Events [from, to) in index order, as far as the log was followed. */
  events(from?: number, to?: number): AsyncGenerator<RecordedEvent> {
    return this.reader.events(from, to)
  }

  /** W0: reads and checks what others have appended, until there is nothing more. @returns the size */
  follow(): Promise<number> {
    return this.inTurn(() => this.reader.follow((link) => this.remember(link)))
  }

  /**
   * Appends events in order. What fits one segment (4,096 events, 4 MiB) becomes visible all or nothing; a longer
   * list becomes visible segment by segment. When this returns, each event is durable at its index, for ever.
   * @returns one entry an event; `duplicate`: an event with this id, saying the same, is already there
   * @throws WardbookError 'event-id-conflict' (fix-source), 'schema-violation', 'event-too-large' (report-bug): nothing was written;
   * 'outcome-unknown' (retry): the store failed in mid-write, so open the log again and repeat, which is harmless;
   * 'ledger-races-lost' (retry)
   */
  append(events: readonly LedgerEvent[]): Promise<AppendedEvent[]> {
    return this.inTurn(() => this.appendPrepared(events.map(prepareEvent)))
  }

  private async appendPrepared(events: readonly PreparedEvent[]): Promise<AppendedEvent[]> {
    if (this.stoppedBy) throw this.stoppedBy
    const created = new Set<string>()
    for (let tries = 0; tries < MAX_RACES; tries++) {
      await this.reader.follow((link) => this.remember(link))
      const missing = findMissing(events, this.known)
      if (await this.commitAll(missing, created)) return events.map(({ key }) => this.outcomeOf(key, created))
    }
    throw new WardbookError(
      'ledger-races-lost',
      'retry',
      `${MAX_RACES} races for a segment of '${this.name}' were lost: append again, with fewer writers`,
      { log: this.name },
    )
  }

  /** The first mention of an event that this call created is 'created'; all others are duplicates of it. */
  private outcomeOf(key: string, created: Set<string>): AppendedEvent {
    return { index: this.known.get(key)!.index, outcome: created.delete(key) ? 'created' : 'duplicate' }
  }

  /** W1 and W2 for each segment. @returns false when a race was lost: the rest must be planned again */
  private async commitAll(events: readonly PreparedEvent[], created: Set<string>): Promise<boolean> {
    const at = nextRecordedTime(this.reader.head.recordedAt, this.clock())
    const leaves = events.map(({ event, key }) => ({ key, leaf: toLeaf(event, at) }))
    for (const group of splitBySegment(leaves, ({ leaf }) => leaf)) {
      const stamp = { at, writer: this.writer, nonce: this.nonce() }
      const segment = composeSegment(
        this.reader.head,
        this.reader,
        group.map(({ leaf }) => leaf),
        stamp,
      )
      if (!(await this.create(segment))) return false
      this.reader.accept(segment)
      this.remember(segment)
      for (const { key } of group) created.add(key)
    }
    return true
  }

  /** W2, the only commit point. @returns true when the segment at this place is ours */
  private async create(composed: ComposedSegment): Promise<boolean> {
    const { key, bytes, segment } = composed
    const { store } = this.reader
    try {
      if ((await store.createIfAbsent(key, bytes)) === 'created') return true
    } catch (thrown) {
      throw this.stop(key, thrown)
    }
    const winner = await store.get(key)
    return winner !== undefined && decodeSegment(key, winner).header.nonce === segment.header.nonce
  }

  /**
   * A write that failed in the middle may or may not be durable, and a second one that finds it would call it so.
   * So this object appends no more; whoever opens the log again reads what is really there.
   */
  private stop(key: string, cause: unknown): WardbookError {
    if (cause instanceof WardbookError && cause.remedy !== 'retry') return cause
    this.stoppedBy = new WardbookError(
      'outcome-unknown',
      'retry',
      `the store failed while '${key}' was written: open the log again and repeat the append`,
      { key },
      { cause },
    )
    return this.stoppedBy
  }

  private remember({ key, segment }: ChainLink): void {
    segment.leaves.forEach((leaf, offset) => {
      const index = segment.header.start + offset
      const event = parseLeaf(key, index, leaf)
      this.known.set(eventKey(event.source, event.id), { index, check: contentCheck(event) })
    })
  }

  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.lastTurn.then(work)
    this.lastTurn = turn.catch(() => undefined)
    return turn
  }
}
