import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Engine, LEAN, withEngine } from '../../lake/duckdb/engine.js'
import { literal } from '../../lake/duckdb/sql.js'
import type { ObjectStore, StagedFile } from '../../lake/store.js'
import { PartFiles } from '../part-file.js'
import { type PlannedPart, partOf } from '../plan-parts.js'
import type { DivisionRuns } from '../split-pages.js'
import type { MergedPart, MergeJob, MergeResult, PageRows } from './merge-job.js'
import * as sql from './merge-sql.js'
import { runLayout, writeRun } from './write-run.js'

/**
 * Worker: lays rows that came over the rows that a table has, by their key. Of each division that this touches all rows come out as
 * runs, to be written like those of a full read: the rows that stay with the page that they had, and those that came with theirs. A row that came
 * word for word as it was stays, too.
 *
 * Every doubt ends in `unsure`: a key that is blank, stands twice, or whose rows do not add up to what the portal counts.
 */
export async function mergeRows(store: ObjectStore, job: MergeJob): Promise<MergeResult> {
  const scratch = await store.scratch()
  const open: OpenPart[] = []
  try {
    await mkdir(job.folder, { recursive: true })
    for (const part of job.live) open.push({ ...part, staged: await store.stage(part.object) })
    return await withEngine(LEAN, scratch.folder, (engine) =>
      new Merge(engine, job, open, scratch.folder).result(),
    )
  } finally {
    for (const { staged } of open) await staged.release()
    await scratch.remove()
  }
}

interface OpenPart extends MergedPart {
  readonly staged: StagedFile
}

/** Compression of rows that came, in files for the engine alone. */
const CAME_LEVEL = 1

/** Ids of both sides that are in memory at once: 40 bytes each. */
const BUCKET_ROWS = 500_000

class Merge {
  /** Divisions of either side; tables hold their places. */
  private readonly divisions: readonly string[]
  /** Files of rows that came. */
  private readonly written = new Set<string>()

  constructor(
    private readonly engine: Engine,
    private readonly job: MergeJob,
    private readonly open: readonly OpenPart[],
    private readonly scratch: string,
  ) {
    const names = [...job.divisions, ...job.live].map(({ division }) => division)
    this.divisions = [...new Set(names)].sort()
  }

  async result(): Promise<MergeResult> {
    const { expectedRows, keys } = this.job
    for (const statement of sql.TABLES_SQL) await this.engine.run(statement)
    const came = await this.takeCame()
    if (came.blank > 0) return unsure(`${came.blank} changed rows have no key`)
    if (came.double > 0) return unsure(`${came.double} keys came twice`)
    const met = await this.takeMet()
    if (met.double > 0) return unsure(`${met.double} keys stand in several rows`)
    const rows = met.offerRows - met.rows + came.rows
    if (keys === undefined && rows !== expectedRows) return { outcome: 'count-differs', rows }
    const gone = keys === undefined ? 0 : await this.takeGone(keys, met)
    if (typeof gone === 'string') return unsure(gone)
    if (rows - gone !== expectedRows)
      return unsure(`${rows - gone} rows would be left, and the portal counts ${expectedRows}`)
    await this.markSame()
    return this.merged({ came: came.rows, met: met.rows, gone })
  }

  private async takeCame() {
    for (const { division, runs } of this.job.divisions)
      await this.engine.run(
        sql.cameSql(this.job, await this.rowsOf({ division, runs }), this.place(division)),
      )
    return this.one(
      'SELECT count(*) AS rows, count(*) - count(id) AS blank, count(id) - count(DISTINCT id) AS double FROM came',
    )
  }

  private async takeMet() {
    let [offerRows, blank] = [0, 0]
    for (const [part, { staged, division }] of this.open.entries()) {
      await this.engine.run(sql.metSql(this.job, staged.file, this.place(division), part))
      const counted = await this.one(sql.offerRowsSql(this.job, staged.file))
      offerRows += counted.rows
      blank += counted.blank
    }
    const { rows, double } = await this.one(
      'SELECT count(*) AS rows, count(*) - count(DISTINCT id) AS double FROM met',
    )
    return { rows, double, offerRows, blank }
  }

