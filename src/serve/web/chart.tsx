import type { VNode } from 'preact'
import { renderToString } from 'preact-render-to-string'
import type { MetricNoun } from '../../words/facts.js'
import type { DrawnSeries } from '../division-view.js'
import { isPartial } from '../series-view.js'
import { type ChartGeometry, layOutChart, type Point, sparkPath } from './chart-geometry.js'
import { DARK, LIGHT, variables } from './tokens.js'

/** What a chart says to those who do not see it, and above it in a file of its own. */
export interface ChartWords {
  readonly title: string
  readonly description: string
}

/** A chart's size: wide for pages and files, narrow for phones, so that letters stay readable. */
export const CHART_SIZES = {
  wide: { width: 760, height: 270 },
  narrow: { width: 360, height: 250 },
} as const

/** Weekly counts with the range that was expected, as SVG. No links inside, so that it is one picture. */
export function SeriesChart(props: {
  series: DrawnSeries
  words: ChartWords
  size: keyof typeof CHART_SIZES
}): VNode {
  const { series, words, size } = props
  const { width, height } = CHART_SIZES[size]
  const geometry = layOutChart(series.weeks, series.marked, width, height)
  return (
    <svg
      class={`chart ${size}`}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-labelledby={`chart-title-${size} chart-text-${size}`}
    >
      <title id={`chart-title-${size}`}>{words.title}</title>
      <desc id={`chart-text-${size}`}>{words.description}</desc>
      <Plot geometry={geometry} />
    </svg>
  )
}

/** The chart as a file of its own: with title, legend, source line, and colors for light, dark and print. */
export function chartFile(
  series: DrawnSeries,
  words: ChartWords & { readonly noun: MetricNoun },
  source: string,
): string {
  const { width, height } = CHART_SIZES.wide
  const geometry = layOutChart(series.weeks, series.marked, width, height)
  const file = (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      viewBox={`0 -44 ${width} ${height + 66}`}
      width={width}
      height={height + 66}
      role="img"
      aria-labelledby="chart-title chart-text"
    >
      <title id="chart-title">{words.title}</title>
      <desc id="chart-text">{words.description}</desc>
      <style>{FILE_STYLE}</style>
      <rect class="page" x="0" y="-44" width={width} height={height + 66} />
      <text class="head" x="8" y="-24">
        {words.title}
      </text>
      <text class="note" x="8" y="-6">
        Line: {words.noun.many} a week. Gray: the range expected. Diamonds: weeks outside it.
      </text>
      <Plot geometry={geometry} />
      <text class="note" x="8" y={height + 14}>
        {source}
      </text>
    </svg>
  )
  return `<?xml version="1.0" encoding="UTF-8"?>\n${renderToString(file)}\n`
}

/** The last weeks of a series, small and without axes; a sentence beside it says the same. */
export function Sparkline({ counts }: { counts: readonly (number | null)[] }): VNode | null {
  const path = sparkPath(counts, 96, 24)
  if (path === '') return null
  return (
    <svg class="spark" viewBox="0 0 96 24" width="96" height="24" aria-hidden="true">
      <path class="observed" d={path} />
    </svg>
  )
}

function Plot({ geometry }: { geometry: ChartGeometry }): VNode {
  const { plot, band, expected, observed, outside, partial, marked } = geometry
  return (
    <g>
      {marked && (
        <rect class="mark" x={marked.x} y={plot.top} width={marked.width} height={plot.bottom - plot.top} />
      )}
      <Axes geometry={geometry} />
      <path class="band" d={band} />
      <path class="expected" d={expected} />
      <path class="observed" d={observed} />
      {outside.map((point) => (
        <path key={point.x} class="outside" d={diamond(point)} />
      ))}
      {partial.map(({ x, y }) => (
        <circle key={x} class="partial" cx={x} cy={y} r="4" />
      ))}
    </g>
  )
}

function Axes({ geometry: { plot, xTicks, yTicks } }: { geometry: ChartGeometry }): VNode {
  return (
    <g>
      {yTicks.map(({ at, label }) => (
        <g key={label}>
          <line class="grid" x1={plot.left} x2={plot.right} y1={at} y2={at} />
          <text class="tick" x={plot.left - 6} y={at + 4} text-anchor="end">
            {label}
          </text>
        </g>
      ))}
      {xTicks.map(({ at, label }) => (
        <g key={label}>
          <line class="grid" x1={at} x2={at} y1={plot.bottom} y2={plot.bottom + 4} />
          <text class="tick" x={at} y={plot.bottom + 18} text-anchor={anchorOf(at, plot)}>
            {label}
          </text>
        </g>
      ))}
    </g>
  )
}

const EDGE = 30

/** Labels near an edge lean inward. */
function anchorOf(at: number, { left, right }: { left: number; right: number }): 'start' | 'middle' | 'end' {
  if (at < left + EDGE) return 'start'
  return at > right - EDGE ? 'end' : 'middle'
}

const DIAMOND = 5.5

function diamond({ x, y }: Point): string {
  return `M${x},${(y - DIAMOND).toFixed(1)}l${DIAMOND},${DIAMOND}l-${DIAMOND},${DIAMOND}l-${DIAMOND},-${DIAMOND}Z`
}

/** What the picture shows, in words. */
export function describeSeries({ weeks, category }: DrawnSeries, noun: MetricNoun): string {
  const counted = weeks.flatMap(({ observed }) => (observed === null ? [] : [observed]))
  if (counted.length === 0) return `No week of “${category}” has a count.`
  const outside = weeks.filter((week) => week.outside).length
  const gaps = weeks.length - counted.length
  const partial = weeks.some(isPartial) ? ' The newest week is not complete.' : ''
  const highest = counted.reduce((most, count) => Math.max(most, count), 0)
  return (
    `${noun.title} a week from the week of ${weeks[0]?.on} to the week of ${weeks.at(-1)?.on}; at most ${highest}. ` +
    `${outside} of ${counted.length} weeks lie outside the range expected.` +
    `${gaps > 0 ? ` ${gaps === 1 ? '1 week has' : `${gaps} weeks have`} no data; left blank.` : ''}${partial}`
  )
}

/** Rules of the drawing itself, shared by pages and files; colors are variables. */
export const CHART_STYLE =
  '.band{fill:var(--band)}.mark{fill:var(--mark)}.grid{stroke:var(--rule);stroke-width:1}' +
  '.expected{fill:none;stroke:var(--muted);stroke-width:1;stroke-dasharray:3 3}' +
  '.observed{fill:none;stroke:var(--blue);stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}' +
  '.outside{fill:var(--orange);stroke:var(--page);stroke-width:1}' +
  '.partial{fill:var(--page);stroke:var(--blue);stroke-width:1.75}' +
  '.tick{fill:var(--muted);font-size:12px}'

const FILE_STYLE =
  `svg{${variables(LIGHT)};font-family:system-ui,sans-serif}` +
  `@media screen and (prefers-color-scheme:dark){svg{${variables(DARK)}}}` +
  `${CHART_STYLE}.page{fill:var(--page)}.head{fill:var(--text);font-size:15px;font-weight:600}` +
  '.note{fill:var(--muted);font-size:12px}'
