import type { PartsConfig } from '../contracts/city-file.js'
import type { NewFile } from '../lake/delta/table.js'

/** One page as the engine is to read it. */
export interface PageInput {
  readonly page: number
  readonly url: string
  /** Object in the spool, or a rewritten copy in scratch. */
  readonly input: { readonly object: string } | { readonly file: string }
  readonly gzip: boolean
  readonly delimiter: string
  /** True where an empty cell without quotes is a null, and one with quotes an empty text. */
  readonly hasNulls: boolean
  /** Table column of each of the page's columns, in the page's order. */
  readonly columns: readonly string[]
  /** Good rows that the scan counted: the engine must find as many. */
  readonly rows: number
  /** Lines of JSON with the page's bad rows, in scratch. */
  readonly badRows: string | undefined
}

/** Pages in, parts out: one pass over all pages of a snapshot, split by the partition key. */
export interface WriteJob {
  readonly table: string
  readonly quarantineTable: string
  readonly snapshot: number
  readonly columns: readonly string[]
  readonly pages: readonly PageInput[]
  readonly partitionColumn: string
  /** Table column that holds the published division. */
  readonly partitionFrom: string
  readonly partitionValues: Readonly<Record<string, string>>
  /** Table column that identifies a row, or undefined. */
  readonly key: string | undefined
  readonly budget: PartsConfig
  /** The table's live files: a part whose rows are there already is not stored again. */
  readonly live: readonly LivePart[]
}

/** A live file: its division, its SHA-256, and the digest of its rows in any order. */
export interface LivePart {
  readonly division: string
  readonly sha256: string
  readonly content: string
}

/** What a write made. `kept` are live files that stay because their rows came again. */
export interface WriteResult {
  readonly rows: number
  readonly parts: readonly NewFile[]
  readonly kept: readonly { readonly division: string; readonly sha256: string }[]
  readonly quarantined: readonly NewFile[]
}
