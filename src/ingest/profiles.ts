import type { ParquetForm } from '../lake/duckdb/sql.js'

/** How much of a machine the write of a snapshot may take, and what it gives for it. */
export interface IngestProfile {
  /** Pieces of work at one time, each with one engine of one thread. */
  readonly lanes: number
  /** Whether rows are sorted out in a thread of their own while the next bytes arrive. */
  readonly splitsInThread: boolean
  readonly parquet: ParquetForm
  /** Rows that are laid out for the engine at a time: more cost memory, fewer cost time. A multiple of 2,048. */
  readonly groupRows: number
  /** Bytes of text after which an engine is closed: a fresh one takes 25 ms and gives all pages back, an old one holds memory in pieces (docs/adr/0007). */
  readonly engineBytes: number
}

const MIB = 1024 * 1024

/** For small functions: one thing at a time; more work on each byte, for the files are what stays. */
export const BOUNDED: IngestProfile = {
  lanes: 1,
  splitsInThread: false,
  parquet: { compressionLevel: 6, encodings: 'newer' },
  groupRows: 4_096,
  engineBytes: 16 * MIB,
}

/** For machines with cores to spare: two things at a time, the quickest compression. */
export const FAST: IngestProfile = {
  lanes: 2,
  splitsInThread: true,
  parquet: { compressionLevel: 1, encodings: 'newer', dictionaryValues: 512 },
  groupRows: 8_192,
  engineBytes: 128 * MIB,
}

/** The profiles by name. */
export const INGEST_PROFILES = { bounded: BOUNDED, fast: FAST } as const
