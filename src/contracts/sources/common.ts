import { z } from 'zod'

/** Settings that every source has, of whatever family. */
export const SourceCommon = {
  mirror: z
    .array(z.string())
    .default([])
    .describe(
      'Glob patterns of files below the folder given by --mirror, which then replace the portal: recordings, or a download by hand.',
    ),
  drops: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Published columns that never enter: contact fields, free text with personal data. They are cut off in the stream, before ' +
        'spool, quarantine and record; the digest of the file is taken before that.',
    ),
  countTolerance: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe(
      "Largest share by which the rows received may differ from the portal's own count, 0 to 0.5; 0: none. Raise it only for a portal " +
        'whose count is known to be wrong: a read that broke off looks the same.',
    ),
}

/** Settings of families whose portals can tell when a row was last changed. */
export const ChangeSettings = {
  incremental: z
    .boolean()
    .optional()
    .describe(
      'Whether reads after the first ask only for rows that changed, where the portal dates them: true needs a `key` of the dataset, and a ' +
        'partition by column. Anything that does not add up is read in full. Default: true where there is such a key. false: every read is full.',
    ),
  fullEvery: z
    .int()
    .min(1)
    .max(1_000)
    .default(7)
    .describe(
      'Every so many reads is a full one; 1: every one. More: fewer bytes, and an edit that the portal dated wrongly is seen later.',
    ),
}

/** Finds one table a year by its name in the portal's own catalog. */
export const YearPattern = z.strictObject({
  name: z
    .string()
    .includes('{year}')
    .describe(
      "Name as the portal lists it, with {year} for four digits, e.g. '311 Service Requests {year}'. Case does not matter.",
    ),
  from: z.int().min(1900).max(2100).describe('First year that has to be there.'),
  through: z
    .int()
    .min(1900)
    .max(2100)
    .optional()
    .describe(
      'Last year that has to be there; default: this year. A year that the portal lists beyond it is read too.',
    ),
})

/** Name of the environment variable that holds a secret: the secret itself never stands in a city file. */
export function tokenVariable(standard: string) {
  return z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, 'name an environment variable; the token itself has no place in a city file')
    .default(standard)
    .describe('Environment variable that holds the token. Unset: requests go without one.')
}

/** A portal's address: scheme and host, no path. */
export const PortalUrl = z
  .url({ protocol: /^https?$/ })
  .refine((url) => URL.canParse(url) && new URL(url).search === '', { error: 'an address without ?' })
  .transform((url) => url.replace(/\/+$/, ''))
