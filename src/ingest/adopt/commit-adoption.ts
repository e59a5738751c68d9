import { RAW_COLUMNS } from '../../contracts/columns.js'
import type { LiveFile } from '../../lake/delta/snapshot.js'
import type { NewFile } from '../../lake/delta/table.js'
import { REGISTERED_TAG } from '../../lake/duckdb/raw-rows.js'
import { schemaChange } from '../../lake/schema-change.js'
import { commitQuarantine } from '../commit-snapshot.js'
import type { SnapshotProvenance } from '../settle.js'
import { type Head, nextSnapshot, rowsOf } from '../source-work.js'
import type { AdoptedDivision } from './adopt-job.js'
import type { AdoptWork } from './adopt-work.js'
import { type NumberedFile, recordOf } from './adoption-record.js'
import type { AdoptionPlan } from './plan-adoption.js'

/** Everything that a commit of adoption is made from. */
export interface Adoption {
  readonly plan: AdoptionPlan
  readonly files: readonly NumberedFile[]
  readonly adopted: readonly AdoptedDivision[]
  readonly fingerprint: string
  readonly head: Head
}

/** A committed adoption. */
export interface CommittedAdoption {
  readonly version: number
  readonly snapshot: number
  readonly rows: number
}

/**
 * One commit: the parts of worked divisions, the removal of what they replace and of what vanished, and the position.
 * @returns undefined when another run has committed a snapshot meanwhile: nothing of ours became visible
 */
export async function commitAdoption(
  work: AdoptWork,
  adoption: Adoption,
): Promise<CommittedAdoption | undefined> {
  const { plan, files, fingerprint, head } = adoption
  const snapshot = nextSnapshot(head.base)
  await commitQuarantine(work, [], snapshot) // an earlier family of this source may have left rows there
  const { adds, removes } = changesOf(work, adoption)
  const { outcome, version } = await work.raw.commit(head.base, {
    operation: 'ADOPT',
    ...schemaChange(head.base, [...plan.columns, ...RAW_COLUMNS], [work.dataset.partition.column]),
    adds,
    removes,
    positions: [{ appId: work.appId, version: snapshot }],
    provenance: {
      stage: 'ingest',
      dataset: work.datasetId,
      source: work.sourceId,
      ...provenanceOf(files, snapshot, fingerprint),
      adoption: recordOf(plan.mode, work.folderKey, files),
    },
  })
  if (outcome === 'superseded') return undefined
  const table = await work.raw.snapshot(version)
  return { version, snapshot, rows: table === undefined ? 0 : rowsOf(table) }
}

/**
 * A registered file that is live as it is stays so. One that came again under its name with other bytes is only added: a commit
 * must not both add and remove one path.
 */
function changesOf(work: AdoptWork, { plan, adopted, head }: Adoption) {
  const column = work.dataset.partition.column
  const live = [...(head.base?.files.values() ?? [])]
  const isResplit = head.base !== undefined && head.base.partitionColumns[0] !== column
  const liveByKey = new Map(live.map((file) => [file.key, file]))
  const made = adopted.flatMap(({ parts }) => parts)
  const adds = isResplit ? made : made.filter((file) => !isLive(file, liveByKey.get(file.key), column))
  const named = new Set(made.map(({ key }) => key))
  const kept = new Set(
    adopted.flatMap((one) => one.kept.map(({ division, sha256 }) => `${division} ${sha256}`)),
  )
  const keptDivisions = new Set(plan.kept)
  const stays = (file: LiveFile) => {
    if (named.has(file.key)) return true
    const division = file.partition[column] ?? ''
    return !isResplit && (keptDivisions.has(division) || kept.has(`${division} ${file.tags.sha256}`))
  }
  return { adds, removes: live.filter((file) => !stays(file)) }
}

function isLive(file: NewFile, live: LiveFile | undefined, column: string): boolean {
  return (
    live?.tags.sha256 === file.sha256 &&
    live.tags[REGISTERED_TAG] === file.tags?.[REGISTERED_TAG] &&
    live.partition[column] === file.partition[column]
  )
}

function provenanceOf(
  files: readonly NumberedFile[],
  snapshot: number,
  fingerprint: string,
): SnapshotProvenance {
  const newest = (times: readonly string[]) => times.toSorted().at(-1) ?? ''
  return {
    snapshot,
    fingerprint,
    publishedAt: newest(files.map(({ modifiedAt }) => modifiedAt)),
    readAt: newest(files.map(({ readAt }) => readAt)),
    offers: [], // what lies there is looked at each time: no portal tells that it is unchanged
    pages: files.map(({ page, path, sha256, bytes, rows, modifiedAt, readAt }) => ({
      ...{ page, url: path, sha256, bytes, rowsIn: rows, rowsQuarantined: 0 },
      publishedAt: modifiedAt,
      readAt,
    })),
  }
}
