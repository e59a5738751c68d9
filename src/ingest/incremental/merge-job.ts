import type { DivisionRuns } from '../split-pages.js'
import type { JobLayout } from '../write-job.js'

/** The task of the part worker. */
export const MERGE_TASK = 'ingest.merge'

/** A live part of the raw table. */
export interface MergedPart {
  readonly division: string
  /** Object of the Parquet file. */
  readonly object: string
}

/** Rows that came again, to be laid over a table by their key. */
export interface MergeJob {
  /** The publisher's columns of the table. */
  readonly columns: readonly string[]
  /** Table column of the key. */
  readonly key: string
  /** How the rows that came lie in their runs, and these by division. */
  readonly layouts: readonly JobLayout[]
  readonly divisions: readonly DivisionRuns[]
  /** All live parts. */
  readonly live: readonly MergedPart[]
  /** Rows of the table from this page on are of the offer that came; others stay as they are. */
  readonly offerPage: number
  /** Rows that the portal counts in the whole offer. */
  readonly expectedRows: number
  /** Local CSV file with the key of every row of the offer, header `key`; undefined where nobody asked for them. */
  readonly keys: string | undefined
  /** Local folder for the new runs. */
  readonly folder: string
}

/** Rows of a page. */
export interface PageRows {
  readonly page: number
  readonly rows: number
}

/** A merge that is certain: the divisions that it touches, with all their rows. */
export interface Merged {
  readonly outcome: 'merged'
  /** Ascending by division; one without runs has no row left. */
  readonly divisions: readonly DivisionRuns[]
  /** How the new runs lie: the only layout. */
  readonly layout: JobLayout
  readonly same: number
  readonly replaced: number
  readonly added: number
  readonly removed: number
  /** Rows that went from the table, and rows that came into it, by their pages. */
  readonly left: readonly PageRows[]
  readonly came: readonly PageRows[]
}

/**
 * What a merge comes to. `count-differs`: rows were deleted, or are missing; the keys of all rows tell which. `unsure`: the rows cannot be
 * laid over the table so that every one is right, and the offer is to be read whole.
 */
export type MergeResult =
  | Merged
  | { readonly outcome: 'count-differs'; readonly rows: number }
  | { readonly outcome: 'unsure'; readonly why: string }
