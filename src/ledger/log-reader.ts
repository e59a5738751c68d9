import type { LedgerEvent, RecordedEvent } from '../contracts/event.js'
import type { ObjectStore } from '../lake/store.js'
import { LOG_NAME } from '../lake/tables.js'
import { type ChainLink, EMPTY_HEAD, type LogHead, type LogIdentity, readChain } from './chain.js'
import { segmentKey } from './layout.js'
import { type LogFile, readLogFile } from './log-file.js'
import { leafHash, toHex } from './merkle.js'
import { brokenSegment, decodeSegment, type Segment } from './segment.js'

/**
 * A log as anyone may read it; the store handle needs no right to write.
 * Knows only what it has followed and checked; call {@link follow} to see more. Keeps one number a segment in memory.
 */
export class LogReader implements LogIdentity {
  private current: LogHead = EMPTY_HEAD
  private readonly starts: number[] = []
  private lastRead: { start: number; segment: Segment } | undefined

  constructor(
    readonly store: ObjectStore,
    readonly log: string,
    readonly file: LogFile,
  ) {}

  /**
   * Opens a log and follows it to its end.
   * @returns undefined when the lake has no such log yet
   * @throws WardbookError 'ledger-newer-format' (fix-config), 'ledger-file-broken', 'ledger-segment-broken',
   * 'ledger-chain-broken' (fix-source)
   */
  static async open(store: ObjectStore, log: string = LOG_NAME): Promise<LogReader | undefined> {
    const file = await readLogFile(store, log)
    if (file === undefined) return undefined
    const reader = new LogReader(store, log, file)
    await reader.follow()
    return reader
  }

  get origin(): string {
    return this.file.origin
  }

  /** Events in the log as far as it was followed. */
  get size(): number {
    return this.current.size
  }

  /** Root of the tree over these events, hexadecimal. */
  get root(): string {
    return this.current.root
  }

  get head(): LogHead {
    return this.current
  }

  /** Reads and checks segments that came since, until there is none. `onLink` sees each of them. @returns the size */
  async follow(onLink: (link: ChainLink) => void = () => {}): Promise<number> {
    for await (const link of readChain(this.store, this, this.current)) {
      if (link.segment.header.start !== this.size) break // another call has followed meanwhile
      this.accept(link)
      onLink(link)
    }
    return this.size
  }

  /** Takes a link that continues the head: one that was read, or that this process has just committed. */
  accept(link: ChainLink): void {
    this.starts.push(this.size)
    this.current = link.head
  }

  /**
   * Events [from, to) in index order, as far as the log was followed; the size is pinned when the iteration begins.
   * @throws WardbookError 'ledger-segment-broken' (fix-source) when a segment has changed since
   */
  async *events(from = 0, to: number = this.size): AsyncGenerator<RecordedEvent> {
    const end = Math.min(to, this.size)
    for (let index = from; index < end; ) {
      const start = this.startOf(index)
      const { leaves } = await this.segmentAt(start)
      for (; index < end && index < start + leaves.length; index++) {
        yield recordedEvent(segmentKey(this.log, start), index, leaves[index - start]!)
      }
    }
  }

  /** One event, or undefined when the log, as far as it was followed, has no such index. */
  async event(index: number): Promise<RecordedEvent | undefined> {
    for await (const event of this.events(index, index + 1)) return event
    return undefined
  }

  /** Leaf hashes of all events, 32 bytes each; reads every segment. */
  async leafHashes(): Promise<Uint8Array[]> {
    const hashes: Uint8Array[] = []
    for (const start of [...this.starts]) hashes.push(...(await this.segmentAt(start)).leaves.map(leafHash))
    return hashes
  }

  /** Start of the segment that holds an event: binary search for the last start that is not above the index. */
  private startOf(index: number): number {
    let [low, high] = [0, this.starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.starts[middle]! <= index) low = middle
      else high = middle - 1
    }
    return this.starts[low]!
  }

  private async segmentAt(start: number): Promise<Segment> {
    if (this.lastRead?.start === start) return this.lastRead.segment
    const key = segmentKey(this.log, start)
    const bytes = await this.store.get(key)
    if (bytes === undefined) throw brokenSegment(key, 'it was there and is gone')
    const segment = decodeSegment(key, bytes)
    this.lastRead = { start, segment }
    return segment
  }
}

/**
 * A leaf as an event.
 * @throws WardbookError 'ledger-segment-broken' (fix-source) when the leaf is no JSON object
 */
export function recordedEvent(key: string, index: number, leaf: Uint8Array): RecordedEvent {
  return { index, event: parseLeaf(key, index, leaf), leafHash: toHex(leafHash(leaf)) }
}

/** The event in a leaf. @throws WardbookError 'ledger-segment-broken' (fix-source) naming key and index */
export function parseLeaf(key: string, index: number, leaf: Uint8Array): LedgerEvent {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(leaf)) as LedgerEvent
  } catch (cause) {
    throw brokenSegment(key, `event ${index} is no JSON`, { cause })
  }
}
