import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findReference } from './reference-periods.js'

const dayOf = (date: string) => Date.parse(date) / 86_400_000
const dateOf = (day: number) => new Date(day * 86_400_000).toISOString().slice(0, 10)

/** A series of weeks from a Monday on. */
const weeksFrom = (date: string) => ({ counts: [], frequency: 52 as const, firstDay: dayOf(date) })

describe('the same period of an earlier year', () => {
  it('is 52 weeks or 12 months back where there is no calendar', () => {
    expect(findReference({ counts: [], frequency: 52 }, 300, 4)).toBe(92)
    expect(findReference({ counts: [], frequency: 12 }, 30, 3)).toBe(-6)
  })

  it('is by the calendar the week whose day is nearest to the same date', () => {
    const series = weeksFrom('2010-01-04')
    const week = (date: string) => Math.round((dayOf(date) - series.firstDay) / 7)
    expect(findReference(series, week('2015-03-09'), 1)).toBe(week('2014-03-10'))
    expect(findReference(series, week('2015-03-09'), 4)).toBe(week('2011-03-07'))
  })

  it('takes 1 March for 29 February where there is none', () => {
    const series = weeksFrom('2010-01-04')
    const leapWeek = (dayOf('2016-02-29') - series.firstDay) / 7
    expect(dateOf(series.firstDay + 7 * findReference(series, leapWeek, 1))).toBe('2015-03-02')
  })

  it('is never more than three days from the same date, whatever the weekday of the series', () => {
    fc.assert(
      fc.property(fc.nat(700), fc.integer({ min: 1, max: 8 }), fc.nat(6), (index, yearsBack, shift) => {
        const series = { counts: [], frequency: 52 as const, firstDay: dayOf('2005-01-03') + shift }
        const tested = new Date((series.firstDay + 7 * index) * 86_400_000)
        const sameDate = Date.UTC(
          tested.getUTCFullYear() - yearsBack,
          tested.getUTCMonth(),
          tested.getUTCDate(),
        )
        const found = series.firstDay + 7 * findReference(series, index, yearsBack)
        expect(Math.abs(found - sameDate / 86_400_000)).toBeLessThanOrEqual(3)
      }),
    )
  })
})
