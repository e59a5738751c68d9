import type { CityFile, DatasetConfig, FilesSourceConfig } from '../contracts/city-file.js'
import { type Column, QUARANTINE_COLUMNS, RAW_COLUMNS } from '../contracts/columns.js'
import type { PartRunner } from '../contracts/part-runner.js'
import { configDigests, positionId, reachedVersion } from '../contracts/positions.js'
import type { Report } from '../contracts/progress.js'
import { WardbookError } from '../kernel/errors.js'
import { digestOf } from '../kernel/ids.js'
import type { Clock } from '../kernel/time.js'
import type { LiveFile, Snapshot } from '../lake/delta/snapshot.js'
import { DeltaTable } from '../lake/delta/table.js'
import { schemaChange } from '../lake/schema-change.js'
import type { ObjectStore, Scratch } from '../lake/store.js'
import { tables } from '../lake/tables.js'
import { sameColumn } from '../sources/files/read-csv.js'
import type { Source } from '../sources/source.js'
import { type ColumnPlan, planColumns } from './plan-columns.js'
import { type ScannedPage, scanPage } from './scan-page.js'
import { type SettleScope, type SnapshotProvenance, settleSnapshot } from './settle.js'
import { clearSpool, type SpooledPage, spoolPage } from './spool.js'
import type { LivePart, WriteJob, WriteResult } from './write-job.js'

/** What ingestion works with; the store handle is scoped to `ingest`. */
export interface IngestContext {
  readonly store: ObjectStore
  readonly city: CityFile
  readonly runner: PartRunner
  readonly clock: Clock
  readonly report: Report
  openSource(name: string, config: FilesSourceConfig): Source
}

/** What came of reading a source. */
export interface IngestResult {
  readonly verdict: 'committed' | 'unchanged'
  /** Version of the raw table that holds the snapshot. */
  readonly version: number
  readonly snapshot: number
  readonly rows: number
  readonly quarantined: number
}

/** Bad rows that any source may have before the rate counts: one bad line must not refuse a file of ten. */
export const FREE_BAD_ROWS = 100

/**
 * Reads one source completely and commits it as one snapshot, or commits nothing.
 * describe → spool → describe again → scan → one lean partitioned pass in a worker → quarantine, then table → records.
 * The same publication again commits nothing. A killed run continues with the pages it had received.
 */
export async function ingestSource(
  context: IngestContext,
  datasetId: string,
  sourceId: string,
): Promise<IngestResult> {
  const work = workOn(context, datasetId, sourceId)
  const scratch = await context.store.scratch()
  try {
    await settleSnapshot(work) // what an interrupted run left, whatever the source answers today
    const pages = await spoolAll(context, work, scratch)
    const fingerprint = fingerprintOf(work.appId, pages)
    const head = await readHead(work)
    const result =
      head.last?.fingerprint === fingerprint
        ? unchanged(context, work, head)
        : await commitSnapshot(context, work, scratch, pages, fingerprint, head.base)
    await clearSpool(context.store, work.spoolRoot)
    return result
  } finally {
    await scratch.remove()
  }
}

/** One source of one dataset, and where its things lie. */
interface SourceWork extends SettleScope {
  readonly source: Source
  readonly config: FilesSourceConfig
  readonly partitionFrom: string
  readonly raw: DeltaTable
  readonly quarantine: DeltaTable
  readonly spoolRoot: string
}

function workOn(context: IngestContext, datasetId: string, sourceId: string): SourceWork {
  const { city, store } = context
  const dataset = city.datasets[datasetId] as DatasetConfig
  const config = dataset.sources[sourceId] as FilesSourceConfig
  const digest = configDigests(city, datasetId).ingest
  return {
    store,
    datasetId,
    dataset,
    sourceId,
    config,
    appId: positionId({ stage: 'ingest', dataset: datasetId, source: sourceId, digest }),
    source: context.openSource(`${datasetId}/${sourceId}`, config),
    partitionFrom: dataset.partition.from ?? dataset.partition.column,
    raw: new DeltaTable(store, tables.raw(datasetId, sourceId), context.clock),
    quarantine: new DeltaTable(store, tables.quarantine('ingest', datasetId, sourceId), context.clock),
    spoolRoot: `spool/${datasetId}/${sourceId}`,
  }
}

