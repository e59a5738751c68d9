import type { Day } from '../kernel/time.js'
import { TESTS_PARTITION } from '../lake/tables.js'
import { groupBy } from './group-by.js'
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
