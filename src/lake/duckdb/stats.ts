import type { Column, ColumnType } from '../../contracts/columns.js'
import type { Engine } from './engine.js'
import { literal } from './sql.js'

/** Columns of a file that have statistics; Delta's default (`delta.dataSkippingNumIndexedCols`). */
const MAX_STATS_COLUMNS = 32
/** Characters of a text's bound; Delta's own writer cuts at the same length. */
const MAX_BOUND_CHARACTERS = 32
const GREATEST_CHARACTER = '\u{10FFFF}'

const MILLISECOND = "'%Y-%m-%dT%H:%M:%S.%gZ'"

/**
 * The least and the greatest of a column as text of our own form, from its bounds in each row group. Delta has milliseconds: the
 * greatest instant is rounded up. It has no bounds of booleans.
 */
const BOUNDS: Record<ColumnType, readonly [low: string, high: string] | undefined> = {
  string: ['min(low)', 'max(high)'],
  long: castBounds('BIGINT'),
  integer: castBounds('INTEGER'),
  double: castBounds('DOUBLE'),
  boolean: undefined,
  date: castBounds('DATE'),
  timestamp: [
    `strftime(min(low::TIMESTAMP), ${MILLISECOND})`,
    `strftime(max(high::TIMESTAMP) + INTERVAL 999 MICROSECOND, ${MILLISECOND})`,
  ],
}

interface FooterRow {
  readonly name: string
  readonly nulls: number | null
  readonly low: string | null
  readonly high: string | null
}

/**
 * Statistics of a Parquet file that the engine wrote, as the text of an `add` action: numRecords, minValues, maxValues and
 * nullCount of its first 32 columns. They come from the file's footer; no row is read. Bounds that the footer does not have
 * (a column with NaN, with very long text or with nulls only) are left out.
 * @param rows rows of the file
 */
export async function readStats(
  engine: Engine,
  file: string,
  rows: number,
  columns: readonly Column[],
): Promise<string> {
  const counted = columns.slice(0, MAX_STATS_COLUMNS)
  const found = await engine.rows<FooterRow>(footerSql(file, counted))
  const byName = new Map(found.map((row) => [row.name, row]))
  const members = (shown: (row: FooterRow, type: ColumnType) => string | undefined) =>
    counted
      .flatMap(({ name, type }) => {
        const row = byName.get(name)
        const value = row && shown(row, type)
        return value === undefined ? [] : [`${JSON.stringify(name)}:${value}`]
      })
      .join(',')
  const minValues = members(({ low }, type) => jsonBound(low, type, (text) => cut(text)))
  const maxValues = members(({ high }, type) => jsonBound(high, type, cutUp))
  const nullCount = members(({ nulls }) => (nulls === null ? undefined : String(nulls)))
  return `{"numRecords":${rows},"minValues":{${minValues}},"maxValues":{${maxValues}},"nullCount":{${nullCount}}}`
}

/** One row a column. Bounds stand only where each row group has them, or holds nothing but nulls. */
function footerSql(file: string, columns: readonly Column[]): string {
  const selects = columns.map(({ name, type }) => {
    const [low, high] = BOUNDS[type] ?? ['NULL', 'NULL']
    const known = 'bool_and(low IS NOT NULL AND high IS NOT NULL OR coalesce(nulls = cells, false))'
    return (
      `SELECT ${literal(name)} AS name, CASE WHEN count(nulls) = count(*) THEN sum(nulls)::BIGINT END AS nulls, ` +
      `CASE WHEN ${known} THEN (${low})::VARCHAR END AS low, CASE WHEN ${known} THEN (${high})::VARCHAR END AS high ` +
      `FROM footer WHERE path = ${literal(name)}`
    )
  })
  const footer =
    'SELECT path_in_schema AS path, num_values AS cells, stats_null_count AS nulls, stats_min_value AS low, ' +
    `stats_max_value AS high FROM parquet_metadata(${literal(file)})`
  return `WITH footer AS MATERIALIZED (${footer}) ${selects.join(' UNION ALL ')}`
}

function castBounds(type: string): readonly [string, string] {
  return [`min(low::${type})`, `max(high::${type})`]
}

/** Numbers stand as they are, to the last digit of 64 bits; days and instants of years that ISO 8601 writes with four digits. */
function jsonBound(
  text: string | null,
  type: ColumnType,
  cutText: (text: string) => string | undefined,
): string | undefined {
  if (text === null) return undefined
  if (type === 'string') return asJson(cutText(text))
  if (type === 'date' || type === 'timestamp') return /^\d{4}-/.test(text) ? asJson(text) : undefined
  return Number.isFinite(Number(text)) ? text : undefined
}

function asJson(text: string | undefined): string | undefined {
  return text === undefined ? undefined : JSON.stringify(text)
}

function cut(text: string): string {
  return [...text].slice(0, MAX_BOUND_CHARACTERS).join('')
}

/** A text that is not less than any with the same beginning; undefined where there is no such text of that length. */
function cutUp(text: string): string | undefined {
  const characters = [...text]
  if (characters.length <= MAX_BOUND_CHARACTERS) return text
  if (characters[MAX_BOUND_CHARACTERS] === GREATEST_CHARACTER) return undefined
  return `${cut(text)}${GREATEST_CHARACTER}`
}
