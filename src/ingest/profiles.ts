/** How much of a machine the write of a snapshot may take, and what it gives for it. */
export interface IngestProfile {
  /** Pieces of work at one time, each in a process of its own. */
  readonly lanes: number
  /** Whether rows are sorted out in a thread of their own while the next bytes arrive. */
  readonly splitsInThread: boolean
  /** Of zstd, for parts: more gives smaller files for more time. */
  readonly compressionLevel: number
}

/** For small functions: one thing at a time; more work on each byte, for the files are what stays. */
export const BOUNDED: IngestProfile = { lanes: 1, splitsInThread: false, compressionLevel: 6 }

/** For machines with cores to spare: two things at a time, the quickest compression. */
export const FAST: IngestProfile = { lanes: 2, splitsInThread: true, compressionLevel: 1 }

/** The profiles by name. */
export const INGEST_PROFILES = { bounded: BOUNDED, fast: FAST } as const
