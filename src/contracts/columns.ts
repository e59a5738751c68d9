/** Column types of our tables: the subset of Delta types that every engine reads. */
export type ColumnType = 'string' | 'long' | 'integer' | 'double' | 'boolean' | 'date' | 'timestamp'

/** One column of a table; `metadata` travels in the table's schema and is for people and later stages. */
export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly metadata?: Readonly<Record<string, string>>
}

/** Partition value of a row that should have a division and has none. */
export const UNASSIGNED = 'unassigned'
/** Partition value of a row that never has a division. */
export const CITYWIDE = 'citywide'

/** 63-bit hash of a row's published text, stable across engine versions (docs/adr/0002). */
export const ROW_HASH = '_row_hash'
/** Number of the source's page (for files: of the file) that a row came from, from 0. */
export const SOURCE_PAGE = '_source_page'

/** The columns that ingestion adds to the publisher's own. */
export const RAW_COLUMNS: readonly Column[] = [
  { name: ROW_HASH, type: 'long' },
  { name: SOURCE_PAGE, type: 'integer' },
]

/** Rows that could not be read (ingest) or typed (harmonize), kept whole. */
export const QUARANTINE_COLUMNS: readonly Column[] = [
  { name: 'reason', type: 'string' },
  { name: 'detail', type: 'string' },
  { name: 'source_file', type: 'string' },
  { name: 'source_page', type: 'integer' },
  { name: 'line', type: 'long' },
  { name: 'byte_offset', type: 'long' },
  { name: 'row_hash', type: 'long' },
  { name: 'raw_text', type: 'string' },
]

/** In a mapping's `formats`: whole milliseconds since 1970 in UTC, as ArcGIS has its dates; 0 stands for none. */
export const EPOCH_MS = 'epoch-ms'

/** Daily counts of one division by category; sums of rows with the same key are again a valid series. */
export const SERIES_COLUMNS: readonly Column[] = [
  { name: 'metric', type: 'string' },
  { name: 'category', type: 'string' },
  { name: 'day', type: 'date' },
  { name: '_source', type: 'string' },
  { name: SOURCE_PAGE, type: 'integer' },
  { name: 'count', type: 'long' },
]

/** One row a series and tested week: every p-value, also of weeks inside their range. */
export const TEST_COLUMNS: readonly Column[] = [
  { name: 'metric', type: 'string' },
  { name: 'category', type: 'string' },
  { name: 'week_on', type: 'date' },
  { name: 'observed', type: 'long' },
  { name: 'expected', type: 'double' },
  { name: 'lower', type: 'double' },
  { name: 'upper', type: 'double' },
  { name: 'dispersion', type: 'double' },
  { name: 'baseline_weeks', type: 'integer' },
  { name: 'p_value', type: 'double' },
  { name: 'q_value', type: 'double' },
  { name: 'outside', type: 'boolean' },
  { name: 'untested_because', type: 'string' },
]

/** What a stage hands to the ledger: `body` is the JSON of a {@link Proposal}. */
export const OUTBOX_COLUMNS: readonly Column[] = [
  { name: 'kind', type: 'string' },
  { name: 'id', type: 'string' },
  { name: 'division', type: 'string' },
  { name: 'body', type: 'string' },
]

/** One row a page that a committed snapshot was read from. */
export const INGEST_RUN_COLUMNS: readonly Column[] = [
  { name: 'source', type: 'string' },
  { name: 'snapshot', type: 'long' },
  { name: 'verdict', type: 'string' },
  { name: 'page', type: 'integer' },
  { name: 'url', type: 'string' },
  { name: 'sha256', type: 'string' },
  { name: 'bytes', type: 'long' },
  { name: 'rows_in', type: 'long' },
  { name: 'rows_quarantined', type: 'long' },
  { name: 'published_at', type: 'timestamp' },
  { name: 'read_at', type: 'timestamp' },
]

/** One row a division that harmonize finished: what came in, what went where. */
export const HARMONIZE_RUN_COLUMNS: readonly Column[] = [
  { name: 'source', type: 'string' },
  { name: 'snapshot', type: 'long' },
  { name: 'division', type: 'string' },
  { name: 'rows_in', type: 'long' },
  { name: 'rows_out', type: 'long' },
  { name: 'rows_quarantined', type: 'long' },
  { name: 'rows_duplicate', type: 'long' },
  { name: 'untyped_cells', type: 'string' },
]

/** The read view of the ledger: one row an event. */
export const FINDINGS_COLUMNS: readonly Column[] = [
  { name: 'index', type: 'long' },
  { name: 'event_id', type: 'string' },
  { name: 'type', type: 'string' },
  { name: 'finding', type: 'string' },
  { name: 'state', type: 'string' },
  { name: 'dataset', type: 'string' },
  { name: 'category', type: 'string' },
  { name: 'metric', type: 'string' },
  { name: 'direction', type: 'string' },
  { name: 'window_from', type: 'date' },
  { name: 'window_to', type: 'date' },
  { name: 'effect_ratio', type: 'double' },
  { name: 'q_value', type: 'double' },
  { name: 'severity', type: 'string' },
  { name: 'supersedes', type: 'string' },
  { name: 'time', type: 'timestamp' },
  { name: 'knownat', type: 'timestamp' },
  { name: 'recordedtime', type: 'timestamp' },
  { name: 'event', type: 'string' },
]
