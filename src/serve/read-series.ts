import { groupBy } from '../kernel/group-by.js'
import type { Day } from '../kernel/time.js'
import { TESTS_PARTITION } from '../lake/tables.js'
import type { TableReader } from './table-reader.js'
import type { TableVersion } from './world.js'

/** One week of a series: counts are rows of that week. Null is "not known", never zero. */
export interface SeriesWeek {
  /** Monday. */
  readonly on: Day
  /** Null where the publication does not cover the week. */
  readonly observed: number | null
  readonly expected: number | null
  readonly lower: number | null
  readonly upper: number | null
  readonly pValue: number | null
  readonly qValue: number | null
  readonly outside: boolean
  /** Null when the week was tested. */
  readonly untestedBecause: string | null
}

/** The weekly counts of one category of one division, with what was expected. */
export interface Series {
  readonly dataset: string
  readonly metric: string
  readonly category: string
  /** Ascending; a week that is missing was never looked at. */
  readonly weeks: readonly SeriesWeek[]
}

interface TestRow {
  readonly dataset: string
  readonly metric: string
  readonly category: string
  readonly on: string
  readonly observed: number | null
  readonly expected: number | null
  readonly lower: number | null
  readonly upper: number | null
  readonly pValue: number | null
  readonly qValue: number | null
  readonly outside: boolean | null
  readonly untestedBecause: string | null
}

const [, DIVISION] = TESTS_PARTITION

const TEST_QUERY = (scan: string) => `
  SELECT dataset, metric, category, strftime(week_on, '%Y-%m-%d') AS "on", observed, expected, lower, upper,
    p_value AS "pValue", q_value AS "qValue", outside, untested_because AS "untestedBecause"
  FROM ${scan} ORDER BY dataset, category, metric, week_on`

/** All series of a division, by dataset and category. */
export async function readSeries(
  reader: TableReader,
  table: TableVersion | undefined,
  division: string,
): Promise<Series[]> {
  if (table === undefined) return []
  const rows = await reader.rows<TestRow>(table, (partition) => partition[DIVISION] === division, TEST_QUERY)
  const groups = groupBy(rows, ({ dataset, metric, category }) => JSON.stringify([dataset, metric, category]))
  return [...groups.values()].map((weeks) => seriesOf(weeks))
}

function seriesOf(rows: readonly TestRow[]): Series {
  const { dataset, metric, category } = rows[0]!
  return { dataset, metric, category, weeks: rows.map(weekOf) }
}

function weekOf(row: TestRow): SeriesWeek {
  const { on, observed, expected, lower, upper, pValue, qValue, untestedBecause } = row
  return {
    on,
    observed,
    expected,
    lower,
    upper,
    pValue,
    qValue,
    untestedBecause,
    outside: row.outside ?? false,
  }
}

/** A series in short: how many weeks of it were looked at, and what came of them. */
export interface KnownSeries {
  readonly dataset: string
  readonly division: string
  readonly category: string
  readonly metric: string
  /** Weeks on record, tested or not. */
  readonly weeks: number
  readonly weeksTested: number
  readonly weeksOutside: number
  /** Monday of the oldest week that was looked at. */
  readonly oldestWeek: Day
  /** Monday of the oldest week that could be tested. */
  readonly oldestTestedWeek: Day | null
  /** Monday of the newest week with a count. */
  readonly newestWeek: Day | null
}

const KNOWN_QUERY = (scan: string) => `
  SELECT dataset, division, category, metric, count(*) AS weeks,
    count(*) FILTER (untested_because IS NULL) AS "weeksTested", count(*) FILTER (outside) AS "weeksOutside",
    strftime(min(week_on), '%Y-%m-%d') AS "oldestWeek",
    strftime(min(week_on) FILTER (untested_because IS NULL), '%Y-%m-%d') AS "oldestTestedWeek",
    strftime(max(week_on) FILTER (observed IS NOT NULL), '%Y-%m-%d') AS "newestWeek"
  FROM ${scan} GROUP BY dataset, division, category, metric`

/** Every series that was ever tested, or could not be, by {@link compareSeries}. */
export async function readKnownSeries(
  reader: TableReader,
  table: TableVersion | undefined,
): Promise<KnownSeries[]> {
  const found = table === undefined ? [] : await reader.rows<KnownSeries>(table, () => true, KNOWN_QUERY)
  return found.sort(compareSeries)
}

/** What tells series apart. */
export type SeriesIdentity = Pick<KnownSeries, 'dataset' | 'division' | 'category' | 'metric'>

/** Order of series: by dataset, division, category and metric, as text. */
export function compareSeries(a: SeriesIdentity, b: SeriesIdentity): number {
  for (const name of ['dataset', 'division', 'category', 'metric'] as const)
    if (a[name] !== b[name]) return a[name] < b[name] ? -1 : 1
  return 0
}

/** The weeks of a dataset's data in one division. */
export interface Coverage {
  readonly dataset: string
  readonly division: string
  /** Monday of the newest week with a count. */
  readonly newestWeek: Day | null
  /** Monday of the oldest week that was looked at. */
  readonly oldestWeek: Day
  readonly series: number
}

const COVERAGE_QUERY = (scan: string) => `
  SELECT dataset, division, strftime(max(week_on) FILTER (observed IS NOT NULL), '%Y-%m-%d') AS "newestWeek",
    strftime(min(week_on), '%Y-%m-%d') AS "oldestWeek", count(DISTINCT (metric, category)) AS series
  FROM ${scan} GROUP BY dataset, division ORDER BY dataset, division`

/** How far the data of each dataset and division reaches. */
export async function readCoverage(
  reader: TableReader,
  table: TableVersion | undefined,
): Promise<Coverage[]> {
  return table === undefined ? [] : reader.rows<Coverage>(table, () => true, COVERAGE_QUERY)
}