  /** @returns rows that the portal no longer has, or why that is not sure */
  private async takeGone(keys: string, { offerRows, blank }: { offerRows: number; blank: number }) {
    if (blank > 0) return `${blank} rows have no key`
    const { expectedRows } = this.job
    const buckets = Math.max(1, Math.ceil((offerRows + expectedRows) / BUCKET_ROWS))
    let listed = 0
    for (let bucket = 0; bucket < buckets; bucket++) {
      for (const statement of sql.BUCKET_TABLES_SQL) await this.engine.run(statement)
      await this.engine.run(`INSERT INTO listed ${sql.keysSql(keys, bucket, buckets)}`)
      for (const [part, { staged, division }] of this.open.entries())
        await this.engine.run(
          sql.standingSql(this.job, staged.file, this.place(division), part, bucket, buckets),
        )
      const doubts = await this.one(sql.doubtsSql(bucket, buckets))
      if (doubts.repeated > 0)
        return `${doubts.repeated} keys are blank or stand in several rows at the portal`
      if (doubts.double > 0) return `${doubts.double} keys stand in several rows`
      if (doubts.missing > 0) return `${doubts.missing} rows came that the portal does not date as changed`
      if (doubts.unlisted > 0) return `${doubts.unlisted} rows went while they were read`
      listed += doubts.listed
      await this.engine.run(sql.GONE_SQL)
    }
    if (listed !== expectedRows) return `${listed} keys came, and the portal counts ${expectedRows} rows`
    return (await this.one('SELECT count(*) AS rows FROM gone')).rows
  }

  private async markSame(): Promise<void> {
    for (const { part } of await this.engine.rows<{ part: number }>(sql.LIKELY_SQL)) {
      const { staged } = this.open[part] as OpenPart
      for (const statement of sql.sameSql(this.job, staged.file, part)) await this.engine.run(statement)
    }
    await this.engine.run(sql.SAME_CAME_SQL)
  }

  private async merged(rows: { came: number; met: number; gone: number }): Promise<MergeResult> {
    const same = (await this.one('SELECT count(*) AS rows FROM came WHERE same')).rows
    return {
      outcome: 'merged',
      divisions: await this.touchedDivisions(),
      layout: runLayout(this.job.columns),
      ...{ same, replaced: rows.met - same, added: rows.came - rows.met, removed: rows.gone },
      left: await this.engine.rows<PageRows>(sql.LEFT_SQL),
      came: await this.engine.rows<PageRows>(sql.CAME_SQL),
    }
  }

  private async touchedDivisions(): Promise<DivisionRuns[]> {
    const touched = await this.engine.rows<{ division: number }>(sql.TOUCHED_SQL)
    const divisions: DivisionRuns[] = []
    for (const place of touched.map(({ division }) => division).sort((a, b) => a - b))
      divisions.push(await this.runsOf(place))
    return divisions
  }

  private async runsOf(place: number): Promise<DivisionRuns> {
    const division = this.divisions[place] as string
    const selects = this.open.flatMap((part, number) =>
      part.division === division ? [sql.stayingSql(this.job, part.staged.file, number)] : [],
    )
    const came = this.job.divisions.find((one) => one.division === division)
    if (came !== undefined) selects.push(sql.enteringSql(this.job, await this.rowsOf(came)))
    const runs = []
    for (const [number, select] of selects.entries()) {
      const name = `merged-${place}-${number}`
      const run = await writeRun(this.engine, this.job.folder, name, select, this.job.columns)
      if (run !== undefined) runs.push(run)
    }
    return { division, runs }
  }

  /** The rows of a division that came, as the raw table would hold them. */
  private async rowsOf({ division, runs }: DivisionRuns): Promise<string> {
    const file = join(this.scratch, `came-${this.place(division)}.parquet`)
    if (!this.written.has(file)) await this.write(partOf(division, runs), file)
    return `SELECT * FROM read_parquet(${literal(file)}, hive_partitioning = false)`
  }

  private async write(part: PlannedPart, file: string): Promise<void> {
    const { columns, layouts } = this.job
    const files = new PartFiles(columns, layouts, CAME_LEVEL)
    try {
      await files.write(part, file)
    } finally {
      files.close()
    }
    this.written.add(file)
  }

  private place(division: string): number {
    return this.divisions.indexOf(division)
  }

  private async one(query: string): Promise<Record<string, number> & Counted> {
    const [row] = await this.engine.rows<Record<string, number> & Counted>(query)
    return row as Record<string, number> & Counted
  }
}

/** Every query of counts has some of these. */
interface Counted {
  readonly rows: number
  readonly blank: number
  readonly double: number
  readonly listed: number
  readonly repeated: number
  readonly missing: number
  readonly unlisted: number
}

function unsure(why: string): MergeResult {
  return { outcome: 'unsure', why }
}
