import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import { catalogFor } from '../words/sentences.js'
import { type CityView, DIVISION_COLUMNS, viewCity } from './city-view.js'
import { type DivisionView, type DrawnSeries, type ShownRows, viewDivision } from './division-view.js'
import type { Edition } from './edition.js'
import { FindingFilter, parseQuery } from './filter.js'
import { FINDING_COLUMNS, type FindingLine } from './finding-line.js'
import { findingRows, type HistoryLine, type ReceiptOf, viewFinding } from './finding-view.js'
import { methodSettings, SETTING_COLUMNS } from './methods.js'
import type { CountedRows } from './read-rows.js'
import { type Resource, rowsAsJson, tableOf } from './resource.js'
import { chartFile, describeSeries } from './web/chart.js'
import { CityPage } from './web/city-page.js'
import { DivisionPage } from './web/division-page.js'
import { FindingPage } from './web/finding-page.js'
import { MethodsPage } from './web/methods-page.js'

/** What a page is asked for: its path without ending, its parameters, and whether unknown ones are refused. */
export interface PageRequest {
  readonly segments: readonly string[]
  readonly search: URLSearchParams
  readonly strict: boolean
}

/** Most rows that one address gives; whoever needs more reads the table itself. */
export const MAX_EXPORT_ROWS = 100_000

const NoParameters = z.strictObject({})

/**
 * The resource at a path, or undefined when there is none.
 * @throws WardbookError 'bad-query' (fix-config), 'too-many-rows' (fix-config), and what reading tables throws
 */
export async function findPage(
  edition: Edition,
  { segments, search, strict }: PageRequest,
  receiptOf: ReceiptOf | undefined,
): Promise<Resource | undefined> {
  const [kind, name, part, ...more] = segments
  if (more.length > 0) return undefined
  const filter = () => parseQuery(FindingFilter, search, strict)
  const noParameters = () => parseQuery(NoParameters, search, strict)
  if (kind === undefined || (kind === 'index' && name === undefined)) return cityResource(edition, filter())
  if (kind === 'methods' && name === undefined) {
    noParameters()
    return methodsResource(edition)
  }
  if (kind === 'd' && name !== undefined) return divisionResource(edition, name, part, filter())
  if (kind === 'f' && name !== undefined) {
    noParameters()
    return findingResource(edition, name, part, receiptOf)
  }
  return undefined
}

async function cityResource(edition: Edition, filter: FindingFilter): Promise<Resource> {
  const view = await viewCity(edition, filter)
  return {
    html: () => <CityPage city={edition.city} view={view} />,
    csv: () => findingsTable(view.findings),
    json: () => cityJson(edition, view),
  }
}

function methodsResource({ city }: Edition): Resource {
  const table = tableOf(SETTING_COLUMNS, methodSettings(city))
  return {
    html: () => <MethodsPage city={city} />,
    csv: () => table,
    json: () => ({ settings: rowsAsJson(table) }),
  }
}

async function divisionResource(
  edition: Edition,
  division: string,
  part: string | undefined,
  filter: FindingFilter,
): Promise<Resource | undefined> {
  const view = await viewDivision(edition, division, filter)
  if (view === undefined) return undefined
  if (part === 'chart') return view.series && chartResource(edition, view.series, view.title)
  if (part === 'rows') return view.series && view.rows && rowsResource(edition, view.series, view.rows)
  if (part !== undefined) return undefined
  return {
    html: () => <DivisionPage city={edition.city} view={view} />,
    csv: () => findingsTable(view.findings),
    json: () => divisionJson(view),
  }
}

async function rowsResource(edition: Edition, series: DrawnSeries, shown: ShownRows): Promise<Resource> {
  demandExportable(shown.total)
  const { division, dataset, category } = series
  const span = { division, category, from: shown.from, to: shown.to }
  return rowsOnly(await edition.rows(dataset, span, MAX_EXPORT_ROWS))
}

function rowsOnly(counted: CountedRows): Resource {
  const table = evidenceTable(counted)
  return { csv: () => table, json: () => ({ rows: rowsAsJson(table) }) }
}

