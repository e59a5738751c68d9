import { SERIES_COLUMNS, SOURCE_PAGE } from '../contracts/columns.js'
import { KINDS } from '../contracts/kinds.js'
import { WardbookError } from '../kernel/errors.js'
import type { NewFile } from '../lake/delta/table.js'
import { LEAN, withEngine } from '../lake/duckdb/engine.js'
import { literal } from '../lake/duckdb/sql.js'
import { writeParquet } from '../lake/duckdb/write.js'
import { putPart } from '../lake/parts.js'
import type { ObjectStore } from '../lake/store.js'
import type { MeasureInput, MeasureJob, MeasureResult } from './measure-job.js'

/** The part worker of measure: counts the rows of a few divisions, one tidy part at a time. */
export async function measureDivisions(store: ObjectStore, job: MeasureJob): Promise<MeasureResult[]> {
  const results: MeasureResult[] = []
  for (const division of job.divisions) results.push(await measureDivision(store, job, division))
  return results
}

async function measureDivision(
  store: ObjectStore,
  job: MeasureJob,
  input: MeasureInput,
): Promise<MeasureResult> {
  const parts: NewFile[] = []
  let rows = 0
  for (const [index, object] of input.parts.entries()) {
    const measured = await measurePart(store, job, input.division, object, index)
    rows += measured.rows
    if (measured.part !== undefined) parts.push(measured.part)
  }
  if (rows !== input.rows) throw countsDiffer(job, input, rows)
  return { division: input.division, rows, parts }
}

/** One series file a tidy part: counts of parts add up, so a large division needs no pass over all of it at once. */
async function measurePart(
  store: ObjectStore,
  job: MeasureJob,
  division: string,
  object: string,
  index: number,
) {
  const scratch = await store.scratch()
  const staged = await store.stage(object)
  try {
    return await withEngine(LEAN, scratch.folder, async (engine) => {
      const file = `read_parquet(${literal(staged.file)}, hive_partitioning = false)`
      const { metric, category, on } = KINDS[job.kind]
      const query =
        `SELECT ${literal(metric)} AS metric, ${category} AS category, ${on} AS day, _source, ${SOURCE_PAGE}, ` +
        `count(*) AS count FROM ${file} GROUP BY ALL`
      const partition = { [job.partitionColumn]: division }
      const order = `category, day, _source, ${SOURCE_PAGE}`
      const written = await writeParquet(
        engine,
        scratch.folder,
        `series-${index}`,
        query,
        SERIES_COLUMNS,
        partition,
        order,
      )
      if (written === undefined) return { rows: 0, part: undefined }
      const [sum] = await engine.rows<{ rows: number }>(
        `SELECT sum(count)::BIGINT AS rows FROM read_parquet(${literal(written.file)}, hive_partitioning = false)`,
      )
      return { rows: sum?.rows ?? 0, part: await putPart(store, job.table, job.tidyVersion, written) }
    })
  } finally {
    await staged.release()
    await scratch.remove()
  }
}

function countsDiffer(job: MeasureJob, { division, rows }: MeasureInput, counted: number): WardbookError {
  return new WardbookError(
    'row-count-differs',
    'report-bug',
    `${job.table}, division ${division}: ${rows} tidy rows give counts of ${counted}; nothing was committed`,
    { table: job.table, division, rows, counted },
  )
}
