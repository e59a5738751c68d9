import { z } from 'zod'
import { ChangeSettings, PortalUrl, SourceCommon, tokenVariable, YearPattern } from './common.js'

/** Tables of a Socrata (Tyler Data & Insights) portal. */
export const SocrataSource = z.strictObject({
  family: z.literal('socrata'),
  ...SourceCommon,
  ...ChangeSettings,
  portal: PortalUrl.describe("The portal's address, e.g. https://data.example.gov"),
  datasets: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9]{4}-[a-z0-9]{4}$/, 'a Socrata id is four characters, a hyphen, four characters'),
    )
    .default([])
    .describe('Ids (4x4) of the tables, in reading order; several where there is one a year.'),
  find: YearPattern.optional().describe('Finds the tables of the years in the catalog, behind `datasets`.'),
  read: z
    .enum(['export', 'pages'])
    .default('export')
    .describe(
      'export: one CSV of the whole table (fastest; pages where the portal still runs the old backend). ' +
        'pages: ordered pages of JSON, slower; a read that breaks goes on with its last page.',
    ),
  api: z
    .enum(['auto', 'soda2', 'soda3'])
    .default('auto')
    .describe(
      'auto: SODA 2, and SODA 3 where the portal refuses SODA 2. They write some values differently, so a source should stay with one.',
    ),
  pageRows: z
    .int()
    .min(1)
    .max(50_000)
    .default(25_000)
    .describe('Rows a page with read: pages. More: fewer requests, more that is read twice after a break.'),
  tokenFrom: tokenVariable('SOCRATA_APP_TOKEN'),
})
export type SocrataSourceConfig = z.infer<typeof SocrataSource>
