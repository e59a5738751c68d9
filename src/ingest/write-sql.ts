import { ROW_HASH, SOURCE_PAGE } from '../contracts/columns.js'
import { identifier, literal, parquetOptions } from '../lake/duckdb/sql.js'
import type { PlannedPart } from './plan-parts.js'
import type { WriteJob } from './write-job.js'

const VECTOR_ROWS = 2_048 // the engine counts row groups in these
/** Rows of a row group, and bytes of text that it holds at most: wide rows come in smaller groups. */
const GROUP_ROWS = 16 * VECTOR_ROWS
const GROUP_BYTES = 16 * 1024 * 1024

/**
 * Writes a part as one Parquet file.
 * @param rows the part's rows as `layOutRows` put them into a file
 */
export function copyPartSql(job: WriteJob, part: PlannedPart, rows: string, file: string): string {
  const options = parquetOptions(job.parquet, groupRowsOf(part))
  return `COPY (${laidOutSql(job.columns, rows)}) TO ${literal(file)} (${options})`
}

/**
 * Rows as the raw table holds them.
 * @param columns the publisher's columns of the table
 * @param rows    file that `layOutRows` wrote
 */
export function laidOutSql(columns: readonly string[], rows: string): string {
  const names = [...columns, ROW_HASH, SOURCE_PAGE]
  const named = names.map((name, at) => `${identifier(String(at))} AS ${identifier(name)}`)
  return `SELECT ${named.join(', ')} FROM read_parquet(${literal(rows)}, hive_partitioning = false)`
}

/** Rows of a row group in a part of this size. */
export function groupRowsOf({ rows, bytes }: { rows: number; bytes: number }): number {
  const vectors = Math.floor((GROUP_BYTES * rows) / (bytes || 1) / VECTOR_ROWS)
  return Math.min(GROUP_ROWS, Math.max(1, vectors) * VECTOR_ROWS)
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
