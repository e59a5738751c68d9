import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Column, RAW_COLUMNS } from '../contracts/columns.js'
import { WardbookError } from '../kernel/errors.js'
import { giveBackMemory } from '../kernel/garbage.js'
import { digestOf } from '../kernel/ids.js'
import type { NewFile } from '../lake/delta/table.js'
import { type Engine, type EngineProfile, LEAN, openEngine } from '../lake/duckdb/engine.js'
import { readStats } from '../lake/duckdb/stats.js'
import { type FinishedFile, putPart } from '../lake/parts.js'
import type { ObjectStore, Scratch } from '../lake/store.js'
import { layOutRows } from './lay-out-rows.js'
import { hasLongRows, type PlannedPart } from './plan-parts.js'
import type { LivePart, WriteJob, WriteResult } from './write-job.js'
import { contentSql, copyPartSql, footerRowsSql } from './write-sql.js'

/**
 * Worker: writes each part of the plan as one Parquet file, and removes its runs. Parts lie in the store when it returns, but
 * no reader sees them before the commit.
 * @throws WardbookError 'row-count-differs' (report-bug) when the engine finds other rows in a part than were put there
 */
export async function writeParts(store: ObjectStore, job: WriteJob): Promise<WriteResult> {
  const waiting = [...job.parts]
  const lanes = Array.from({ length: Math.min(job.lanes, waiting.length) }, () =>
    writeInLane(store, job, waiting),
  )
  // A lane that fails lets the others come to an end: nobody removes files below them.
  const ends = await Promise.allSettled(lanes)
  const results = ends.map((end) => {
    if (end.status === 'rejected') throw end.reason
    return end.value
  })
  return {
    rows: results.reduce((sum, { rows }) => sum + rows, 0),
    parts: results.flatMap((result) => result.parts),
    kept: results.flatMap((result) => result.kept),
  }
}

/** Takes part after part from those that wait, until none is left or one fails. */
async function writeInLane(store: ObjectStore, job: WriteJob, waiting: PlannedPart[]): Promise<WriteResult> {
  const scratch = await store.scratch()
  const parts: NewFile[] = []
  const kept: LivePart[] = []
  const engines = new FreshEngines(scratch.folder, job)
  let rows = 0
  try {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const finished = await writePart(engines, scratch, job, part)
      rows += finished.rows
      const same = job.live.find(
        ({ division, content }) => division === part.division && content === finished.tags?.content,
      )
      if (same !== undefined) kept.push(same)
      else parts.push(await putPart(store, job.table, job.snapshot, finished))
      for (const { file } of part.runs) await rm(file)
    }
    return { rows, parts, kept: kept.map(({ division, sha256 }) => ({ division, sha256 })) }
  } catch (thrown) {
    waiting.length = 0
    throw thrown
  } finally {
    engines.close()
    await scratch.remove()
  }
}

/** Columns that the lean profile has memory for. */
const LEAN_COLUMNS = 150
/** What each further column reserves for its pages; most of it is never touched. */
const COLUMN_MB = 1
/** What a part of long rows needs, of which the engine holds several copies at a time; see `LONG_ROWS_BYTES`. */
const LONG_ROWS_MB = 256

/** The lean profile, with room for what a wide or long part needs. */
function profileFor({ columns }: WriteJob, { rows, bytes }: PlannedPart): EngineProfile {
  const forColumns = LEAN.memoryLimitMb + Math.max(0, columns.length - LEAN_COLUMNS) * COLUMN_MB
  const memoryLimitMb = hasLongRows({ rows, bytes }) ? Math.max(forColumns, LONG_ROWS_MB) : forColumns
  return { ...LEAN, memoryLimitMb }
}

/** One engine after another; the memory of each is free again after it. */
class FreshEngines {
  private current: Awaited<ReturnType<typeof openEngine>> | undefined
  private worked = 0
  private memoryLimitMb = 0

  constructor(
    private readonly folder: string,
    private readonly job: WriteJob,
  ) {}

  /** An engine for this part: the last one, or a new one when that has had its share. */
  async forPart(part: PlannedPart): Promise<Engine> {
    const isTooSmall = profileFor(this.job, part).memoryLimitMb > this.memoryLimitMb
    if (isTooSmall || this.worked + part.bytes > this.job.engineBytes) this.close()
    const engine = await this.open(part)
    const isLean = this.job.columns.length <= LEAN_COLUMNS && !hasLongRows(part)
    this.worked += isLean ? part.bytes : this.job.engineBytes
    return engine
  }

  /** An engine for the file that was made of this part: a new one where the write has had its share, and holds memory still. */
  async forFileOf(part: PlannedPart): Promise<Engine> {
    if (this.worked >= this.job.engineBytes) this.close()
    return this.open(part)
  }

  private async open(part: PlannedPart): Promise<Engine> {
    if (this.current === undefined) {
      const profile = profileFor(this.job, part)
      this.current = await openEngine(profile, this.folder)
      this.memoryLimitMb = profile.memoryLimitMb
    }
    return this.current.engine
  }

  close(): void {
    this.current?.close()
    this.current = undefined
    this.worked = 0
  }
}

async function writePart(
  engines: FreshEngines,
  scratch: Scratch,
  job: WriteJob,
  part: PlannedPart,
): Promise<FinishedFile> {
  const rows = join(scratch.folder, 'rows.parquet')
  const file = join(scratch.folder, 'part.parquet')
  demandRows(job, part, layOutRows(job.columns, job.layouts, part, rows, job.groupRows))
  giveBackMemory() // of the footer's making, and of the part before
  const writer = await engines.forPart(part)
  await writer.run(copyPartSql(job, part, rows, file))
  await rm(rows)
  const engine = await engines.forFileOf(part)
  const [footer] = await engine.rows<{ rows: number }>(footerRowsSql(file))
  demandRows(job, part, footer?.rows ?? 0)
  const stats = await readStats(engine, file, part.rows, storedColumns(job))
  return {
    file,
    partition: { [job.partitionColumn]: part.division },
    rows: part.rows,
    uncompressedBytes: part.bytes,
    stats,
    tags: { content: await contentOf(engine, file, stats) },
  }
}

/**
 * Digest of a part's rows, their pages and their nulls, whatever the order and whatever the form of the file. The row hash takes
 * null for an empty text, so the nulls are counted.
 */
async function contentOf(engine: Engine, file: string, stats: string): Promise<string> {
  const pages = await engine.rows<{ page: number; rows: number; hashes: string }>(contentSql(file))
  return digestOf({
    pages: pages.map((page) => ({ ...page })),
    nulls: (JSON.parse(stats) as { nullCount: Record<string, number> }).nullCount,
  })
}

function storedColumns(job: WriteJob): Column[] {
  return [...job.columns.map((name): Column => ({ name, type: 'string' })), ...RAW_COLUMNS]
}

/** @param written rows that were laid out, or that the engine says it wrote */
function demandRows(job: WriteJob, part: PlannedPart, written: number): void {
  if (written === part.rows) return
  throw new WardbookError(
    'row-count-differs',
    'report-bug',
    `${job.table}, division ${part.division}: ${part.rows} good rows were read and ${written} would be written; ` +
      'nothing was committed',
    { table: job.table, division: part.division, counted: part.rows, written },
  )
}
