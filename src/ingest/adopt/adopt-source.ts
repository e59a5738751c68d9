import { packParts } from '../../contracts/pack-parts.js'
import { WardbookError } from '../../kernel/errors.js'
import { keyColumn, livePartsOf } from '../commit-snapshot.js'
import { lastProvenance, settleSnapshot } from '../settle.js'
import { type Head, type IngestResult, nextSnapshot, readHead, rowsOf, step } from '../source-work.js'
import type { AdoptedDivision, AdoptJob } from './adopt-job.js'
import { type AdoptContext, type AdoptWork, adoptWork } from './adopt-work.js'
import { commitAdoption } from './commit-adoption.js'
import { drawPlan } from './draw-plan.js'
import { type FoundFiles, listOriginals, originalsOf } from './originals.js'
import type { AdoptionPlan } from './plan-adoption.js'
import { tellAdopted, tellPlan } from './tell-adoption.js'

/**
 * Makes a source's raw table what its folder of hive-partitioned Parquet is: one snapshot, or nothing where the folder is as it was.
 * list → digests of what is new → plan → parts in workers → list again → rows reconciled → one commit → records.
 * Originals are only read. A killed run, run again, gives the same table.
 * @throws WardbookError 'adopt-needs-hive' (fix-config) for a source of another family, and those of listing, plan and workers
 */
export async function adoptSource(
  context: AdoptContext,
  datasetId: string,
  sourceId: string,
): Promise<IngestResult> {
  const work = adoptWork(context, datasetId, sourceId)
  const head = await readHead(work)
  const { plan, files, found, fingerprint } = await drawPlan(context, work, head)
  if (plan === undefined) return unchanged(context, work, head)
  tellPlan(context, work, plan)
  const adopted = await adoptAll(context, work, plan, head)
  await demandSameFolder(context, work, found)
  const committed = await commitAdoption(work, { plan, files, adopted, fingerprint, head })
  if (committed === undefined) return unchanged(context, work, await readHead(work))
  await settleSnapshot(work)
  tellAdopted(context, work, plan, adopted, committed)
  return { verdict: 'committed', ...committed, quarantined: 0 }
}

/** What {@link adoptSource} would do; undefined where it would do nothing. Reads all new files, writes nothing. */
export async function planSource(
  context: AdoptContext,
  datasetId: string,
  sourceId: string,
): Promise<AdoptionPlan | undefined> {
  const work = adoptWork(context, datasetId, sourceId)
  const { plan } = await drawPlan(context, work, await readHead(work, lastProvenance))
  if (plan !== undefined) tellPlan(context, work, plan)
  return plan
}

async function adoptAll(
  context: AdoptContext,
  work: AdoptWork,
  plan: AdoptionPlan,
  { base }: Head,
): Promise<AdoptedDivision[]> {
  const { key, partition } = work.dataset
  const adopted: AdoptedDivision[] = []
  for (const divisions of packParts(plan.written, context.city.parts)) {
    const job: AdoptJob = {
      ...work.place,
      table: work.raw.root,
      snapshot: nextSnapshot(base),
      partitionColumn: partition.column,
      columns: plan.columns,
      key: key === undefined ? undefined : keyColumn(work, plan.columnPlan),
      budget: context.city.parts,
      registers: plan.mode === 'register',
      divisions,
      live: plan.isSameTable ? livePartsOf(work, base) : [], // text and typed parts of equal rows are not the same
    }
    adopted.push(...(await context.runner.run<AdoptJob, AdoptedDivision[]>('ingest.adopt', job)))
  }
  return adopted
}

function unchanged(context: AdoptContext, work: AdoptWork, { base, last }: Head): IngestResult {
  const [version, snapshot] = [base?.version ?? -1, last?.snapshot ?? -1]
  const rows = base === undefined ? 0 : rowsOf(base)
  step(context, work, `unchanged: snapshot ${snapshot} with ${rows} rows is current`, { rows, adds: 0 })
  return { verdict: 'unchanged', version, snapshot, rows, quarantined: 0 }
}

/** @throws WardbookError 'changed-during-read' (retry) when the folder is not as it was when the run began */
async function demandSameFolder(context: AdoptContext, work: AdoptWork, before: FoundFiles): Promise<void> {
  const originals = await originalsOf(work.store, work.place, context.openOriginals)
  const after = await listOriginals(originals, work.place, work.folderKey)
  const shown = ({ data }: FoundFiles) =>
    JSON.stringify(data.map(({ path, bytes, modifiedAt }) => [path, bytes, modifiedAt.getTime()]))
  if (shown(before) === shown(after)) return
  throw new WardbookError(
    'changed-during-read',
    'retry',
    `${work.datasetId}/${work.sourceId}: files came, went or changed while the folder was adopted; nothing was committed, adopt it again`,
    { dataset: work.datasetId, source: work.sourceId, before: before.data.length, after: after.data.length },
  )
}
