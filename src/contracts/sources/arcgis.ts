import { z } from 'zod'
import { ChangeSettings, PortalUrl, SourceCommon, tokenVariable, YearPattern } from './common.js'

/** Layers of an ArcGIS feature or map service. */
export const ArcgisSource = z.strictObject({
  family: z.literal('arcgis'),
  ...SourceCommon,
  ...ChangeSettings,
  service: PortalUrl.describe('Address of the service, up to FeatureServer or MapServer.'),
  layers: z
    .array(z.union([z.int().nonnegative(), z.string().min(1)]))
    .default([])
    .describe('Layers by name (numbers change over the years) or number, in reading order.'),
  find: YearPattern.optional().describe('Finds the layers of the years by name, behind `layers`.'),
  where: z.string().default('1=1').describe('SQL condition on the rows; default: all.'),
  domains: z
    .enum(['labels', 'codes', 'both'])
    .default('both')
    .describe('Coded values: `both` adds a column `<name>_label` beside the code.'),
  geometry: z
    .union([z.boolean(), z.literal('columns')])
    .default(true)
    .describe(
      'Whether points and shapes are read, in WGS 84, as JSON text; `columns` adds geometry_longitude and geometry_latitude of points.',
    ),
  pageRows: z
    .int()
    .min(1)
    .max(32_000)
    .optional()
    .describe("Rows a page; default and upper bound: the layer's own."),
  tokenFrom: tokenVariable('ARCGIS_TOKEN'),
})
export type ArcgisSourceConfig = z.infer<typeof ArcgisSource>
