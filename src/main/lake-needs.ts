import { DeltaTable } from '../lake/delta/table.js'
import type { ObjectStore } from '../lake/store.js'
import type { TableNeeds } from '../lake/vacuum-plan.js'
import type { Citations } from '../ledger/citations.js'

/** For a vacuum that forgets what is cited. */
export const NOTHING_CITED: Citations = {
  versions: new Map(),
  digests: new Set(),
  snapshots: new Map(),
  unlisted: new Set(),
}

/** Versions of raw tables at which harmonize is, by table: it compares a raw table with what it was there. */
export type Downstream = ReadonlyMap<string, readonly number[]>

/** Reads where the tidy tables are in their raw tables. @param roots all tables of the lake */
export async function readDownstream(store: ObjectStore, roots: readonly string[]): Promise<Downstream> {
  const reached = new Map<string, Set<number>>()
  for (const root of roots.filter((root) => root.startsWith('tidy/'))) {
    const tidy = await new DeltaTable(store, root).snapshot()
    for (const [appId, version] of tidy?.positions ?? []) {
      const [stage, dataset, source] = appId.split('/')
      if (stage !== 'harmonize') continue
      const raw = `raw/${dataset}/${source}`
      reached.set(raw, (reached.get(raw) ?? new Set()).add(version))
    }
  }
  return new Map([...reached].map(([raw, versions]) => [raw, [...versions]]))
}

/**
 * What must stay in a table beside its newest version and the retention: versions and files that the ledger cites, snapshots that it
 * holds as published (rows and quarantine alike), and what the next stage compares with.
 */
export function needsOf(root: string, cited: Citations, downstream: Downstream): TableNeeds {
  return {
    everything: isUnlisted(root, cited),
    versions: [...(cited.versions.get(root) ?? []), ...(downstream.get(root) ?? [])],
    positions: publishedIn(root, cited),
    digests: cited.digests,
  }
}

/** Tables of a dataset whose events could not name them all: `raw/<dataset>/<source>`, `tidy/<dataset>`, `series/<dataset>`. */
function isUnlisted(root: string, { unlisted }: Citations): boolean {
  const [prefix = '', dataset = ''] = root.split('/')
  return ['raw', 'tidy', 'series'].includes(prefix) && unlisted.has(dataset)
}

function publishedIn(root: string, { snapshots }: Citations): NonNullable<TableNeeds['positions']> {
  const [, place] = /^(?:raw|quarantine\/ingest)\/([^/]+\/[^/]+)$/.exec(root) ?? []
  if (place === undefined) return []
  return [...(snapshots.get(place) ?? [])].map((position) => ({ writers: `ingest/${place}/`, position }))
}
