import { decisionsPrefix, parseDecisionKey, QuarantineDecision } from '../contracts/quarantine-decision.js'
import { WardbookError } from '../kernel/errors.js'
import { digestOf, sha256Hex } from '../kernel/ids.js'
import type { ObjectStore } from '../lake/store.js'
import { type FoundRecord, findRanges, findRecord } from '../sources/files/csv-records.js'
import { type BadRow, type CsvSummary, MAX_RECORD_BYTES, sameColumn } from '../sources/files/read-csv.js'

/** What people decided about the bad rows of a source. */
export interface Corrections {
  /** Equal decisions, equal digest: part of a snapshot's fingerprint. */
  readonly digest: string
  /** The record that stands for a bad row, by the row's raw text. */
  of(rawText: string): string | undefined
}

/** Text of all decisions of a source, which are held while it is read. */
const MAX_CORRECTION_BYTES = 32 * 1024 * 1024

/**
 * The decisions of a source that stand now.
 * @returns undefined when there are none
 * @throws WardbookError 'correction-broken', 'corrections-too-large' (fix-config)
 */
export async function readCorrections(
  store: ObjectStore,
  dataset: string,
  source: string,
): Promise<Corrections | undefined> {
  const newest = await newestDecisions(store, dataset, source)
  if (newest.size === 0) return undefined
  const texts = new Map<string, string>()
  let bytes = 0
  for (const [id, { key }] of [...newest].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { correctedText } = await readDecision(store, key)
    bytes += Buffer.byteLength(correctedText)
    if (bytes > MAX_CORRECTION_BYTES) throw tooLarge(dataset, source, newest.size)
    texts.set(id, correctedText)
  }
  return { digest: digestOf([...texts]), of: (rawText) => texts.get(sha256Hex(rawText)) }
}

/** The decisions that stand, by the digest of the raw text: of several about one text the last. */
export async function newestDecisions(
  store: ObjectStore,
  dataset: string,
  source: string,
): Promise<ReadonlyMap<string, { readonly key: string; readonly revision: number }>> {
  const newest = new Map<string, { readonly key: string; readonly revision: number }>()
  for await (const { key } of store.list(decisionsPrefix(dataset, source))) {
    const named = parseDecisionKey(key)
    if (named === undefined || named.revision < (newest.get(named.id)?.revision ?? 0)) continue
    newest.set(named.id, { key, revision: named.revision })
  }
  return newest
}

/** One decision. @throws WardbookError 'correction-broken' (fix-config) when the object is none */
export async function readDecision(store: ObjectStore, key: string): Promise<QuarantineDecision> {
  const bytes = await store.get(key)
  try {
    return QuarantineDecision.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (cause) {
    const message = `${key} is no decision about a row in quarantine: remove it and give the correction again`
    throw new WardbookError('correction-broken', 'fix-config', message, { key }, { cause })
  }
}

function tooLarge(dataset: string, source: string, decisions: number): WardbookError {
  const message =
    `the ${decisions} corrections of ${dataset}/${source} have more than ${MAX_CORRECTION_BYTES} bytes of text: ` +
    'so many broken rows are to be corrected by the publisher'
  return new WardbookError('corrections-too-large', 'fix-config', message, { dataset, source, decisions })
}

/** Who takes a corrected row as the good one that it is; see `CsvListener.onGood`. */
interface RowTaker {
  take(buffer: Buffer, start: number, end: number, isRegular: boolean, ranges: Int32Array): void
}

/** Puts corrected records in the place of the bad rows of one page, and counts them as good. */
export class PageCorrector {
  private header: readonly string[] = []
  private corrected = 0

  /** @param wanted header names of the columns whose cells tell the division */
  constructor(
    private readonly delimiter: string,
    private readonly wanted: readonly string[],
    private readonly corrections: Corrections['of'] = () => undefined,
  ) {}

  begin(header: readonly string[]): void {
    this.header = header
  }

  /** @returns undefined when a correction took the row's place, else the row as it goes to quarantine */
  take(row: BadRow, taker: RowTaker): BadRow | undefined {
    const text = this.corrections(row.rawText)
    if (text === undefined) return row
    const bytes = Buffer.from(text.replace(/\r?\n$/, ''))
    const record = findRecord(bytes, 0, this.shape(), true)
    const fault = faultOf(record, bytes.length, this.header.length)
    if (record === undefined || fault !== undefined)
      return { ...row, detail: `${row.detail}; its correction is no good row either: ${fault}` }
    const columns = this.positions()
    const ranges = new Int32Array(2 * columns.length)
    findRanges(bytes, record.start, record.end, this.delimiter.charCodeAt(0), columns, ranges)
    taker.take(bytes, record.start, record.end, record.regular, ranges)
    this.corrected += 1
    return undefined
  }

  /** The page's counts after corrections: rows in stay the same. */
  counted(summary: CsvSummary): CsvSummary {
    const { corrected } = this
    return {
      ...summary,
      goodRows: summary.goodRows + corrected,
      badRows: summary.badRows - corrected,
    }
  }

  private shape() {
    const [only] = this.positions()
    return {
      delimiter: this.delimiter.charCodeAt(0),
      columns: this.header.length,
      partitionColumn: this.wanted.length === 1 ? only : undefined,
    }
  }

  private positions(): number[] {
    return this.wanted.map((name) => this.header.findIndex((cell) => sameColumn(cell, name)))
  }
}

function faultOf(record: FoundRecord | undefined, length: number, columns: number): string | undefined {
  if (length > MAX_RECORD_BYTES) return `it has ${length} bytes, a row has at most ${MAX_RECORD_BYTES}`
  if (length === 0 || record === undefined) return 'it is empty'
  if (record.fault !== undefined)
    return `${record.fault} (${record.columns} columns, the header has ${columns})`
  return record.next === length ? undefined : 'it is more than one row'
}
