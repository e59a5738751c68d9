import { z } from 'zod'

/** Pairs of divisions that {@link PointCounts} lists at most. */
export const MAX_LISTED_PAIRS = 20

/**
 * How the rows of a publication were assigned by their points. Every row is one of inside, outside, blank, zero and unreadable; all but the
 * first are unassigned.
 */
export const PointCounts = z.strictObject({
  /** Id of the boundary version, and SHA-256 of its file. */
  boundary: z.string(),
  sha256: z.string(),
  inside: z.int(),
  /** Rows with a point in no division. */
  outside: z.int(),
  blank: z.int(),
  /** Rows with 0, 0 for a point. */
  zero: z.int(),
  /** Rows whose text is no point in degrees. */
  unreadable: z.int(),
  /** Rows inside that the publisher's own column gives a division too; absent where no column is named. */
  compared: z.int().optional(),
  /** Of the compared, rows for which column and point say different divisions. */
  differing: z.int().optional(),
  /** The most frequent differences: `from` in the column, `to` by the point. */
  pairs: z.array(z.strictObject({ from: z.string(), to: z.string(), rows: z.int() })).optional(),
})
export type PointCounts = z.infer<typeof PointCounts>
