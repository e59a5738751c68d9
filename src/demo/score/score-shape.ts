import { z } from 'zod'
import { FINDING_STATES } from '../../contracts/proposal.js'
import { EVENT_KINDS } from '../truth.js'

const Day = z.iso.date()
const Count = z.int().nonnegative()

/** A part of a whole; `share` is null where the whole is nothing. */
export const Share = z.strictObject({ part: Count, whole: Count, share: z.number().min(0).max(1).nullable() })
export type Share = z.infer<typeof Share>

/** Whole days within which half, and nine of ten, of the found events were told. */
const Days = z.strictObject({ median: z.int(), ninetieth: z.int() })

/** From an event's first day until the first finding of it happened, and until that could be known; null where none was found. */
export const Delay = z.strictObject({ happened: Days, knowable: Days })
export type Delay = z.infer<typeof Delay>

const Quality = z.strictObject({
  /** Expected events that were found. */
  recall: Share,
  /** Findings that belong to an event. */
  precision: Share,
  delay: Delay.nullable(),
})

/** What became of a planted event. */
export const OUTCOMES = ['found', 'missed', 'not-yet', 'not-expected'] as const

/** A planted event, and the findings that belong to it. */
export const ScoredEvent = z.strictObject({
  id: z.string(),
  kind: z.enum(EVENT_KINDS),
  dataset: z.string(),
  from: Day,
  to: Day.nullable(),
  said: z.string(),
  outcome: z.enum(OUTCOMES),
  /** Why it was not expected, in words. */
  reason: z.string().nullable(),
  findings: z.array(z.string()),
})
export type ScoredEvent = z.infer<typeof ScoredEvent>

/** A finding, and the planted events that it belongs to: none for a false one. */
export const ScoredFinding = z.strictObject({
  finding: z.string(),
  dataset: z.string(),
  division: z.string(),
  category: z.string(),
  metric: z.string(),
  direction: z.enum(['up', 'down']),
  state: z.enum(FINDING_STATES),
  from: Day,
  to: Day,
  sentence: z.string().nullable(),
  events: z.array(z.string()),
})
export type ScoredFinding = z.infer<typeof ScoredFinding>

/** What a pipeline found in a simulated city, compared with what was true of it. */
export const Score = z.strictObject({
  city: z.string(),
  seed: z.int(),
  size: z.string(),
  from: Day,
  asOf: Day,
  /** Events and findings about how many rows there are. */
  counts: Quality,
  /** Those, times until closing, and what was published. */
  everything: Quality,
  /** In the order of EVENT_KINDS; kinds that were planted. */
  kinds: z.array(
    z.strictObject({
      kind: z.enum(EVENT_KINDS),
      planted: Count,
      recall: Share,
      delay: Delay.nullable(),
    }),
  ),
  datasets: z.array(
    z.strictObject({
      dataset: z.string(),
      /** First tested week; `isAssumed` where the API does not say it and two years of history were assumed. */
      testedSince: Day,
      isAssumed: z.boolean(),
      findings: Count,
      falseFindings: Count,
      divisionYears: z.number().nonnegative(),
      /** False findings a division and year; null where no week could be tested yet. */
      falseADivisionYear: z.number().nonnegative().nullable(),
    }),
  ),
  /** Planted traps that could have been reported, and the rises and falls that were. */
  traps: z.array(
    z.strictObject({
      event: z.string(),
      kind: z.enum(EVENT_KINDS),
      dataset: z.string(),
      said: z.string(),
      reported: z.array(z.strictObject({ finding: z.string(), sentence: z.string().nullable() })),
    }),
  ),
  /** Own categories of which the API knows exactly one name. */
  categories: z.strictObject({
    all: Share,
    /** Those which are published under several labels. */
    severalLabels: Share,
    wrong: z.array(
      z.strictObject({
        dataset: z.string(),
        category: z.string(),
        /** Names of it that the API has: none, or several. */
        seen: z.array(z.string()),
      }),
    ),
  }),
  withdrawn: Count,
  /** Datasets of the city without any finding that stands. */
  silentDatasets: z.array(z.string()),
  /** In the order of the truth. */
  events: z.array(ScoredEvent),
  /** Those that stand, by their first day. */
  findings: z.array(ScoredFinding),
})
export type Score = z.infer<typeof Score>
