import { join } from 'node:path'
import { digestOf } from '../../kernel/ids.js'
import type { Scratch } from '../../lake/store.js'
import type { PageRecord } from '../../sources/source.js'
import {
  changesSince,
  commitQuarantine,
  commitRaw,
  finishCommit,
  provenanceOf,
  writePlan,
} from '../commit-snapshot.js'
import type { ColumnPlan } from '../plan-columns.js'
import type { ReadSource } from '../read-offers.js'
import type { SnapshotProvenance } from '../settle.js'
import { type IngestContext, type IngestResult, nextSnapshot, type SourceWork, step } from '../source-work.js'
import { writeDivisions } from '../write-divisions.js'
import type { WriteResult } from '../write-job.js'
import type { Merged } from './merge-job.js'
import { mergedPages } from './merged-pages.js'
import { type ChangesPlan, fullReadAt } from './plan-changes.js'
import type { KeysRead } from './read-keys.js'

/** Changed rows that were read, and laid over the table. */
export interface ReadChanges {
  readonly plan: ChangesPlan
  readonly read: ReadSource
  readonly columns: ColumnPlan
  readonly merged: Merged
  readonly keys: KeysRead | undefined
  /** Rows that the whole offer has now. */
  readonly rows: number
}

/** Rows of all pages, good and bad. */
export function receivedRows(offers: readonly Pick<ReadSource['offers'][number], 'pages'>[]): number {
  return offers
    .flatMap(({ pages }) => pages)
    .reduce((sum, { spooled }) => sum + spooled.record.signals.rows, 0)
}

/**
 * Writes the divisions that changes touch, and commits them as the next snapshot; all other parts stay as they are.
 * @returns 'superseded' when another run has committed a snapshot of this source meanwhile: nothing of ours became visible
 * @throws WardbookError of the workers; nothing is committed then
 */
export async function commitChanges(
  context: IngestContext,
  work: SourceWork,
  scratch: Scratch,
  changes: ReadChanges,
): Promise<IngestResult | 'superseded'> {
  const { base, last } = changes.plan
  const { merged, columns } = changes
  const snapshot = nextSnapshot(base)
  const split = { ...changes.read.split, divisions: merged.divisions, layouts: [] }
  const write = { ...writePlan(context, work, columns, split, base, snapshot), layouts: [merged.layout] }
  const divisions = merged.divisions.filter(({ runs }) => runs.length > 0)
  const made = await writeDivisions(context, write, divisions, join(scratch.folder, 'divided'))
  const written = withUntouched(work, changes, made)
  const published = last.columns ?? []
  const counts = await changesSince(context, work, base, write, columns, written, published)
  const provenance = {
    ...provenanceOfChanges(context, work, changes, snapshot),
    columns: [...published],
    ...(counts === undefined ? {} : { changes: counts }),
  }
  await commitQuarantine(work, [], snapshot)
  const { outcome, version } = await commitRaw(work, base, columns, written, provenance)
  if (outcome === 'superseded') return 'superseded'
  await finishCommit(work)
  const { added, replaced, removed, same } = merged
  const message =
    `committed snapshot ${snapshot}: ${written.rows} rows, ${added} of them new, ${replaced} replaced, ${removed} removed, ` +
    `in ${merged.divisions.length} divisions; ${same} rows came as they were`
  step(context, work, message, { rows: written.rows, added, replaced, removed, same, version })
  return { verdict: 'committed', version, snapshot, rows: written.rows, quarantined: 0 }
}

/** What a full write would have said: the parts of divisions that nothing touches came again. */
function withUntouched(work: SourceWork, { plan, merged }: ReadChanges, made: WriteResult): WriteResult {
  const column = work.dataset.partition.column
  const touched = new Set(merged.divisions.map(({ division }) => division))
  const stayed = [...plan.base.files.values()].filter((file) => !touched.has(file.partition[column] ?? ''))
  return {
    parts: made.parts,
    rows: made.rows + stayed.reduce((sum, { rows }) => sum + (rows ?? 0), 0),
    kept: [
      ...made.kept,
      ...stayed.map((file) => ({ division: file.partition[column] ?? '', sha256: file.tags.sha256 ?? '' })),
    ],
  }
}

function provenanceOfChanges(
  context: IngestContext,
  work: SourceWork,
  { plan, read, merged, keys, rows }: ReadChanges,
  snapshot: number,
): SnapshotProvenance {
  const { offer, last, since } = plan
  const place = last.offers.length - 1
  const shas = read.offers.flatMap(({ pages }) => pages.map(({ spooled }) => spooled.record.sha256))
  const keyShas = (keys?.pages ?? []).map(({ sha256 }) => sha256)
  const of = { on: last.fingerprint, token: offer.changeToken ?? null }
  const fingerprint = digestOf({ appId: work.appId, ...of, pages: shas, keys: keyShas })
  const fresh = provenanceOf(context, read, snapshot, fingerprint)
  const { same, replaced, added, removed } = merged
  const received = receivedRows(read.offers)
  return {
    ...{ snapshot, fingerprint, readAt: fresh.readAt },
    publishedAt: newestOf([last.publishedAt, offer.publishedAt ?? fresh.publishedAt]),
    offers: [...last.offers.slice(0, -1), recordOf(plan, rows)],
    pages: mergedPages(last.pages, fresh.pages, place, merged),
    incremental: {
      ...{ since, reads: (last.incremental?.reads ?? 0) + 1 },
      ...{ received, same, replaced, added, removed },
      ...(offer.rows === undefined ? { fullAt: fullReadAt(last) } : {}),
      keyPages: (keys?.pages ?? []).map(keyPageOf),
    },
  }
}

/** The publication is as new as the newest of its tables; those that were not read are as they were. */
function newestOf(instants: readonly string[]): string {
  return instants.toSorted().at(-1) as string
}

/** The rows of the offer are all that it has now, not those that came. */
function recordOf({ offer }: ChangesPlan, rows: number): SnapshotProvenance['offers'][number] {
  const { name, changeToken, publishedAt, rows: rowsCounted, changes } = offer
  return {
    ...{ name, rows },
    ...(rowsCounted === undefined ? {} : { rowsCounted }),
    ...(changeToken === undefined ? {} : { changeToken }),
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(changes === undefined ? {} : { changes: { until: changes.until, shape: changes.shape } }),
  }
}

function keyPageOf({ request, sha256, bytes, signals }: PageRecord) {
  return { url: request.url, sha256, bytes, rows: signals.rows }
}
