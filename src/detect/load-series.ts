import { SOURCE_PAGE } from '../contracts/columns.js'
import { addDays, dayNumber, dayOf, weekOf } from '../kernel/time.js'
import type { Engine } from '../lake/duckdb/engine.js'
import { literal } from '../lake/duckdb/sql.js'
import { coveredWeeks, type PageSpan } from './coverage.js'
import type { DetectJob } from './detect-job.js'

const WEEK_DAYS = 7

/**
 * A day farther than 15 years from the middle of its page is a typing error: it neither stretches what the page covers nor
 * the weeks that are tested, which would otherwise reach from the year 1900 to 2099 for one wrong digit.
 */
const MAX_DAYS_FROM_MIDDLE = 15 * 366

/** Weeks that all series of a dataset share, and which of them are covered, by category. */
export interface Grid {
  /** Mondays, ascending, without gaps. */
  readonly weeks: readonly string[]
  readonly covered: ReadonlyMap<string, Uint8Array>
}

/** Local series files of one division. */
export interface SeriesFiles {
  readonly division: string
  readonly files: readonly string[]
}

/**
 * The grid from the first to the last day of all divisions; empty when there is no row.
 * @param sharedPages by source, pages that came from one table: they cover together what they cover
 */
export async function loadGrid(
  engine: Engine,
  divisions: readonly SeriesFiles[],
  metric: string,
  sharedPages: DetectJob['sharedPages'] = {},
): Promise<Grid> {
  const files = divisions.flatMap((division) => division.files)
  if (files.length === 0) return { weeks: [], covered: new Map() }
  const rows = await engine.rows<{ page: string; category: string; first: string; last: string }>(
    `WITH counted AS (SELECT _source || '/' || ${pageSql(sharedPages)} AS page, category, day ` +
      `FROM ${seriesSql(files)} WHERE metric = ${literal(metric)}), ` +
      'middles AS (SELECT page, quantile_disc(day, 0.5) AS middle FROM counted GROUP BY page) ' +
      'SELECT page, category, min(day)::VARCHAR AS first, max(day)::VARCHAR AS last ' +
      `FROM counted JOIN middles USING (page) WHERE abs(day - middle) <= ${MAX_DAYS_FROM_MIDDLE} GROUP BY ALL`,
  )
  const pages = spansOf(rows)
  const weeks = weeksBetween(
    pages.map(({ firstOn }) => firstOn).sort()[0],
    pages
      .map(({ lastOn }) => lastOn)
      .sort()
      .at(-1),
  )
  return { weeks, covered: coveredWeeks(pages, weeks) }
}

/** The page of a row, or the first of the pages that it shares a table with. */
function pageSql(sharedPages: DetectJob['sharedPages']): string {
  const cases = Object.entries(sharedPages).flatMap(([source, tables]) =>
    tables.map(
      (pages) =>
        `WHEN _source = ${literal(source)} AND ${SOURCE_PAGE} IN (${pages.join(', ')}) THEN ${Math.min(...pages)}`,
    ),
  )
  return cases.length === 0 ? SOURCE_PAGE : `(CASE ${cases.join(' ')} ELSE ${SOURCE_PAGE} END)`
}

function spansOf(
  rows: readonly { page: string; category: string; first: string; last: string }[],
): PageSpan[] {
  const spans = new Map<string, { firstOn: string; lastOn: string; categories: string[] }>()
  for (const { page, category, first, last } of rows) {
    const span = spans.get(page)
    if (span === undefined) spans.set(page, { firstOn: first, lastOn: last, categories: [category] })
    else {
      span.firstOn = first < span.firstOn ? first : span.firstOn
      span.lastOn = last > span.lastOn ? last : span.lastOn
      span.categories.push(category)
    }
  }
  return [...spans].map(([page, span]) => ({ page, ...span }))
}

function weeksBetween(firstOn: string | undefined, lastOn: string | undefined): string[] {
  if (firstOn === undefined || lastOn === undefined) return []
  const first = dayNumber(weekOf(firstOn))
  const count = (dayNumber(weekOf(lastOn)) - first) / WEEK_DAYS + 1
  return Array.from({ length: count }, (_, index) => dayOf(first + index * WEEK_DAYS))
}

/** Weekly counts of one category in one division; NaN where the week is not covered. */
export interface WeeklyCounts {
  readonly category: string
  readonly counts: Float64Array
}

/**
 * Weekly counts of every category that the division ever had, ascending by category.
 * A covered week without rows counts zero.
 */
export async function loadWeeklyCounts(
  engine: Engine,
  { files }: SeriesFiles,
  metric: string,
  grid: Grid,
): Promise<WeeklyCounts[]> {
  if (files.length === 0) return []
  const rows = await engine.rows<{ category: string; week: string; count: number }>(
    `SELECT category, date_trunc('week', day)::DATE::VARCHAR AS week, sum(count)::BIGINT AS count ` +
      `FROM ${seriesSql(files)} WHERE metric = ${literal(metric)} GROUP BY ALL ORDER BY category, week`,
  )
  const place = new Map(grid.weeks.map((week, index) => [week, index]))
  const series = new Map<string, Float64Array>()
  for (const { category, week, count } of rows) {
    const counts = series.get(category) ?? emptySeries(grid, category)
    series.set(category, counts)
    const at = place.get(week)
    if (at !== undefined && !Number.isNaN(counts[at])) counts[at] = count
  }
  return [...series].map(([category, counts]) => ({ category, counts }))
}

function emptySeries(grid: Grid, category: string): Float64Array {
  const covered = grid.covered.get(category)
  return Float64Array.from(grid.weeks, (_, index) => (covered?.[index] === 1 ? 0 : Number.NaN))
}

function seriesSql(files: readonly string[]): string {
  return `read_parquet([${files.map(literal).join(', ')}], hive_partitioning = false)`
}

/** The day after a week's last day. */
export function weekEnd(week: string): string {
  return addDays(week, WEEK_DAYS)
}