function demandExportable(rows: number): void {
  if (rows <= MAX_EXPORT_ROWS) return
  throw new WardbookError(
    'too-many-rows',
    'fix-config',
    `${rows} rows are more than the ${MAX_EXPORT_ROWS} that one address gives: choose fewer weeks, or read the tidy table`,
    { rows, limit: MAX_EXPORT_ROWS },
  )
}

async function findingResource(
  edition: Edition,
  id: string,
  part: string | undefined,
  receiptOf: ReceiptOf | undefined,
): Promise<Resource | undefined> {
  if (part === 'rows') return findingRowsResource(edition, id)
  const view = await viewFinding(edition, id, receiptOf)
  if (view === undefined) return undefined
  if (part === 'chart') return view.series && chartResource(edition, view.series, view.divisionTitle)
  if (part !== undefined) return undefined
  const history = tableOf<HistoryLine>([...FINDING_COLUMNS, ...HISTORY_COLUMNS], view.history)
  const { finding, series, rows, rowsVersion, evidence, filesOmitted, receipt, sources, versions } = view
  return {
    html: () => <FindingPage city={edition.city} view={view} />,
    csv: () => history,
    json: () => ({
      finding,
      history: rowsAsJson(history),
      series: series ?? null,
      rows: rowsJson(rows),
      rows_version: rowsVersion ?? null,
      evidence: evidence ?? null,
      evidence_files_omitted: filesOmitted,
      receipt: receipt ?? null,
      sources,
      tables: versions,
    }),
  }
}

const HISTORY_COLUMNS = ['event_id', 'recorded_at', 'known_at', 'replaced'] as const

async function findingRowsResource(edition: Edition, id: string): Promise<Resource | undefined> {
  const rows = await findingRows(edition, id, demandExportable)
  return rows && rowsOnly(rows)
}

const WEEK_COLUMNS = [
  'on',
  'observed',
  'expected',
  'lower',
  'upper',
  'pValue',
  'qValue',
  'outside',
  'untestedBecause',
] as const

async function chartResource(edition: Edition, series: DrawnSeries, place: string): Promise<Resource> {
  const noun = catalogFor(edition.city.city.locale).noun(series.metric)
  const title = `“${series.category}” ${noun.many} a week, ${place}`
  const sources = await edition.sources()
  const source = sources.find(({ dataset }) => dataset === series.dataset)
  const read = source?.readAt ? `, read ${source.readAt.slice(0, 10)}` : ''
  const simulated = edition.city.city.simulated ? ' A simulated city.' : ''
  const note = `Source: ${edition.city.city.name}, ${source?.datasetName ?? series.dataset}${read}; wardbook.${simulated}`
  const table = tableOf(WEEK_COLUMNS, series.weeks)
  return {
    svg: () => chartFile(series, { title, description: describeSeries(series, noun), noun }, note),
    csv: () => table,
    json: () => ({ title, weeks: rowsAsJson(table) }),
  }
}

function findingsTable(findings: readonly FindingLine[]) {
  return tableOf(FINDING_COLUMNS, findings)
}

function evidenceTable({ columns, rows }: CountedRows) {
  return tableOf(
    columns.map(({ name }) => name),
    rows,
  )
}

function rowsJson(shown: ShownRows): object {
  const { total, from, to } = shown
  return { from, to, total, shown: rowsAsJson(evidenceTable(shown)) }
}

function cityJson({ city }: Edition, view: CityView): object {
  const { name, slug, simulated } = city.city
  return {
    city: { name, slug, simulated },
    period: view.period ?? null,
    filter: view.filter,
    findings: rowsAsJson(findingsTable(view.findings)),
    findings_total: view.findingsTotal,
    latest: view.latest ?? null,
    divisions: rowsAsJson(tableOf(DIVISION_COLUMNS, view.divisions)),
    sources: view.sources,
    tables: view.versions,
  }
}

function divisionJson(view: DivisionView): object {
  return {
    division: view.division,
    title: view.title,
    paragraph: view.paragraph,
    period: view.period ?? null,
    filter: view.filter,
    findings: rowsAsJson(findingsTable(view.findings)),
    findings_total: view.findingsTotal,
    latest: view.latest ?? null,
    series: view.series ?? null,
    rows: view.rows ? rowsJson(view.rows) : null,
    all_series: view.allSeries,
    sources: view.sources,
    tables: view.versions,
  }
}
