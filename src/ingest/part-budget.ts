import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PartsConfig } from '../contracts/city-file.js'
import { type Column, ROW_HASH, SOURCE_PAGE } from '../contracts/columns.js'
import type { NewFile } from '../lake/delta/table.js'
import type { Engine } from '../lake/duckdb/engine.js'
import { identifier, literal, PARQUET_OPTIONS } from '../lake/duckdb/sql.js'
import { readStats } from '../lake/duckdb/stats.js'
import { measureParquet } from '../lake/duckdb/write.js'
import { type FinishedFile, putPart } from '../lake/parts.js'
import type { ObjectStore } from '../lake/store.js'
import { partTooLarge } from './part-too-large.js'
import type { LivePart } from './write-job.js'

const MAX_SPLIT_ROUNDS = 4 // each round doubles the buckets; only equal keys can defeat it

/** What the parts of a raw table are made by, whoever wrote their rows. */
export interface PartsJob {
  readonly table: string
  /** Snapshot that the parts are made for. */
  readonly snapshot: number
  readonly partitionColumn: string
  /** All columns of a part, ours included. */
  readonly stored: readonly Column[]
  /** Table column that identifies a row, or undefined. */
  readonly key: string | undefined
  readonly budget: PartsConfig
  /** The table's live files: a part whose rows are there already is not stored again. */
  readonly live: readonly LivePart[]
}

/** Parts that are new, and live ones that stay because their rows came again. */
export interface StoredParts {
  readonly parts: readonly NewFile[]
  readonly kept: readonly { readonly division: string; readonly sha256: string }[]
}

/** The file itself when it keeps the budget, else its rows split into as many files as needed. */
export async function withinBudget(
  engine: Engine,
  job: PartsJob,
  file: string,
  division: string,
): Promise<FinishedFile[]> {
  const whole = await measureParquet(engine, file, job.stored)
  const partition = { [job.partitionColumn]: division }
  const fits = ({ rows, bytes }: { rows: number; bytes: number }) =>
    rows <= job.budget.maxRows && bytes <= job.budget.maxUncompressedBytes
  const finish = async (path: string, { rows, bytes }: { rows: number; bytes: number }) => {
    const tags = { content: await contentOf(engine, path) }
    const stats = await readStats(engine, path, rows, job.stored)
    return { file: path, partition, rows, uncompressedBytes: bytes, stats, tags }
  }
  if (fits(whole)) return [await finish(file, whole)]

  const share = Math.max(whole.rows / job.budget.maxRows, whole.bytes / job.budget.maxUncompressedBytes)
  for (let round = 0, buckets = Math.ceil(share * 1.1); round < MAX_SPLIT_ROUNDS; round++, buckets *= 2) {
    const parts = await splitByHash(engine, job, file, buckets)
    if (parts.every(fits)) {
      await rm(file)
      const finished: FinishedFile[] = []
      for (const part of parts) finished.push(await finish(part.file, part))
      return finished
    }
    await rm(`${file}.split`, { recursive: true })
  }
  throw partTooLarge(job, division, whole)
}

/**
 * Digest of a part's rows and their pages, whatever their order: the engine cuts its row groups by what it wrote to all
 * divisions together, so the same rows need not come as the same bytes.
 */
async function contentOf(engine: Engine, file: string): Promise<string> {
  const [row] = await engine.rows<{ content: string }>(contentSql(file))
  return row?.content ?? ''
}

async function splitByHash(engine: Engine, job: PartsJob, file: string, buckets: number) {
  const query = `SELECT *, ${bucketSql(job.key, buckets)} AS _bucket FROM read_parquet(${literal(file)}, hive_partitioning = false)`
  await engine.run(partitionedCopySql(query, `${file}.split`, '_bucket'))
  const parts: { file: string; rows: number; bytes: number }[] = []
  for (const part of await partitionFiles(`${file}.split`)) {
    parts.push({ file: part.file, ...(await measureParquet(engine, part.file, job.stored)) })
  }
  return parts
}

/** Files of a partitioned write, ascending by value; one file a value. */
export async function partitionFiles(folder: string): Promise<{ value: string; file: string }[]> {
  const found: { value: string; file: string }[] = []
  for (const name of (await readdir(folder)).sort()) {
    const value = name.slice(name.indexOf('=') + 1)
    for (const file of (await readdir(join(folder, name))).sort())
      found.push({ value, file: join(folder, name, file) })
  }
  return found
}

/** Stores finished files, but for those whose rows a live file of the same division holds already. */
export async function storeParts(
  store: ObjectStore,
  job: PartsJob,
  finished: readonly FinishedFile[],
): Promise<StoredParts> {
  const parts: NewFile[] = []
  const kept: { division: string; sha256: string }[] = []
  for (const part of finished) {
    const division = part.partition[job.partitionColumn] as string
    const same = job.live.find((live) => live.division === division && live.content === part.tags?.content)
    if (same !== undefined) kept.push({ division, sha256: same.sha256 })
    else parts.push(await putPart(store, job.table, job.snapshot, part))
  }
  return { parts, kept }
}

/** Writes rows into one folder a division, in one pass. */
export function partitionedCopySql(query: string, folder: string, by: string): string {
  return `COPY (${query}) TO ${literal(folder)} (${PARQUET_OPTIONS}, PARTITION_BY (${identifier(by)}))`
}

/** Number of rows of a part, and the sum of their hashes with their pages: equal for equal rows in any order. */
function contentSql(file: string): string {
  const row = `(md5_number_lower(concat(${ROW_HASH}, ' ', ${SOURCE_PAGE})) >> 1)::HUGEINT`
  return (
    `SELECT concat(count(*), ' ', coalesce(sum(${row}), 0)) AS content ` +
    `FROM read_parquet(${literal(file)}, hive_partitioning = false)`
  )
}

/** Bucket of a row, from 0: by the hash of its key, else of the row, so that equal keys share a part. */
function bucketSql(key: string | undefined, buckets: number): string {
  const hash =
    key === undefined
      ? ROW_HASH
      : `(md5_number_lower(coalesce(${identifier(key)}::VARCHAR, '')) >> 1)::BIGINT`
  return `(${hash} % ${buckets})`
}
