import fc from 'fast-check'
import { renderToString } from 'preact-render-to-string'
import { describe, expect, it } from 'vitest'
import { addDays } from '../../kernel/time.js'
import type { DrawnSeries } from '../division-view.js'
import type { SeriesWeek } from '../read-series.js'
import { chartFile, describeSeries, SeriesChart } from './chart.js'
import { layOutChart, sparkPath } from './chart-geometry.js'

function week(index: number, figures: Partial<SeriesWeek> = {}): SeriesWeek {
  const on = addDays('2021-01-04', 7 * index)
  const tested = { pValue: 0.5, qValue: 0.9, outside: false, untestedBecause: null }
  return { on, observed: 10, expected: 9, lower: 4, upper: 15, ...tested, ...figures }
}

const series = (weeks: readonly SeriesWeek[]): DrawnSeries => ({
  key: 'calls/requests/Graffiti',
  division: '7',
  dataset: 'calls',
  category: 'Graffiti',
  metric: 'requests',
  weeks,
  marked: undefined,
})

const noun = { one: 'request', many: 'requests', title: 'Requests' }
const permits = { one: 'permit', many: 'permits', title: 'Permits' }
const words = { title: 'Graffiti & <tags>', description: 'A description.', noun }

describe('the chart of a series', () => {
  it('breaks the line at a gap and never draws it as zero', () => {
    const weeks = [week(0), week(1), week(2, { observed: null }), week(3), week(4)]
    const { observed } = layOutChart(weeks, undefined, 760, 270)
    expect(observed.match(/M/g)).toHaveLength(2)
    expect(observed.match(/[ML]/g)).toHaveLength(4)
  })

  it('breaks the band where nothing was expected', () => {
    const weeks = [week(0), week(1), week(2, { lower: null, upper: null }), week(3), week(4)]
    expect(layOutChart(weeks, undefined, 760, 270).band.match(/M/g)).toHaveLength(2)
  })

  it('counts from zero and marks weeks outside by shape', () => {
    const { yTicks, outside } = layOutChart(
      [week(0), week(1, { observed: 40, outside: true })],
      undefined,
      760,
      270,
    )
    expect(yTicks[0]?.label).toBe('0')
    expect(outside).toHaveLength(1)
  })

  it('draws a partial week hollow', () => {
    const weeks = [week(0), week(1, { untestedBecause: 'partial week' })]
    expect(renderToString(<SeriesChart series={series(weeks)} words={words} size="wide" />)).toContain(
      '<circle class="partial"',
    )
  })

  it('says the year at the first tick and at New Year', () => {
    const labels = layOutChart(
      Array.from({ length: 70 }, (_, index) => week(index)),
      undefined,
      760,
      270,
    ).xTicks
    expect(labels[0]?.label).toMatch(/2021$/)
    expect(labels.filter(({ label }) => label.endsWith('2022'))).toHaveLength(1)
  })

  it('has a title and a description, escaped, and no link inside the picture', () => {
    const svg = renderToString(<SeriesChart series={series([week(0)])} words={words} size="narrow" />)
    expect(svg).toContain('role="img"')
    expect(svg).toContain('<title id="chart-title-narrow">Graffiti &amp; &lt;tags></title>')
    expect(svg).toContain('>A description.</desc>')
    expect(svg).not.toContain('<a ')
  })

  it('stands alone as a file', () => {
    const file = chartFile(series([week(0), week(1)]), words, 'Source: City Hall')
    expect(file.startsWith('<?xml')).toBe(true)
    expect(file).toContain('xmlns="http://www.w3.org/2000/svg"')
    expect(file).toContain('Source: City Hall')
    expect(file).toContain('--blue:')
    expect(file).toContain('Line: requests a week.')
    const other = chartFile(series([week(0)]), { ...words, noun: permits }, '')
    expect(other).toContain('Line: permits a week.')
  })

  it('says in words what it shows', () => {
    const weeks = [week(0), week(1, { observed: null }), week(2, { observed: 44, outside: true })]
    expect(describeSeries(series(weeks), permits)).toMatch(/^Permits a week from /)
    expect(describeSeries(series(weeks), noun)).toBe(
      'Requests a week from the week of 2021-01-04 to the week of 2021-01-18; at most 44. ' +
        '1 of 2 weeks lie outside the range expected. 1 week has no data; left blank.',
    )
  })

  const anyNumber = fc.option(fc.double({ min: 0, max: 1e20, noNaN: true }))
  const anyWeeks = fc.array(
    fc.record({ observed: fc.option(fc.nat(1e6)), expected: anyNumber, lower: anyNumber, upper: anyNumber }),
    { minLength: 1, maxLength: 40 },
  )

  it('has only finite numbers, whatever the counts', () => {
    fc.assert(
      fc.property(anyWeeks, (figures) => {
        const weeks = figures.map((figure, index) => week(index, figure))
        const marked = { from: '2020-01-01', to: '2030-01-01' }
        expect(JSON.stringify(layOutChart(weeks, marked, 360, 240))).not.toMatch(/NaN|null|Infinity|e\+/)
        expect(
          sparkPath(
            figures.map(({ observed }) => observed),
            96,
            24,
          ),
        ).not.toMatch(/NaN|Infinity/)
      }),
    )
  })
})
