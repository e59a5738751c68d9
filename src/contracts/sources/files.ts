import { z } from 'zod'
import { SourceCommon, YearPattern } from './common.js'

/** Plain files over HTTP, or from a mirror folder. */
export const FilesSource = z.strictObject({
  family: z.literal('files'),
  ...SourceCommon,
  urls: z
    .array(z.url({ protocol: /^https?$/ }))
    .default([])
    .describe(
      'Files of this source, in this order: CSV, JSON, NDJSON, GeoJSON, Parquet, xlsx, plain or as gzip or zip.',
    ),
  find: YearPattern.optional().describe(
    'One file a year: `name` is a URL with {year}; years are looked for one by one and added behind `urls`.',
  ),
  delimiter: z
    .string()
    .regex(/^[\t -!#-~]$/, 'use one ASCII character, not a quote')
    .optional()
    .describe('Field separator of CSV, one character; default: found from the header line.'),
  encoding: z
    .enum(['utf-8', 'windows-1252', 'utf-16le'])
    .optional()
    .describe('Encoding of text; default: UTF-8, or Windows-1252 for a file that is no UTF-8.'),
  headerRows: z.int().min(1).max(10).default(1).describe('Header rows above the data; names are joined.'),
  sheet: z
    .union([z.string(), z.int().positive()])
    .optional()
    .describe('Sheet of a workbook; default the first.'),
  member: z.string().optional().describe('Member of an archive, a glob pattern; default: its only table.'),
})
export type FilesSourceConfig = z.infer<typeof FilesSource>
