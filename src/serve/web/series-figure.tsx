import type { VNode } from 'preact'
import type { MetricNoun } from '../../words/facts.js'
import type { DrawnSeries } from '../division-view.js'
import type { SeriesWeek } from '../read-series.js'
import { isPartial } from '../series-view.js'
import { describeSeries, SeriesChart } from './chart.js'
import { Scroll } from './scroll.js'

/** The chart with its legend, and the same weeks as a table. `svg` and `csv` are its own addresses. */
export function SeriesFigure(props: {
  series: DrawnSeries
  noun: MetricNoun
  title: string
  svg: string
  csv: string
}): VNode {
  const { series, noun, title, svg, csv } = props
  const words = { title, description: describeSeries(series, noun) }
  return (
    <>
      <figure>
        <SeriesChart series={series} words={words} size="wide" />
        <SeriesChart series={series} words={words} size="narrow" />
        <figcaption>
          Line: {noun.many} a week. Gray: the range expected; dashed: the expected count. Diamonds: weeks
          outside the range.
          {series.weeks.some(isPartial) && ' Hollow circle: a week that is not complete.'} {words.description}
        </figcaption>
      </figure>
      <p class="forms">
        <span class="muted">This chart as</span>
        <a href={svg}>SVG</a>
        <a href={csv}>CSV</a>
      </p>
      <details>
        <summary>The newest weeks as a table</summary>
        <WeeksTable weeks={series.weeks.slice(-WEEKS_IN_TABLE).toReversed()} noun={noun} />
      </details>
    </>
  )
}

const WEEKS_IN_TABLE = 26 // half a year; the CSV has all

function WeeksTable({ weeks, noun }: { weeks: readonly SeriesWeek[]; noun: MetricNoun }): VNode {
  return (
    <Scroll label="Weeks">
      <table>
        <thead>
          <tr>
            <th>Week of</th>
            <th class="number">{noun.title}</th>
            <th class="number">Expected</th>
            <th class="number">Range</th>
            <th>Verdict</th>
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week.on}>
              <td class="day">{week.on}</td>
              <td class="number">{week.observed ?? 'no data'}</td>
              <td class="number">{figure(week.expected)}</td>
              <td class="number">
                {week.lower === null && week.upper === null
                  ? ''
                  : `${figure(week.lower)} to ${figure(week.upper)}`}
              </td>
              <td>{verdict(week, noun)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

/** The detector's reasons in words; another one stands as it is. */
function reasonText(reason: string, noun: MetricNoun): string {
  if (reason === 'not-covered') return 'the data does not cover this week'
  if (reason === 'history-too-short') return 'too little history'
  if (reason === 'too-few-cases') return `too few ${noun.many} to tell`
  return reason === 'no-fit' ? 'no model fits' : reason
}

function verdict({ outside, untestedBecause }: SeriesWeek, noun: MetricNoun): string {
  if (untestedBecause !== null) return `not tested: ${reasonText(untestedBecause, noun)}`
  return outside ? 'outside' : 'inside'
}

/** A figure for a table cell: one decimal below ten. */
export function figure(value: number | null): string {
  if (value === null) return ''
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 10 ? 1 : 0 })
}
