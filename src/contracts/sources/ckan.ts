import { z } from 'zod'
import { PortalUrl, SourceCommon, tokenVariable, YearPattern } from './common.js'

/** Resources of a CKAN portal. */
export const CkanSource = z.strictObject({
  family: z.literal('ckan'),
  ...SourceCommon,
  portal: PortalUrl.describe("The portal's address, e.g. https://data.example.gov"),
  resources: z.array(z.string().min(1)).default([]).describe('Ids of the resources, in reading order.'),
  package: z.string().optional().describe('Id or name of the dataset in which `find` looks for resources.'),
  find: YearPattern.optional().describe(
    'Finds the resources of the years by name in `package`, behind `resources`.',
  ),
  read: z
    .enum(['auto', 'dump', 'pages', 'file'])
    .default('auto')
    .describe(
      'dump: the datastore as one CSV. pages: the datastore in ordered pages. file: the file itself. ' +
        'auto: dump where the datastore is active, else the file.',
    ),
  pageRows: z.int().min(1).max(32_000).default(16_000).describe('Rows a page with read: pages.'),
  tokenFrom: tokenVariable('CKAN_API_TOKEN'),
})
export type CkanSourceConfig = z.infer<typeof CkanSource>
