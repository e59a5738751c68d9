import { describe, expect, it } from 'vitest'
import { parseFloors, underFloors } from './floors.js'
import { planted, seriesOf, told, truthOf } from './score.fixture.js'
import { scoreCity } from './score.js'

describe('floors', () => {
  it.each([
    ['recall=0.5', { recall: 0.5 }],
    ['recall=.5, precision=1', { recall: 0.5, precision: 1 }],
    ['recall-everything=0,precision-everything=1.0,categories=0.75', undefined],
  ])('are read from %s', (text, floors) => {
    expect(parseFloors(text)).toEqual(
      floors ?? { 'recall-everything': 0, 'precision-everything': 1, categories: 0.75 },
    )
  })

  it.each(['', 'recall', 'recall=', 'recall=2', 'recall=-1', 'recal=0.5', 'constructor=0.5', 'recall=0.5,'])(
    'are none in “%s”',
    (text) => {
      expect(parseFloors(text)).toBeUndefined()
    },
  )

  const score = scoreCity(truthOf([planted()]), {
    events: [told('2025-03-03'), told('2024-01-01')],
    series: seriesOf(),
  })

  it('are reached by a share that is as large', () => {
    expect(underFloors(score, { recall: 1, precision: 0.5, categories: 1 })).toEqual([])
    expect(underFloors(score, { precision: 0.6 })).toEqual([{ figure: 'precision', share: 0.5, floor: 0.6 }])
  })

  it('above 0 are not reached where there was nothing to measure', () => {
    const empty = scoreCity(truthOf([]), { events: [], series: [] })
    expect(underFloors(empty, { recall: 0 })).toEqual([])
    expect(underFloors(empty, { recall: 0.1 })).toEqual([{ figure: 'recall', share: null, floor: 0.1 }])
  })
})
