import { describe, expect, it } from 'vitest'
import type { Claim, FindingState } from '../contracts/proposal.js'
import { addDays } from '../kernel/time.js'
import { type FindingEvent, groupEvents } from './read-findings.js'

function event(
  index: number,
  state: FindingState,
  weeks: number,
  supersedes: string | null = null,
): FindingEvent {
  const to = addDays('2021-07-19', 7 * weeks)
  const figures = { observed: 60, expected: 30, lower: 5, upper: 20, ratio: 2, pValue: 0.001, qValue: 0.01 }
  const claim: Claim = {
    from: '2021-07-19',
    to,
    weeks,
    ...figures,
    severity: 'low',
    words: 'finding.rise.week',
  }
  const series = {
    division: '7',
    dataset: 'calls',
    category: 'Graffiti',
    metric: 'requests',
    direction: 'up' as const,
  }
  const instants = { time: '', knownAt: '', recordedAt: '' }
  return { index, eventId: `e${index}`, finding: 'f', state, ...series, claim, supersedes, ...instants }
}

const standing = (...events: FindingEvent[]) => groupEvents(events).get('f')

describe('the events of a finding', () => {
  it('tell its state by the last one', () => {
    expect(standing(event(0, 'new', 1), event(1, 'ongoing', 2), event(2, 'ended', 4))?.newest.index).toBe(2)
  })

  it('keep the later window when an early one is corrected late', () => {
    const events = [event(0, 'new', 1), event(1, 'ongoing', 2), event(2, 'new', 1, 'e0')]
    expect(standing(...events)?.newest.index).toBe(1)
  })

  it('follow the correction of the window that stands', () => {
    expect(standing(event(0, 'new', 1), event(1, 'new', 1, 'e0'))?.newest.index).toBe(1)
  })

  it('are withdrawn as a whole, and keep the last figures for the page', () => {
    const withdrawal = { ...event(2, 'withdrawn', 1), claim: undefined }
    const finding = standing(event(0, 'new', 1), event(1, 'ongoing', 3), withdrawal)
    expect([finding?.newest.state, finding?.claim.weeks]).toEqual(['withdrawn', 3])
  })

  it('may open again after a withdrawal', () => {
    const withdrawal = { ...event(1, 'withdrawn', 1), claim: undefined }
    expect(standing(event(0, 'new', 5), withdrawal, event(2, 'new', 1))?.newest.index).toBe(2)
  })
})
