import { z } from 'zod'
import { ChangeCounts } from '../contracts/changes.js'
import type { DatasetConfig } from '../contracts/city-file.js'
import { INGEST_RUN_COLUMNS, OUTBOX_COLUMNS } from '../contracts/columns.js'
import { PointCounts } from '../contracts/points.js'
import type { PublicationProposal } from '../contracts/proposal.js'
import { digestOf } from '../kernel/ids.js'
import { appendRows } from '../lake/append-rows.js'
import { type CommitRecord, DeltaTable } from '../lake/delta/table.js'
import type { PlainRow } from '../lake/duckdb/rows.js'
import type { ObjectStore } from '../lake/store.js'
import { OUTBOX_PARTITION, RUNS_PARTITION, tables } from '../lake/tables.js'

/** What a raw commit says of a read of changed rows alone. */
export const IncrementalRecord = z.object({
  /** Rows were asked for that changed at this instant or later, by the portal's clock. */
  since: z.string(),
  /** Reads of changed rows since the last full one, this one included. */
  reads: z.int(),
  /** Rows that came, and those of them that stood in the table already, word for word: they keep their page. */
  received: z.int(),
  same: z.int(),
  /** Rows of the table that another text replaced, rows that are new, and rows that the portal no longer has. */
  replaced: z.int(),
  added: z.int(),
  removed: z.int(),
  /** When the last full read was made; given where the portal counts nothing, see `plan-changes.ts`. */
  fullAt: z.string().optional(),
  /** Pages of keys alone that told which rows were deleted; none where the portal's count said that none was. */
  keyPages: z.array(z.object({ url: z.string(), sha256: z.string(), bytes: z.int(), rows: z.int() })),
})
export type IncrementalRecord = z.infer<typeof IncrementalRecord>

/**
 * What a raw commit says about the pages that its rows came in. After a read of changed rows these are older pages as well: each is listed as
 * long as rows of it are left, with their number.
 */
export const SnapshotProvenance = z.looseObject({
  snapshot: z.int(),
  /** Digest of all pages' digests: the same publication, the same fingerprint. */
  fingerprint: z.string(),
  /** Digest of the decisions about its bad rows; absent when there were none. */
  corrections: z.string().optional(),
  publishedAt: z.string(),
  readAt: z.string(),
  /** What was read, with what the portal said of it; absent in commits of earlier releases. */
  offers: z
    .array(
      z.object({
        name: z.string(),
        changeToken: z.string().optional(),
        publishedAt: z.string().optional(),
        rows: z.int(),
        rowsCounted: z.int().optional(),
        /** Up to when all its changes are in, and what its rows looked like; absent where the portal dates no rows. */
        changes: z.object({ until: z.string(), shape: z.string() }).optional(),
      }),
    )
    .default([]),
  /** How the last offer was read when only its changed rows were asked for; absent in commits of full reads. */
  incremental: IncrementalRecord.optional(),
  /** Records that the portal lists and could not give: how many, and the first of them; absent where there was none. */
  skipped: z
    .object({ records: z.int(), list: z.array(z.object({ id: z.string(), reason: z.string() })) })
    .optional(),
  /** Table columns that the publication has; absent in commits of earlier releases. */
  columns: z.array(z.string()).optional(),
  /** What became of the rows of the snapshot before; absent for the first. */
  changes: ChangeCounts.optional(),
  /** How the rows were assigned, where it was by their points. */
  points: PointCounts.optional(),
  pages: z.array(
    z.strictObject({
      page: z.int(),
      url: z.string(),
      sha256: z.string(),
      bytes: z.int(),
      rowsIn: z.int(),
      rowsQuarantined: z.int(),
      publishedAt: z.string().nullable(),
      readAt: z.string(),
      /** Which of `offers` it belongs to, from 0; absent in commits of earlier releases and of adoption. */
      offer: z.int().optional(),
    }),
  ),
})
export type SnapshotProvenance = z.infer<typeof SnapshotProvenance>

