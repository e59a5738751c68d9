import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { localText } from '../../../testkit/family-portals.js'
import { dayAt, indexOfDay } from '../city/calendar.js'
import { americanUtcText, clockText, dayText, epochMs, floatingText, plainText, utcText } from './cells.js'

const HOUR = 3_600

function timeOf(day: string, hour: number) {
  return { day: indexOfDay(day), second: hour * HOUR }
}

describe('times of the city', () => {
  it('are one instant in every form: the local text is what clocks show then', () => {
    const anyDay = fc.integer({ min: -100, max: 4_000 })
    const changeDay = fc.constantFrom('2022-03-13', '2024-03-10', '2024-11-03', '2026-11-01').map(indexOfDay)
    const someSecond = fc.oneof(fc.integer({ min: 0, max: 86_399 }), fc.integer({ min: 0, max: 4 * HOUR }))
    fc.assert(
      fc.property(fc.oneof(anyDay, changeDay), someSecond, (day, second) => {
        const time = { day, second }
        const instant = new Date(epochMs(time)).toISOString()
        expect(`${dayText(day)}T${clockText(time)}`).toBe(localText(instant))
        expect(dayText(day)).toBe(dayAt(day))
        expect(plainText(time)).toBe(localText(instant).replace('T', ' '))
        expect(floatingText(time)).toBe(`${localText(instant)}.000`)
        expect(utcText(time)).toBe(`${instant.slice(0, 19)}Z`)
        expect(new Date(`${americanUtcText(time)} UTC`).toISOString()).toBe(instant)
      }),
      { numRuns: 500 },
    )
  })

  it('happen an hour later in the hour that clocks skip', () => {
    expect([1.5, 2.5, 3.5].map((hour) => utcText(timeOf('2024-03-10', hour)))).toEqual([
      ...['2024-03-10T07:30:00Z', '2024-03-10T08:30:00Z', '2024-03-10T08:30:00Z'],
    ])
    expect(plainText(timeOf('2024-03-10', 2.5))).toBe('2024-03-10 03:30:00')
  })

  it('happen when clocks show their hour for the last time', () => {
    expect([0.5, 1.5, 2.5].map((hour) => utcText(timeOf('2024-11-03', hour)))).toEqual([
      ...['2024-11-03T05:30:00Z', '2024-11-03T07:30:00Z', '2024-11-03T08:30:00Z'],
    ])
  })

  it('are no text where there is none', () => {
    expect([floatingText, plainText, utcText, americanUtcText].map((text) => text(undefined))).toEqual([
      null,
      null,
      null,
      null,
    ])
  })
})
