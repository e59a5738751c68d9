import type { VNode } from 'preact'
import type { CityFile } from '../../contracts/city-file.js'
import { catalogFor } from '../../words/sentences.js'
import { addressOf, divisionAddress } from '../addresses.js'
import type { CityView, DivisionLine } from '../city-view.js'
import { metricsOf } from '../counted-metrics.js'
import { seriesKey } from '../series-view.js'
import { DataFooter } from './data-footer.js'
import { Layout } from './layout.js'
import { Caveat, FilterForm, FindingList, MoreFindings, OtherForms, queryOf } from './parts.js'
import { Scroll } from './scroll.js'

/** The first page: what changed in the city, and where to look further. */
export function CityPage({ city, view }: { city: CityFile; view: CityView }): VNode {
  const { filter, period } = view
  const noun = catalogFor(city.city.locale).noun(...metricsOf(city))
  return (
    <Layout city={city} title="What changed" description={explanation(city)} crumbs={[]}>
      <h1>What changed in {city.city.name}</h1>
      <p class="lead">{explanation(city)}</p>
      <p class="muted">
        Each finding is a sentence with its evidence: the {noun.many} behind it, how it was computed, and a
        receipt that it was recorded. <a href="/methods">How to read a finding</a>
      </p>
      {period === undefined ? (
        <p>
          There is no data yet. Run <code>wardbook run</code> and come back.
        </p>
      ) : (
        <>
          <FilterForm city={city} filter={filter} action="/" />
          <OtherForms segments={[]} query={queryOf(filter)} forms={FORMS} />
          <h2 id="findings">
            {catalogFor(city.city.locale).span(period.from, period.to)}: the largest changes
          </h2>
          <Changes city={city} view={view} />
        </>
      )}
      <h2 id="divisions">{city.divisions.label}s</h2>
      <Divisions city={city} view={view} />
      <DataFooter city={city} sources={view.sources} versions={view.versions} />
    </Layout>
  )
}

const FORMS = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
] as const

function explanation(city: CityFile): string {
  return (
    `wardbook counts the ${catalogFor(city.city.locale).counted(metricsOf(city))} that ${city.city.name} publishes, week by week in each ` +
    `${city.divisions.label.toLowerCase()}, compares every count with what earlier years lead one to expect, and says ` +
    'where it left that range.'
  )
}

function Changes({ city, view }: { city: CityFile; view: CityView }): VNode {
  const { findings, findingsTotal, filter, latest } = view
  if (findings.length === 0) {
    return (
      <>
        <p>There is no finding in these weeks for this choice.</p>
        {latest && (
          <>
            <h3>The latest finding there is</h3>
            <FindingList city={city} findings={[latest]} />
          </>
        )}
      </>
    )
  }
  const all = addressOf([], { ...queryOf(filter), show: 'all' })
  return (
    <>
      <FindingList
        city={city}
        findings={findings}
        seriesAddress={(line) =>
          `${divisionAddress(line.division, { since: queryOf(filter).since, series: seriesKey(line) })}#series`
        }
      />
      <MoreFindings shown={findings.length} total={findingsTotal} address={all} />
      <Caveat city={city} metrics={findings.map(({ metric }) => metric)} />
    </>
  )
}

function Divisions({ city, view }: { city: CityFile; view: CityView }): VNode {
  if (view.divisions.length === 0) return <p>None is known yet.</p>
  const noun = catalogFor(city.city.locale).noun(...metricsOf(city))
  return (
    <Scroll label={`${city.divisions.label}s`}>
      <table>
        <thead>
          <tr>
            <th>{city.divisions.label}</th>
            <th class="number">Findings in these weeks</th>
            <th class="number">of high severity</th>
            <th class="number">Findings ever</th>
            <th class="number">{noun.title}</th>
            <th>Newest week</th>
          </tr>
        </thead>
        <tbody>
          {view.divisions.map((line) => (
            <DivisionRow key={line.division} line={line} since={queryOf(view.filter).since} />
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

function DivisionRow({ line, since }: { line: DivisionLine; since: string | undefined }): VNode {
  return (
    <tr>
      <td>
        <a href={divisionAddress(line.division, { since })}>{line.title}</a>
      </td>
      <td class="number">{line.findings}</td>
      <td class="number">{line.high}</td>
      <td class="number">{line.findings_ever}</td>
      <td class="number">{line.rows.toLocaleString('en-US')}</td>
      <td class="day">{line.newest_week ?? 'no data'}</td>
    </tr>
  )
}
