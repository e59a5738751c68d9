import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addDays } from '../../kernel/time.js'
import { EVENT_KINDS, type PlantedEvent, TRAPS } from '../truth.js'
import type { ApiEvent } from './read-api.js'
import { planted, seriesOf, told, truthOf } from './score.fixture.js'
import { scoreCity } from './score.js'
import { Score } from './score-shape.js'

const weekOfCity = fc.integer({ min: 0, max: 150 }).map((week) => addDays('2023-01-02', 7 * week))

const anyEvents = fc
  .array(
    fc.record({
      kind: fc.constantFrom(...EVENT_KINDS),
      divisions: fc.subarray(['1', '2']),
      categories: fc.subarray(['pothole', 'noise']),
      from: weekOfCity,
      days: fc.constantFrom(7, 21, 70, null),
      factor: fc.constantFrom(0.3, 1, 3),
    }),
    { maxLength: 8 },
  )
  .map((drawn) => drawn.map(({ days, ...changes }, at) => drawnEvent(at, days, changes)))

function drawnEvent(at: number, days: number | null, changes: Partial<PlantedEvent>): PlantedEvent {
  const { kind, from = '' } = changes
  const measure = TRAPS.includes(kind!) ? 'publication' : kind === 'slow-down' ? 'days-to-close' : 'count'
  return planted({ ...changes, id: `event-${at}`, measure, to: days === null ? null : addDays(from, days) })
}

const aFinding = fc.record({
  week: weekOfCity,
  division: fc.constantFrom('1', '2'),
  category: fc.constantFrom('Pothole', 'Pothole in street', 'Loud music', 'Other'),
  metric: fc.constantFrom('requests', 'days-to-close', 'publication'),
  direction: fc.constantFrom('up', 'down'),
  state: fc.constantFrom('new', 'data-gap'),
})

const anyFindings = fc
  .array(aFinding, { maxLength: 25 })
  .map((drawn) =>
    drawn.map(({ week, ...changes }, index) =>
      told(week, { ...(changes as Partial<ApiEvent>), finding: `finding-${index}`, index }),
    ),
  )

const anyCity = fc.tuple(anyEvents, anyFindings)

function score(events: readonly PlantedEvent[], findings: readonly ApiEvent[]): Score {
  return scoreCity(truthOf(events), { events: findings, series: seriesOf() })
}

/** A share, for comparing: nothing of nothing counts as all, which no change can raise. */
const orAll = ({ share }: { share: number | null }) => share ?? 1

describe('the score of any city', () => {
  it('does not depend on the order of what was published', () => {
    fc.assert(
      fc.property(
        anyCity,
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        ([events, findings], keys) => {
          const shuffled = findings
            .map((finding) => ({ finding, key: keys.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ finding }) => finding)
          expect(score(events, shuffled)).toEqual(score(events, findings))
        },
      ),
    )
  })

  it('has its documented shape', () => {
    fc.assert(
      fc.property(anyCity, ([events, findings]) => {
        const made = score(events, findings)
        expect(Score.parse(made)).toEqual(made)
      }),
    )
  })

  it('never has a lower recall for one finding more', () => {
    fc.assert(
      fc.property(anyCity, ([events, findings]) => {
        const [after, before] = [score(events, findings), score(events, findings.slice(1))]
        for (const scope of ['counts', 'everything'] as const)
          expect(orAll(after[scope].recall)).toBeGreaterThanOrEqual(orAll(before[scope].recall))
      }),
    )
  })

  it('has the same recall, and no higher precision, for a finding more that belongs to nothing', () => {
    fc.assert(
      fc.property(anyCity, weekOfCity, ([events, findings], week) => {
        const nothing = told(week, { finding: 'nothing', index: 999, division: '3', category: 'Other' })
        const everywhere = events.map((event) => ({ ...event, divisions: ['1', '2'] }))
        const [after, before] = [score(everywhere, [...findings, nothing]), score(everywhere, findings)]
        for (const scope of ['counts', 'everything'] as const) {
          expect(after[scope].recall).toEqual(before[scope].recall)
          expect(orAll(after[scope].precision)).toBeLessThanOrEqual(orAll(before[scope].precision))
        }
        expect(after.findings.find(({ finding }) => finding === 'nothing')?.events).toEqual([])
      }),
    )
  })

  it('accounts for every planted event and every finding once', () => {
    fc.assert(
      fc.property(anyCity, ([events, findings]) => {
        const made = score(events, findings)
        expect(made.events.map(({ id }) => id)).toEqual(events.map(({ id }) => id))
        expect(made.findings.map(({ finding }) => finding).sort()).toEqual(
          findings.map(({ finding }) => finding).sort(),
        )
        const found = made.events.filter(({ outcome }) => outcome === 'found')
        expect(made.everything.recall.part).toBe(found.length)
        expect(found.every(({ findings: own }) => own.length > 0)).toBe(true)
      }),
    )
  })
})

