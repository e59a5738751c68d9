import { z } from 'zod'
import { KINDS } from '../../contracts/kinds.js'
import type { Edition } from '../edition.js'
import { parseQuery } from '../filter.js'
import { compareSeries, type KnownSeries, type SeriesIdentity } from '../read-series.js'
import { Limit, type Listed } from './requests.js'

const CursorParts = z.tuple([z.string(), z.string(), z.string(), z.string()])

/** The last series seen, as text that says nothing to those who keep it. */
function cursorOf({ dataset, division, category, metric }: SeriesIdentity): string {
  return Buffer.from(JSON.stringify([dataset, division, category, metric])).toString('base64url')
}

/** The series that a cursor stands for; undefined for a text that is no cursor. */
function seriesAt(cursor: string): SeriesIdentity | undefined {
  try {
    const text = Buffer.from(cursor, 'base64url').toString('utf8')
    const [dataset, division, category, metric] = CursorParts.parse(JSON.parse(text))
    return { dataset, division, category, metric }
  } catch {
    return undefined
  }
}

const Cursor = z.string().transform((text, { addIssue }) => {
  const series = seriesAt(text)
  if (series === undefined) addIssue({ code: 'custom', message: 'take it from `next` of the answer before' })
  return series
})

/** Parameters of `/api/v1/series`. */
export const SeriesQuery = z.strictObject({
  dataset: z.string().optional().describe("A dataset's name in the city file."),
  division: z.string().optional().describe('A partition value, as in /api/v1/divisions.'),
  category: z.string().optional().describe("The publisher's label, exactly."),
  cursor: Cursor.optional().describe('`next` of the answer before; the answer begins after it.'),
  limit: Limit.describe('Most series to give.'),
})

/**
 * Every series that detection knows, in an order that never changes: by dataset, division, category and metric.
 * @throws WardbookError 'bad-query' (fix-config)
 */
export async function listSeries(edition: Edition, search: URLSearchParams): Promise<Listed> {
  const { dataset, division, category, cursor, limit } = parseQuery(SeriesQuery, search, true)
  const matching = (await edition.knownSeries()).filter(
    (series) =>
      (dataset === undefined || series.dataset === dataset) &&
      (division === undefined || series.division === division) &&
      (category === undefined || series.category === category) &&
      (cursor === undefined || compareSeries(series, cursor) > 0),
  )
  const shown = matching.slice(0, limit)
  const last = shown.at(-1)
  const next = last && matching.length > shown.length ? cursorOf(last) : null
  return { body: { series: shown.map((series) => seriesBody(edition, series)), next }, next }
}

function seriesBody({ city }: Edition, series: KnownSeries): object {
  const { dataset, metric, division, category, weeks } = series
  return {
    dataset,
    kind: city.datasets[dataset]?.kind ?? null,
    metric,
    division,
    category,
    weeks,
    weeks_tested: series.weeksTested,
    weeks_outside: series.weeksOutside,
    oldest_week: series.oldestWeek,
    oldest_tested_week: series.oldestTestedWeek,
    newest_week: series.newestWeek,
  }
}

/** Every dataset of the city file: what it counts, how much of it there is, and how far it reaches. */
export async function listDatasets(edition: Edition, search: URLSearchParams): Promise<Listed> {
  parseQuery(z.strictObject({}), search, true)
  const series = await edition.knownSeries()
  const datasets = Object.keys(edition.city.datasets).map((id) =>
    datasetBody(
      edition,
      id,
      series.filter(({ dataset }) => dataset === id),
    ),
  )
  return { body: { datasets, next: null }, next: null }
}

function datasetBody(edition: Edition, id: string, series: readonly KnownSeries[]): object {
  const { name, kind, license, partition } = edition.city.datasets[id]!
  const rows = edition.rowsByDivision(id)
  return {
    id,
    name,
    kind,
    metric: KINDS[kind].metric,
    rows: [...rows.values()].reduce((sum, count) => sum + count, 0),
    divisions: rows.size,
    categories: new Set(series.map(({ category }) => category)).size,
    oldest_week: series.map(({ oldestWeek }) => oldestWeek).toSorted()[0] ?? null,
    newest_week:
      series
        .flatMap(({ newestWeek }) => newestWeek ?? [])
        .toSorted()
        .at(-1) ?? null,
    license: license?.name ?? null,
    partition_column: partition.column,
    tidy_version: edition.tidyVersion(id) ?? null,
  }
}
