import type { VNode } from 'preact'
import type { CityFile } from '../../contracts/city-file.js'
import { catalogFor } from '../../words/sentences.js'
import { addressOf, divisionAddress } from '../addresses.js'
import type { DivisionView } from '../division-view.js'
import { type SeriesLine, seriesKey } from '../series-view.js'
import { DataFooter } from './data-footer.js'
import { RowsTable } from './evidence-rows.js'
import { Layout } from './layout.js'
import { Caveat, FilterForm, FindingList, MoreFindings, OtherForms, queryOf } from './parts.js'
import { Scroll } from './scroll.js'
import { figure, SeriesFigure } from './series-figure.js'

interface Props {
  readonly city: CityFile
  readonly view: DivisionView
}

/** A division's page: what changed here, in words, as a list, as a chart, and as rows. */
export function DivisionPage({ city, view }: Props): VNode {
  const { division, title, filter } = view
  const crumbs = [{ label: city.city.name, address: '/' }, { label: title }]
  return (
    <Layout city={city} title={`What changed: ${title}`} description={view.paragraph} crumbs={crumbs}>
      <h1>What changed: {title}</h1>
      {view.period === undefined ? (
        <p>There is no data yet.</p>
      ) : (
        <>
          <Lead view={view} />
          <FilterForm city={city} filter={filter} action={divisionAddress(division)} />
          <OtherForms segments={['d', division]} query={queryOf(filter)} forms={FORMS} />
          <Findings city={city} view={view} />
          <Chart city={city} view={view} />
          <Rows city={city} view={view} />
          <AllSeries city={city} view={view} />
        </>
      )}
      <DataFooter city={city} sources={view.sources} versions={view.versions} />
    </Layout>
  )
}

const FORMS = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
] as const

/** The period, then the largest finding in its own words. */
function Lead({ view }: { view: DivisionView }): VNode {
  const largest = view.findings[0]
  return (
    <p class="lead">
      {view.paragraph} {largest && `The largest: ${largest.headline}`}
    </p>
  )
}

function Findings({ city, view }: Props): VNode | null {
  const { findings, findingsTotal, division, filter, latest } = view
  if (findings.length === 0) {
    return latest ? (
      <section aria-labelledby="findings">
        <h2 id="findings">The latest finding there is</h2>
        <FindingList city={city} findings={[latest]} />
      </section>
    ) : null
  }
  return (
    <section aria-labelledby="findings">
      <h2 id="findings">Findings</h2>
      <FindingList
        city={city}
        findings={findings}
        sparks={view.sparks}
        seriesAddress={(line) => seriesAddress(view, seriesKey(line))}
      />
      <MoreFindings
        shown={findings.length}
        total={findingsTotal}
        address={divisionAddress(division, { ...queryOf(filter), show: 'all' })}
      />
      <Caveat city={city} metrics={findings.map(({ metric }) => metric)} />
    </section>
  )
}

function seriesAddress({ division, filter }: DivisionView, series: string): string {
  return `${divisionAddress(division, { ...queryOf(filter), series })}#series`
}

function Chart({ city, view }: Props): VNode | null {
  const { series, division, filter } = view
  if (series === undefined) {
    return filter.series ? <p>There is no series “{filter.series}” here.</p> : null
  }
  const query = { ...queryOf(filter), series: series.key }
  const noun = catalogFor(city.city.locale).noun(series.metric)
  return (
    <section aria-labelledby="series">
      <h2 id="series">
        “{series.category}”, {noun.many} a week
      </h2>
      <SeriesFigure
        series={series}
        noun={noun}
        title={`“${series.category}” ${noun.many} a week, ${view.title}`}
        svg={addressOf(['d', division, 'chart'], query, 'svg')}
        csv={addressOf(['d', division, 'chart'], query, 'csv')}
      />
    </section>
  )
}

function Rows({ city, view }: Props): VNode | null {
  const { rows, division, filter, series } = view
  if (rows === undefined || series === undefined) return null
  const query = { ...queryOf(filter), series: series.key }
  const csv = rows.finding
    ? addressOf(['f', rows.finding, 'rows'], {}, 'csv')
    : addressOf(['d', division, 'rows'], query, 'csv')
  const words = catalogFor(city.city.locale)
  const noun = words.noun(rows.metric)
  return (
    <section aria-labelledby="rows">
      <h2 id="rows">Evidence: the {noun.many}</h2>
      <p>
        “{rows.category}”, {words.range(rows.from, rows.to)}.
      </p>
      <RowsTable shown={rows} noun={noun} csv={csv} />
    </section>
  )
}

/** Series that a page lists: more would make it slow on a phone, and its JSON has them all. */
const SERIES_SHOWN = 60

function AllSeries({ city, view }: Props): VNode | null {
  if (view.allSeries.length === 0) return null
  const rank = (line: SeriesLine) => (line.expected === null ? 1 : 0) // tested series first
  const shown = view.allSeries.toSorted((a, b) => rank(a) - rank(b)).slice(0, SERIES_SHOWN)
  const hidden = view.allSeries.length - shown.length
  const noun = catalogFor(city.city.locale).noun(...view.allSeries.map(({ metric }) => metric))
  const isOfSeveral = new Set(view.allSeries.map(({ dataset }) => dataset)).size > 1
  return (
    <section class="screen" aria-labelledby="all-series">
      <h2 id="all-series">Every series checked here</h2>
      <details>
        <summary>{view.allSeries.length} series, with their newest week</summary>
        <Scroll label="Series">
          <table>
            <thead>
              <tr>
                <th>Category</th>
                {isOfSeveral && <th>Dataset</th>}
                <th>Newest week</th>
                <th class="number">{noun.title}</th>
                <th class="number">Expected</th>
                <th class="number">Weeks outside</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((line) => (
                <SeriesRow
                  key={line.key}
                  line={line}
                  view={view}
                  dataset={isOfSeveral ? (city.datasets[line.dataset]?.name ?? line.dataset) : undefined}
                />
              ))}
            </tbody>
          </table>
        </Scroll>
        {hidden > 0 && <p class="small muted">And {hidden} more, in the JSON of this page.</p>}
      </details>
    </section>
  )
}

/** One series; its dataset is said where the page has several. */
function SeriesRow(props: { line: SeriesLine; view: DivisionView; dataset: string | undefined }): VNode {
  const { line, view, dataset } = props
  return (
    <tr class={line.key === view.series?.key ? 'chosen' : undefined}>
      <td>
        <a href={seriesAddress(view, line.key)}>{line.category}</a>
      </td>
      {dataset !== undefined && <td>{dataset}</td>}
      <td class="day">{line.newest_week ?? 'no data'}</td>
      <td class="number">{line.observed}</td>
      <td class="number">{figure(line.expected)}</td>
      <td class="number">{line.weeks_outside}</td>
    </tr>
  )
}
