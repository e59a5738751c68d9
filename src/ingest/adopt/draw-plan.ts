import { WardbookError } from '../../kernel/errors.js'
import { digestOf } from '../../kernel/ids.js'
import type { Snapshot } from '../../lake/delta/snapshot.js'
import { publishedColumns } from '../commit-snapshot.js'
import { demandRowsLeft } from '../snapshot-checks.js'
import { type Head, rowsOf } from '../source-work.js'
import type { SurveyedFile, SurveyJob } from './adopt-job.js'
import type { AdoptContext, AdoptWork } from './adopt-work.js'
import { lastAdoption, type NumberedFile, numberPaths, unchangedFile } from './adoption-record.js'
import { type FoundFiles, listOriginals, originalsOf } from './originals.js'
import { type AdoptionPlan, planAdoption } from './plan-adoption.js'

const SURVEYED_AT_ONCE = 200 // files a worker looks at; a failure loses no more than these

/** What there is, and what is to be done about it. */
export interface Drawn {
  readonly found: FoundFiles
  readonly files: readonly NumberedFile[]
  readonly fingerprint: string
  readonly plan: AdoptionPlan | undefined
}

/**
 * Lists the folder, has new and changed files looked at, and plans. Writes nothing.
 * @throws WardbookError 'source-empty-list', 'hive-key-missing', 'hive-is-delta', 'cannot-register' (fix-config), 'all-rows-vanished',
 *   'parquet-unreadable' (fix-source)
 */
export async function drawPlan(context: AdoptContext, work: AdoptWork, head: Head): Promise<Drawn> {
  const found = await listOriginals(
    await originalsOf(work.store, work.place, context.openOriginals),
    work.place,
    work.folderKey,
  )
  demandFiles(work, head.base, found)
  const files = await numberedFiles(context, work, head, found)
  const fingerprint = fingerprintOf(work, files)
  if (head.last?.fingerprint === fingerprint) return { found, files, fingerprint, plan: undefined }
  demandRowsLeft(work, head.base, {
    rows: files.reduce((sum, { rows }) => sum + rows, 0),
    files: files.length,
  })
  const plan = planAdoption({
    files,
    last: lastAdoption(head.last),
    dataset: work.dataset,
    folderKey: work.folderKey,
    mode: work.config.mode ?? (work.config.from === undefined ? 'register' : 'copy'),
    existing: publishedColumns(head.base, work.dataset.partition.column),
    partitionColumn: head.base?.partitionColumns[0],
  })
  demandMode(work, plan)
  return { found, files, fingerprint, plan }
}

/** All files with their digests: known ones from the last snapshot, others as a worker finds them. */
async function numberedFiles(
  { runner, clock }: AdoptContext,
  work: AdoptWork,
  head: Head,
  found: FoundFiles,
): Promise<NumberedFile[]> {
  const last = lastAdoption(head.last)
  const numbers = numberPaths(
    last,
    found.data.map(({ path }) => path),
  )
  const surveyed = new Map<string, SurveyedFile & { readonly readAt: string }>()
  const unknown = found.data.filter((file) => unchangedFile(last, file) === undefined)
  for (let at = 0; at < unknown.length; at += SURVEYED_AT_ONCE) {
    const readAt = clock().toISOString()
    const paths = unknown.slice(at, at + SURVEYED_AT_ONCE).map(({ path }) => path)
    const job: SurveyJob = { ...work.place, paths }
    for (const file of await runner.run<SurveyJob, SurveyedFile[]>('ingest.survey', job))
      surveyed.set(file.path, { ...file, readAt })
  }
  return found.data.map((file) => {
    const known = surveyed.get(file.path) ?? (unchangedFile(last, file) as NumberedFile)
    const page = numbers.get(file.path) as number
    return { ...known, page, modifiedAt: file.modifiedAt.toISOString() }
  })
}

/** The same files under the same configuration are the same publication. */
function fingerprintOf({ appId, config, folderKey }: AdoptWork, files: readonly NumberedFile[]): string {
  return digestOf({
    appId,
    mode: config.mode,
    column: folderKey,
    files: files.map(({ path, sha256 }) => [path, sha256]),
  })
}

function demandFiles(work: AdoptWork, base: Snapshot | undefined, { data, other }: FoundFiles): void {
  if (data.length > 0 || (base !== undefined && rowsOf(base) > 0)) return // vanished files are a case of their own
  const where = work.place.from ?? `${work.store.address}/${work.place.root}`
  const instead = other.length === 0 ? '' : `; there are ${other.length} others, such as ${other[0]}`
  throw new WardbookError(
    'source-empty-list',
    'fix-config',
    `source ${work.datasetId}/${work.sourceId}: no Parquet file below ${where}${instead}. ` +
      `Expected: ${work.folderKey}=<division>/<name>.parquet`,
    { dataset: work.datasetId, source: work.sourceId, where, other: other.slice(0, 10) },
  )
}

function demandMode({ config, datasetId, sourceId }: AdoptWork, { mode, copiedBecause }: AdoptionPlan): void {
  if (config.mode !== 'register' || mode === 'register') return
  throw new WardbookError(
    'cannot-register',
    'fix-config',
    `${datasetId}/${sourceId}: these files cannot stay as they are: ${copiedBecause.join('; ')}. Use mode: copy`,
    { dataset: datasetId, source: sourceId, reasons: copiedBecause },
  )
}