/** What the followers of a raw table are made from. */
export interface SettleScope {
  readonly store: ObjectStore
  readonly datasetId: string
  readonly dataset: DatasetConfig
  readonly sourceId: string
  readonly appId: string
}

/** Provenance of the newest raw commit of this source, or undefined when there is none. Writes nothing. */
export async function lastProvenance(scope: SettleScope): Promise<SnapshotProvenance | undefined> {
  const raw = new DeltaTable(scope.store, tables.raw(scope.datasetId, scope.sourceId))
  const record = await raw.lastCommitOf(scope.appId)
  return record && SnapshotProvenance.parse(record.provenance)
}

/**
 * Brings `runs/ingest/` and `outbox/ingest/` to where the raw table is. Both are made from the raw commit's own provenance,
 * so a run that was killed after the commit is completed by the next one, with the same rows.
 * @returns provenance of the newest raw commit of this source, or undefined when there is none
 */
export async function settleSnapshot(scope: SettleScope): Promise<SnapshotProvenance | undefined> {
  const raw = new DeltaTable(scope.store, tables.raw(scope.datasetId, scope.sourceId))
  const record = await raw.lastCommitOf(scope.appId)
  if (record === undefined) return undefined
  const provenance = SnapshotProvenance.parse(record.provenance)
  const positions = [{ appId: scope.appId, version: provenance.snapshot }]
  const at = { partition: { [RUNS_PARTITION[0]]: scope.datasetId }, positions }
  const runs = new DeltaTable(scope.store, tables.runs('ingest'))
  await appendRows(runs, {
    ...at,
    columns: INGEST_RUN_COLUMNS,
    operation: 'RECORD RUN',
    rows: async () => runRows(scope, provenance),
  })
  const outbox = new DeltaTable(scope.store, tables.outbox('ingest'))
  await appendRows(outbox, {
    partition: { [OUTBOX_PARTITION[0]]: scope.datasetId },
    positions,
    columns: OUTBOX_COLUMNS,
    operation: 'PROPOSE',
    rows: async () => [outboxRow(await publication(scope, raw, record, provenance))],
  })
  return provenance
}

function runRows(scope: SettleScope, provenance: SnapshotProvenance): PlainRow[] {
  return provenance.pages.map((page) => ({
    source: scope.sourceId,
    snapshot: provenance.snapshot,
    verdict: 'complete',
    page: page.page,
    url: page.url,
    sha256: page.sha256,
    bytes: page.bytes,
    rows_in: page.rowsIn,
    rows_quarantined: page.rowsQuarantined,
    published_at: page.publishedAt,
    read_at: page.readAt,
  }))
}

async function publication(
  scope: SettleScope,
  raw: DeltaTable,
  record: CommitRecord,
  provenance: SnapshotProvenance,
): Promise<PublicationProposal> {
  const live = [...((await raw.snapshot(record.version))?.files.values() ?? [])]
  const parts = live.map((file) => ({
    division: file.partition[scope.dataset.partition.column] ?? '',
    sha256: file.tags.sha256 ?? '',
    rows: file.rows ?? 0,
  }))
  const { datasetId: dataset, sourceId: source } = scope
  const { snapshot, fingerprint, publishedAt, pages } = provenance
  return {
    kind: 'dataset.published',
    id: digestOf({ dataset, source, snapshot, fingerprint }).slice(0, 32),
    dataset,
    source,
    time: publishedAt,
    knownAt: publishedAt,
    snapshot,
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    quarantined: pages.reduce((sum, { rowsQuarantined }) => sum + rowsQuarantined, 0),
    files: pages.map(({ url, sha256, rowsIn }) => ({ url, sha256, rows: rowsIn })),
    ...(provenance.changes === undefined ? {} : { changes: provenance.changes }),
    ...(provenance.points === undefined ? {} : { points: provenance.points }),
    parts: parts.toSorted((a, b) => (`${a.division} ${a.sha256}` < `${b.division} ${b.sha256}` ? -1 : 1)),
  }
}

function outboxRow(proposal: PublicationProposal): PlainRow {
  return { kind: proposal.kind, id: proposal.id, division: 'citywide', body: JSON.stringify(proposal) }
}
