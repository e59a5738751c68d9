import type { ParquetForm } from '../lake/duckdb/sql.js'

/** How much of a machine the write of a snapshot may take, and what it gives for it. */
export interface IngestProfile {
  /** Worker processes at one time, each with one engine of one thread. */
  readonly workers: number
  /** Whether rows are sorted out in a thread of their own while the next bytes arrive. */
  readonly splitsInThread: boolean
  /** The engine's serial CSV reader takes a quarter less time and 50 MiB more than its parallel one, even on one thread. */
  readonly csvReader: 'parallel' | 'serial'
  readonly parquet: ParquetForm
}

/** For small functions: one worker; more work on each byte, for the files are what stays. */
export const BOUNDED: IngestProfile = {
  workers: 1,
  splitsInThread: false,
  csvReader: 'parallel',
  parquet: { compressionLevel: 6, encodings: 'newer' },
}

/** For machines with cores to spare: two workers, the quickest compression. */
export const FAST: IngestProfile = {
  workers: 2,
  splitsInThread: true,
  csvReader: 'serial',
  parquet: { compressionLevel: 1, encodings: 'common' },
}

/** The profiles by name. */
export const INGEST_PROFILES = { bounded: BOUNDED, fast: FAST } as const
