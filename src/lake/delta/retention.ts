const DAY_MS = 24 * 3_600_000

/**
 * The shortest time for which vacuum and log clean-up leave things as they are. Whatever rests on "this cannot be gone yet"
 * (a long-lived reader, a writer that uses an object again) counts on half of it at most.
 */
export const LEAST_RETENTION_MS = DAY_MS

/** How long replaced files and the log below a checkpoint stay by default; as long as a checkpoint tells of removed files. */
export const RETENTION_MS = 7 * DAY_MS
