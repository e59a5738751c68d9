import { z } from 'zod'
import { isTimeZone } from '../kernel/time.js'
import { SERVICE_REQUEST_FIELDS } from './columns.js'

/** Names become folders, addresses and ids: lower-case letters, digits and single hyphens. */
const Slug = z
  .string()
  .max(60)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'use lower-case letters, digits and single hyphens')

/** A partition column is a folder name and a column name in every engine. */
const PartitionColumn = z
  .string()
  .max(60)
  .regex(/^[a-z][a-z0-9_]*$/, 'use a lower-case letter, then letters, digits and underscores')

const TimeZone = z
  .string()
  .refine(isTimeZone, { error: (issue) => `'${issue.input}' is not an IANA time zone` })

const Partition = z.strictObject({
  column: PartitionColumn.default('council_district').describe(
    'Names the folder and the column of the split, in every table of this dataset.',
  ),
  from: z
    .string()
    .optional()
    .describe("The publisher's column that holds the division; default: the name in `column`."),
  values: z
    .record(z.string(), z.string().min(1).max(64))
    .default({})
    .describe(
      "The publisher's spelling to the division's value, e.g. '5.0': '5' or '0': unassigned. " +
        'A spelling that is not listed stays as it is; a blank is unassigned.',
    ),
})

const TextField = z.union([z.string(), z.array(z.string()).min(1)], {
  error: "name the publisher's column, or list candidates in order",
})

const TimeField = z.strictObject({
  from: TextField.describe("The publisher's column, or candidates in order."),
  formats: z
    .array(z.string())
    .min(1)
    .describe("strptime forms tried in order, e.g. '%Y-%m-%d %H:%M:%S' or '%m/%d/%Y %I:%M:%S %p'."),
  timeZone: TimeZone.optional().describe("Zone of the publisher's clock; default: the city's."),
})

type FieldName = (typeof SERVICE_REQUEST_FIELDS)[number]['name']

const mappingShape = Object.fromEntries(
  SERVICE_REQUEST_FIELDS.map((field) => [
    field.name,
    field.type === 'timestamp' ? TimeField.optional() : TextField.optional(),
  ]),
) as { [Name in FieldName]: z.ZodOptional<typeof TextField | typeof TimeField> }

const Mapping = z
  .strictObject(mappingShape)
  .refine((mapping) => mapping.service_name !== undefined && mapping.requested_at !== undefined, {
    error: 'a mapping needs at least service_name and requested_at',
  })

const Quarantine = z.strictObject({
  policy: z
    .enum(['quarantine', 'fail'])
    .default('quarantine')
    .describe(
      'quarantine: bad rows are kept apart and the good ones go on; fail: one bad row stops the read.',
    ),
  maxRate: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe(
      'Largest share of bad rows in one source, 0 to 1; above it nothing is committed. 100 rows are always free.',
    ),
})

const FilesSource = z.strictObject({
  family: z.literal('files'),
  urls: z
    .array(z.url({ protocol: /^https?$/ }))
    .default([])
    .describe('Files of this source, in this order; plain CSV or gzip.'),
  mirror: z
    .array(z.string())
    .default([])
    .describe('Glob patterns below the folder given by --mirror, which then replace `urls`.'),
  delimiter: z
    .string()
    .regex(/^[\t -!#-~]$/, 'use one ASCII character, not a quote')
    .default(',')
    .describe('Field separator, one character.'),
})

const HiveSource = z
  .strictObject({
    family: z.literal('hive'),
    from: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Folder, or s3://bucket/path, of hive-partitioned Parquet, which is only read. ' +
          "Default: the files lie in this lake already, below the raw table's own folder.",
      ),
    column: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Key of the folders that hold the division, e.g. 'ward' of ward=7/; default: partition.from.",
      ),
    mode: z
      .enum(['copy', 'register'])
      .optional()
      .describe(
        'copy: rows become raw rows, all text, in parts within the budget; register: files stay as they are and the table ' +
          'names them, only inside the lake. Default: register where `from` is absent and the types allow it, else copy.',
      ),
  })
  .refine(({ from, mode }) => from === undefined || mode !== 'register', {
    path: ['mode'],
    error: 'only files inside the lake can be registered: leave out `from`, or use copy',
  })

const Source = z.discriminatedUnion('family', [FilesSource, HiveSource], {
  error: 'name a family: files or hive',
})

const Dataset = z.strictObject({
  name: z.string().min(1),
  kind: z.literal('service-requests'),
  license: z.strictObject({ name: z.string().min(1), url: z.url().optional() }).optional(),
  attribution: z.string().optional(),
  partition: Partition.prefault({}),
  key: z
    .string()
    .optional()
    .describe("The publisher's column that identifies a row; without it the row's whole text does."),
  quarantine: Quarantine.prefault({}),
  sources: z.record(Slug, Source).refine((sources) => Object.keys(sources).length > 0, {
    error: 'a dataset needs at least one source',
  }),
  mapping: Mapping,
})

const Detect = z.strictObject({
  alpha: z
    .number()
    .positive()
    .max(0.25)
    .default(0.01)
    .describe('Chance that a normal week falls above the upper limit.'),
  falseDiscoveryRate: z
    .number()
    .positive()
    .max(0.5)
    .default(0.1)
    .describe('Largest q-value of a week that counts as outside its range (Benjamini-Hochberg).'),
  minExcess: z
    .number()
    .min(0)
    .default(5)
    .describe('Smallest excess over the expected count, in rows a week.'),
  minRatio: z.number().min(1).default(1.3).describe('Smallest observed / expected.'),
})

const Parts = z.strictObject({
  maxRows: z
    .int()
    .positive()
    .default(1_000_000)
    .describe('Largest part, in rows; a larger division is split by key-hash.'),
  maxUncompressedBytes: z
    .int()
    .positive()
    .default(256 * 1024 * 1024)
    .describe('Largest part, in bytes of text; a larger division is split by key-hash.'),
})

/** The one file that describes a city: what it is, its divisions, its datasets and where they are published. */
export const CityFile = z.strictObject({
  city: z.strictObject({
    slug: Slug,
    name: z.string().min(1),
    id: z
      .string()
      .startsWith('ocd-division/')
      .optional()
      .describe('Open Civic Data id, looked up, never built.'),
    timeZone: TimeZone,
    locale: z.string().default('en-US'),
    simulated: z.boolean().default(false).describe('True for a made-up city; every page says so.'),
  }),
  divisions: z
    .strictObject({
      label: z.string().min(1).default('District').describe("Said before a division's value: 'District 7'."),
      members: z
        .record(
          z.string(),
          z.strictObject({
            id: z.string().startsWith('ocd-division/').optional(),
            name: z.string().optional(),
          }),
        )
        .default({})
        .describe('The divisions of today by partition value. Data may hold others, e.g. abolished ones.'),
    })
    .prefault({}),
  datasets: z.record(Slug, Dataset).refine((datasets) => Object.keys(datasets).length > 0, {
    error: 'a city needs at least one dataset',
  }),
  parts: Parts.prefault({}),
  detect: Detect.prefault({}),
})

export type CityFile = z.infer<typeof CityFile>
export type DatasetConfig = CityFile['datasets'][string]
export type FilesSourceConfig = z.infer<typeof FilesSource>
export type HiveSourceConfig = z.infer<typeof HiveSource>
export type SourceConfig = z.infer<typeof Source>
export type PartsConfig = CityFile['parts']
export type DetectConfig = CityFile['detect']
export type MappingConfig = DatasetConfig['mapping']
export type TimeFieldConfig = z.infer<typeof TimeField>