/** The raw table, and its newest snapshot when that was made under today's city file: one made under an earlier one is history. */
async function readHead(
  work: SourceWork,
): Promise<{ base: Snapshot | undefined; last: SnapshotProvenance | undefined }> {
  const base = await work.raw.snapshot()
  const last = await settleSnapshot(work)
  return { base, last: last?.snapshot === nextSnapshot(base) - 1 ? last : undefined }
}

/** All pages, received whole; a page that the publisher changed meanwhile is received once more. */
async function spoolAll(context: IngestContext, work: SourceWork, scratch: Scratch): Promise<SpooledPage[]> {
  const spool = { store: work.store, root: work.spoolRoot, scratch, clock: context.clock }
  const before = await work.source.describe()
  const pages: SpooledPage[] = []
  let resumed = 0
  for (const offer of before) {
    const spooled = await spoolPage(spool, work.source, offer)
    pages.push(spooled.page)
    if (spooled.resumed) resumed += 1
  }
  const after = await work.source.describe()
  demandSameOffers(work, before.length, after.length)
  for (const offer of after) {
    const received = pages[offer.page]
    if (received?.url === offer.url && received.changeToken === (offer.changeToken ?? null)) continue
    pages[offer.page] = (await spoolPage(spool, work.source, offer)).page
  }
  const bytes = pages.reduce((sum, page) => sum + page.bytes, 0)
  step(
    context,
    work,
    `received ${pages.length} files, ${bytes} bytes${resumed > 0 ? ` (${resumed} kept from an earlier run)` : ''}`,
    {
      files: pages.length,
      bytes,
      resumed,
    },
  )
  return pages
}

function unchanged(
  context: IngestContext,
  work: SourceWork,
  { base, last }: Awaited<ReturnType<typeof readHead>>,
): IngestResult {
  const [version, snapshot] = [base?.version ?? -1, last?.snapshot ?? -1]
  const rows = base === undefined ? 0 : rowsOf(base)
  const quarantined = (last?.pages ?? []).reduce((sum, page) => sum + page.rowsQuarantined, 0)
  step(context, work, `unchanged: snapshot ${snapshot} with ${rows} rows is current`, { rows, quarantined })
  return { verdict: 'unchanged', version, snapshot, rows, quarantined }
}

