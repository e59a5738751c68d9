import { type Column, QUARANTINE_COLUMNS, RAW_COLUMNS } from '../contracts/columns.js'
import { reachedVersion } from '../contracts/positions.js'
import { WardbookError } from '../kernel/errors.js'
import type { LiveFile, Snapshot } from '../lake/delta/snapshot.js'
import type { NewFile } from '../lake/delta/table.js'
import { schemaChange } from '../lake/schema-change.js'
import type { Scratch } from '../lake/store.js'
import { sameColumn } from '../sources/files/read-csv.js'
import { type ColumnPlan, planColumns } from './plan-columns.js'
import { type ScannedPage, scanPage } from './scan-page.js'
import { type SnapshotProvenance, settleSnapshot } from './settle.js'
import { demandQuarantinePolicy, demandRowsLeft } from './snapshot-checks.js'
import {
  type IngestContext,
  type IngestResult,
  nextSnapshot,
  type RawWork,
  type SourceWork,
  step,
} from './source-work.js'
import type { SpooledPage } from './spool.js'
import type { LivePart, WriteJob, WriteResult } from './write-job.js'

/**
 * Scans the pages, writes them in a worker, and commits: quarantine first, then the table, then the records.
 * @returns undefined when another run has committed a snapshot of this source meanwhile: nothing of ours became visible
 * @throws WardbookError of the scan, the checks and the worker; nothing is committed then
 */
export async function commitSnapshot(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  pages: readonly SpooledPage[],
  fingerprint: string,
  base: Snapshot | undefined,
): Promise<IngestResult | undefined> {
  const scanned: ScannedPage[] = []
  const settings = { delimiter: work.config.delimiter, partitionColumn: work.partitionFrom }
  for (const page of pages) scanned.push(await scanPage(work.store, scratch, page, settings))
  demandQuarantinePolicy(work, scanned)
  demandRowsLeft(work, base, {
    rows: scanned.reduce((sum, { summary }) => sum + summary.goodRows, 0),
    files: scanned.length,
  })
  const plan = planColumns(
    scanned.map(({ summary }) => summary.header),
    work.dataset.partition.column,
    publishedColumns(base, work.dataset.partition.column),
  )
  const number = nextSnapshot(base)
  const job = writeJob(context, work, scanned, plan, number, base)
  const written = await context.runner.run<WriteJob, WriteResult>('ingest.write', job)
  const provenance = provenanceOf(context, scanned, number, fingerprint)
  await commitQuarantine(work, written.quarantined, number)
  const { outcome, version } = await commitRaw(work, base, plan, written, provenance)
  if (outcome === 'superseded') return undefined
  await settleSnapshot(work)

  const quarantined = provenance.pages.reduce((sum, page) => sum + page.rowsQuarantined, 0)
  const divisions = divisionsOf(work, written)
  step(
    context,
    work,
    `committed snapshot ${number}: ${written.rows} rows in ${divisions} divisions, ${quarantined} rows in quarantine`,
    { rows: written.rows, quarantined, divisions, version },
  )
  return { verdict: 'committed', version, snapshot: number, rows: written.rows, quarantined }
}

function divisionsOf({ dataset }: SourceWork, { parts, kept }: WriteResult): number {
  const made = parts.map(({ partition }) => partition[dataset.partition.column])
  return new Set([...made, ...kept.map(({ division }) => division)]).size
}

function writeJob(
  context: IngestContext,
  work: SourceWork,
  scanned: readonly ScannedPage[],
  plan: ColumnPlan,
  snapshot: number,
  base: Snapshot | undefined,
): WriteJob {
  return {
    table: work.raw.root,
    quarantineTable: work.quarantine.root,
    snapshot,
    columns: plan.columns.map(({ name }) => name),
    pages: scanned.map((scan, index) => ({
      page: scan.page.page,
      url: scan.page.url,
      input: scan.copy === undefined ? { object: scan.page.body } : { file: scan.copy },
      gzip: scan.copy === undefined && scan.page.gzip,
      delimiter: scan.copy === undefined ? work.config.delimiter : ',',
      columns: plan.pages[index] ?? [],
      rows: scan.summary.goodRows,
      badRows: scan.badRows,
    })),
    partitionColumn: work.dataset.partition.column,
    partitionFrom: columnFor(plan, work.partitionFrom),
    partitionValues: work.dataset.partition.values,
    key: work.dataset.key === undefined ? undefined : keyColumn(work, plan),
    budget: context.city.parts,
    live: livePartsOf(work, base),
  }
}

/** Table column of a published column; the scan has made sure that every page has the division's. */
function columnFor(plan: ColumnPlan, published: string): string {
  return (
    plan.columns.find(({ metadata }) => sameColumn(metadata?.published ?? '', published))?.name ?? published
  )
}

/** The table column of the dataset's key. @throws WardbookError 'key-column-missing' (fix-source) */
export function keyColumn(work: RawWork, plan: ColumnPlan): string {
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

/** Live files that {@link storeParts} may leave as they are. */
export function livePartsOf(work: RawWork, base: Snapshot | undefined): LivePart[] {
  const column = work.dataset.partition.column
  if (base?.partitionColumns[0] !== column) return []
  return [...base.files.values()].flatMap((file) => {
    const division = file.partition[column]
    const { sha256, content } = file.tags
    return division && sha256 && content ? [{ division, sha256, content }] : []
  })
}

/** Quarantine comes first, under the same position: a row is never missing from both. */
export async function commitQuarantine(
  work: RawWork,
  adds: readonly NewFile[],
  snapshot: number,
): Promise<void> {
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
  scanned: readonly ScannedPage[],
  snapshot: number,
  fingerprint: string,
): SnapshotProvenance {
  const pages = scanned.map(({ page, summary }) => ({
    page: page.page,
    url: page.url,
    sha256: page.sha256,
    bytes: page.bytes,
    rowsIn: summary.goodRows + summary.badRows,
    rowsQuarantined: summary.badRows,
    publishedAt: page.publishedAt,
    readAt: page.readAt,
  }))
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

/** Columns of the publisher that the table has so far. */
export function publishedColumns(base: Snapshot | undefined, partitionColumn: string): Column[] {
  const ours = [...RAW_COLUMNS.map(({ name }) => name), ...(base?.partitionColumns ?? []), partitionColumn]
  return (base?.columns ?? []).filter(({ name }) => !ours.some((own) => sameColumn(own, name)))
}
