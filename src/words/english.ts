import { CITYWIDE, UNASSIGNED } from '../contracts/columns.js'
import type { FindingState } from '../contracts/proposal.js'
import { dayText, rangeText, spanText } from './days-en.js'
import type {
  Catalog,
  DivisionFacts,
  FindingFacts,
  NothingFoundFacts,
  OtherSeverityFacts,
  PeriodFacts,
} from './facts.js'
import { countedText, metricNoun, notSaidText } from './metrics-en.js'
import {
  chanceShare,
  compareCounts,
  count,
  isAboutNone,
  plural,
  qText,
  shortChange,
  weeklyFigures,
} from './numbers-en.js'
import { pointTexts } from './points-en.js'

const STATES: Record<FindingState, string> = {
  new: '',
  ongoing: 'It had not ended by then.',
  ended: 'It ended: two later weeks were back in the normal range.',
  returned: 'It had ended before and has returned.',
  'data-gap': 'The published data has a gap here, so counts may be too low.',
  withdrawn: 'This finding was withdrawn: on the data as published now, it no longer stands.',
}

/** English: what, where, when, how much against what is normal, how sure, and what it does not say. */
export const english: Catalog = {
  language: 'en',
  finding: (facts, state = 'new') =>
    [
      headline(facts, state),
      state === 'withdrawn' ? '' : howSure(facts.claim.qValue),
      notSaidText([facts.metric]),
    ]
      .filter((text) => text !== '')
      .join(' '),
  headline,
  change: shortChange,
  qValue: qText,
  noun: metricNoun,
  counted: countedText,
  notSaid: notSaidText,
  divisionTitle: (division) => capital(place(division)),
  span: spanText,
  range: rangeText,
  day: dayText,
  nothingFound,
  otherSeverity,
  period,
  points: pointTexts,
}

function headline(facts: FindingFacts, state: FindingState = 'new'): string {
  const { claim } = facts
  const first = `${spanText(claim.from, claim.to)}, ${what(facts)} (${normalText(facts)}).`
  return STATES[state] === '' ? first : `${first} ${STATES[state]}`
}

/** Subject, amount and comparison; 'unassigned' has no subject of its own, so its sentence is built around the rows. */
function what(facts: FindingFacts): string {
  const { division } = facts
  const { amount, against } = comparison(facts)
  if (division.value === UNASSIGNED) {
    const verb = isOne(facts) ? 'was' : 'were'
    return `there ${verb} ${amount} ${without(division)}${against}`
  }
  return `${place(division)} had ${amount}${against}`
}

function comparison({ claim, category, metric }: FindingFacts): { amount: string; against: string } {
  const { one, many } = metricNoun(metric)
  const noun = `“${category}” ${many}`
  const oneNoun = `“${category}” ${one}`
  const { observed, expected } = claim
  if (isAboutNone(expected)) {
    const amount = observed === 0 ? `no ${noun}` : `${count(observed)} ${observed === 1 ? oneNoun : noun}`
    return { amount, against: ', where about none was expected' }
  }
  if (observed === 0)
    return { amount: `no ${noun}`, against: `, where about ${count(expected)} were expected` }
  const compared = compareCounts(observed, expected)
  if (compared.kind === 'same') return { amount: `about as many ${noun}`, against: ' as expected' }
  if (compared.kind === 'times') {
    return { amount: `${compared.times} times as many ${noun}`, against: ' as expected' }
  }
  return { amount: `${compared.percent} ${compared.word} ${noun}`, against: ' than expected' }
}

function isOne({ claim }: FindingFacts): boolean {
  return claim.observed === 1 && isAboutNone(claim.expected)
}

/** '104 a week; normal is 44 to 72'. A weekly count that the sentence has just said is not said twice. */
function normalText({ claim }: FindingFacts): string {
  const { observed, expected, weeks } = claim
  const [weekly, lower, upper] = weeklyFigures(observed / weeks, claim.lower, claim.upper)
  const normal = `normal is ${lower === upper ? lower : `${lower} to ${upper}`}`
  const each = weeks === 1 ? '' : ' a week'
  const isSaid = observed === 0 || (weeks === 1 && isAboutNone(expected))
  return isSaid ? `${normal}${each}` : `${weekly}${each}; ${normal}`
}

function howSure(q: number): string {
  return `Of findings flagged like this one, ${chanceShare(q)} expected to be chance (${qText(q)}).`
}

function place(division: DivisionFacts): string {
  if (division.value === CITYWIDE) return 'the whole city'
  if (division.value === UNASSIGNED) return `rows ${without(division)}`
  if (division.name !== undefined) return division.name
  const saysItself = division.value.toLowerCase().startsWith(`${division.label.toLowerCase()} `)
  return saysItself ? division.value : `${division.label} ${division.value}`
}

function without(division: DivisionFacts): string {
  return `without a ${division.label.toLowerCase()}`
}

function nothingFound({ weeks, seriesChecked, seriesOutside, nearest }: NothingFoundFacts): string {
  const when = whenText(weeks)
  if (seriesChecked === 0) return `Nothing could be checked ${when}: no series has enough history here.`
  const checked = `${plural(seriesChecked, 'series', 'series')} ${seriesChecked === 1 ? 'was' : 'were'} checked`
  if (seriesOutside > 0) {
    return (
      `No change ${when} was long or large enough to be a finding. ${checked}; ` +
      `${count(seriesOutside)} of them had a week outside its normal range.`
    )
  }
  const near = nearest
    ? `; the nearest was “${nearest.category}” (${shortChange(nearest.observed, nearest.expected)})`
    : ''
  return `Nothing left its normal range ${when}. ${checked}${near}.`
}

function otherSeverity({ weeks, severity, others }: OtherSeverityFacts): string {
  return `No finding ${whenText(weeks)} is of ${severity} severity; ${plural(others, 'finding')} of another severity ${others === 1 ? 'is' : 'are'} not shown.`
}

function whenText(weeks: number | undefined): string {
  return weeks === undefined ? 'in the weeks on record' : `in these ${plural(weeks, 'week')}`
}

function period({ division, weeks, from, to, findings, seriesChecked }: PeriodFacts): string {
  const span = spanText(from, to)
  const newest = weeks === undefined ? '' : ` (the newest ${plural(weeks, 'week')} of the data)`
  const moved = `${plural(findings, 'finding')} ${findings === 1 ? 'shows' : 'show'} a change`
  return `${span}${newest}, ${moved} in ${place(division)}, among ${plural(seriesChecked, 'series', 'series')} checked.`
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
