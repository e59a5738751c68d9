import type { ChangeCounts } from '../contracts/changes.js'
import { type Column, QUARANTINE_COLUMNS, RAW_COLUMNS } from '../contracts/columns.js'
import { reachedVersion } from '../contracts/positions.js'
import { WardbookError } from '../kernel/errors.js'
import type { LiveFile, Snapshot } from '../lake/delta/snapshot.js'
import { schemaChange } from '../lake/schema-change.js'
import { sameColumn } from '../sources/files/read-csv.js'
import { compareSnapshots } from './changes/compare-snapshots.js'
import { type ColumnPlan, planColumns } from './plan-columns.js'
import type { OfferJudgement } from './read-offers.js'
import type { ScannedPage } from './scan-page.js'
import { type SnapshotProvenance, settleSnapshot } from './settle.js'
import { demandQuarantinePolicy, demandRowsLeft } from './snapshot-checks.js'
import {
  type IngestContext,
  type IngestResult,
  nextSnapshot,
  rowsOf,
  type SourceWork,
  step,
} from './source-work.js'
import type { LivePart, WriteJob, WriteResult } from './write-job.js'

/**
 * Writes the scanned pages in a worker, compares them with the last snapshot, and commits: quarantine first, then the table, then the
 * records.
 * @returns undefined when another run has committed a snapshot of this source meanwhile: nothing of ours became visible
 * @throws WardbookError of the checks and the worker; nothing is committed then
 */
export async function commitSnapshot(
  context: IngestContext,
  work: SourceWork,
  judged: readonly OfferJudgement[],
  fingerprint: string,
  base: Snapshot | undefined,
): Promise<IngestResult | undefined> {
  const scanned = judged.flatMap(({ pages }) => pages)
  demandQuarantinePolicy(work, scanned)
  demandRowsLeft(work, base, scanned)
  const plan = planColumns(
    scanned.map(({ summary }) => summary.header),
    work.dataset.partition.column,
    publishedColumns(base, work.dataset.partition.column),
  )
  const number = nextSnapshot(base)
  const job = writeJob(context, work, scanned, plan, number, base)
  const written = await context.runner.run<WriteJob, WriteResult>('ingest.write', job)
  const columns = [...new Set(plan.pages.flat())].sort()
  const changes = await changesSince(context, work, base, job, written, columns)
  const provenance = {
    ...provenanceOf(context, judged, number, fingerprint),
    columns,
    ...(changes ? { changes } : {}),
  }
  await commitQuarantine(work, written, number)
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

/** What became of the rows of the last snapshot; undefined for the first, and where the division is another column. */
async function changesSince(
  context: IngestContext,
  work: SourceWork,
  base: Snapshot | undefined,
  job: WriteJob,
  written: WriteResult,
  columns: readonly string[],
): Promise<ChangeCounts | undefined> {
  const { partitionColumn, partitionFrom, key } = job
  if (base === undefined || base.partitionColumns[0] !== partitionColumn || base.positions.size === 0)
    return undefined
  const last = await settleSnapshot(work)
  const removed = removedFiles(work, base, written)
  const keptRows = rowsOf(base) - removed.reduce((sum, { rows }) => sum + (rows ?? 0), 0)
  return compareSnapshots(context.runner, {
    ...{
      root: work.raw.root,
      partitionColumn,
      partitionFrom,
      key,
      before: base,
      removed,
      added: written.parts,
      keptRows,
    },
    columnsBefore: last?.columns ?? publishedColumns(base, partitionColumn).map(({ name }) => name),
    columnsAfter: columns,
  })
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
    pages: scanned.map(({ page, spooled, summary, badRows, input }, index) => ({
      page,
      url: spooled.record.request.url,
      input: input.copy === undefined ? { object: spooled.body } : { file: input.copy },
      ...{ gzip: input.gzip, delimiter: input.delimiter, hasNulls: input.hasNulls },
      columns: plan.pages[index] ?? [],
      rows: summary.goodRows,
      badRows,
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
async function commitQuarantine(work: SourceWork, written: WriteResult, snapshot: number): Promise<void> {
  const base = await work.quarantine.snapshot()
  const removes = [...(base?.files.values() ?? [])]
  const done = reachedVersion(base?.positions, work.appId) >= snapshot
  if (done || (written.quarantined.length === 0 && removes.length === 0)) return
  const partitionColumns = [work.dataset.partition.column]
  await work.quarantine.commit(base, {
    operation: 'QUARANTINE',
    ...schemaChange(base, QUARANTINE_COLUMNS, partitionColumns),
    removes,
    adds: written.quarantined,
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
  return work.raw.commit(base, {
    operation: 'WRITE SNAPSHOT',
    ...schemaChange(base, [...plan.columns, ...RAW_COLUMNS], partitionColumns),
    removes: base === undefined ? [] : removedFiles(work, base, written),
    adds: written.parts,
    positions: [{ appId: work.appId, version: provenance.snapshot }],
    provenance: { stage: 'ingest', dataset: work.datasetId, source: work.sourceId, ...provenance },
  })
}

function provenanceOf(
  context: IngestContext,
  judged: readonly OfferJudgement[],
  snapshot: number,
  fingerprint: string,
): SnapshotProvenance {
  const pages = judged.flatMap(({ offer, pages: scanned }) =>
    scanned.map(({ page, spooled: { record }, summary }) => ({
      page,
      url: record.request.url,
      sha256: record.sha256,
      bytes: record.bytes,
      rowsIn: summary.goodRows + summary.badRows,
      rowsQuarantined: summary.badRows,
      publishedAt: offer.publishedAt ?? null,
      readAt: record.readAt,
    })),
  )
  const readAt = newest(pages.map((page) => page.readAt)) ?? context.clock().toISOString()
  const publishedAt = newest(pages.map((page) => page.publishedAt ?? page.readAt)) ?? readAt
  return { snapshot, fingerprint, publishedAt, readAt, offers: judged.map(offerRecord), pages }
}

/** Live files whose rows did not come again. */
function removedFiles(work: SourceWork, base: Snapshot, written: WriteResult): LiveFile[] {
  const division = (file: LiveFile) => file.partition[work.dataset.partition.column] ?? ''
  const kept = new Set(written.kept.map((part) => `${part.division} ${part.sha256}`))
  return [...base.files.values()].filter((file) => !kept.has(`${division(file)} ${file.tags.sha256}`))
}

function offerRecord({ offer, pages }: OfferJudgement): SnapshotProvenance['offers'][number] {
  const { name, changeToken, publishedAt, rows: rowsCounted } = offer
  return {
    name,
    ...(changeToken === undefined ? {} : { changeToken }),
    ...(publishedAt === undefined ? {} : { publishedAt }),
    rows: pages.reduce((sum, { summary }) => sum + summary.goodRows + summary.badRows, 0),
    ...(rowsCounted === undefined ? {} : { rowsCounted }),
  }
}

function newest(instants: readonly string[]): string | undefined {
  return instants.toSorted().at(-1)
}

function publishedColumns(base: Snapshot | undefined, partitionColumn: string): Column[] {
  const ours = [...RAW_COLUMNS.map(({ name }) => name), ...(base?.partitionColumns ?? []), partitionColumn]
  return (base?.columns ?? []).filter(({ name }) => !ours.some((own) => sameColumn(own, name)))
}
