import { describe, expect, it } from 'vitest'
import { weekOf } from '../../kernel/time.js'
import { DAYS, dayAt, FIRST_DAY, indexOfDay, isHoliday, LAST_DAY, MET_ON, usualShare } from './calendar.js'
import { DATASETS } from './catalog.js'

const CATEGORIES = DATASETS.flatMap(({ categories }) => categories)

describe('the calendar of the city', () => {
  it('begins on a Monday and is met on a Sunday', () => {
    expect([weekOf(FIRST_DAY), weekOf(dayAt(indexOfDay(MET_ON) + 1))]).toEqual([
      FIRST_DAY,
      dayAt(indexOfDay(MET_ON) + 1),
    ])
    expect([dayAt(0), dayAt(DAYS - 1)]).toEqual([FIRST_DAY, LAST_DAY])
  })

  it('knows the holidays of a year', () => {
    const days = Array.from({ length: 366 }, (_none, at) => indexOfDay('2024-01-01') + at)
    expect(days.filter(isHoliday).map((day) => dayAt(day).slice(5))).toEqual([
      ...['01-01', '01-15', '05-27', '06-19', '07-04', '09-02', '11-11', '11-28', '12-24', '12-25'],
    ])
  })

  it('closes offices on holidays, and gives the day after what was left', () => {
    const [vehicle, noise] = ['Abandoned vehicle', 'Noise'].map((wanted) =>
      CATEGORIES.find(({ name }) => name === wanted),
    )
    const usual = (plan = vehicle, day = '2024-07-04') =>
      usualShare(plan as (typeof CATEGORIES)[number], indexOfDay(day))
    expect(usual() / usual(vehicle, '2024-07-11')).toBeCloseTo(0.3, 1)
    expect(usual(vehicle, '2024-07-05') / usual(vehicle, '2024-07-12')).toBeCloseTo(1.3, 1)
    expect(usual(noise) / usual(noise, '2024-07-11')).toBeGreaterThan(1.3)
  })

  it.each(CATEGORIES)('has in its first year the mean that the catalog says: $name', (plan) => {
    const year = Array.from({ length: 364 }, (_none, day) => usualShare(plan, day))
    const mean = year.reduce((sum, share) => sum + share, 0) / year.length
    expect(Math.abs(mean - (1 + plan.trend / 2))).toBeLessThan(0.03)
  })
})
