import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Column, QUARANTINE_COLUMNS, RAW_COLUMNS, UNASSIGNED } from '../contracts/columns.js'
import { WardbookError } from '../kernel/errors.js'
import type { NewFile } from '../lake/delta/table.js'
import { type Engine, LEAN, withEngine } from '../lake/duckdb/engine.js'
import { literal } from '../lake/duckdb/sql.js'
import { readStats } from '../lake/duckdb/stats.js'
import { measureParquet, writeParquet } from '../lake/duckdb/write.js'
import { type FinishedFile, putPart } from '../lake/parts.js'
import type { ObjectStore, Scratch, StagedFile } from '../lake/store.js'
import type { PageInput, WriteJob, WriteResult } from './write-job.js'
import {
  bucketSql,
  contentSql,
  DIVISION_KEY,
  type OpenPage,
  partitionedCopySql,
  snapshotSql,
} from './write-sql.js'

const MAX_SPLIT_ROUNDS = 4 // each round doubles the buckets; only equal keys can defeat it

/**
 * The part worker of ingestion: one lean pass over all pages, one folder a division, parts within the budget, digests.
 * Parts lie in the store when it returns, but no reader sees them before the commit.
 * @throws WardbookError 'row-count-differs' (report-bug) when the engine finds other rows than the scan counted;
 *   'part-too-large' (shrink) when rows of one key alone exceed the budget
 */
export async function writeSnapshot(store: ObjectStore, job: WriteJob): Promise<WriteResult> {
  const scratch = await store.scratch()
  try {
    return await withEngine(LEAN, scratch.folder, async (engine) => {
      const finished = await writeParts(engine, store, scratch, job)
      demandRows(job, finished)
      const { parts, kept } = await storeParts(store, job, finished)
      const quarantined = await writeQuarantine(engine, store, scratch, job)
      return { rows: finished.reduce((sum, { rows }) => sum + rows, 0), parts, kept, quarantined }
    })
  } finally {
    await scratch.remove()
  }
}

async function writeParts(
  engine: Engine,
  store: ObjectStore,
  scratch: Scratch,
  job: WriteJob,
): Promise<FinishedFile[]> {
  const pages = job.pages.filter(({ rows }) => rows > 0)
  if (pages.length === 0) return []
  const folder = join(scratch.folder, 'divisions')
  const { open, release } = await openPages(store, pages)
  try {
    await engine.run(partitionedCopySql(snapshotSql(job, open), folder, DIVISION_KEY))
  } finally {
    await release()
  }
  const finished: FinishedFile[] = []
  for (const { value, file } of await partitionFiles(folder)) {
    const division = Buffer.from(value, 'hex').toString('utf8')
    finished.push(...(await withinBudget(engine, job, file, division)))
  }
  return finished
}

async function openPages(store: ObjectStore, pages: readonly PageInput[]) {
  const staged: StagedFile[] = []
  const open: OpenPage[] = []
  for (const page of pages) {
    if ('file' in page.input) open.push({ ...page, local: page.input.file })
    else {
      const file = await store.stage(page.input.object)
      staged.push(file)
      open.push({ ...page, local: file.file })
    }
  }
  const release = async () => {
    for (const file of staged) await file.release()
  }
  return { open, release }
}

