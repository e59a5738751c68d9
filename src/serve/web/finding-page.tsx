import type { VNode } from 'preact'
import type { CityFile } from '../../contracts/city-file.js'
import type { Evidence } from '../../contracts/proposal.js'
import { addDays } from '../../kernel/time.js'
import type { MetricNoun } from '../../words/facts.js'
import { catalogFor } from '../../words/sentences.js'
import { addressOf, divisionAddress } from '../addresses.js'
import type { FindingView, HistoryLine, Receipt } from '../finding-view.js'
import { DataFooter, instantText } from './data-footer.js'
import { RowsTable } from './evidence-rows.js'
import { Layout } from './layout.js'
import { OtherForms, Severity } from './parts.js'
import { Scroll } from './scroll.js'
import { SeriesFigure } from './series-figure.js'

interface Props {
  readonly city: CityFile
  readonly view: FindingView
}

/** A finding's permanent page: sentence, history, chart, rows, how it was computed, and its receipt. */
export function FindingPage({ city, view }: Props): VNode {
  const { finding, divisionTitle, rows } = view
  const noun = catalogFor(city.city.locale).noun(finding.metric)
  const title = `“${finding.category}”, ${divisionTitle}`
  const crumbs = [
    { label: city.city.name, address: '/' },
    { label: divisionTitle, address: divisionAddress(finding.division) },
    // the heading right below says category and division: the last step says which of their findings this is
    { label: `Finding, ${catalogFor(city.city.locale).range(finding.from, finding.to)}` },
  ]
  return (
    <Layout city={city} title={title} description={finding.sentence} crumbs={crumbs}>
      {finding.state === 'withdrawn' && (
        <p class="notice" role="note">
          <strong>This finding was withdrawn.</strong> The page stays, so that links keep their meaning.
        </p>
      )}
      <h1>{title}</h1>
      <p class="lead">{finding.sentence}</p>
      <Summary city={city} view={view} />
      <OtherForms segments={['f', finding.finding]} forms={FORMS} />
      <Chart view={view} noun={noun} title={title} />
      <section aria-labelledby="rows">
        <h2 id="rows">Evidence: the {noun.many}</h2>
        <RowsNote view={view} noun={noun} />
        <RowsTable shown={rows} noun={noun} csv={addressOf(['f', finding.finding, 'rows'], {}, 'csv')} />
      </section>
      <History view={view} noun={noun} />
      <How view={view} />
      <DataFooter city={city} sources={view.sources} versions={view.versions} />
    </Layout>
  )
}

const FORMS = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
] as const

function Summary({ city, view: { finding } }: Props): VNode {
  const words = catalogFor(city.city.locale)
  return (
    <p>
      <Severity word={finding.severity} /> <strong>{finding.change}</strong> · {words.qValue(finding.q_value)}{' '}
      · {finding.state} · {finding.observed.toLocaleString('en-US')} {words.noun(finding.metric).many},{' '}
      {expectedText(finding.expected)} expected
    </p>
  )
}

function expectedText(expected: number): string {
  return expected.toLocaleString('en-US', { maximumFractionDigits: expected < 10 ? 1 : 0 })
}

function Chart(props: { view: FindingView; noun: MetricNoun; title: string }): VNode | null {
  const { view, noun, title } = props
  const { series, finding } = view
  if (series === undefined) return null
  return (
    <section aria-labelledby="series">
      <h2 id="series">{noun.title} a week</h2>
      <SeriesFigure
        series={series}
        noun={noun}
        title={`${title}: ${noun.many} a week`}
        svg={addressOf(['f', finding.finding, 'chart'], {}, 'svg')}
        csv={addressOf(['f', finding.finding, 'chart'], {}, 'csv')}
      />
    </section>
  )
}

/** Says why the rows of the span are not exactly those that were counted, where they are not. */
function RowsNote({ view, noun }: { view: FindingView; noun: MetricNoun }): VNode | null {
  const { finding, rows, rowsVersion } = view
  if (rows.total === finding.observed) return null
  const isWhole = addDays(finding.from, 7 * finding.weeks) === finding.to
  const why = isWhole
    ? 'the publisher has changed its rows since.'
    : 'weeks that could not be tested are not counted, and the publisher may have changed its rows since.'
  return (
    <p class="notice">
      The finding counted {finding.observed.toLocaleString('en-US')} {noun.many}. The table of today (version{' '}
      {rowsVersion ?? 'none'}) holds {rows.total.toLocaleString('en-US')} in these weeks: {why}
    </p>
  )
}

