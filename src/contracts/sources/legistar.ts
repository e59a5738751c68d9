import { z } from 'zod'
import { ChangeSettings, PortalUrl, SourceCommon, tokenVariable } from './common.js'

/** One kind of record of a council's Legistar web API. */
export const LegistarSource = z.strictObject({
  family: z.literal('legistar'),
  ...SourceCommon,
  ...ChangeSettings,
  api: PortalUrl.prefault('https://webapi.legistar.com/v1').describe('Address of the API.'),
  client: z
    .string()
    .regex(/^[a-z0-9-]+$/)
    .describe("The council's name in the API, e.g. seattle."),
  records: z
    .enum([
      'bodies',
      'persons',
      'officerecords',
      'events',
      'eventitems',
      'votes',
      'matters',
      'histories',
      'sponsors',
    ])
    .describe(
      'Which records; eventitems, votes, histories and sponsors are read below their event, item or matter.',
    ),
  since: z.iso.date().optional().describe('First day of events and of matters introduced; default: all.'),
  pageRows: z
    .int()
    .min(1)
    .max(1_000)
    .default(1_000)
    .describe('Rows a page; 1,000 is the most the API gives.'),
  tokenFrom: tokenVariable('LEGISTAR_TOKEN'),
})
export type LegistarSourceConfig = z.infer<typeof LegistarSource>
