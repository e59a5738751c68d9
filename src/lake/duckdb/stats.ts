import type { Column, ColumnType } from '../../contracts/columns.js'
import { MAX_STATS_COLUMNS, statsText } from '../stats-text.js'
import type { Engine } from './engine.js'
import { literal } from './sql.js'

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
  return statsText(
    rows,
    counted.flatMap(({ name, type }) => {
      const row = byName.get(name)
      if (row === undefined) return []
      return [{ name, type, nulls: row.nulls, least: row[`${type}_low`], greatest: row[`${type}_high`] }]
    }),
  )
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
