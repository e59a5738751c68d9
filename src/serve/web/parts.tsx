import type { VNode } from 'preact'
import type { CityFile } from '../../contracts/city-file.js'
import { catalogFor } from '../../words/sentences.js'
import { addressOf, type Format, type Query } from '../addresses.js'
import { type FindingFilter, SEVERITIES, WINDOWS, type WindowName } from '../filter.js'
import type { FindingLine } from '../finding-line.js'
import { Sparkline } from './chart.js'

const WINDOW_LABELS: Record<WindowName, string> = {
  '4w': '4 weeks',
  '8w': '8 weeks',
  '26w': '26 weeks',
  '52w': '52 weeks',
  all: 'All weeks',
}

/** Choices of a page, sent as the page's own address. */
export function FilterForm(props: { city: CityFile; filter: FindingFilter; action: string }): VNode {
  const { city, filter, action } = props
  const datasets = Object.entries(city.datasets)
  return (
    <form class="filter" method="get" action={action}>
      <Choice
        name="since"
        label="Newest"
        value={filter.since}
        options={WINDOWS.map((name) => [name, WINDOW_LABELS[name]])}
      />
      {datasets.length > 1 && (
        <Choice
          name="dataset"
          label="Dataset"
          value={filter.dataset ?? ''}
          options={[['', 'All'], ...datasets.map(([key, { name }]) => [key, name] as const)]}
        />
      )}
      <Choice
        name="severity"
        label="Severity"
        value={filter.severity ?? ''}
        options={[['', 'All'], ...SEVERITIES.map((word) => [word, word] as const)]}
      />
      <button type="submit">Apply</button>
    </form>
  )
}

function Choice(props: {
  name: string
  label: string
  value: string
  options: readonly (readonly [string, string])[]
}): VNode {
  return (
    <label>
      {props.label}
      <select name={props.name}>
        {props.options.map(([value, label]) => (
          <option key={value} value={value} selected={value === props.value}>
            {label}
          </option>
        ))}
      </select>
    </label>
  )
}

/** A filter as parameters of an address, defaults left out. */
export function queryOf(filter: FindingFilter): Query {
  const { since, dataset, severity, series, show } = filter
  return { since: since === '8w' ? undefined : since, dataset, severity, series, show }
}

/** Links to the same content as data. */
export function OtherForms(props: {
  segments: readonly string[]
  query?: Query
  forms: readonly (readonly [Format, string])[]
}): VNode {
  return (
    <p class="forms">
      <span class="muted">This page as</span>
      {props.forms.map(([format, label]) => (
        <a key={format} href={addressOf(props.segments, props.query, format)}>
          {label}
        </a>
      ))}
    </p>
  )
}

export function Severity({ word }: { word: FindingLine['severity'] }): VNode {
  return <span class={`severity ${word}`}>{word}</span>
}

/** Findings as a list of sentences. `sparks` and `seriesAddress` where the page has charts. */
export function FindingList(props: {
  city: CityFile
  findings: readonly FindingLine[]
  sparks?: ReadonlyMap<string, readonly (number | null)[]>
  seriesAddress?: (line: FindingLine) => string
}): VNode {
  const { city, findings, sparks, seriesAddress } = props
  return (
    <ol class="findings">
      {findings.map((line) => (
        <li key={line.finding} class={sparks ? undefined : 'plain'}>
          <div>
            <Severity word={line.severity} />
          </div>
          <div class="text">
            <p>{line.headline}</p>
            <p class="go">
              <a href={line.address} aria-label={`Evidence: ${line.category}, ${line.from}`}>
                Evidence and history
              </a>
              {seriesAddress && (
                <a href={seriesAddress(line)} aria-label={`Chart of ${line.category}`}>
                  Chart
                </a>
              )}
            </p>
          </div>
          {sparks && <Sparkline counts={sparks.get(line.finding) ?? []} />}
          <Figures city={city} line={line} />
        </li>
      ))}
    </ol>
  )
}

/** What holds for every finding of a list, said once. */
export function Caveat({ city, metrics }: { city: CityFile; metrics: readonly string[] }): VNode {
  return (
    <p class="small muted">
      {catalogFor(city.city.locale).notSaid(metrics)} Of findings flagged at a q of 0.01, about 1 in 100 is
      expected to be chance: <a href="/methods#q">what q says</a>.
    </p>
  )
}

function Figures({ city, line }: { city: CityFile; line: FindingLine }): VNode {
  const words = catalogFor(city.city.locale)
  return (
    <p class="figure">
      <b>{line.change}</b>
      <span>{words.qValue(line.q_value)}</span>
    </p>
  )
}

/** Says how many are not shown, with a link to all. */
export function MoreFindings(props: { shown: number; total: number; address: string }): VNode | null {
  const { shown, total, address } = props
  if (total <= shown) return null
  return (
    <p>
      The largest {shown} of {total.toLocaleString('en-US')} are shown. <a href={address}>Show all {total}</a>
    </p>
  )
}
