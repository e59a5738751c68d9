import { join } from 'node:path'
import { type Column, QUARANTINE_COLUMNS, RAW_COLUMNS } from '../contracts/columns.js'
import { reachedVersion } from '../contracts/positions.js'
import { WardbookError } from '../kernel/errors.js'
import type { LiveFile, Snapshot } from '../lake/delta/snapshot.js'
import type { NewFile } from '../lake/delta/table.js'
import { schemaChange } from '../lake/schema-change.js'
import type { Scratch } from '../lake/store.js'
import { sameColumn } from '../sources/files/read-csv.js'
import { type ColumnPlan, planColumns } from './plan-columns.js'
import { type SnapshotProvenance, settleSnapshot } from './settle.js'
import { demandQuarantinePolicy, demandRowsLeft } from './snapshot-checks.js'
import { type IngestContext, type IngestResult, nextSnapshot, type SourceWork, step } from './source-work.js'
import type { SplitSource } from './split-pages.js'
import type { SpooledPage } from './spool.js'
import { type WritePlan, writeDivisions } from './write-divisions.js'
import type { LivePart, QuarantineJob, WriteResult } from './write-job.js'

/** What was received of a source: its pages, and their rows by division. */
export interface ReceivedSource {
  readonly pages: readonly SpooledPage[]
  readonly split: SplitSource
}

/**
 * Writes the rows in workers and commits: quarantine first, then the table, then the records.
 * @returns undefined when another run has committed a snapshot of this source meanwhile: nothing of ours became visible
 * @throws WardbookError of the checks and the workers; nothing is committed then
 */
export async function commitSnapshot(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  { pages, split }: ReceivedSource,
  fingerprint: string,
  base: Snapshot | undefined,
): Promise<IngestResult | undefined> {
  demandQuarantinePolicy(work, split.pages)
  demandRowsLeft(work, base, split.pages)
  const headers = split.layouts.map(({ header }) => header)
  const partitionColumn = work.dataset.partition.column
  const plan = planColumns(headers, partitionColumn, publishedColumns(base, partitionColumn))
  const snapshot = nextSnapshot(base)
  const write = writePlan(context, work, plan, split, base, snapshot)
  const written = await writeDivisions(context, write, split.divisions, join(scratch.folder, 'divided'))
  const quarantined = await quarantinedOf(context, work, split, snapshot)
  const provenance = provenanceOf(context, pages, split, snapshot, fingerprint)
  await commitQuarantine(work, quarantined, snapshot)
  const { outcome, version } = await commitRaw(work, base, plan, written, provenance)
  if (outcome === 'superseded') return undefined
  await settleSnapshot(work)

  const badRows = split.pages.reduce((sum, page) => sum + page.badRows, 0)
  const divisions = split.divisions.length
  step(
    context,
    work,
    `committed snapshot ${snapshot}: ${written.rows} rows in ${divisions} divisions, ${badRows} rows in quarantine`,
    { rows: written.rows, quarantined: badRows, divisions, version },
  )
  return { verdict: 'committed', version, snapshot, rows: written.rows, quarantined: badRows }
}

function writePlan(
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

function keyColumn(work: SourceWork, plan: ColumnPlan): string {
  const key = work.dataset.key as string
  const found = plan.columns.find(({ metadata }) => sameColumn(metadata?.published ?? '', key))
  if (found !== undefined) return found.name
  const columns = plan.columns.map(({ metadata }) => metadata?.published)
  throw new WardbookError(
    'key-column-missing',
    'fix-source',
    `${work.datasetId}/${work.sourceId}: no column '${key}' (the dataset's key); the columns are ${columns.join(', ')}`,
    { dataset: work.datasetId, source: work.sourceId, key, columns },
  )
}

function livePartsOf(work: SourceWork, base: Snapshot | undefined): LivePart[] {
  const column = work.dataset.partition.column
  if (base?.partitionColumns[0] !== column) return []
  return [...base.files.values()].flatMap((file) => {
    const division = file.partition[column]
    const { sha256, content } = file.tags
    return division && sha256 && content ? [{ division, sha256, content }] : []
  })
}

/** Quarantine comes first, under the same position: a row is never missing from both. */
async function commitQuarantine(work: SourceWork, adds: readonly NewFile[], snapshot: number): Promise<void> {
  const base = await work.quarantine.snapshot()
  const removes = [...(base?.files.values() ?? [])]
  const done = reachedVersion(base?.positions, work.appId) >= snapshot
  if (done || (adds.length === 0 && removes.length === 0)) return
  const partitionColumns = [work.dataset.partition.column]
  await work.quarantine.commit(base, {
    operation: 'QUARANTINE',
    ...schemaChange(base, QUARANTINE_COLUMNS, partitionColumns),
    removes,
    adds,
    positions: [{ appId: work.appId, version: snapshot }],
  })
}

async function commitRaw(
  work: SourceWork,
  base: Snapshot | undefined,
  plan: ColumnPlan,
  written: WriteResult,
  provenance: SnapshotProvenance,
) {
  const partitionColumns = [work.dataset.partition.column]
  const division = (file: LiveFile) => file.partition[work.dataset.partition.column] ?? ''
  const kept = new Set(written.kept.map((part) => `${part.division} ${part.sha256}`))
  return work.raw.commit(base, {
    operation: 'WRITE SNAPSHOT',
    ...schemaChange(base, [...plan.columns, ...RAW_COLUMNS], partitionColumns),
    removes: [...(base?.files.values() ?? [])].filter(
      (file) => !kept.has(`${division(file)} ${file.tags.sha256}`),
    ),
    adds: written.parts,
    positions: [{ appId: work.appId, version: provenance.snapshot }],
    provenance: { stage: 'ingest', dataset: work.datasetId, source: work.sourceId, ...provenance },
  })
}

function provenanceOf(
  context: IngestContext,
  received: readonly SpooledPage[],
  split: SplitSource,
  snapshot: number,
  fingerprint: string,
): SnapshotProvenance {
  const pages = received.map(({ page, url, sha256, bytes, publishedAt, readAt }, at) => {
    const { goodRows = 0, badRows = 0 } = split.pages[at] ?? {}
    return {
      page,
      url,
      sha256,
      bytes,
      rowsIn: goodRows + badRows,
      rowsQuarantined: badRows,
      publishedAt,
      readAt,
    }
  })
  const readAt =
    pages
      .map((page) => page.readAt)
      .sort()
      .at(-1) ?? context.clock().toISOString()
  const publishedAt =
    pages
      .map((page) => page.publishedAt ?? page.readAt)
      .sort()
      .at(-1) ?? readAt
  return { snapshot, fingerprint, publishedAt, readAt, pages }
}

function publishedColumns(base: Snapshot | undefined, partitionColumn: string): Column[] {
  const ours = [...RAW_COLUMNS.map(({ name }) => name), ...(base?.partitionColumns ?? []), partitionColumn]
  return (base?.columns ?? []).filter(({ name }) => !ours.some((own) => sameColumn(own, name)))
}
