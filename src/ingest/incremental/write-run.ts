import { join } from 'node:path'
import { SOURCE_PAGE } from '../../contracts/columns.js'
import type { Engine } from '../../lake/duckdb/engine.js'
import { identifier, literal } from '../../lake/duckdb/sql.js'
import type { Run } from '../run-files.js'
import type { JobLayout } from '../write-job.js'

/** How {@link writeRun} lays rows out: strict CSV, nulls as empty cells, all columns of the table. */
export function runLayout(columns: readonly string[]): JobLayout {
  return { columns, delimiter: ',', emptyIsNull: true }
}

/** Bytes that ingestion's own two numbers count in a part's budget. */
const OWN_BYTES = 16

/**
 * Writes rows of a raw table as a run, as the split writes those of a publisher: a first line that names cells by number, then a record a row,
 * its page as the last cell.
 * @param select rows with the columns and their page
 * @returns undefined when there is no row
 */
export async function writeRun(
  engine: Engine,
  folder: string,
  name: string,
  select: string,
  columns: readonly string[],
): Promise<Run | undefined> {
  const file = join(folder, `${name}.csv`)
  const numbered = [...columns, SOURCE_PAGE].map(
    (column, at) => `${identifier(column)} AS ${identifier(String(at))}`,
  )
  const quoted = columns.map((_column, at) => identifier(String(at))).join(', ')
  await engine.run(
    `COPY (SELECT ${numbered.join(', ')} FROM (${select})) TO ${literal(file)} ` +
      `(FORMAT csv, HEADER true, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR '', FORCE_QUOTE (${quoted}))`,
  )
  const text = columns.map((column) => `coalesce(strlen(${identifier(column)}), 0)`).join(' + ')
  const written = columns
    .map((column) => `coalesce(strlen(replace(${identifier(column)}, '"', '""')), 0)`)
    .join(' + ')
  const [size] = await engine.rows<{ rows: number; bytes: number; longest: number }>(
    `SELECT count(*) AS rows, coalesce(sum(${text}), 0)::BIGINT AS bytes, coalesce(max(${written}), 0)::BIGINT AS longest FROM (${select})`,
  )
  const { rows, bytes, longest } = size ?? { rows: 0, bytes: 0, longest: 0 }
  if (rows === 0) return undefined
  // Each cell may have two quotes and a separator beside its text, and a page has ten digits.
  const room = columns.length * 3 + 10
  return {
    file,
    layout: 0,
    rows,
    bytes: bytes + rows * (OWN_BYTES + columns.length),
    longest: longest + room,
  }
}
