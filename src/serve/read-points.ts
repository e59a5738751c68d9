import { z } from 'zod'
import { PointCounts } from '../contracts/points.js'
import { DeltaTable } from '../lake/delta/table.js'
import type { ObjectStore } from '../lake/store.js'
import type { TableVersion } from './world.js'

/** Commits that are looked through: between publications lie a few of housekeeping. */
const MOST_COMMITS = 50

const Publication = z.object({ snapshot: z.int(), points: PointCounts.optional() })

/**
 * How the rows of a raw table were assigned by their points, as the last publication up to this version says.
 * @returns undefined where they were not, and where nothing tells
 */
export async function readPoints(
  store: ObjectStore,
  { root, snapshot }: TableVersion,
): Promise<PointCounts | undefined> {
  const table = new DeltaTable(store, root)
  const oldest = Math.max(0, snapshot.version - MOST_COMMITS + 1)
  for (let version = snapshot.version; version >= oldest; version--) {
    const record = await table.commitRecord(version)
    if (record === undefined) return undefined
    const told = Publication.safeParse(record.provenance)
    if (told.success) return told.data.points
  }
  return undefined
}