/** The file itself when it keeps the budget, else its rows split into as many files as needed. */
async function withinBudget(
  engine: Engine,
  job: WriteJob,
  file: string,
  division: string,
): Promise<FinishedFile[]> {
  const columns = storedColumns(job)
  const whole = await measureParquet(engine, file, columns)
  const partition = { [job.partitionColumn]: division }
  const fits = ({ rows, bytes }: { rows: number; bytes: number }) =>
    rows <= job.budget.maxRows && bytes <= job.budget.maxUncompressedBytes
  const finish = async (path: string, { rows, bytes }: { rows: number; bytes: number }) => {
    const tags = { content: await contentOf(engine, path) }
    const stats = await readStats(engine, path, rows, columns)
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

async function splitByHash(engine: Engine, job: WriteJob, file: string, buckets: number) {
  const query = `SELECT *, ${bucketSql(job.key, buckets)} AS _bucket FROM read_parquet(${literal(file)}, hive_partitioning = false)`
  await engine.run(partitionedCopySql(query, `${file}.split`, '_bucket'))
  const parts: { file: string; rows: number; bytes: number }[] = []
  for (const part of await partitionFiles(`${file}.split`)) {
    parts.push({ file: part.file, ...(await measureParquet(engine, part.file, storedColumns(job))) })
  }
  return parts
}

/** Files of a partitioned write, ascending by value; one file a value. */
async function partitionFiles(folder: string): Promise<{ value: string; file: string }[]> {
  const found: { value: string; file: string }[] = []
  for (const name of (await readdir(folder)).sort()) {
    const value = name.slice(name.indexOf('=') + 1)
    for (const file of (await readdir(join(folder, name))).sort())
      found.push({ value, file: join(folder, name, file) })
  }
  return found
}

async function storeParts(
  store: ObjectStore,
  job: WriteJob,
  finished: readonly FinishedFile[],
): Promise<Pick<WriteResult, 'parts' | 'kept'>> {
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

async function writeQuarantine(
  engine: Engine,
  store: ObjectStore,
  scratch: Scratch,
  job: WriteJob,
): Promise<NewFile[]> {
  const selects = job.pages.flatMap((page) =>
    page.badRows === undefined ? [] : [badRowsSql(page, page.badRows)],
  )
  if (selects.length === 0) return []
  const finished = await writeParquet(
    engine,
    scratch.folder,
    'quarantine',
    selects.join(' UNION ALL '),
    QUARANTINE_COLUMNS,
    { [job.partitionColumn]: UNASSIGNED },
    'source_page, byte_offset',
  )
  return finished === undefined ? [] : [await putPart(store, job.quarantineTable, job.snapshot, finished)]
}

function badRowsSql(page: PageInput, file: string): string {
  return (
    `SELECT reason, detail, ${literal(page.url)} AS source_file, ${page.page} AS source_page, line, ` +
    `"byteOffset" AS byte_offset, NULL::BIGINT AS row_hash, "rawText" AS raw_text ` +
    `FROM read_json(${literal(file)}, format = 'newline_delimited', maximum_object_size = 16777216, columns = ` +
    `{reason: 'VARCHAR', detail: 'VARCHAR', line: 'BIGINT', "byteOffset": 'BIGINT', "rawText": 'VARCHAR'})`
  )
}

function storedColumns(job: WriteJob): Column[] {
  return [...job.columns.map((name): Column => ({ name, type: 'string' })), ...RAW_COLUMNS]
}

function demandRows(job: WriteJob, finished: readonly FinishedFile[]): void {
  const counted = job.pages.reduce((sum, { rows }) => sum + rows, 0)
  const written = finished.reduce((sum, { rows }) => sum + rows, 0)
  if (counted === written) return
  throw new WardbookError(
    'row-count-differs',
    'report-bug',
    `${job.table}: the scan counted ${counted} good rows and the engine wrote ${written}; nothing was committed`,
    { table: job.table, counted, written },
  )
}

function partTooLarge(
  job: WriteJob,
  division: string,
  whole: { rows: number; bytes: number },
): WardbookError {
  return new WardbookError(
    'part-too-large',
    'shrink',
    `${job.table}, division ${division}: ${whole.rows} rows, ${whole.bytes} bytes cannot be split into parts of ` +
      `${job.budget.maxRows} rows and ${job.budget.maxUncompressedBytes} bytes` +
      (job.key === undefined ? '' : `: too many rows share one ${job.key}; choose another key`),
    { table: job.table, division, ...whole },
  )
}
