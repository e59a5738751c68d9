import { ROW_HASH } from '../../contracts/columns.js'
import { identifier, literal } from '../../lake/duckdb/sql.js'
import type { CompareJob } from './compare-job.js'

/** A local file of a part, with the number of its division in the job's list. */
export interface OpenPart {
  readonly file: string
  readonly division: number
}

/**
 * The rows of one side and one bucket: `id` (what makes two rows the same row), `hash` (what makes its text the same), `division`.
 * Rows are identified by their key; one with a blank key, or all where there is none, by its text without the division.
 */
export function sideSql(
  job: CompareJob,
  parts: readonly OpenPart[],
  bucket: number,
  buckets: number,
): string {
  if (parts.length === 0)
    return 'SELECT NULL::BIGINT AS id, NULL::BIGINT AS hash, NULL::INTEGER AS division WHERE false'
  const files = parts.map(({ file }) => literal(file)).join(', ')
  const divisions = parts.map(({ division }) => division).join(', ')
  const rows =
    `SELECT ${idSql(job)} AS id, ${hashSql(job)} AS hash, list_extract([${divisions}], (file_index + 1)::BIGINT)::INTEGER AS division ` +
    `FROM read_parquet([${files}], hive_partitioning = false, union_by_name = true)`
  return `SELECT * FROM (${rows}) WHERE id % ${buckets} = ${bucket}`
}

/**
 * Cells of the matrix from-division × to-division. A publisher may list a key more than once: rows that are the same in both are paired
 * first; of the others of one id as many as both sides have are paired in the order of their division, and the rest came or went.
 */
export function matrixSql(before: string, after: string): string {
  const numbered = (side: string) =>
    `SELECT *, row_number() OVER (PARTITION BY id, hash, division) AS k FROM (${side})`
  const rest = (side: string, other: string) =>
    `SELECT id, hash, division, row_number() OVER (PARTITION BY id ORDER BY division, hash, k) AS n ` +
    `FROM ${side} ANTI JOIN ${other} USING (id, hash, division, k)`
  return (
    `WITH b AS MATERIALIZED (${numbered(before)}), a AS MATERIALIZED (${numbered(after)}) ` +
    'SELECT division AS "from", division AS "to", count(*) AS rows, 0 AS changed FROM b SEMI JOIN a USING (id, hash, division, k) GROUP BY 1 ' +
    'UNION ALL SELECT b.division, a.division, count(*), count(*) FILTER (WHERE a.hash <> b.hash) ' +
    `FROM (${rest('b', 'a')}) b FULL JOIN (${rest('a', 'b')}) a ON a.id = b.id AND a.n = b.n GROUP BY 1, 2`
  )
}

function idSql(job: CompareJob): string {
  const text = digestSql(job.columns.filter((name) => !job.partitionFrom.includes(name)))
  if (job.key === undefined) return text
  const key = `nullif(trim(${identifier(job.key)}), '')`
  return `CASE WHEN ${key} IS NULL THEN ${text} ELSE ${digestSql([job.key])} END`
}

function hashSql({ sameColumns, columns }: CompareJob): string {
  return sameColumns ? ROW_HASH : digestSql(columns)
}

/** 63 bits of the MD5 of some cells; see docs/adr/0002. */
function digestSql(columns: readonly string[]): string {
  const cells = columns.toSorted().map((name) => `${identifier(name)}, chr(31)`)
  return `(md5_number_lower(concat(${cells.length > 0 ? cells.join(', ') : "''"})) >> 1)::BIGINT`
}
