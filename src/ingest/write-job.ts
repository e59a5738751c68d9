import type { PartsConfig } from '../contracts/city-file.js'
import type { NewFile } from '../lake/delta/table.js'
import type { PlannedPart } from './plan-parts.js'
import type { DivisionRuns } from './split-pages.js'

/** A layout as workers need it: the table's column for each cell, in the order of the page. */
export interface JobLayout {
  readonly columns: readonly string[]
  readonly delimiter: string
  readonly emptyIsNull: boolean
}

/** Divisions that are too large for one part, to be divided by the hash of their key. */
export interface DivideJob {
  readonly table: string
  readonly divisions: readonly DivisionRuns[]
  readonly layouts: readonly JobLayout[]
  /** Table column that identifies a row, or undefined: the whole row does then. */
  readonly key: string | undefined
  readonly budget: PartsConfig
  /** Local folder for the new runs; the old ones are removed. */
  readonly folder: string
}

/** Parts to be written, in this order. */
export interface WriteJob {
  readonly table: string
  readonly snapshot: number
  /** The publisher's columns of the table. */
  readonly columns: readonly string[]
  readonly partitionColumn: string
  readonly layouts: readonly JobLayout[]
  readonly parts: readonly PlannedPart[]
  /** Of zstd. */
  readonly compressionLevel: number
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
}

/** Bad rows to be kept as one part of the quarantine table. */
export interface QuarantineJob {
  readonly table: string
  readonly snapshot: number
  readonly partitionColumn: string
  /** Local file with a bad row a line, as JSON. */
  readonly badRows: string
}
