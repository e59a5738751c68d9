import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KIND_NAMES, KINDS } from '../contracts/kinds.js'
import { addDays } from '../kernel/time.js'
import type { ClaimFigures, FindingFacts } from './facts.js'
import { RISE_WEEK, RISE_WEEKS, wordsIdOf } from './facts.js'
import { chanceShare } from './numbers-en.js'
import { catalogFor, sentenceOf } from './sentences.js'

const words = catalogFor('en-US')
const METRICS = [...KIND_NAMES.map((kind) => KINDS[kind].metric), 'unknown']

function facts(claim: Partial<ClaimFigures> = {}, division = '7', label = 'District'): FindingFacts {
  const from = claim.from ?? '2021-07-18'
  const weeks = claim.weeks ?? 6
  return {
    claim: {
      from,
      to: addDays(from, 7 * weeks),
      weeks,
      observed: 624,
      expected: 350.6,
      lower: 44.2,
      upper: 71.8,
      qValue: 0.003,
      ...claim,
    },
    division: { label, value: division },
    category: 'Illegal Dumping',
    metric: 'requests',
  }
}

const plain = (text: string) => text.replaceAll('\u00a0', ' ')

describe('the sentence of a finding', () => {
  it('says what, where, when, how much, how sure, and what it does not say', () => {
    expect(plain(sentenceOf(facts(), 'en-US'))).toBe(
      'From 18 July to 28 August 2021, District 7 had 78 % more “Illegal Dumping” requests than expected ' +
        '(104 a week; normal is 44 to 72). Of findings flagged like this one, about 1 in 300 is expected to be ' +
        'chance (q = 0.003). Requests count what people report, not what happened.',
    )
  })

  it('says the count of a single week without "a week"', () => {
    const one = facts({ weeks: 1, observed: 31, expected: 18, lower: 9, upper: 27 })
    expect(plain(words.headline(one))).toBe(
      'In the week from 18 to 24 July 2021, District 7 had 72 % more “Illegal Dumping” requests than expected ' +
        '(31; normal is 9 to 27).',
    )
  })

  it('says both years when the span crosses New Year', () => {
    expect(words.span('2020-12-21', '2021-01-11')).toBe('From 21 December 2020 to 10 January 2021')
  })

  it('names rows without a division, the whole city, and a value that says its label itself', () => {
    expect(plain(words.headline(facts({}, 'unassigned')))).toContain(
      'there were 78 % more “Illegal Dumping” requests without a district than expected',
    )
    expect(words.headline(facts({}, 'citywide'))).toContain('the whole city had')
    expect(words.headline(facts({}, 'Ward 3', 'Ward'))).toContain(', Ward 3 had')
  })

  it('gives no ratio where about none was expected', () => {
    const rare = facts({ weeks: 1, observed: 6, expected: 0.01, lower: 0, upper: 1 })
    expect(words.headline(rare)).toContain(
      'had 6 “Illegal Dumping” requests, where about none was expected (normal is 0 to 1).',
    )
    const single = facts({ weeks: 1, observed: 1, expected: 0, lower: 0, upper: 0 }, 'unassigned')
    expect(words.headline(single)).toContain(
      'there was 1 “Illegal Dumping” request without a district, where',
    )
  })

  it('says a fall, and a fall to nothing', () => {
    const fall = facts({ observed: 180, expected: 360, lower: 45, upper: 75 })
    expect(plain(words.headline(fall))).toContain('had 50 % fewer')
    expect(plain(words.headline(facts({ observed: 0 })))).toContain(
      'had no “Illegal Dumping” requests, where about 351',
    )
  })

  it('adds what the state says, right after the figures', () => {
    expect(plain(sentenceOf(facts(), 'en-US', 'ongoing'))).toContain(
      '(104 a week; normal is 44 to 72). It had not ended by then. Of',
    )
    expect(words.headline(facts(), 'withdrawn')).toMatch(/no longer stands\.$/)
  })

  it('adds a decimal where rounding would put the count inside its bounds', () => {
    const near = facts({ weeks: 2, observed: 44.8, expected: 30, lower: 8, upper: 21.6 })
    expect(words.headline(near)).toContain('(22.4 a week; normal is 8 to 21.6)')
  })

  it('says large rises as times, and small q-values as fewer than', () => {
    const huge = facts({ observed: 2000, qValue: 1e-9 })
    expect(sentenceOf(huge, 'en')).toContain('had 5.7 times as many')
    expect(sentenceOf(huge, 'en')).toContain('fewer than 1 in 10,000 are expected to be chance (q < 0.0001)')
  })

  it('never says q as the chance of this finding', () => {
    expect(chanceShare(0.1)).toBe('about 1 in 10 is')
    expect(chanceShare(0.04)).toBe('about 1 in 25 is')
    expect(chanceShare(1)).toBe('about 100 in 100 are')
  })

  it('speaks English where there is no catalog of the language', () => {
    expect(catalogFor('eo').language).toBe('en')
  })

  it('knows its template by direction and weeks', () => {
    expect([wordsIdOf('up', 1), wordsIdOf('up', 4)]).toEqual([RISE_WEEK, RISE_WEEKS])
  })
})

