import { join } from 'node:path'
import type { ChangeCounts } from '../contracts/changes.js'
import { type Column, QUARANTINE_COLUMNS, RAW_COLUMNS } from '../contracts/columns.js'
import { reachedVersion } from '../contracts/positions.js'
import { WardbookError } from '../kernel/errors.js'
import type { LiveFile, Snapshot } from '../lake/delta/snapshot.js'
import type { NewFile } from '../lake/delta/table.js'
import { schemaChange } from '../lake/schema-change.js'
import type { Scratch } from '../lake/store.js'
import { sameColumn } from '../sources/files/read-csv.js'
import { compareSnapshots } from './changes/compare-snapshots.js'
import { tellPoints } from './divisions/tell-points.js'
import { type ColumnPlan, planColumns } from './plan-columns.js'
import type { ReadOffer, ReadSource } from './read-offers.js'
import { type SnapshotProvenance, settleSnapshot } from './settle.js'
import { demandQuarantinePolicy, demandRowsLeft } from './snapshot-checks.js'
import {
  type IngestContext,
  type IngestResult,
  nextSnapshot,
  type RawWork,
  rowsOf,
  type SourceWork,
  step,
} from './source-work.js'
import type { SplitSource } from './split-pages.js'
import { type WritePlan, writeDivisions } from './write-divisions.js'
import type { LivePart, QuarantineJob, WriteResult } from './write-job.js'

/**
 * Writes the rows in workers, compares them with the last snapshot, and commits: quarantine first, then the table, then the records.
 * @returns undefined when another run has committed a snapshot of this source meanwhile: nothing of ours became visible
 * @throws WardbookError of the checks and the workers; nothing is committed then
 */
export async function commitSnapshot(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  read: ReadSource,
  fingerprint: string,
  base: Snapshot | undefined,
): Promise<IngestResult | undefined> {
  const { split } = read
  demandQuarantinePolicy(work, split.pages)
  demandRowsLeft(work, base, {
    rows: split.pages.reduce((sum, { goodRows }) => sum + goodRows, 0),
    files: read.offers.reduce((sum, { pages }) => sum + pages.length, 0),
  })
  const headers = split.layouts.map(({ header }) => header)
  const partitionColumn = work.dataset.partition.column
  const plan = planColumns(headers, partitionColumn, publishedColumns(base, partitionColumn))
  const snapshot = nextSnapshot(base)
  const write = writePlan(context, work, plan, split, base, snapshot)
  const written = await writeDivisions(context, write, split.divisions, join(scratch.folder, 'divided'))
  const quarantined = await quarantinedOf(context, work, split, snapshot)
  const columns = [...new Set(plan.pages.flat())].sort()
  const changes = await changesSince(context, work, base, write, plan, written, columns)
  const provenance = {
    ...{ ...provenanceOf(context, read, snapshot, fingerprint), columns },
    ...(read.points === undefined ? {} : { points: read.points }),
    ...(changes === undefined ? {} : { changes }),
    ...(work.corrections === undefined ? {} : { corrections: work.corrections.digest }),
  }
  await commitQuarantine(work, quarantined, snapshot)
  const { outcome, version } = await commitRaw(work, base, plan, written, provenance)
  if (outcome === 'superseded') return undefined
  await finishCommit(work)

  const badRows = split.pages.reduce((sum, page) => sum + page.badRows, 0)
  const divisions = split.divisions.length
  const skipped = provenance.skipped?.records ?? 0
  const not = skipped === 0 ? '' : `, ${skipped} that the portal lists and cannot give`
  step(
    context,
    work,
    `committed snapshot ${snapshot}: ${written.rows} rows in ${divisions} divisions, ${badRows} rows in quarantine${not}` +
      (read.points === undefined ? '' : `; ${tellPoints(read.points)}`),
    {
      ...{ rows: written.rows, quarantined: badRows, divisions, version, skipped },
      ...(read.points === undefined ? {} : { points: read.points }),
    },
  )
  return { verdict: 'committed', version, snapshot, rows: written.rows, quarantined: badRows }
}

