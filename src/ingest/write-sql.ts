import { ROW_HASH, SOURCE_PAGE, UNASSIGNED } from '../contracts/columns.js'
import { rowHashSql } from '../lake/duckdb/row-hash.js'
import { identifier, literal } from '../lake/duckdb/sql.js'
import { MAX_RECORD_BYTES } from '../sources/files/read-csv.js'
import type { PageInput, WriteJob } from './write-job.js'

/** Column that carries the division through the partitioned write, in hexadecimal: a folder name in every spelling. */
export const DIVISION_KEY = '_division_hex'

const CSV_BUFFER_BYTES = 2 * 1024 * 1024 // the lean profile: the engine's default of 32 MiB is what makes its peak

/** A page with the local file the engine is to open. */
export type OpenPage = PageInput & { readonly local: string }

/** All rows of a snapshot as the raw table holds them, and their division in hexadecimal. */
export function snapshotSql(job: WriteJob, pages: readonly OpenPage[]): string {
  return groupByLayout(pages)
    .map((group) => groupSql(job, group))
    .join(' UNION ALL ')
}

/** Pages that one reader can take together: same columns in the same order, same form. */
export function groupByLayout(pages: readonly OpenPage[]): OpenPage[][] {
  const groups = new Map<string, OpenPage[]>()
  for (const page of pages) {
    const layout = JSON.stringify([page.columns, page.delimiter, page.gzip])
    groups.set(layout, [...(groups.get(layout) ?? []), page])
  }
  return [...groups.values()]
}

function groupSql(job: WriteJob, group: readonly OpenPage[]): string {
  const present = new Set(group[0]?.columns)
  const cells = job.columns.map((name) =>
    present.has(name) ? identifier(name) : `NULL::VARCHAR AS ${identifier(name)}`,
  )
  const pageNumbers = group.map(({ page }) => page).join(', ')
  return (
    `SELECT ${cells.join(', ')}, ${rowHashSql(job.columns, present)} AS ${ROW_HASH}, ` +
    `list_extract([${pageNumbers}], (file_index + 1)::BIGINT)::INTEGER AS ${SOURCE_PAGE}, ` +
    `hex(${divisionSql(job, present)}) AS ${DIVISION_KEY} FROM ${readCsvSql(group)}`
  )
}

function readCsvSql(group: readonly OpenPage[]): string {
  const { columns, delimiter, gzip } = group[0] as OpenPage
  const files = group.map(({ local }) => literal(local)).join(', ')
  const types = columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')
  const notNull = columns.map(identifier).join(', ')
  return (
    `read_csv([${files}], auto_detect = false, header = true, strict_mode = true, columns = {${types}}, ` +
    `delim = ${literal(delimiter)}, quote = '"', escape = '"', force_not_null = [${notNull}], ` +
    `compression = ${literal(gzip ? 'gzip' : 'none')}, max_line_size = ${MAX_RECORD_BYTES + 1024}, ` +
    `buffer_size = ${CSV_BUFFER_BYTES})`
  )
}

/** The division's value: the published text without outer blanks, or what the city file says it means; blank is unassigned. */
function divisionSql(job: WriteJob, present: ReadonlySet<string>): string {
  if (!present.has(job.partitionFrom)) return literal(UNASSIGNED)
  const published = `trim(${identifier(job.partitionFrom)}, E' \\t\\r\\n')`
  const meanings = Object.entries(job.partitionValues).map(
    ([from, to]) => `WHEN ${literal(from)} THEN ${literal(to)}`,
  )
  return `CASE ${published} WHEN '' THEN ${literal(UNASSIGNED)} ${meanings.join(' ')} ELSE ${published} END`
}