describe('the empty state', () => {
  const nearest = { category: 'Graffiti', observed: 109, expected: 100 }

  it('says how many series were checked and which came nearest', () => {
    const said = words.nothingFound({ weeks: 8, seriesChecked: 14, seriesOutside: 0, nearest })
    expect(plain(said)).toBe(
      'Nothing left its normal range in these 8 weeks. 14 series were checked; the nearest was “Graffiti” (+9 %).',
    )
  })

  it('does not claim that nothing was outside when single weeks were', () => {
    const said = words.nothingFound({ weeks: undefined, seriesChecked: 1, seriesOutside: 1, nearest })
    expect(plain(said)).toBe(
      'No change in the weeks on record was long or large enough to be a finding. 1 series was checked; ' +
        '1 of them had a week outside its normal range.',
    )
  })

  it('says when only the choice of severity hides findings', () => {
    expect(plain(words.otherSeverity({ weeks: 4, severity: 'high', others: 1 }))).toBe(
      'No finding in these 4 weeks is of high severity; 1 finding of another severity is not shown.',
    )
  })
})

describe('what is counted', () => {
  const factsOf = (metric: string) => ({ ...facts({}, 'citywide'), metric })

  it.each([
    ['requests', 'requests', 'Requests count what people report, not what happened.'],
    ['incidents', 'incidents', 'Incidents count what the police recorded, not all that happened.'],
    ['permits', 'permits', 'Permits count what was issued, not what was built.'],
    ['violations', 'violations', 'Violations count what inspectors wrote down, not all that is wrong.'],
    ['collisions', 'collisions', 'Collisions count what was reported, not all that happened.'],
    ['observations', 'observations', 'Observations count what stations recorded.'],
    ['matters', 'matters', 'Matters count what was introduced, not what was decided.'],
  ])('is said by the noun of %s, with what it does not say', (metric, noun, notSaid) => {
    const sentence = plain(sentenceOf(factsOf(metric), 'en-US'))
    expect(sentence).toContain(`the whole city had 78 % more “Illegal Dumping” ${noun} than expected`)
    expect(sentence.endsWith(` ${notSaid}`)).toBe(true)
  })

  it('has words for the metric of every kind', () => {
    for (const kind of KIND_NAMES) {
      const { metric } = KINDS[kind]
      expect(words.noun(metric).many).toBe(metric)
      expect(`${words.noun(metric).one}s`).toBe(metric)
    }
  })

  it('is rows where a later release counted something else, never requests', () => {
    for (const metric of ['inspections', 'toString', '']) {
      const sentence = sentenceOf(factsOf(metric), 'en-US')
      expect(sentence).toContain('“Illegal Dumping” rows')
      expect(sentence).toContain('Rows count what the publisher recorded.')
      expect(sentence).not.toMatch(/request/i)
    }
  })

  it('of several metrics together is rows, and each is named in full once', () => {
    expect(words.noun('requests', 'requests')).toEqual({
      one: 'request',
      many: 'requests',
      title: 'Requests',
    })
    expect(words.noun('requests', 'permits')).toEqual({ one: 'row', many: 'rows', title: 'Rows' })
    expect(words.counted(['requests', 'permits', 'requests', 'collisions'])).toBe(
      'service requests, building permits and collisions',
    )
    expect(words.notSaid(['permits', 'observations', 'permits'])).toBe(
      'Permits count what was issued, not what was built. Observations count what stations recorded.',
    )
  })
})

