import type { Column, ColumnType } from '../../contracts/columns.js'
import type { Engine } from './engine.js'
import { literal } from './sql.js'

/** Columns of a file that have statistics; Delta's default (`delta.dataSkippingNumIndexedCols`). */
const MAX_STATS_COLUMNS = 32
/** Characters of a text's bound; Delta's own writer cuts at the same length. */
const MAX_BOUND_CHARACTERS = 32
const GREATEST_CHARACTER = '\u{10FFFF}'

const MILLISECOND = "'%Y-%m-%dT%H:%M:%S.%gZ'"

/** How the least and the greatest of a column come from its bounds in each row group, as text of our own form. */
interface Bounds {
  /** The engine's type that the footer's text is cast to. */
  readonly cast: string
  readonly low: (values: string) => string
  readonly high: (values: string) => string
}

/** Delta has milliseconds: the greatest instant is rounded up. It has no bounds of booleans. */
const BOUNDS: Record<ColumnType, Bounds | undefined> = {
  string: plainBounds('VARCHAR'),
  long: plainBounds('BIGINT'),
  integer: plainBounds('INTEGER'),
  double: plainBounds('DOUBLE'),
  boolean: undefined,
  date: plainBounds('DATE'),
  timestamp: {
    cast: 'TIMESTAMP',
    low: (values) => `strftime(min(${values}), ${MILLISECOND})`,
    high: (values) => `strftime(max(${values}) + INTERVAL 999 MICROSECOND, ${MILLISECOND})`,
  },
}

/** Bounds stand as `<type>_low` and `<type>_high`. */
type FooterRow = { readonly name: string; readonly nulls: number | null } & Readonly<
  Record<`${ColumnType}_${'low' | 'high'}`, string | null>
>

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
  const minValues = members((row, type) => jsonBound(row[`${type}_low`], type, (text) => cut(text)))
  const maxValues = members((row, type) => jsonBound(row[`${type}_high`], type, cutUp))
  const nullCount = members(({ nulls }) => (nulls === null ? undefined : String(nulls)))
  return `{"numRecords":${rows},"minValues":{${minValues}},"maxValues":{${maxValues}},"nullCount":{${nullCount}}}`
}

/**
 * One row a column, in one pass over the footer. Bounds stand only where each row group has them, or holds nothing but nulls.
 * They are worked out for each type that the file has, also for columns of another: `readStats` takes the right ones.
 */
function footerSql(file: string, columns: readonly Column[]): string {
  const types = [...new Set(columns.map(({ type }) => type))]
  const bounds = types.flatMap((type) => boundsSql(type, BOUNDS[type]))
  const names = columns.map(({ name }) => literal(name)).join(', ')
  return (
    `SELECT path AS name, CASE WHEN count(nulls) = count(*) THEN sum(nulls)::BIGINT END AS nulls, ${bounds.join(', ')} ` +
    'FROM (SELECT path_in_schema AS path, num_values AS cells, stats_null_count AS nulls, stats_min_value AS low, ' +
    `stats_max_value AS high FROM parquet_metadata(${literal(file)})) WHERE path IN (${names}) GROUP BY path`
  )
}

function boundsSql(type: ColumnType, bounds: Bounds | undefined): string[] {
  if (bounds === undefined) return [`NULL AS ${type}_low`, `NULL AS ${type}_high`]
  const cast = (bound: string) => `TRY_CAST(${bound} AS ${bounds.cast})`
  const known =
    'bool_and(low IS NOT NULL AND high IS NOT NULL OR coalesce(nulls = cells, false)) ' +
    `AND count(low) = count(${cast('low')}) AND count(high) = count(${cast('high')})`
  const when = (sql: string) => `CASE WHEN ${known} THEN (${sql})::VARCHAR END`
  return [
    `${when(bounds.low(cast('low')))} AS ${type}_low`,
    `${when(bounds.high(cast('high')))} AS ${type}_high`,
  ]
}

function plainBounds(cast: string): Bounds {
  return { cast, low: (values) => `min(${values})`, high: (values) => `max(${values})` }
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
