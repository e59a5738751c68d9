import { z } from 'zod'
import { PortalUrl, SourceCommon, tokenVariable, YearPattern } from './common.js'

/** Datasets of an OpenDataSoft (Huwise) portal. */
export const OpendatasoftSource = z.strictObject({
  family: z.literal('opendatasoft'),
  ...SourceCommon,
  portal: PortalUrl.describe("The portal's address, e.g. https://data.example.org"),
  datasets: z.array(z.string().min(1)).default([]).describe('Ids of the datasets, in reading order.'),
  find: YearPattern.optional().describe('Finds the datasets of the years by id or title in the catalog.'),
  read: z
    .enum(['csv', 'parquet'])
    .default('csv')
    .describe('Form of the export; where the portal has no Parquet, CSV is read.'),
  timeZone: z.string().default('UTC').describe('Zone in which the portal writes instants.'),
  tokenFrom: tokenVariable('ODS_API_KEY'),
})
export type OpendatasoftSourceConfig = z.infer<typeof OpendatasoftSource>
