import { z } from 'zod'
import { isTimeZone } from '../kernel/time.js'
import { changeMistakes } from './check-changes.js'
import { partitionMistakes } from './check-partitions.js'
import { KIND_NAMES, KINDS, type KindName, requiredFields } from './kinds.js'
import { SourceConfig } from './source-config.js'

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
  by: z
    .enum(['column', 'point', 'citywide'])
    .optional()
    .describe(
      'column (default): the division is what `from` says. point: it is the boundary that holds the point of the row, so that years on both ' +
        'sides of a redistricting can be compared; a row without a point, or outside of all boundaries, is unassigned. Where `from` is given too, ' +
        'the share of rows in which both disagree is measured. citywide: no row has a division, as of weather and of council matters; the value of all is citywide.',
    ),
  point: z
    .union([
      z.strictObject({ latitude: z.string().min(1), longitude: z.string().min(1) }),
      z.strictObject({ location: z.string().min(1) }),
    ])
    .optional()
    .describe(
      "The publisher's columns with latitude and longitude in degrees (WGS 84), or one with a point: GeoJSON, WKT, an object, or `(latitude, longitude)`.",
    ),
  boundary: z
    .string()
    .optional()
    .describe(
      'Which of `divisions.boundaries` is used, by id; default: the one that is in force, without `validTo`.',
    ),
})

/** One map of the divisions, as it was in force. */
const BoundaryVersion = z.strictObject({
  id: z.string().min(1).max(60).describe("Name of this map, e.g. the year it came into force: '2023'."),
  file: z.string().min(1).describe('GeoJSON of polygons in degrees (WGS 84), relative to the city file.'),
  property: z.string().min(1).describe("Member of each feature's properties that names the division."),
  values: z
    .record(z.string(), z.string().min(1).max(64))
    .default({})
    .describe("The file's spelling to the division's value, e.g. 'District 7': '7'."),
  validFrom: z.iso.date(),
  validTo: z.iso
    .date()
    .optional()
    .describe('First day on which it was no longer in force; absent: it is in force.'),
  sha256: z
    .string()
    .optional()
    .describe('SHA-256 of the file; filled in when it is read. Where it stands here, the file must have it.'),
})

/** Stands in a block that `wardbook discover` prints for what it could not guess; no city file takes it. */
export const FILL_IN = '???'

const TextField = z
  .union([z.string(), z.array(z.string()).min(1)], {
    error: "name the publisher's column, or list candidates in order",
  })
  .refine((columns) => ![columns].flat().includes(FILL_IN), {
    error: `'${FILL_IN}' is still to be filled in: name the publisher's column`,
  })

const TimeField = z.strictObject(
  {
    from: TextField.describe("The publisher's column, or candidates in order."),
    formats: z
      .array(z.string())
      .min(1)
      .describe(
        "strptime forms tried in order, e.g. '%Y-%m-%d %H:%M:%S' or '%m/%d/%Y %I:%M:%S %p'; epoch-ms: milliseconds since 1970 in UTC, 0 for none.",
      ),
    timeZone: TimeZone.optional().describe("Zone of the publisher's clock; default: the city's."),
  },
  {
    error: ({ code }) =>
      code === 'invalid_type'
        ? "a time is a column with the forms it comes in, e.g. { from: opened_at, formats: ['%Y-%m-%d %H:%M:%S'] }"
        : undefined,
  },
)

const FieldSetting = { text: TextField.optional(), time: TimeField.optional() }

/** The mapping of a kind: each of its fields, and no other. */
function mappingOf(kind: KindName) {
  const shape = Object.fromEntries(
    KINDS[kind].fields.map(({ name, type }) => [
      name,
      type === 'timestamp' ? FieldSetting.time : FieldSetting.text,
    ]),
  ) as Record<string, typeof FieldSetting.text | typeof FieldSetting.time>
  const required = requiredFields(kind)
  return z.strictObject(shape).refine((mapping) => required.every((name) => mapping[name] !== undefined), {
    error: `a mapping needs at least ${required.join(' and ')}`,
  })
}

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

const DatasetName = z.string().min(1)

/** Settings that datasets of all kinds have. */
const datasetSettings = {
  license: z.strictObject({ name: z.string().min(1), url: z.url().optional() }).optional(),
  attribution: z.string().optional(),
  partition: Partition.prefault({}),
  key: z
    .string()
    .optional()
    .describe("The publisher's column that identifies a row; without it the row's whole text does."),
  quarantine: Quarantine.prefault({}),
  sources: z.record(Slug, SourceConfig).refine((sources) => Object.keys(sources).length > 0, {
    error: 'a dataset needs at least one source',
  }),
}

/** A dataset of one kind: kinds differ in their mapping alone. */
function datasetOf(kind: KindName) {
  return z.strictObject({
    name: DatasetName,
    kind: z.literal(kind),
    ...datasetSettings,
    mapping: mappingOf(kind),
  })
}

/** A dataset whose kind is none, without its mapping: so that its other mistakes can be named as well. */
export const DatasetOfNoKind = z.strictObject({
  name: DatasetName,
  kind: z.unknown().optional(),
  ...datasetSettings,
  mapping: z.unknown().optional(),
})

type DatasetOfKind = ReturnType<typeof datasetOf>

const Dataset = z.discriminatedUnion(
  'kind',
  KIND_NAMES.map(datasetOf) as [DatasetOfKind, ...DatasetOfKind[]],
  {
    error: `name a kind: ${KIND_NAMES.slice(0, -1).join(', ')} or ${KIND_NAMES.at(-1)}`,
  },
)

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
export const CityFile = z
  .strictObject({
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
        label: z
          .string()
          .min(1)
          .default('District')
          .describe("Said before a division's value: 'District 7'."),
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
        boundaries: z
          .array(BoundaryVersion)
          .optional()
          .describe('Maps of the divisions: districts are redrawn. Needed where a partition is `by: point`.'),
      })
      .prefault({}),
    datasets: z.record(Slug, Dataset).refine((datasets) => Object.keys(datasets).length > 0, {
      error: 'a city needs at least one dataset',
    }),
    parts: Parts.prefault({}),
    detect: Detect.prefault({}),
  })
  .superRefine(({ divisions, datasets }, { addIssue }) => {
    for (const mistake of [
      ...partitionMistakes(divisions.boundaries ?? [], datasets),
      ...changeMistakes(datasets),
    ])
      addIssue({ code: 'custom', ...mistake })
  })

export type CityFile = z.infer<typeof CityFile>
export type DatasetConfig = CityFile['datasets'][string]
export type PartsConfig = CityFile['parts']
export type PartitionConfig = DatasetConfig['partition']
export type BoundaryVersion = z.infer<typeof BoundaryVersion>
export type DetectConfig = CityFile['detect']
/** The publisher's columns by field; which fields there are, the kind says. */
export type MappingConfig = DatasetConfig['mapping']
export type TimeFieldConfig = z.infer<typeof TimeField>