/** Makes the records of a commit, while the pages that are in the table now go out of the spool: one takes the processor, the other the disk. */
export async function finishCommit(work: SourceWork): Promise<void> {
  const ends = await Promise.allSettled([settleSnapshot(work), work.spool.clear()])
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

/** What the workers of a write need to know. @param split how the rows lie that are to be written */
export function writePlan(
  context: IngestContext,
  work: SourceWork,
  plan: ColumnPlan,
  split: SplitSource,
  base: Snapshot | undefined,
  snapshot: number,
): WritePlan {
  return {
    table: work.raw.root,
    snapshot,
    columns: plan.columns.map(({ name }) => name),
    partitionColumn: work.dataset.partition.column,
    layouts: split.layouts.map(({ delimiter, emptyIsNull }, at) => ({
      columns: plan.pages[at] ?? [],
      delimiter,
      emptyIsNull,
    })),
    key: work.dataset.key === undefined ? undefined : keyColumn(work, plan),
    budget: context.city.parts,
    live: livePartsOf(work, base),
  }
}

async function quarantinedOf(
  context: IngestContext,
  work: SourceWork,
  { badRows }: SplitSource,
  snapshot: number,
): Promise<NewFile[]> {
  if (badRows === undefined) return []
  const partitionColumn = work.dataset.partition.column
  const job: QuarantineJob = { table: work.quarantine.root, snapshot, partitionColumn, badRows }
  return context.runner.run<QuarantineJob, NewFile[]>('ingest.quarantine', job)
}

/** The table column of the dataset's key. @throws WardbookError 'key-column-missing' (fix-source) */
export function keyColumn(work: RawWork, plan: ColumnPlan): string {
  const key = work.dataset.key as string
  const found = columnOf(plan, key)
  if (found !== undefined) return found
  const columns = plan.columns.map(({ metadata }) => metadata?.published)
  throw new WardbookError(
    'key-column-missing',
    'fix-source',
    `${work.datasetId}/${work.sourceId}: no column '${key}' (the dataset's key); the columns are ${columns.join(', ')}`,
    { dataset: work.datasetId, source: work.sourceId, key, columns },
  )
}

/** Table column of a published column. */
function columnOf(plan: ColumnPlan, published: string): string | undefined {
  return plan.columns.find(({ metadata }) => sameColumn(metadata?.published ?? '', published))?.name
}

/** Live files that a write may leave as they are. */
export function livePartsOf(work: RawWork, base: Snapshot | undefined): LivePart[] {
  const column = work.dataset.partition.column
  if (base?.partitionColumns[0] !== column) return []
  return [...base.files.values()].flatMap((file) => {
    const division = file.partition[column]
    const { sha256, content } = file.tags
    return division && sha256 && content ? [{ division, sha256, content }] : []
  })
}

/**
 * Quarantine comes first, under the same position: a row is never missing from both. What a run that got no further left there under the position may
 * be of another publication: its rows go.
 */
export async function commitQuarantine(
  work: RawWork,
  adds: readonly NewFile[],
  snapshot: number,
): Promise<void> {
  const base = await work.quarantine.snapshot()
  const live = [...(base?.files.values() ?? [])]
  const isTold = reachedVersion(base?.positions, work.appId) >= snapshot
  const isSame = live.length === adds.length && adds.every(({ key }) => base?.files.has(key))
  if ((isSame && (isTold || adds.length === 0)) || (isTold && (await isTaken(work, snapshot)))) return
  const partitionColumns = [work.dataset.partition.column]
  await work.quarantine.commit(base, {
    operation: 'QUARANTINE',
    ...schemaChange(base, QUARANTINE_COLUMNS, partitionColumns),
    removes: live.filter(({ key }) => !adds.some((file) => file.key === key)),
    adds: adds.filter(({ key }) => !base?.files.has(key)),
    positions: [{ appId: work.appId, version: snapshot }],
  })
}

/** Whether another run has committed the snapshot: the quarantine is that one's. */
async function isTaken({ raw, appId }: RawWork, snapshot: number): Promise<boolean> {
  return reachedVersion((await raw.snapshot())?.positions, appId) >= snapshot
}

/** The commit: what was written comes, live files whose rows did not come again go. */
export async function commitRaw(
  work: SourceWork,
  base: Snapshot | undefined,
  plan: ColumnPlan,
  written: WriteResult,
  provenance: SnapshotProvenance,
) {
  const partitionColumns = [work.dataset.partition.column]
  return work.raw.commit(base, {
    operation: 'WRITE SNAPSHOT',
    ...schemaChange(base, [...plan.columns, ...RAW_COLUMNS], partitionColumns),
    removes: base === undefined ? [] : removedFiles(work, base, written),
    adds: written.parts,
    positions: [{ appId: work.appId, version: provenance.snapshot }],
    provenance: { stage: 'ingest', dataset: work.datasetId, source: work.sourceId, ...provenance },
  })
}

/** What became of the rows of the last snapshot; undefined for the first, and where the division is another column. */
export async function changesSince(
  context: IngestContext,
  work: SourceWork,
  base: Snapshot | undefined,
  { partitionColumn, key }: WritePlan,
  plan: ColumnPlan,
  written: WriteResult,
  columns: readonly string[],
): Promise<ChangeCounts | undefined> {
  if (base === undefined || base.partitionColumns[0] !== partitionColumn || base.positions.size === 0)
    return undefined
  const last = await settleSnapshot(work)
  const removed = removedFiles(work, base, written)
  const keptRows = rowsOf(base) - removed.reduce((sum, { rows }) => sum + (rows ?? 0), 0)
  return compareSnapshots(context.runner, {
    ...{ root: work.raw.root, partitionColumn, key, removed, added: written.parts, keptRows },
    partitionFrom: work.division.toldFrom.flatMap((name) => columnOf(plan, name) ?? []),
    columnsBefore: last?.columns ?? publishedColumns(base, partitionColumn).map(({ name }) => name),
    columnsAfter: columns,
  })
}

/** Live files whose rows did not come again. */
function removedFiles(work: SourceWork, base: Snapshot, written: WriteResult): LiveFile[] {
  const division = (file: LiveFile) => file.partition[work.dataset.partition.column] ?? ''
  const kept = new Set(written.kept.map((part) => `${part.division} ${part.sha256}`))
  return [...base.files.values()].filter((file) => !kept.has(`${division(file)} ${file.tags.sha256}`))
}

/** What a commit says of the pages that were read. */
export function provenanceOf(
  context: IngestContext,
  { offers, split }: ReadSource,
  snapshot: number,
  fingerprint: string,
): SnapshotProvenance {
  const bad = new Map(split.pages.map(({ page, badRows }) => [page, badRows]))
  const pages = offers.flatMap(({ offer, pages: read }, place) =>
    read.map(({ page, spooled: { record } }) => ({
      page,
      url: record.request.url,
      sha256: record.sha256,
      bytes: record.bytes,
      rowsIn: record.signals.rows,
      rowsQuarantined: bad.get(page) ?? 0,
      publishedAt: offer.publishedAt ?? null,
      readAt: record.readAt,
      offer: place,
    })),
  )
  const skipped = offers.flatMap((offer) => offer.skipped)
  const readAt = newest(pages.map((page) => page.readAt)) ?? context.clock().toISOString()
  const publishedAt = newest(pages.map((page) => page.publishedAt ?? page.readAt)) ?? readAt
  return {
    ...{ snapshot, fingerprint, publishedAt, readAt, offers: offers.map(offerRecord), pages },
    ...(skipped.length === 0
      ? {}
      : { skipped: { records: skipped.length, list: skipped.slice(0, MAX_SKIPPED_NAMED) } }),
  }
}

/** Records that a commit names of those that a portal could not give; beyond, it counts them. */
const MAX_SKIPPED_NAMED = 100

function offerRecord({ offer, pages }: ReadOffer): SnapshotProvenance['offers'][number] {
  const { name, changeToken, publishedAt, rows: rowsCounted, changes } = offer
  return {
    name,
    ...(changeToken === undefined ? {} : { changeToken }),
    ...(publishedAt === undefined ? {} : { publishedAt }),
    rows: pages.reduce((sum, { spooled }) => sum + spooled.record.signals.rows, 0),
    ...(rowsCounted === undefined ? {} : { rowsCounted }),
    ...(changes === undefined ? {} : { changes: { until: changes.until, shape: changes.shape } }),
  }
}

function newest(instants: readonly string[]): string | undefined {
  return instants.toSorted().at(-1)
}

/** Columns of the publisher that the table has so far. */
export function publishedColumns(base: Snapshot | undefined, partitionColumn: string): Column[] {
  const ours = [...RAW_COLUMNS.map(({ name }) => name), ...(base?.partitionColumns ?? []), partitionColumn]
  return (base?.columns ?? []).filter(({ name }) => !ours.some((own) => sameColumn(own, name)))
}
