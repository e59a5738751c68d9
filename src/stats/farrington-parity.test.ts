import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createWorkspace, testPeriods } from './farrington-flexible.js'
import { type FarringtonOptions, NOUFAILY_OPTIONS } from './farrington-options.js'
import type { TestedPeriod } from './period-result.js'

/** Cases and rows of the reference; a run that saw fewer would prove less than it says. */
const CASES = 108
const ROWS = 16_608

/** Below this a mean is zero for all purposes, and R's own last digits differ from machine to machine. */
const ZERO_MEAN = 1e-9

/** Above this R's own quantile search is approximate. */
const EXACT_BELOW = 1e6

interface ReferenceCase {
  series: string
  config: string
  frequency: 52 | 12
  epochAsDate: boolean
  control: Partial<FarringtonOptions>
  first: number
  last: number
}

type CsvRow = Record<string, string>

const reference = findReferenceFolder(import.meta.dirname)

/** The folder shared/reference/farrington beside this folder or beside one of those above it. */
function findReferenceFolder(start: string): string | undefined {
  for (let folder = start; dirname(folder) !== folder; folder = dirname(folder)) {
    const beside = join(dirname(folder), 'shared', 'reference', 'farrington')
    if (existsSync(join(beside, 'manifest.json'))) return beside
  }
  return undefined
}

function readCsv(...path: string[]): CsvRow[] {
  const [head = '', ...lines] = readFileSync(join(reference ?? '', ...path), 'utf8')
    .trim()
    .split('\n')
  const names = head.split(',')
  return lines.map((line) =>
    Object.fromEntries(line.split(',').map((cell, column) => [names[column]!, cell])),
  )
}

function readCases(): ReferenceCase[] {
  if (!reference) return []
  return JSON.parse(readFileSync(join(reference, 'manifest.json'), 'utf8')).cases
}

const workspace = createWorkspace()

/** Our result beside R's row, for every tested period of one case. */
function runCase(one: ReferenceCase): { ours: TestedPeriod; theirs: CsvRow; options: FarringtonOptions }[] {
  const rows = readCsv('series', `${one.series}.csv`)
  const counts = Float64Array.from(rows, (row) => Number(row.count))
  const calendar = one.epochAsDate ? { firstDay: Date.parse(rows[0]!.date!) / 86_400_000 } : {}
  const options = { ...NOUFAILY_OPTIONS, ...one.control }
  const series = { counts, frequency: one.frequency, ...calendar }
  const results = testPeriods(series, one.first - 1, one.last, options, workspace)
  const expected = readCsv('expected', `${one.series}__${one.config}.csv`)
  expect(results.length).toBe(expected.length)
  return results.map((ours, at) => {
    if (!ours.tested) throw new Error(`period ${ours.index + 1} has no test: ${ours.reason}`)
    return { ours, theirs: expected[at]!, options }
  })
}

/** Relative difference, none where both are zero means. */
function differ(ours: number, theirs: string | undefined): number {
  const known = Number(theirs)
  if (Math.abs(ours) < ZERO_MEAN && Math.abs(known) < ZERO_MEAN) return 0
  return ours === known ? 0 : Math.abs(ours - known) / Math.abs(known)
}

/**
 * R's mu0 column. For delta it holds exp(μ + z se(μ)), a slip of R that shows us its standard error; the
 * logarithm is compared. Where the mean is zero its standard error is noise, and where R overflows there is
 * nothing to compare.
 */
function differInMu0(ours: TestedPeriod, theirs: string | undefined, options: FarringtonOptions): number {
  if (ours.expected < ZERO_MEAN || theirs === 'Inf') return 0
  if (options.thresholdMethod !== 'delta') return differ(ours.mu0, theirs)
  const z = ALPHA_POINTS[options.alpha]!
  const logarithm = ours.expected + z * ours.expected * ours.standardError
  return Math.abs(logarithm - Math.log(Number(theirs))) / Math.max(1, logarithm)
}

/** Standard normal quantiles of 1 - alpha, for the alphas of the reference. */
const ALPHA_POINTS: Record<number, number> = {
  0.005: 2.5758293035489004,
  0.01: 2.3263478740408408,
  0.025: 1.959963984540054,
  0.05: 1.6448536269514722,
}

/** Largest difference of every column over the rows of one case. */
function worstOf(one: ReferenceCase): Record<string, number> {
  const worst: Record<string, number> = {}
  const note = (column: string, difference: number) => {
    worst[column] = Math.max(worst[column] ?? 0, Number.isNaN(difference) ? Infinity : difference)
  }
  for (const { ours, theirs, options } of runCase(one)) {
    note('alarm', ours.alarm === (theirs.alarm === '1') ? 0 : 1)
    note('empty', ours.enoughRecentCases === (theirs.upperbound !== '') ? 0 : 1)
    note('trend_kept', ours.trendKept === (theirs.trend_kept === '1') ? 0 : 1)
    note('phi', differ(ours.phi, theirs.phi))
    note('mu0', differInMu0(ours, theirs.mu0, options))
    if (theirs.trend_coef !== '') note('trend_coef', differ(ours.trendCoefficient, theirs.trend_coef))
    if (theirs.pvalue !== '') note('pvalue', Math.abs(ours.pUpper - Number(theirs.pvalue)))
    if (theirs.upperbound === '') continue
    note('expected', differ(ours.expected, theirs.expected))
    if (options.thresholdMethod === 'delta') note('delta', differ(ours.upper, theirs.upperbound))
    else if (Number(theirs.upperbound) < EXACT_BELOW) note('count', differ(ours.upper, theirs.upperbound))
    else note('large', differ(ours.upper, theirs.upperbound))
  }
  return worst
}

/** The largest differences we allow ourselves; 1e-6 would be enough for the real-valued ones. */
const TOLERANCES: Record<string, number> = {
  expected: 1e-9,
  phi: 1e-9,
  delta: 1e-9,
  mu0: 1e-9,
  trend_coef: 1e-7,
  pvalue: 1e-8,
  count: 0,
  large: 1e-3,
  alarm: 0,
  empty: 0,
  trend_kept: 0,
}

const cases = readCases()
const title = reference
  ? `parity with R's surveillance 1.20.3 (${CASES} cases, ${ROWS} rows)`
  : "parity with R's surveillance: SKIPPED, because ../shared is absent"

describe.skipIf(!reference)(title, () => {
  it('covers every case and row of the reference', () => {
    expect(cases.length).toBe(CASES)
    const rows = cases.map(({ first, last }) => last - first + 1)
    expect(rows.reduce((sum, count) => sum + count, 0)).toBe(ROWS)
  })

  // Where the cases are absent one line stands for them, so that there is a test to be seen as skipped.
  it.each(cases.length > 0 ? cases : [{ series: 'no series', config: 'no options' } as ReferenceCase])(
    'gives what R gives for $series with $config',
    (one) => {
      for (const [column, difference] of Object.entries(worstOf(one))) {
        expect(difference, column).toBeLessThanOrEqual(TOLERANCES[column]!)
      }
    },
  )
})
