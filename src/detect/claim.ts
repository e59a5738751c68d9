import { SEVERITY } from '../contracts/finding-rules.js'
import type { Claim } from '../contracts/proposal.js'
import { addDays } from '../kernel/time.js'
import type { PeriodResult, TestedPeriod } from '../stats/period-result.js'
import { wordsIdOf } from '../words/facts.js'
import type { FindingStep } from './follow-series.js'
import { effectRatio, type Verdict } from './judge-weeks.js'

const WEEK_DAYS = 7
const DECIMALS = 4 // what floating point may do differently on another machine stays out of the claim's digest

/**
 * The figures of one step of a finding, over the tested weeks from the beginning of its episode to its last week outside.
 * `observed` and `expected` are sums over the span, `lower` and `upper` averages a week, p and q those of its clearest week.
 * @param weeks Mondays of the grid
 */
export function claimOf(
  step: FindingStep,
  weeks: readonly string[],
  results: readonly PeriodResult[],
  verdicts: readonly (Verdict | undefined)[],
): Claim {
  const tested = testedWeeks(step, results)
  const sum = (pick: (week: TestedPeriod) => number) => tested.reduce((total, week) => total + pick(week), 0)
  const clearest = tested.reduce((best, week) => (qOf(verdicts, week) < qOf(verdicts, best) ? week : best))
  const observed = sum((week) => week.observed)
  const expected = sum((week) => week.expected)
  const ratio = effectRatio(observed / tested.length, expected / tested.length)
  const qValue = qOf(verdicts, clearest)
  return {
    from: weeks[step.since] as string,
    to: addDays(weeks[step.lastOutside] as string, WEEK_DAYS),
    weeks: tested.length,
    observed,
    expected: rounded(expected),
    lower: rounded(sum((week) => week.lower) / tested.length),
    upper: rounded(sum((week) => week.upper) / tested.length),
    ratio: rounded(ratio),
    pValue: significant(clearest.pUpper),
    qValue: significant(qValue),
    severity: severityOf(qValue, ratio),
    words: wordsIdOf('up', tested.length),
  }
}

function testedWeeks({ since, lastOutside }: FindingStep, results: readonly PeriodResult[]): TestedPeriod[] {
  return results.slice(since, lastOutside + 1).filter((week) => week.tested)
}

function qOf(verdicts: readonly (Verdict | undefined)[], week: TestedPeriod): number {
  return verdicts[week.index]?.qValue ?? 1
}

function severityOf(qValue: number, ratio: number): Claim['severity'] {
  const clear = qValue <= SEVERITY.maxQ
  const large = ratio >= SEVERITY.minRatio
  return clear && large ? 'high' : clear || large ? 'medium' : 'low'
}

function rounded(value: number): number {
  return Number(value.toFixed(DECIMALS))
}

function significant(value: number): number {
  return Number(value.toPrecision(DECIMALS))
}
