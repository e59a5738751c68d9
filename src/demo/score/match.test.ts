import { describe, expect, it } from 'vitest'
import type { PlantedEvent } from '../truth.js'
import { gatherFindings } from './gather-findings.js'
import { categoryLookup, fallsInto, isInTime, spanWithin } from './match.js'
import type { ApiEvent } from './read-api.js'
import { planted, told, truthOf } from './score.fixture.js'

const lookup = categoryLookup(truthOf([]))

function belongs(events: ApiEvent | readonly ApiEvent[], event: PlantedEvent): boolean {
  const [finding] = gatherFindings([events].flat())
  return spanWithin(finding!, event, lookup) !== undefined
}

describe('what belongs to a planted event', () => {
  it.each<[string, ApiEvent]>([
    ['a finding of its first week', told('2025-03-03')],
    ['one that begins a week early, as weeks are counted whole', told('2025-02-24', twoWeeks('2025-02-24'))],
    ['one of its last week', told('2025-03-17')],
    ['one that begins in the two weeks after it', told('2025-03-31')],
    ['one under the label of another year', told('2025-03-03', { category: 'Pothole in street' })],
    ["one under the city's own name", told('2025-03-03', { category: 'pothole' })],
  ])('is %s', (_what, finding) => {
    expect(belongs(finding, planted())).toBe(true)
  })

  it.each<[string, ApiEvent]>([
    ['one that begins more than a week before it', told('2025-02-17', twoWeeks('2025-02-17', 28))],
    ['one that ends before it', told('2025-02-24')],
    ['one that begins more than two weeks after it', told('2025-04-07')],
    ['one of another division', told('2025-03-03', { division: '1' })],
    ['one of another category', told('2025-03-03', { category: 'Loud music' })],
    ['one under a name that nobody knows', told('2025-03-03', { category: 'Other' })],
    ['one of another dataset', told('2025-03-03', { dataset: 'permits' })],
    ['a fall, as the event is a rise', told('2025-03-03', { direction: 'down' })],
    ['one of another measure', told('2025-03-03', { metric: 'days-to-close' })],
    ['a gap of the data', told('2025-03-03', { state: 'data-gap' })],
  ])('is not %s', (_what, finding) => {
    expect(belongs(finding, planted())).toBe(false)
  })

  it('is anything of the dataset where the event names neither divisions nor categories', () => {
    const everywhere = planted({ divisions: [], categories: [] })
    expect(belongs(told('2025-03-03', { division: '1', category: 'Other' }), everywhere)).toBe(true)
  })

  it('is nothing where the factor is 1: nothing changed', () => {
    for (const direction of ['up', 'down'] as const)
      expect(belongs(told('2025-03-03', { direction }), planted({ factor: 1 }))).toBe(false)
  })
})

function twoWeeks(from: string, days = 14): Partial<ApiEvent> {
  const to = new Date(Date.parse(from) + days * 86_400_000).toISOString().slice(0, 10)
  return { claim: { from, to } }
}

describe('an event of each kind', () => {
  const day = '2025-03-03'
  const publication = { measure: 'publication', factor: 1 } as const
  it.each<[PlantedEvent, Partial<ApiEvent>]>([
    [planted({ kind: 'surge' }), {}],
    [planted({ kind: 'spike', to: '2025-03-10' }), {}],
    [planted({ kind: 'drop', factor: 0.3 }), { direction: 'down' }],
    [planted({ kind: 'shift', to: null }), {}],
    [planted({ kind: 'slow-down', measure: 'days-to-close', factor: 2 }), { metric: 'days-to-close' }],
    [planted({ kind: 'cluster', divisions: ['1', '2'] }), {}],
    [planted({ kind: 'inequality', measure: 'days-to-close', factor: 2 }), { metric: 'days-to-close' }],
    [planted({ kind: 'data-gap', ...publication }), { state: 'data-gap', claim: null }],
    [planted({ kind: 'rewritten-history', ...publication }), { metric: 'publication' }],
  ])('$kind has findings of its measure and direction, and no others', (event, right) => {
    expect(belongs(told(day, right), event)).toBe(true)
    const others: Partial<ApiEvent>[] = [{}, { direction: 'down' }, { metric: 'days-to-close' }].filter(
      (other) => JSON.stringify(other) !== JSON.stringify(right),
    ) as Partial<ApiEvent>[]
    for (const other of others) expect(belongs(told(day, other), event), JSON.stringify(other)).toBe(false)
  })

  it('about the publication may be reported in the two weeks after it was told', () => {
    const event = planted({ kind: 'rewritten-history', ...publication, toldOn: '2025-09-01' })
    const gap = (week: string) => told(week, { metric: 'publication' })
    expect([belongs(gap('2025-09-01'), event), belongs(gap('2025-09-15'), event)]).toEqual([true, true])
    expect(belongs(gap('2025-09-22'), event)).toBe(false)
  })
})