describe('what is expected', () => {
  const outcomeOf = (event: PlantedEvent, findings: readonly ApiEvent[] = []) =>
    score([event], findings).events[0]

  it('is an event that began in a tested week, at least a week before the end', () => {
    expect(outcomeOf(planted())).toMatchObject({ outcome: 'missed', reason: null })
    expect(outcomeOf(planted({ from: '2025-12-24' }))).toMatchObject({ outcome: 'missed' })
  })

  it('is not one of the last days, or one that history will tell later', () => {
    expect(outcomeOf(planted({ from: '2025-12-25' }))?.outcome).toBe('not-yet')
    const untold = planted({
      kind: 'rewritten-history',
      measure: 'publication',
      factor: 1,
      toldOn: '2026-02-01',
    })
    expect(outcomeOf(untold)).toMatchObject({
      outcome: 'not-yet',
      reason: expect.stringContaining('2026-02-01'),
    })
  })

  it('is not one before the first tested week; what finds it all the same is no false alarm', () => {
    const early = planted({ from: '2022-12-26' })
    expect(outcomeOf(early)).toMatchObject({
      outcome: 'not-expected',
      reason: 'before the first tested week (2023-01-02)',
    })
    const made = score([early], [told('2022-12-26')])
    expect(made.counts).toMatchObject({ recall: { whole: 0, share: null }, precision: { share: 1 } })
  })

  it('is no trap but a gap, which should be told as what it is', () => {
    const trap = (kind: PlantedEvent['kind']) => planted({ kind, measure: 'publication', factor: 1 })
    expect(outcomeOf(trap('outage'))?.outcome).toBe('not-expected')
    expect(outcomeOf(trap('migration'))?.outcome).toBe('not-expected')
    expect(outcomeOf(trap('late-publication'))?.outcome).toBe('not-expected')
    expect(outcomeOf(trap('data-gap'))?.outcome).toBe('missed')
    expect(outcomeOf(trap('data-gap'), [told('2025-03-03', { state: 'data-gap' })])?.outcome).toBe('found')
  })

  it('begins two years after the history, and says that this was assumed, where the API does not tell', () => {
    const series = seriesOf().map(({ oldest_tested_week: _, ...facts }) => facts)
    const made = scoreCity(truthOf([planted({ from: '2022-12-26' })]), { events: [], series })
    expect(made.datasets).toMatchObject([{ dataset: 'calls', testedSince: '2023-01-02', isAssumed: true }])
    expect(score([], []).datasets).toMatchObject([{ testedSince: '2023-01-02', isAssumed: false }])
  })
})

describe('delays', () => {
  it('run from the first day of the event to the end of the first week that finds it, and to when it could be known', () => {
    const made = score([planted({ from: '2025-03-05' })], [told('2025-03-10'), told('2025-03-03')])
    expect(made.counts.delay).toEqual({
      happened: { median: 5, ninetieth: 5 },
      knowable: { median: 8, ninetieth: 8 },
    })
  })

  it('are those of found events only: by kind, and over all', () => {
    const events = [0, 1, 2, 3].map((at) =>
      planted({ id: `e${at}`, from: addDays('2024-01-01', 70 * at), kind: at < 3 ? 'surge' : 'spike' }),
    )
    const findings = [7, 0, 14].map((late, at) => told(addDays('2024-01-01', 70 * at + late)))
    const made = score(events, findings)
    expect(made.counts.delay?.happened).toEqual({ median: 14, ninetieth: 21 })
    expect(made.kinds).toMatchObject([
      { kind: 'surge', planted: 3, recall: { part: 3, whole: 3 }, delay: { happened: { median: 14 } } },
      { kind: 'spike', planted: 1, recall: { part: 0, whole: 1, share: 0 }, delay: null },
    ])
  })

  it('of a lasting shift end with what comes within half a year', () => {
    const shift = planted({ kind: 'shift', to: null })
    expect(score([shift], [told('2025-09-08')]).events[0]).toMatchObject({
      outcome: 'missed',
      findings: ['finding-2025-09-08'],
    })
    expect(score([shift], [told('2025-09-08'), told('2025-08-11')]).events[0]?.outcome).toBe('found')
  })
})

