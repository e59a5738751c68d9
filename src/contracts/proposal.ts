import { z } from 'zod'
import { ChangeCounts } from './changes.js'
import { PointCounts } from './points.js'

const Day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/)
const Instant = z.iso.datetime()

/** States of a finding that detection can tell; `withdrawn` is the ledger's own. */
export const FINDING_STATES = ['new', 'ongoing', 'ended', 'returned', 'data-gap', 'withdrawn'] as const
export type FindingState = (typeof FINDING_STATES)[number]

/**
 * The figures of a finding: exactly what its sentence says and what its event id is made from.
 * Counts are rows; the span is half-open, [from, to).
 */
export const Claim = z.strictObject({
  from: Day,
  to: Day,
  weeks: z.int().positive(),
  observed: z.number(),
  expected: z.number(),
  lower: z.number(),
  upper: z.number(),
  ratio: z.number(),
  pValue: z.number(),
  qValue: z.number(),
  severity: z.enum(['low', 'medium', 'high']),
  words: z.string(),
})
export type Claim = z.infer<typeof Claim>

/** What the claim rests on. It is not part of the event's identity. */
export const Evidence = z.strictObject({
  tables: z.array(z.strictObject({ table: z.string(), version: z.int() })),
  files: z.array(z.strictObject({ path: z.string(), sha256: z.string() })),
  sql: z.string(),
  rows: z.int(),
  detector: z.string(),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  dispersion: z.number(),
  baselineWeeks: z.int(),
  family: z.strictObject({ id: z.string(), size: z.int() }),
})
export type Evidence = z.infer<typeof Evidence>

/** A finding as detection proposes it: one window of one series. */
export const FindingProposal = z.strictObject({
  kind: z.literal('finding'),
  id: z.string(),
  finding: z.string(),
  state: z.enum(FINDING_STATES),
  division: z.string(),
  dataset: z.string(),
  category: z.string(),
  metric: z.string(),
  direction: z.enum(['up', 'down']),
  onset: Day,
  windowFrom: Day,
  windowTo: Day,
  time: Instant,
  knownAt: Instant,
  reconstructed: z.boolean(),
  claim: Claim,
  evidence: Evidence,
})
export type FindingProposal = z.infer<typeof FindingProposal>

/** The tests that were made together: dataset, metric and as-of week. Kept also when none was outside. */
export const FamilyRecord = z.strictObject({
  kind: z.literal('family'),
  id: z.string(),
  dataset: z.string(),
  metric: z.string(),
  week: Day,
  size: z.int(),
  outside: z.int(),
})
export type FamilyRecord = z.infer<typeof FamilyRecord>

/** A raw commit, for the ledger: exact bytes, bound to a version. */
export const PublicationProposal = z.strictObject({
  kind: z.literal('dataset.published'),
  id: z.string(),
  dataset: z.string(),
  source: z.string(),
  time: Instant,
  knownAt: Instant,
  snapshot: z.int(),
  rows: z.int(),
  quarantined: z.int(),
  files: z.array(z.strictObject({ url: z.string(), sha256: z.string(), rows: z.int() })),
  parts: z.array(z.strictObject({ division: z.string(), sha256: z.string(), rows: z.int() })),
  /** What became of the rows of the snapshot before; absent for the first. */
  changes: ChangeCounts.optional(),
  /** How its rows were assigned to divisions; absent where it was by a column. */
  points: PointCounts.optional(),
})
export type PublicationProposal = z.infer<typeof PublicationProposal>

/**
 * A detection run that is complete: every division had reached the same snapshots. Findings of the
 * dataset and metric that a complete run no longer proposes are withdrawn by the ledger.
 */
export const RunRecord = z.strictObject({
  kind: z.literal('run'),
  id: z.string(),
  dataset: z.string(),
  metric: z.string(),
  snapshots: z.record(z.string(), z.int()),
  from: Day.nullable(),
  to: Day.nullable(),
  seriesTested: z.int(),
  seriesUntested: z.int(),
})
export type RunRecord = z.infer<typeof RunRecord>

/**
 * A publication that could not be read completely, so that nothing of it was committed, or a table that should be there and is
 * not. `snapshot` is the newest that was read completely, -1 for none. One gap of a kind and snapshot is told once.
 */
export const GapProposal = z.strictObject({
  kind: z.literal('dataset.gap'),
  id: z.string(),
  dataset: z.string(),
  source: z.string(),
  time: Instant,
  knownAt: Instant,
  snapshot: z.int(),
  /** Code of the error that it would be for a caller, and its sentence. */
  code: z.string(),
  message: z.string(),
})
export type GapProposal = z.infer<typeof GapProposal>

export const Proposal = z.discriminatedUnion('kind', [
  FindingProposal,
  FamilyRecord,
  PublicationProposal,
  GapProposal,
  RunRecord,
])
export type Proposal = z.infer<typeof Proposal>