describe('a shift that goes on for ever', () => {
  const shift = planted({ kind: 'shift', to: null })
  const spanOf = (week: string) => spanWithin(gatherFindings([told(week)])[0]!, shift, lookup)

  it('is found by what begins within its first 26 weeks', () => {
    expect(isInTime(spanOf('2025-08-25')!, shift)).toBe(true)
  })

  it('has later findings, too, which do not find it any more', () => {
    expect(isInTime(spanOf('2025-09-01')!, shift)).toBe(false)
    expect(spanOf('2030-01-07')).toBeDefined()
  })
})

describe('a finding that falls into a trap', () => {
  const falls = (event: ApiEvent, trap: PlantedEvent) => fallsInto(gatherFindings([event])[0]!, trap, lookup)

  it.each(['data-gap', 'outage', 'migration', 'late-publication'] as const)(
    'reports a rise or fall where there was only a %s',
    (kind) => {
      const trap = planted({ kind, measure: 'publication', factor: 1 })
      expect(falls(told('2025-03-03', { direction: 'down' }), trap)).toBe(true)
      expect(falls(told('2025-03-24'), trap)).toBe(true)
      expect(falls(told('2025-03-03', { state: 'data-gap' }), trap)).toBe(false)
      expect(falls(told('2025-03-03', { division: '1' }), trap)).toBe(false)
      expect(falls(told('2025-03-03', { category: 'Loud music' }), trap)).toBe(false)
      expect(falls(told('2025-04-07'), trap)).toBe(false)
      expect(belongs(told('2025-03-03'), trap)).toBe(false)
      expect(belongs(told('2025-03-03', { state: 'data-gap' }), trap)).toBe(true)
    },
  )

  it('does so in the first half year of a trap without an end', () => {
    const trap = planted({ kind: 'migration', measure: 'publication', factor: 1, to: null })
    expect([falls(told('2025-08-25'), trap), falls(told('2025-09-01'), trap)]).toEqual([true, false])
  })
})

describe('the events of one finding', () => {
  it('make one span from the onset to the last week, in whichever order they come', () => {
    const events = [
      told('2025-03-03', { finding: 'a', index: 1 }),
      told('2025-03-03', {
        ...{ finding: 'a', index: 2, state: 'ongoing', sentence: 'Two weeks.' },
        claim: { from: '2025-03-03', to: '2025-03-17' },
      }),
    ]
    const [finding] = gatherFindings(events.toReversed())
    expect(finding).toMatchObject({ state: 'ongoing', sentence: 'Two weeks.' })
    expect(finding?.spans).toMatchObject([{ measure: 'count', from: '2025-03-03', to: '2025-03-17' }])
    expect(finding?.spans[0]?.firstTime).toBe('2025-03-10T06:00:00Z')
  })

  it('leave out what was replaced, but not when it was first told', () => {
    const first = told('2025-03-03', { finding: 'a', index: 1, known_at: '2025-03-11T00:00:00Z' })
    const corrected = told('2025-03-10', { finding: 'a', index: 2, supersedes: first.event_id })
    const [finding] = gatherFindings([first, corrected])
    expect(finding?.spans[0]).toMatchObject({ from: '2025-03-10', firstKnownAt: '2025-03-11T00:00:00Z' })
  })

  it('are withdrawn as a whole by the last one, unless others follow it', () => {
    const withdrawn = told('2025-03-10', { finding: 'a', index: 2, state: 'withdrawn', claim: null })
    const first = told('2025-03-03', { finding: 'a', index: 1 })
    expect(gatherFindings([first, withdrawn])[0]).toMatchObject({ isWithdrawn: true, spans: [] })
    const again = told('2025-03-17', { finding: 'a', index: 3 })
    const [finding] = gatherFindings([first, withdrawn, again])
    expect(finding).toMatchObject({ isWithdrawn: false, spans: [{ from: '2025-03-17' }] })
  })

  it('are an episode each time that the finding returned', () => {
    const span = (from: string, to: string) => ({ claim: { from, to } })
    const events = [
      told('2025-03-03', { finding: 'a', index: 1 }),
      told('2025-03-03', { finding: 'a', index: 2, state: 'ended' }),
      told('2025-05-05', { finding: 'a', index: 3, state: 'returned' }),
      told('2025-05-12', { finding: 'a', index: 4, state: 'ongoing', ...span('2025-05-05', '2025-05-19') }),
    ]
    const episodes = gatherFindings(events).map(({ id, spans, state }) => [
      id,
      state,
      spans[0]?.from,
      spans[0]?.to,
    ])
    expect(episodes).toEqual([
      ['a', 'ended', '2025-03-03', '2025-03-10'],
      ['a#2', 'ongoing', '2025-05-05', '2025-05-19'],
    ])
  })

  it('speak of the publication and of counts apart', () => {
    const gap = told('2025-03-10', { finding: 'a', index: 2, state: 'data-gap' })
    const [finding] = gatherFindings([told('2025-03-03', { finding: 'a', index: 1 }), gap])
    expect(finding?.spans.map(({ measure, from }) => [measure, from])).toEqual([
      ['count', '2025-03-03'],
      ['publication', '2025-03-10'],
    ])
  })
})
