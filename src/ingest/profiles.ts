import type { ParquetForm } from '../lake/duckdb/sql.js'

/** How much of a machine the write of a snapshot may take, and what it gives for it. */
export interface IngestProfile {
  /** Pieces of work at one time, each with one engine of one thread. */
  readonly lanes: number
  /** Whether rows are sorted out in a thread of their own while the next bytes arrive. */
  readonly splitsInThread: boolean
  readonly parquet: ParquetForm
}

/** For small functions: one thing at a time; more work on each byte, for the files are what stays. */
export const BOUNDED: IngestProfile = {
  lanes: 1,
  splitsInThread: false,
  parquet: { compressionLevel: 6, encodings: 'newer' },
}

/** For machines with cores to spare: two things at a time, the quickest compression. */
export const FAST: IngestProfile = {
  lanes: 2,
  splitsInThread: true,
  parquet: { compressionLevel: 1, encodings: 'common' },
}

/** The profiles by name. */
export const INGEST_PROFILES = { bounded: BOUNDED, fast: FAST } as const
