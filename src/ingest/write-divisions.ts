import { mkdir } from 'node:fs/promises'
import type { PartsConfig } from '../contracts/city-file.js'
import { giveBackMemory } from '../kernel/garbage.js'
import { loadEngine } from '../lake/duckdb/engine.js'
import { type PlannedPart, planDivisions, shareOut, sizeOf } from './plan-parts.js'
import type { IngestContext } from './source-work.js'
import type { DivisionRuns } from './split-pages.js'
import type { DivideJob, JobLayout, LivePart, WriteJob, WriteResult } from './write-job.js'

/** What all workers of one write have in common. */
export interface WritePlan {
  readonly table: string
  readonly snapshot: number
  /** The publisher's columns of the table. */
  readonly columns: readonly string[]
  readonly partitionColumn: string
  readonly layouts: readonly JobLayout[]
  /** Table column that identifies a row, or undefined. */
  readonly key: string | undefined
  readonly budget: PartsConfig
  readonly live: readonly LivePart[]
}

/**
 * Writes the rows of a source as parts in the store, as many at a time as the profile has lanes: divisions that are too large are
 * divided first, then all parts are written.
 * @param folder local folder for runs of divided divisions
 */
export async function writeDivisions(
  context: IngestContext,
  plan: WritePlan,
  divisions: readonly DivisionRuns[],
  folder: string,
): Promise<WriteResult> {
  giveBackMemory() // what the pages left: the workers' memory comes on top of it
  const { parts, tooLarge } = planDivisions(divisions, plan.budget)
  const divided = tooLarge.length === 0 ? [] : await divideAll(context, plan, tooLarge, folder)
  if (parts.length + divided.length === 0) return { rows: 0, parts: [], kept: [] }
  const shares = shareOut([...parts, ...divided], context.ingestProfile.lanes, ({ bytes }) => bytes)
  const writing = shares.map((share) => writeShare(context, plan, share))
  if (writing.length > 1) setImmediate(loadEngine) // for the records of the commit: there is time now, and memory
  return joined(await Promise.allSettled(writing)) // of which none is left alone: nobody removes files below it
}

function writeShare(
  { runner, ingestProfile }: IngestContext,
  { table, snapshot, columns, partitionColumn, layouts, live }: WritePlan,
  parts: readonly PlannedPart[],
): Promise<WriteResult> {
  const { compressionLevel } = ingestProfile
  return runner.run<WriteJob, WriteResult>('ingest.write', {
    ...{ table, snapshot, columns, partitionColumn, layouts, live, parts, compressionLevel },
  })
}

function joined(ends: readonly PromiseSettledResult<WriteResult>[]): WriteResult {
  const results = ends.map((end) => {
    if (end.status === 'rejected') throw end.reason
    return end.value
  })
  return {
    rows: results.reduce((sum, { rows }) => sum + rows, 0),
    parts: results.flatMap((result) => result.parts),
    kept: results.flatMap((result) => result.kept),
  }
}

async function divideAll(
  context: IngestContext,
  { table, layouts, key, budget }: WritePlan,
  divisions: readonly DivisionRuns[],
  folder: string,
): Promise<PlannedPart[]> {
  await mkdir(folder, { recursive: true })
  const shares = shareOut(divisions, context.ingestProfile.lanes, ({ runs }) => sizeOf(runs).bytes)
  const parts = await Promise.all(
    shares.map((share) =>
      context.runner.run<DivideJob, PlannedPart[]>('ingest.divide', {
        ...{ table, layouts, key, budget, folder },
        divisions: share,
      }),
    ),
  )
  return parts.flat()
}