function History({ view, noun }: { view: FindingView; noun: MetricNoun }): VNode {
  return (
    <section aria-labelledby="history">
      <h2 id="history">History</h2>
      <p class="muted small">
        Every event of this finding in the ledger, newest first. Nothing in it is ever changed.
      </p>
      <Scroll label="History">
        <table>
          <thead>
            <tr>
              <th class="number">Event</th>
              <th>State</th>
              <th>Weeks</th>
              <th class="number">{noun.title}</th>
              <th class="number">Change</th>
              <th>Could be known</th>
              <th>Recorded</th>
            </tr>
          </thead>
          <tbody>
            {view.history.map((line) => (
              <HistoryRow key={line.index} line={line} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  )
}

function HistoryRow({ line }: { line: HistoryLine }): VNode {
  return (
    <tr class={line.replaced ? 'replaced' : undefined}>
      <td class="number">
        <a href={`/api/v1/events/${line.index}`}>{line.index}</a>
      </td>
      <td>
        {line.state}
        {line.replaced && ', replaced by a later event'}
      </td>
      <td class="day">
        {line.from} to {addDays(line.to, -1)} ({line.weeks})
      </td>
      <td class="number">{line.observed.toLocaleString('en-US')}</td>
      <td class="number">{line.change}</td>
      <td class="day">{instantText(line.known_at)}</td>
      <td class="day">{instantText(line.recorded_at)}</td>
    </tr>
  )
}

function How({ view }: { view: FindingView }): VNode {
  const { evidence, filesOmitted, receipt } = view
  return (
    <section aria-labelledby="how">
      <h2 id="how">How was this computed</h2>
      {evidence ? (
        <EvidenceList evidence={evidence} filesOmitted={filesOmitted} />
      ) : (
        <p>The evidence of this event is not in the read view.</p>
      )}
      <h3 id="receipt">Receipt</h3>
      {receipt ? (
        <ReceiptList receipt={receipt} />
      ) : (
        <p>The ledger's proof is not available here right now.</p>
      )}
    </section>
  )
}

function EvidenceList({ evidence, filesOmitted }: { evidence: Evidence; filesOmitted: number }): VNode {
  const { tables, files, sql, rows, detector, parameters, dispersion, baselineWeeks, family } = evidence
  return (
    <>
      <dl>
        <dt>Tables</dt>
        <dd>{tables.map(({ table, version }) => `${table} version ${version}`).join(', ')}</dd>
        <dt>Rows read</dt>
        <dd>{rows.toLocaleString('en-US')}</dd>
        <dt>Detector</dt>
        <dd>
          {detector} (<a href="/methods">methods</a>)
        </dd>
        <dt>Parameters</dt>
        <dd>
          {Object.entries(parameters)
            .map(([name, value]) => `${name} ${value}`)
            .join(', ')}
        </dd>
        <dt>Baseline</dt>
        <dd>
          {baselineWeeks} earlier weeks; dispersion{' '}
          {dispersion.toLocaleString('en-US', { maximumFractionDigits: 2 })}
        </dd>
        <dt>Tests made together</dt>
        <dd>
          {family.size.toLocaleString('en-US')}, family <span class="hash">{family.id}</span>
        </dd>
      </dl>
      <p class="muted">The query behind it:</p>
      <pre>{sql}</pre>
      <FileList files={files} omitted={filesOmitted} />
    </>
  )
}

const FILES_SHOWN = 40 // pages stay small; the JSON has every one

function FileList({ files, omitted }: { files: Evidence['files']; omitted: number }): VNode {
  const total = files.length + omitted
  return (
    <details>
      <summary>
        {total} {total === 1 ? 'file' : 'files'} with SHA-256
      </summary>
      <dl>
        {files.slice(0, FILES_SHOWN).map(({ path, sha256 }) => (
          <FileEntry key={path} path={path} sha256={sha256} />
        ))}
      </dl>
      {files.length > FILES_SHOWN && <p>The first {FILES_SHOWN} are shown; this page as JSON has more.</p>}
      {omitted > 0 && <p>{omitted} are not listed in the event; a digest in it binds them.</p>}
    </details>
  )
}

function FileEntry({ path, sha256 }: { path: string; sha256: string }): VNode {
  return (
    <>
      <dt class="hash">{path}</dt>
      <dd class="hash">{sha256}</dd>
    </>
  )
}

function ReceiptList({ receipt }: { receipt: Receipt }): VNode {
  const { index, size, leafHash, root, proof } = receipt
  return (
    <>
      <p>
        The ledger of {size.toLocaleString('en-US')} events holds this finding as event {index}. Hashing the
        leaf up along the proof gives the root (RFC 6962), which anyone can check.
      </p>
      <dl>
        <dt>Event</dt>
        <dd>
          <a href={`/api/v1/events/${index}`}>{index}</a>
        </dd>
        <dt>Leaf hash</dt>
        <dd class="hash">{leafHash}</dd>
        <dt>Log size</dt>
        <dd>{size}</dd>
        <dt>Root hash</dt>
        <dd class="hash">{root}</dd>
        <dt>Proof</dt>
        <dd class="hash">
          {proof.length === 0
            ? 'empty: the log has one event'
            : proof.map((hash) => <div key={hash}>{hash}</div>)}
        </dd>
      </dl>
    </>
  )
}