async function commitSnapshot(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  pages: readonly SpooledPage[],
  fingerprint: string,
  base: Snapshot | undefined,
): Promise<IngestResult> {
  const scanned: ScannedPage[] = []
  const settings = { delimiter: work.config.delimiter, partitionColumn: work.partitionFrom }
  for (const page of pages) scanned.push(await scanPage(work.store, scratch, page, settings))
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
  const provenance = provenanceOf(context, scanned, number, fingerprint)
  await commitQuarantine(work, written, number)
  const { outcome, version } = await commitRaw(work, base, plan, written, provenance)
  if (outcome === 'superseded') return unchanged(context, work, await readHead(work)) // another run was faster
  await settleSnapshot(work)

  const quarantined = provenance.pages.reduce((sum, page) => sum + page.rowsQuarantined, 0)
  const divisions = new Set(written.parts.map(({ partition }) => partition[work.dataset.partition.column]))
    .size
  step(
    context,
    work,
    `committed snapshot ${number}: ${written.rows} rows in ${divisions} divisions, ${quarantined} rows in quarantine`,
    { rows: written.rows, quarantined, divisions, version },
  )
  return { verdict: 'committed', version, snapshot: number, rows: written.rows, quarantined }
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

function livePartsOf(work: SourceWork, base: Snapshot | undefined): Record<string, LivePart[]> {
  const parts: Record<string, LivePart[]> = {}
  const column = work.dataset.partition.column
  if (base?.partitionColumns[0] !== column) return parts
  for (const file of base.files.values()) {
    const division = file.partition[column]
    const { sha256, content } = file.tags
    if (division && sha256 && content) parts[division] = [...(parts[division] ?? []), { sha256, content }]
  }
  return parts
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

/** The same bytes under the same configuration are the same publication, whatever address they came from. */
function fingerprintOf(appId: string, pages: readonly SpooledPage[]): string {
  return digestOf({ appId, pages: pages.map(({ sha256 }) => sha256) })
}

/** Snapshots of a source are numbered from 0 over all its configurations. */
function nextSnapshot(base: Snapshot | undefined): number {
  return Math.max(-1, ...(base?.positions.values() ?? [])) + 1
}

function publishedColumns(base: Snapshot | undefined, partitionColumn: string): Column[] {
  const ours = [...RAW_COLUMNS.map(({ name }) => name), ...(base?.partitionColumns ?? []), partitionColumn]
  return (base?.columns ?? []).filter(({ name }) => !ours.some((own) => sameColumn(own, name)))
}

function rowsOf(snapshot: Snapshot): number {
  return [...snapshot.files.values()].reduce((sum, file) => sum + (file.rows ?? 0), 0)
}

function demandSameOffers(work: SourceWork, before: number, after: number): void {
  if (before === after) return
  throw new WardbookError(
    'changed-during-read',
    'retry',
    `${work.datasetId}/${work.sourceId} had ${before} files when the read began and ${after} at its end; read it again`,
    { dataset: work.datasetId, source: work.sourceId, before, after },
  )
}

function demandQuarantinePolicy(work: SourceWork, scanned: readonly ScannedPage[]): void {
  const { policy, maxRate } = work.dataset.quarantine
  const bad = scanned.reduce((sum, { summary }) => sum + summary.badRows, 0)
  const all = scanned.reduce((sum, { summary }) => sum + summary.badRows + summary.goodRows, 0)
  const allowed = policy === 'fail' ? 0 : Math.max(FREE_BAD_ROWS, Math.floor(all * maxRate))
  if (bad <= allowed && (bad < all || bad === 0)) return
  const worst = scanned.toSorted((a, b) => b.summary.badRows - a.summary.badRows)[0]
  throw new WardbookError(
    'too-many-bad-rows',
    'fix-source',
    `${work.datasetId}/${work.sourceId}: ${bad} of ${all} rows cannot be read, ${allowed} are allowed ` +
      `(most in ${worst?.page.url}: ${worst?.summary.badRows}); nothing was committed. ` +
      'Check the delimiter and the file, or raise quarantine.maxRate in the city file',
    {
      dataset: work.datasetId,
      source: work.sourceId,
      bad,
      all,
      allowed,
      policy,
      maxRate,
      file: worst?.page.url,
    },
  )
}

/** No row where there were many is a portal's mistake until a person says otherwise. */
function demandRowsLeft(work: SourceWork, base: Snapshot | undefined, scanned: readonly ScannedPage[]): void {
  const before = base === undefined ? 0 : rowsOf(base)
  if (before === 0 || scanned.some(({ summary }) => summary.goodRows > 0)) return
  throw new WardbookError(
    'all-rows-vanished',
    'fix-source',
    `${work.datasetId}/${work.sourceId}: no row at all in ${scanned.length} files, where there were ${before}; ` +
      'nothing was committed. Look at the files; if the publisher means it, remove the source from the city file',
    { dataset: work.datasetId, source: work.sourceId, before, files: scanned.length },
  )
}

function step(
  context: IngestContext,
  work: SourceWork,
  message: string,
  facts: Record<string, unknown>,
): void {
  context.report({ stage: 'ingest', dataset: work.datasetId, source: work.sourceId, message, facts })
}
