import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Records of one division in one layout, in the order of the source, as strict CSV in a local file: a header line, then each
 * record with the number of its page as one more cell. A stretch of the source that one reader takes in one go.
 */
export interface Run {
  readonly file: string
  /** Which columns, separator and meaning of empty cells: position in the layouts of the whole write. */
  readonly layout: number
  readonly rows: number
  /** Bytes of the records as published, and 8 for each number that ingestion adds: never less than its text takes. */
  readonly bytes: number
  /** Bytes of the longest record in the file. */
  readonly longest: number
}

/** Bytes that ingestion's own two numbers count in a part's budget. */
const OWN_BYTES = 16
const FIRST_BUFFER_BYTES = 4 * 1024
const MAX_BUFFER_BYTES = 256 * 1024
/** Bytes that all files together hold back: with thousands of divisions each has little. */
const MAX_HELD_BYTES = 16 * 1024 * 1024
/** Files open at one time; systems give a process 1,024 or more. */
const MAX_OPEN_FILES = 200
const LINE_FEED = 0x0a

interface OpenRun {
  file: string
  layout: number
  rows: number
  bytes: number
  longest: number
  buffer: Buffer
  filled: number
}

/** Adds a record where there is room for it: nearly always, so that it pays to copy it in one go. */
function addQuickly(run: OpenRun, bytes: Uint8Array, start: number, end: number, suffix: Uint8Array): void {
  const { buffer } = run
  buffer.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start), run.filled)
  let filled = run.filled + end - start
  for (let at = 0; at < suffix.length; at++) buffer[filled++] = suffix[at] as number
  buffer[filled] = LINE_FEED
  run.filled = filled + 1
}

/** A run that is being written; {@link RunFiles.finish} turns it into a {@link Run}. */
export type RunHandle = OpenRun

/** Appends records to any number of run files in bounded memory. What lies in the files depends on the records alone. */
export class RunFiles {
  private readonly runs: OpenRun[] = []
  /** Descriptors, the one used longest ago first. */
  private readonly open = new Map<OpenRun, number>()
  private held = 0

  /** @param folder where the files lie; @param name begins their names */
  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {}

  /** A new run. @param header its first line */
  start(layout: number, header: Uint8Array): RunHandle {
    const file = join(this.folder, `${this.name}-${this.runs.length}.csv`)
    const buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES)
    const run: OpenRun = { file, layout, rows: 0, bytes: 0, longest: 0, buffer, filled: 0 }
    this.held += buffer.length
    this.runs.push(run)
    this.add(run, header, 0, header.length)
    this.addByte(run, LINE_FEED)
    return run
  }

  /** Appends bytes [start, end) of a buffer as one record, then `suffix` and a line feed. */
  append(run: RunHandle, buffer: Uint8Array, start: number, end: number, suffix: Uint8Array): void {
    const length = end - start + suffix.length
    if (run.filled + length < run.buffer.length) addQuickly(run, buffer, start, end, suffix)
    else {
      this.add(run, buffer, start, end)
      this.add(run, suffix, 0, suffix.length)
      this.addByte(run, LINE_FEED)
    }
    run.rows += 1
    run.bytes += end - start + OWN_BYTES
    if (length > run.longest) run.longest = length
  }

  /** Writes what is held back and closes all files. */
  finish(): void {
    for (const run of this.runs) this.flush(run)
    this.close()
  }

  /** Closes all files without writing; for a run that failed. */
  close(): void {
    for (const descriptor of this.open.values()) closeSync(descriptor)
    this.open.clear()
  }

  private add(run: OpenRun, bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (run.filled + length > run.buffer.length) {
      this.makeRoom(run, length)
      if (length > run.buffer.length) {
        writeAll(this.descriptorOf(run), bytes, start, end)
        return
      }
    }
    run.buffer.set(bytes.subarray(start, end), run.filled)
    run.filled += length
  }

  private addByte(run: OpenRun, byte: number): void {
    if (run.filled === run.buffer.length) this.makeRoom(run, 1)
    run.buffer[run.filled] = byte
    run.filled += 1
  }

  /** A larger buffer while there is memory for it, else an empty one. */
  private makeRoom(run: OpenRun, length: number): void {
    if (run.buffer.length >= MAX_BUFFER_BYTES) {
      this.flush(run)
      return
    }
    if (this.held + run.buffer.length > MAX_HELD_BYTES) this.shrinkAll()
    while (run.buffer.length < Math.min(run.filled + length, MAX_BUFFER_BYTES)) {
      const larger = Buffer.allocUnsafeSlow(2 * run.buffer.length)
      larger.set(run.buffer.subarray(0, run.filled))
      this.held += run.buffer.length
      run.buffer = larger
    }
    if (run.filled + length > run.buffer.length) this.flush(run)
  }

  private shrinkAll(): void {
    for (const run of this.runs) {
      this.flush(run)
      if (run.buffer.length > FIRST_BUFFER_BYTES) run.buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES)
    }
    this.held = this.runs.length * FIRST_BUFFER_BYTES
  }

  private flush(run: OpenRun): void {
    if (run.filled === 0) return
    writeAll(this.descriptorOf(run), run.buffer, 0, run.filled)
    run.filled = 0
  }

  private descriptorOf(run: OpenRun): number {
    const known = this.open.get(run)
    if (known !== undefined) {
      this.open.delete(run)
      this.open.set(run, known)
      return known
    }
    if (this.open.size >= MAX_OPEN_FILES) this.closeOldest()
    const descriptor = openSync(run.file, 'a')
    this.open.set(run, descriptor)
    return descriptor
  }

  private closeOldest(): void {
    for (const [run, descriptor] of this.open) {
      closeSync(descriptor)
      this.open.delete(run)
      return
    }
  }
}

/** What later steps need to know of a run that is written. */
export function finishedRun({ file, layout, rows, bytes, longest }: RunHandle): Run {
  return { file, layout, rows, bytes, longest }
}

function writeAll(descriptor: number, bytes: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; ) at += writeSync(descriptor, bytes, at, end - at)
}
