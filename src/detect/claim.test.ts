import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testedWeek, untestedWeek } from '../../testkit/test-periods.js'
import { Claim } from '../contracts/proposal.js'
import { addDays } from '../kernel/time.js'
import type { PeriodResult } from '../stats/period-result.js'
import { claimOf } from './claim.js'
import { followSeries } from './follow-series.js'
import { judgeWeeks } from './judge-weeks.js'

const WEEKS = Array.from({ length: 60 }, (_, at) => addDays('2025-01-06', at * 7))
const CONFIG = { alpha: 0.01, falseDiscoveryRate: 0.1, minExcess: 5, minRatio: 1.3 }

/** All claims of one series, with the step that each belongs to. */
function claimsOf(results: readonly PeriodResult[]) {
  const { verdicts } = judgeWeeks([{ division: '7', category: 'Noise', results }], results.length, CONFIG)
  const list = verdicts[0] ?? []
  const windows = list.map((verdict) =>
    verdict ? { tested: true, ...verdict } : { tested: false, outside: false, qValue: 1, ratio: 1 },
  )
  return followSeries(windows).map((step) => ({ step, claim: claimOf(step, WEEKS, results, list) }))
}

const anyWeeks = fc
  .array(
    fc.option(
      fc.tuple(fc.nat(60), fc.double({ min: 1, max: 20, noNaN: true }), fc.constantFrom(1e-5, 0.05, 0.6)),
    ),
    {
      maxLength: 40,
    },
  )
  .map((weeks) =>
    weeks.map((week, at) =>
      week === null
        ? untestedWeek(at)
        : testedWeek(at, { observed: week[0], expected: week[1], pUpper: week[2] }),
    ),
  )

describe('a claim', () => {
  it('sums the tested weeks of its span, and its span ends with its last week outside', () => {
    fc.assert(
      fc.property(anyWeeks, (results) => {
        for (const { step, claim } of claimsOf(results)) {
          const span = results.slice(step.since, step.lastOutside + 1)
          const tested = span.filter((week) => week.tested)
          expect(Claim.parse(claim)).toEqual(claim)
          expect(claim.weeks).toBe(tested.length)
          expect(claim.observed).toBe(tested.reduce((sum, week) => sum + week.observed, 0))
          expect(claim.expected).toBeCloseTo(
            tested.reduce((sum, week) => sum + week.expected, 0),
            3,
          )
          expect(claim.ratio).toBeCloseTo(claim.observed / claim.expected, 2)
          expect(claim.from).toBe(WEEKS[step.since])
          expect(claim.to).toBe(addDays(WEEKS[step.lastOutside] as string, 7))
          expect(claim.pValue).toBeLessThanOrEqual(claim.qValue)
        }
      }),
    )
  })

  it('of a finding that ended is the one of its last week outside', () => {
    const rise = { observed: 40, pUpper: 1e-6 }
    const weeks = [testedWeek(0, rise), testedWeek(1, rise), testedWeek(2), testedWeek(3)]
    const [, ongoing, ended] = claimsOf(weeks)
    expect(ended?.step.state).toBe('ended')
    expect(ended?.claim).toEqual(ongoing?.claim)
    expect(ended?.claim).toMatchObject({
      weeks: 2,
      observed: 80,
      expected: 20,
      upper: 18,
      lower: 3,
      ratio: 4,
    })
  })

  it('says in its words whether it is about one week or several, and how severe it is', () => {
    const at = (over: object) => claimsOf([testedWeek(0, { observed: 40, pUpper: 1e-6, ...over })])[0]?.claim
    expect(at({})).toMatchObject({ severity: 'high', words: 'finding.rise.week' })
    const two = [0, 1].map((week) => testedWeek(week, { observed: 19, pUpper: 0.005 }))
    expect(claimsOf(two)[0]?.claim).toMatchObject({
      severity: 'medium',
      words: 'finding.rise.weeks',
      weeks: 2,
    })
    const weak = [0, 1].map((week) => testedWeek(week, { observed: 19, pUpper: 0.05 }))
    expect(claimsOf(weak)[0]?.claim).toMatchObject({ severity: 'low' })
  })
})
