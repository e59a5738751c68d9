import { join } from 'node:path'
import { type Column, QUARANTINE_COLUMNS, RAW_COLUMNS, UNASSIGNED } from '../contracts/columns.js'
import { WardbookError } from '../kernel/errors.js'
import type { NewFile } from '../lake/delta/table.js'
import { type Engine, LEAN, withEngine } from '../lake/duckdb/engine.js'
import { literal } from '../lake/duckdb/sql.js'
import { writeParquet } from '../lake/duckdb/write.js'
import { type FinishedFile, putPart } from '../lake/parts.js'
import type { ObjectStore, Scratch, StagedFile } from '../lake/store.js'
import { type PartsJob, partitionedCopySql, partitionFiles, storeParts, withinBudget } from './part-budget.js'
import type { PageInput, WriteJob, WriteResult } from './write-job.js'
import { DIVISION_KEY, type OpenPage, snapshotSql } from './write-sql.js'

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
      const { parts, kept } = await storeParts(store, partsJob(job), finished)
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
    finished.push(...(await withinBudget(engine, partsJob(job), file, division)))
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

function partsJob(job: WriteJob): PartsJob {
  const stored = [...job.columns.map((name): Column => ({ name, type: 'string' })), ...RAW_COLUMNS]
  return { ...job, stored }
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
