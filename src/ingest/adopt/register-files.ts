import { stat } from 'node:fs/promises'
import type { Column } from '../../contracts/columns.js'
import type { NewFile } from '../../lake/delta/table.js'
import type { Engine } from '../../lake/duckdb/engine.js'
import { registeredTag } from '../../lake/duckdb/raw-rows.js'
import { readStats } from '../../lake/duckdb/stats.js'
import { measureParquet } from '../../lake/duckdb/write.js'
import type { AdoptJob } from './adopt-job.js'
import { type OpenFile, sharedKeysSql } from './adopt-sql.js'

/** Largest row group that every later stage reads within its ceiling; a file with a larger one is copied. */
export const MAX_REGISTERED_ROW_GROUP_BYTES = 48 * 2 ** 20

/** A file that stays as it is. */
export interface RegisteredFile {
  readonly path: string
  readonly file: NewFile
}

/**
 * The files of a division that the table may name as they are: those that keep the part budget. Where a key occurs in two
 * files none may: rows of one key have to share a part, or the next stage counts them twice.
 */
export async function registerFiles(
  engine: Engine,
  job: AdoptJob,
  division: string,
  files: readonly OpenFile[],
): Promise<RegisteredFile[]> {
  if (job.key !== undefined && files.length > 1 && (await shareKeys(engine, files, job.key))) return []
  const registered: RegisteredFile[] = []
  for (const file of files) {
    const made = await registerFile(engine, job, division, file)
    if (made !== undefined) registered.push({ path: file.input.path, file: made })
  }
  return registered
}

async function shareKeys(engine: Engine, files: readonly OpenFile[], key: string): Promise<boolean> {
  const [found] = await engine.rows<{ keys: number }>(sharedKeysSql(files, key))
  return (found?.keys ?? 0) > 0
}

async function registerFile(
  engine: Engine,
  job: AdoptJob,
  division: string,
  { input, local }: OpenFile,
): Promise<NewFile | undefined> {
  if (input.rowGroupBytes > MAX_REGISTERED_ROW_GROUP_BYTES || input.rows > job.budget.maxRows)
    return undefined
  const own = new Set(input.cells.map(({ column }) => column))
  const columns = job.columns.filter(({ name }) => own.has(name))
  const { rows, bytes } = await measureParquet(engine, local, columns)
  if (bytes > job.budget.maxUncompressedBytes) return undefined
  return {
    key: input.path,
    partition: { [job.partitionColumn]: division },
    size: (await stat(local)).size,
    rows,
    sha256: input.sha256,
    uncompressedBytes: bytes,
    stats: await readStats(engine, local, rows, columns.filter(hasTrueBounds)),
    tags: registeredTag({ page: input.page, folder: input.folder }),
  }
}

/** A foreign footer does not tell whether a column of doubles has NaN, which is greater than its greatest. */
function hasTrueBounds({ type }: Column): boolean {
  return type !== 'double'
}
