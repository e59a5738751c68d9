const NO_BREAK = '\u00a0' // keeps '78 %' on one line

/** A whole number with thousands marked: 12,345. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** '1 week', '2 weeks'. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)}${NO_BREAK}${value === 1 ? one : many}`
}

/**
 * Weekly figures that stand beside each other, with the same number of decimals: none where that misleads nobody, one where
 * rounding would hide that a figure lies outside its bounds, or where the figures are small.
 * @returns the figures as text, in the order given
 */
export function weeklyFigures(weekly: number, lower: number, upper: number): [string, string, string] {
  const figures = [weekly, lower, upper] as const
  const isSmall = Math.max(...figures) < 10 && figures.some((figure) => !isNearlyWhole(figure))
  const hidesRise = weekly > upper && Math.round(weekly) <= Math.round(upper)
  const hidesFall = weekly < lower && Math.round(weekly) >= Math.round(lower)
  const decimals = isSmall || hidesRise || hidesFall ? 1 : 0
  return figures.map((figure) => withDecimals(figure, decimals)) as [string, string, string]
}

function isNearlyWhole(value: number): boolean {
  return Math.abs(value - Math.round(value)) < 0.05
}

function withDecimals(value: number, decimals: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: decimals })
}

/** From this ratio on 'times as many' reads better than percent. */
const TIMES_FROM_RATIO = 3

/** How much the observed differs from an expectation above zero: '78 % more', '5.2 times as many'. */
export type Comparison =
  | { readonly kind: 'percent'; readonly percent: string; readonly word: 'more' | 'fewer' }
  | { readonly kind: 'times'; readonly times: string }
  | { readonly kind: 'same' }

/** Compares counts; `expected` is above zero. */
export function compareCounts(observed: number, expected: number): Comparison {
  const ratio = observed / expected
  if (ratio >= TIMES_FROM_RATIO) return { kind: 'times', times: withDecimals(ratio, ratio < 10 ? 1 : 0) }
  const percent = Math.round((ratio - 1) * 100)
  if (percent === 0) return { kind: 'same' }
  const word = percent > 0 ? 'more' : 'fewer'
  return { kind: 'percent', percent: `${Math.abs(percent)}${NO_BREAK}%`, word }
}

/** Below this total an expected count reads 'about none'. */
const ABOUT_NONE = 0.5

/** True when an expected count is so small that no ratio makes sense beside it. */
export function isAboutNone(expected: number): boolean {
  return !(expected >= ABOUT_NONE)
}

/** '+78 %', '−12 %', '×5.2', 'from none'. */
export function shortChange(observed: number, expected: number): string {
  if (isAboutNone(expected)) return observed > 0 ? 'from none' : '0 %'
  const comparison = compareCounts(observed, expected)
  if (comparison.kind === 'same') return `0${NO_BREAK}%`
  if (comparison.kind === 'times') return `×${comparison.times}`
  return `${comparison.word === 'more' ? '+' : '−'}${comparison.percent}`
}

const SMALLEST_Q_SHOWN = 0.0001

/** A q-value for people: 'q = 0.003', 'q < 0.0001' at the small end. */
export function qText(q: number): string {
  return q < SMALLEST_Q_SHOWN ? 'q < 0.0001' : `q = ${roundedQ(q)}`
}

function roundedQ(q: number): number {
  return Number(q.toPrecision(q < 0.1 ? 1 : 2))
}

/** 'about 1 in 300 is': the share of chance findings that a q-value promises, as a small phrase with its verb. */
export function chanceShare(q: number): string {
  if (q < SMALLEST_Q_SHOWN) return 'fewer than 1 in 10,000 are'
  if (q >= 0.4) return `about ${Math.round(q * 100)} in 100 are`
  const oneIn = 1 / roundedQ(q)
  const rounded = oneIn < 30 ? Math.round(oneIn) : Number(oneIn.toPrecision(1))
  return `about 1 in ${count(rounded)} is`
}
