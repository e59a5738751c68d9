import { ROW_HASH, SOURCE_PAGE } from '../../contracts/columns.js'
import { identifier, literal } from '../../lake/duckdb/sql.js'
import type { MergeJob } from './merge-job.js'

/** Rows that came (`came`), rows of the table that they meet (`met`), and rows that the portal no longer has (`gone`): ids, not texts. */
export const TABLES_SQL = [
  'CREATE TEMP TABLE came (id UHUGEINT, hash BIGINT, nulls BIGINT, page INTEGER, division INTEGER, same BOOLEAN)',
  'CREATE TEMP TABLE met (id UHUGEINT, hash BIGINT, page INTEGER, division INTEGER, part INTEGER, same BOOLEAN)',
  'CREATE TEMP TABLE gone (id UHUGEINT, page INTEGER, division INTEGER, part INTEGER)',
] as const

/** 128 bits of the MD5 of a key as it was published: what the portal tells apart is not one here. Null for a blank one. */
export function idSql(key: string): string {
  return `md5_number(CASE WHEN trim(${identifier(key)}) <> '' THEN ${identifier(key)} END)`
}

/** Which cells of a row are null, as a number: the row hash takes null for an empty text. */
export function nullsSql(columns: readonly string[]): string {
  const marks = columns.map((name) => `${identifier(name)} IS NULL`)
  return `(md5_number_lower(concat(${marks.join(', ')})) >> 1)::BIGINT`
}

/** Takes in the ids of a division's rows that came. @param rows a SELECT of them as the raw table holds them */
export function cameSql({ key, columns }: MergeJob, rows: string, division: number): string {
  return (
    `INSERT INTO came SELECT ${idSql(key)}, ${ROW_HASH}, ${nullsSql(columns)}, ${SOURCE_PAGE}, ${division}, false ` +
    `FROM (${rows})`
  )
}

/** A local file of a live part. */
export function partFrom(file: string): string {
  return `read_parquet(${literal(file)}, hive_partitioning = false)`
}

/** Takes in which rows of a live part the rows that came meet. */
export function metSql({ key, offerPage }: MergeJob, file: string, division: number, part: number): string {
  return (
    `INSERT INTO met SELECT id, hash, page, ${division}, ${part}, false FROM (SELECT ${idSql(key)} AS id, ${ROW_HASH} AS hash, ` +
    `${SOURCE_PAGE} AS page FROM ${partFrom(file)} WHERE ${SOURCE_PAGE} >= ${offerPage}) SEMI JOIN came USING (id)`
  )
}

/** Rows of the offer in a live part, and those of them without a key. */
export function offerRowsSql({ key, offerPage }: MergeJob, file: string): string {
  return (
    `SELECT count(*) AS rows, count(*) FILTER (WHERE ${idSql(key)} IS NULL) AS blank ` +
    `FROM ${partFrom(file)} WHERE ${SOURCE_PAGE} >= ${offerPage}`
  )
}

/** Parts in which a row may stand that came again word for word. */
export const LIKELY_SQL =
  'SELECT DISTINCT part FROM met JOIN came USING (id, hash, division) WHERE NOT met.same ORDER BY part'

/** Marks the rows of a live part that came again word for word, nulls and all. */
export function sameSql(
  { key, columns, offerPage }: MergeJob,
  file: string,
  part: number,
): readonly string[] {
  const rows =
    `SELECT ${idSql(key)} AS id, ${nullsSql(columns)} AS nulls FROM ${partFrom(file)} ` +
    `WHERE ${SOURCE_PAGE} >= ${offerPage} AND ` +
    `${idSql(key)} IN (SELECT id FROM met JOIN came USING (id, hash, division) WHERE part = ${part})`
  return [
    `CREATE OR REPLACE TEMP TABLE likely AS ${rows}`,
    `UPDATE met SET same = true WHERE part = ${part} AND EXISTS (SELECT 1 FROM came JOIN likely USING (id, nulls) ` +
      'WHERE came.id = met.id AND came.hash = met.hash AND came.division = met.division)',
  ]
}

/** The same mark on the other side. */
export const SAME_CAME_SQL = 'UPDATE came SET same = true WHERE id IN (SELECT id FROM met WHERE same)'

