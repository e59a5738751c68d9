import { ROW_HASH, SOURCE_PAGE } from '../contracts/columns.js'
import { rowHashSql } from '../lake/duckdb/row-hash.js'
import { identifier, literal, parquetOptions } from '../lake/duckdb/sql.js'
import type { PlannedPart } from './plan-parts.js'
import type { Run } from './run-files.js'
import type { JobLayout, WriteJob } from './write-job.js'

/** The engine's default of 32 MiB is what makes its peak. */
const CSV_BUFFER_BYTES = 2 * 1024 * 1024
const VECTOR_ROWS = 2_048 // the engine counts row groups in these
/** Rows of a row group, and bytes of text that it holds at most: wide rows come in smaller groups. */
const GROUP_ROWS = 20 * VECTOR_ROWS
const GROUP_BYTES = 16 * 1024 * 1024
/** The parallel reader refuses files with longer records. */
const LONGEST_FOR_PARALLEL = 64 * 1024

/** Writes a part as one Parquet file. */
export function copyPartSql(job: WriteJob, part: PlannedPart, file: string): string {
  const options = parquetOptions(job.parquet, groupRowsOf(part))
  return `COPY (${partSql(job, part)}) TO ${literal(file)} (${options})`
}

/** Rows of a row group in a part of this size. */
export function groupRowsOf({ rows, bytes }: { rows: number; bytes: number }): number {
  const vectors = Math.floor((GROUP_BYTES * rows) / (bytes || 1) / VECTOR_ROWS)
  return Math.min(GROUP_ROWS, Math.max(1, vectors) * VECTOR_ROWS)
}

/** All rows of a part as the raw table holds them. */
export function partSql(job: WriteJob, part: PlannedPart): string {
  const layouts = [...new Set(part.runs.map(({ layout }) => layout))]
  return layouts
    .map((number) => {
      const runs = part.runs.filter(({ layout }) => layout === number)
      return layoutSql(job, job.layouts[number] as JobLayout, runs)
    })
    .join(' UNION ALL ')
}

function layoutSql(job: WriteJob, layout: JobLayout, runs: readonly Run[]): string {
  const { columns } = job
  const present = new Set(layout.columns)
  const cells = columns.map((name) =>
    present.has(name) ? identifier(name) : `NULL::VARCHAR AS ${identifier(name)}`,
  )
  return (
    `SELECT ${cells.join(', ')}, ${rowHashSql(columns, present)} AS ${ROW_HASH}, ${SOURCE_PAGE} ` +
    `FROM ${readCsvSql(job, layout, runs)}`
  )
}

function readCsvSql(
  { csvReader }: WriteJob,
  { columns, delimiter, emptyIsNull }: JobLayout,
  runs: readonly Run[],
): string {
  const files = runs.map(({ file }) => literal(file)).join(', ')
  const types = [
    ...columns.map((name) => `${literal(name)}: 'VARCHAR'`),
    `${literal(SOURCE_PAGE)}: 'INTEGER'`,
  ]
  const nulls = emptyIsNull
    ? 'allow_quoted_nulls = false'
    : `force_not_null = [${columns.map(identifier).join(', ')}]`
  const longest = Math.max(...runs.map((run) => run.longest)) + 1_024
  return (
    `read_csv([${files}], auto_detect = false, header = true, strict_mode = true, columns = {${types.join(', ')}}, ` +
    `delim = ${literal(delimiter)}, quote = '"', escape = '"', ${nulls}, compression = 'none', ` +
    `max_line_size = ${longest}, buffer_size = ${Math.max(CSV_BUFFER_BYTES, 2 * longest)}, parallel = ${csvReader === 'parallel' && longest <= LONGEST_FOR_PARALLEL})`
  )
}

/** Rows of a Parquet file, as its footer has them: counted by the engine, apart from our own count. */
export function footerRowsSql(file: string): string {
  return `SELECT num_rows AS rows FROM parquet_file_metadata(${literal(file)})`
}

/** For each page: how many rows a part has of it, and the sum of their hashes. Equal for equal rows in any order. */
export function contentSql(file: string): string {
  return (
    `SELECT ${SOURCE_PAGE} AS page, count(*) AS rows, sum(${ROW_HASH}::HUGEINT)::VARCHAR AS hashes ` +
    `FROM read_parquet(${literal(file)}, hive_partitioning = false) GROUP BY 1 ORDER BY 1`
  )
}