describe('false findings', () => {
  const wrong = told('2024-06-03', { finding: 'wrong', index: 1 })

  it('are counted by dataset, division and year of tested weeks', () => {
    const made = score([planted()], [told('2025-03-03'), wrong])
    expect(made.counts.precision).toEqual({ part: 1, whole: 2, share: 0.5 })
    // Two districts, 1,095 days from 2023-01-02 to 2025-12-31.
    expect(made.datasets).toMatchObject([
      { findings: 2, falseFindings: 1, divisionYears: 5.9959, falseADivisionYear: 0.1668 },
    ])
  })

  it('do not count once they are withdrawn', () => {
    const withdrawn = told('2024-07-01', { finding: 'wrong', index: 2, state: 'withdrawn', claim: null })
    const made = score([planted()], [told('2025-03-03'), wrong, withdrawn])
    expect(made).toMatchObject({ withdrawn: 1, counts: { precision: { part: 1, whole: 1 } } })
    expect(made.findings).toHaveLength(1)
  })

  it('about times or the publication leave the precision of counts as it is', () => {
    const slow = told('2024-06-03', { finding: 'slow', index: 1, metric: 'days-to-close' })
    const made = score([planted()], [told('2025-03-03'), slow])
    expect(made.counts.precision.share).toBe(1)
    expect(made.everything.precision.share).toBe(0.5)
  })

  it('leave datasets without any finding to be named', () => {
    expect(score([], []).silentDatasets).toEqual(['calls'])
    expect(score([], [wrong]).silentDatasets).toEqual([])
  })
})

describe('traps', () => {
  const trap = planted({ id: 'trap', kind: 'outage', measure: 'publication', factor: 1 })
  const fall = told('2025-03-03', { direction: 'down' })

  it.each(TRAPS)('%s: are listed with what was reported because of them', (kind) => {
    expect(score([{ ...trap, kind }], [fall]).traps).toEqual([
      {
        ...{ event: 'trap', kind, dataset: 'calls', said: trap.said },
        reported: [{ finding: fall.finding, sentence: fall.sentence }],
      },
    ])
  })

  it('explain nothing that a true event explains', () => {
    const drop = planted({ kind: 'drop', factor: 0.3 })
    expect(score([drop, trap], [fall]).traps).toMatchObject([{ event: 'trap', reported: [] }])
  })

  it('lie in tested weeks that have passed: nobody could report the others', () => {
    expect(
      score([{ ...trap, from: '2022-01-03', to: '2022-01-10', toldOn: '2022-01-03' }], []).traps,
    ).toEqual([])
    expect(score([{ ...trap, from: '2026-01-05', to: null }], []).traps).toEqual([])
  })
})

describe('categories', () => {
  const categoriesOf = (names: readonly string[]) =>
    scoreCity(truthOf([]), { events: [], series: seriesOf(names) }).categories

  it.each([
    ['one label of each', ['Pothole', 'Loud music']],
    ["the city's own names", ['pothole', 'noise']],
    ['other categories besides', ['Pothole in street', 'Loud music', 'Other']],
  ])('are right with %s', (_what, names) => {
    expect(categoriesOf(names)).toEqual({
      all: { part: 2, whole: 2, share: 1 },
      severalLabels: { part: 1, whole: 1, share: 1 },
      wrong: [],
    })
  })

  it('are wrong where two labels of one are apart, or none is there', () => {
    expect(categoriesOf(['Pothole', 'Pothole in street'])).toEqual({
      all: { part: 0, whole: 2, share: 0 },
      severalLabels: { part: 0, whole: 1, share: 0 },
      wrong: [
        { dataset: 'calls', category: 'pothole', seen: ['Pothole', 'Pothole in street'] },
        { dataset: 'calls', category: 'noise', seen: [] },
      ],
    })
  })
})
