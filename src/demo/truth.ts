import { z } from 'zod'

const Day = z.iso.date()

/**
 * What a planted event is. The first nine are what a reader of the city's data should find; the last three are traps: something
 * happened to the publication, nothing to the city, and whoever reports a rise or fall because of them is wrong.
 */
export const EVENT_KINDS = [
  'surge',
  'spike',
  'drop',
  'shift',
  'slow-down',
  'cluster',
  'inequality',
  'data-gap',
  'rewritten-history',
  'outage',
  'migration',
  'late-publication',
] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** Events of the publication alone: nobody may report them as a rise or fall of what they count. */
export const TRAPS: readonly EventKind[] = ['data-gap', 'outage', 'migration', 'late-publication']

/** One event that was put into the city, or into what it publishes. */
export const PlantedEvent = z.strictObject({
  id: z.string(),
  kind: z.enum(EVENT_KINDS),
  dataset: z.string(),
  /** Source that it concerns; absent where it concerns the city and so every source. */
  source: z.string().optional(),
  /** Divisions that it concerns, ascending; empty: all. Several for a cluster. */
  divisions: z.array(z.string()),
  /** The city's own categories, not the labels of a year; empty: all. */
  categories: z.array(z.string()),
  /** First day, and the day after the last; null: it goes on for ever. */
  from: Day,
  to: Day.nullable(),
  /** What changed: how many rows there are, how many days a case stays open, or what was published. */
  measure: z.enum(['count', 'days-to-close', 'publication']),
  /** How many times the usual; 1 where the city itself did not change. */
  factor: z.number().nonnegative(),
  /** When the publication first told of it: the day itself, or later where history was rewritten. */
  toldOn: Day,
  /** The event in a sentence. */
  said: z.string(),
})
export type PlantedEvent = z.infer<typeof PlantedEvent>

/** What the columns and labels of one source mean. */
export const TrueMapping = z.strictObject({
  dataset: z.string(),
  source: z.string(),
  /** Zone of the source's clock. */
  timeZone: z.string(),
  /** strptime forms of its times. */
  formats: z.array(z.string()),
  /** The published column of each field that the source has. */
  columns: z.record(z.string(), z.string()),
  /** The city's own category of each published label. */
  labels: z.record(z.string(), z.string()),
})
export type TrueMapping = z.infer<typeof TrueMapping>

const TrueDivision = z.strictObject({
  value: z.string(),
  population: z.int().positive(),
  neighbors: z.array(z.string()),
})

/** Everything that is true of a simulated city as of a day; the pipeline never sees it. */
export const Truth = z.strictObject({
  city: z.string(),
  seed: z.int(),
  size: z.enum(['S', 'M', 'L']),
  /** First day of the history, and the last day that has been published. */
  from: Day,
  asOf: Day,
  maps: z.array(
    z.strictObject({
      id: z.string(),
      validFrom: Day,
      validTo: Day.nullable(),
      divisions: z.array(TrueDivision),
    }),
  ),
  datasets: z.array(
    z.strictObject({
      id: z.string(),
      kind: z.string(),
      rows: z.int().nonnegative(),
      categories: z.array(z.strictObject({ name: z.string(), department: z.string() })),
    }),
  ),
  /** In the order of their first days; also those that lie after `asOf`. */
  events: z.array(PlantedEvent),
  mappings: z.array(TrueMapping),
})
export type Truth = z.infer<typeof Truth>
