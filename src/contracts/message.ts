import { z } from 'zod'

/** The stages, in the order of the flow. */
export const STAGES = ['ingest', 'harmonize', 'measure', 'detect', 'ledger'] as const
export type Stage = (typeof STAGES)[number]

/**
 * "A table has a new version." One message a commit. It is a wake-up only: its receiver reads
 * positions from the tables, so a message may come twice, late or never without harm.
 */
export const TableCommitted = z.strictObject({
  v: z.literal(1),
  kind: z.literal('table.committed'),
  from: z.enum(STAGES),
  dataset: z.string(),
  table: z.string(),
  version: z.int().nonnegative(),
})
export type TableCommitted = z.infer<typeof TableCommitted>

/**
 * "Files arrived that no table knows yet", for a source of the family hive. A wake-up like the other: its receiver lists
 * the folder and compares, so the message may come twice, late, or from a foreign ingester.
 */
export const FilesArrived = z.strictObject({
  v: z.literal(1),
  kind: z.literal('files.arrived'),
  dataset: z.string(),
  source: z.string(),
})
export type FilesArrived = z.infer<typeof FilesArrived>

/** Every message that a queue carries. */
export const Message = z.discriminatedUnion('kind', [TableCommitted, FilesArrived])
export type Message = z.infer<typeof Message>