/** Rows of the file of keys, one bucket of them. */
export function keysSql(file: string, bucket: number, buckets: number): string {
  const rows = `SELECT ${idSql('key')} AS id FROM read_csv(${literal(file)}, ${KEYS_FORM})`
  return buckets === 1 ? rows : `SELECT id FROM (${rows}) WHERE id IS NULL OR id % ${buckets} = ${bucket}`
}

const KEYS_FORM =
  `auto_detect = false, header = true, columns = {'key': 'VARCHAR'}, delim = ',', quote = '"', escape = '"', ` +
  `max_line_size = 3000000, parallel = false, force_not_null = ['key']`

/** The rows of the offer in a live part, those of one bucket. */
export function standingSql(
  { key, offerPage }: MergeJob,
  file: string,
  division: number,
  part: number,
  bucket: number,
  buckets: number,
): string {
  return (
    `INSERT INTO standing SELECT id, page, ${division}, ${part} FROM (SELECT ${idSql(key)} AS id, ${SOURCE_PAGE} AS page ` +
    `FROM ${partFrom(file)} WHERE ${SOURCE_PAGE} >= ${offerPage}) WHERE id % ${buckets} = ${bucket}`
  )
}

/** Empties the tables of a bucket. */
export const BUCKET_TABLES_SQL = [
  'CREATE OR REPLACE TEMP TABLE standing (id UHUGEINT, page INTEGER, division INTEGER, part INTEGER)',
  'CREATE OR REPLACE TEMP TABLE listed (id UHUGEINT)',
] as const

/** What a bucket says: keys without text or twice, rows of one key, keys that no row has, rows that came and whose key is not listed. */
export function doubtsSql(bucket: number, buckets: number): string {
  const cameHere = `SELECT id FROM came WHERE id % ${buckets} = ${bucket}`
  return (
    'SELECT (SELECT count(*) FROM listed) AS listed, ' +
    '(SELECT count(*) - count(DISTINCT id) FROM listed) AS repeated, ' +
    '(SELECT count(*) - count(DISTINCT id) FROM standing WHERE id IN (SELECT id FROM listed)) AS double, ' +
    `(SELECT count(*) FROM listed WHERE id NOT IN (SELECT id FROM standing UNION ALL ${cameHere})) AS missing, ` +
    `(SELECT count(*) FROM (${cameHere}) WHERE id NOT IN (SELECT id FROM listed)) AS unlisted`
  )
}

/** Takes in the rows of a bucket whose key the portal no longer has. */
export const GONE_SQL =
  'INSERT INTO gone SELECT id, page, division, part FROM standing WHERE id NOT IN (SELECT id FROM listed)'

/** Ids of the rows of a live part that do not stay. */
function leavingSql(part: number): string {
  return `SELECT id FROM met WHERE part = ${part} AND NOT same UNION ALL SELECT id FROM gone WHERE part = ${part}`
}

/** Rows of a live part that stay, as they are stored. */
export function stayingSql({ key, offerPage, columns }: MergeJob, file: string, part: number): string {
  const cells = [...columns.map(identifier), SOURCE_PAGE].join(', ')
  return (
    `SELECT ${cells} FROM ${partFrom(file)} WHERE ${SOURCE_PAGE} < ${offerPage} OR ${idSql(key)} IS NULL ` +
    `OR ${idSql(key)} NOT IN (${leavingSql(part)})`
  )
}

/** Rows that came and are not there already. @param rows a SELECT of them as the raw table holds them */
export function enteringSql({ key, columns }: MergeJob, rows: string): string {
  const cells = [...columns.map(identifier), SOURCE_PAGE].join(', ')
  return `SELECT ${cells} FROM (${rows}) WHERE ${idSql(key)} NOT IN (SELECT id FROM came WHERE same)`
}

/** Numbers of the divisions whose rows are not all the same. */
export const TOUCHED_SQL =
  'SELECT DISTINCT division FROM (SELECT division FROM came WHERE NOT same UNION ALL ' +
  'SELECT division FROM met WHERE NOT same UNION ALL SELECT division FROM gone)'

/** Rows that leave the table, by page. */
export const LEFT_SQL =
  'SELECT page, count(*) AS rows FROM (SELECT page FROM met WHERE NOT same UNION ALL SELECT page FROM gone) GROUP BY page ORDER BY page'

/** Rows that enter the table, by page. */
export const CAME_SQL = 'SELECT page, count(*) AS rows FROM came WHERE NOT same GROUP BY page ORDER BY page'
