import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Column, RAW_COLUMNS } from '../contracts/columns.js'
import { WardbookError } from '../kernel/errors.js'
import { digestOf } from '../kernel/ids.js'
import type { NewFile } from '../lake/delta/table.js'
import { type FinishedFile, putPart } from '../lake/parts.js'
import { MAX_STATS_COLUMNS, statsText } from '../lake/stats-text.js'
import type { ObjectStore } from '../lake/store.js'
import { PartFiles } from './part-file.js'
import type { WrittenPart } from './part-totals.js'
import type { PlannedPart } from './plan-parts.js'
import type { WriteJob, WriteResult } from './write-job.js'

/**
 * Worker: writes each part of the plan as one Parquet file, and removes its runs. Parts lie in the store when it returns, but
 * no reader sees them before the commit.
 * @throws WardbookError 'row-count-differs' (report-bug) when a part's runs hold other rows than were put there
 */
export async function writeParts(store: ObjectStore, job: WriteJob): Promise<WriteResult> {
  const files = new PartFiles(job.columns, job.layouts, job.compressionLevel)
  const scratch = await store.scratch()
  const file = join(scratch.folder, 'part.parquet')
  const parts: NewFile[] = []
  const kept: { division: string; sha256: string }[] = []
  let rows = 0
  try {
    for (const part of job.parts) {
      const finished = finishedFile(job, part, file, await files.write(part, file))
      rows += finished.rows
      const same = job.live.find(
        ({ division, content }) => division === part.division && content === finished.tags?.content,
      )
      if (same !== undefined) kept.push({ division: same.division, sha256: same.sha256 })
      else parts.push(await putPart(store, job.table, job.snapshot, finished))
      for (const run of part.runs) await rm(run.file)
    }
    return { rows, parts, kept }
  } finally {
    files.close()
    await scratch.remove()
  }
}

function finishedFile(job: WriteJob, part: PlannedPart, file: string, written: WrittenPart): FinishedFile {
  if (written.rows !== part.rows) throw countDiffers(job, part, written.rows)
  const stored = [...job.columns.map((name): Column => ({ name, type: 'string' })), ...RAW_COLUMNS]
  const columns = written.columns.map((column, at) => ({ ...(stored[at] as Column), ...column }))
  const counted = columns.slice(0, MAX_STATS_COLUMNS)
  return {
    file,
    partition: { [job.partitionColumn]: part.division },
    rows: part.rows,
    uncompressedBytes: part.bytes,
    stats: statsText(part.rows, counted),
    tags: { content: contentOf(written, counted) },
  }
}

/**
 * Digest of a part's rows, their pages and their nulls, whatever the order and whatever the form of the file. The row hash takes
 * null for an empty text, so the nulls are counted.
 */
function contentOf({ pages }: WrittenPart, counted: readonly { name: string; nulls: number }[]): string {
  return digestOf({
    pages: pages.map(({ page, rows, hashes }) => ({ page, rows, hashes: String(hashes) })),
    nulls: Object.fromEntries(counted.map(({ name, nulls }) => [name, nulls])),
  })
}

function countDiffers(job: WriteJob, part: PlannedPart, written: number): WardbookError {
  return new WardbookError(
    'row-count-differs',
    'report-bug',
    `${job.table}, division ${part.division}: ${part.rows} good rows were read and ${written} would be written; ` +
      'nothing was committed',
    { table: job.table, division: part.division, counted: part.rows, written },
  )
}