const anyClaim = fc
  .record({
    weeks: fc.integer({ min: 1, max: 60 }),
    observed: fc.nat(1_000_000),
    expected: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true })),
    lower: fc.double({ min: 0, max: 1e5, noNaN: true }),
    upper: fc.double({ min: 0, max: 1e5, noNaN: true }),
    qValue: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .chain((figures) => fc.constantFrom(...METRICS).map((metric) => ({ ...facts(figures), metric })))

describe('any claim', () => {
  it('gives whole words and finite numbers only', () => {
    fc.assert(
      fc.property(anyClaim, (anyFacts) => {
        const sentence = sentenceOf(anyFacts, 'en-US')
        expect(sentence).not.toMatch(/NaN|Infinity|∞|undefined|null|\s\s/)
        expect(sentence.endsWith('.')).toBe(true)
        expect(words.change(anyFacts.claim.observed, anyFacts.claim.expected)).not.toMatch(/NaN|Infinity/)
      }),
    )
  })

  it('says a percentage that observed and expected give', () => {
    fc.assert(
      fc.property(anyClaim, (anyFacts) => {
        const { observed, expected } = anyFacts.claim
        const said = /had (\d+)\s% (more|fewer)/.exec(sentenceOf(anyFacts, 'en-US'))
        if (!said) return
        const signed = Number(said[1]) * (said[2] === 'more' ? 1 : -1)
        expect(Math.abs(signed - (observed / expected - 1) * 100)).toBeLessThanOrEqual(0.5 + 1e-9)
      }),
    )
  })

  it('says a weekly count that is the total divided by the weeks', () => {
    fc.assert(
      fc.property(anyClaim, (anyFacts) => {
        const { observed, weeks } = anyFacts.claim
        const said = /\(([\d,.]+)(?: a week)?; normal/.exec(words.headline(anyFacts))?.[1]
        if (said === undefined) return
        expect(Math.abs(Number(said.replaceAll(',', '')) - observed / weeks)).toBeLessThanOrEqual(0.5)
      }),
    )
  })
})

describe('what is said of rows that are assigned by their points', () => {
  const said = (counts: object, label = 'District') =>
    words
      .points({
        ...{ label, boundary: '2023' },
        counts: { inside: 0, outside: 0, blank: 0, zero: 0, unreadable: 0, ...counts },
      })
      .map(plain)

  it('tells blanks, 0,0, outside and unreadable apart, and how many differ from what is published', () => {
    const counts = { inside: 9_412, blank: 300, zero: 120, outside: 160, unreadable: 8 }
    expect(said({ ...counts, compared: 9_400, differing: 1_034 })).toEqual([
      'The district of a row is the one in which its point lies on the map “2023”: 9,412 of 10,000 rows lie in a district.',
      'The other rows count as without a district: 300 without a point, 120 with the point 0,0, 160 outside of the map and 8 with a point that cannot be read.',
      '11 % of rows have a point that lies in another district than published (1,034 of the 9,400 that have both).',
    ])
  })

  it('leaves out what there is none of', () => {
    expect(said({ inside: 3 }, 'Ward')).toEqual([
      'The ward of a row is the one in which its point lies on the map “2023”: all 3 rows lie in a ward.',
    ])
    expect(said({ inside: 1, zero: 1 })[1]).toBe(
      'The other rows count as without a district: 1 with the point 0,0.',
    )
    expect(said({ inside: 2, compared: 0, differing: 0 })[1]).toBe(
      'No row has both a point on the map and a published district.',
    )
    expect(said({ inside: 2, compared: 2, differing: 0 })[1]).toBe(
      'No point lies in another district than published (2 rows have both).',
    )
  })

  it.each([
    [1, 100_000, 'Fewer than 0.1 %'],
    [7, 2_000, '0.3 %'],
    [999, 1_000, 'More than 99 %'],
    [1_000, 1_000, '100 %'],
  ])('never rounds %d of %d away', (differing, compared, share) => {
    expect(said({ inside: compared, compared, differing })[1]).toMatch(new RegExp(`^${share} of rows`))
  })
})
