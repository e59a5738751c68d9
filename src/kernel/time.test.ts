import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addDays, dayNumber, dayOf, isTimeZone, startOfDay, systemClock, weekOf } from './time.js'

const anyNumber = fc.integer({ min: dayNumber('1970-01-01'), max: dayNumber('2037-12-31') })
const anyDay = anyNumber.map(dayOf)

describe('calendar days', () => {
  it('are numbered from 1970-01-01, and come back from their number', () => {
    expect([dayNumber('1970-01-01'), dayNumber('1969-12-31'), dayNumber('2024-02-29')]).toEqual([
      0, -1, 19_782,
    ])
    fc.assert(
      fc.property(fc.integer({ min: -700_000, max: 2_900_000 }), (number) => {
        expect(dayNumber(dayOf(number))).toBe(number)
      }),
    )
  })

  it.each([
    '2026-02-30',
    '2025-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-1-1',
    '2026-01-01T00:00',
    '',
    'today',
    ' 2026-01-01',
  ])('do not include %j', (day) => {
    expect(() => dayNumber(day)).toThrow(expect.objectContaining({ code: 'bad-day', remedy: 'report-bug' }))
  })

  it('add up', () => {
    expect(addDays('2024-02-28', 2)).toBe('2024-03-01')
    expect(addDays('2024-01-01', -1)).toBe('2023-12-31')
    fc.assert(
      fc.property(anyDay, fc.integer({ min: -5_000, max: 5_000 }), (day, days) => {
        expect(addDays(addDays(day, days), -days)).toBe(day)
      }),
    )
  })
})

describe('weeks', () => {
  it('begin on Monday', () => {
    expect(['2026-01-04', '2026-01-05', '2026-01-11', '1969-12-30'].map(weekOf)).toEqual([
      '2025-12-29',
      '2026-01-05',
      '2026-01-05',
      '1969-12-29',
    ])
  })

  it('hold their day, and each day has one week', () => {
    fc.assert(
      fc.property(fc.integer({ min: -200_000, max: 200_000 }).map(dayOf), (day) => {
        const monday = weekOf(day)
        expect(new Date(`${monday}T00:00:00Z`).getUTCDay()).toBe(1)
        expect(dayNumber(day) - dayNumber(monday)).toBeGreaterThanOrEqual(0)
        expect(dayNumber(day) - dayNumber(monday)).toBeLessThan(7)
        expect(weekOf(monday)).toBe(monday)
      }),
    )
  })
})

/** Zones whose clocks change at midnight, by half an hour, across the date line, far east and west, and not at all. */
const ZONES = [
  'UTC',
  'America/New_York',
  'America/Los_Angeles',
  'America/Sao_Paulo',
  'America/Havana',
  'America/Santiago',
  'America/St_Johns',
  'Europe/Berlin',
  'Europe/London',
  'Asia/Beirut',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Africa/Cairo',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Kiritimati',
  'Pacific/Pago_Pago',
]

describe('the start of a local day', () => {
  it.each([
    ['2026-01-05', 'UTC', '2026-01-05T00:00:00.000Z'],
    ['2026-01-05', 'America/New_York', '2026-01-05T05:00:00.000Z'],
    ['2026-07-05', 'America/New_York', '2026-07-05T04:00:00.000Z'],
    ['2026-03-08', 'America/New_York', '2026-03-08T05:00:00.000Z'],
    ['2026-03-09', 'America/New_York', '2026-03-09T04:00:00.000Z'],
    ['2026-11-01', 'America/New_York', '2026-11-01T04:00:00.000Z'],
    ['2026-11-02', 'America/New_York', '2026-11-02T05:00:00.000Z'],
    ['2026-01-05', 'Asia/Kathmandu', '2026-01-04T18:15:00.000Z'],
    // Clocks skipped midnight: the day began at 01:00.
    ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
    ['2024-03-31', 'Asia/Beirut', '2024-03-30T22:00:00.000Z'],
    // Clocks showed midnight twice: the first one counts.
    ['2024-11-03', 'America/Havana', '2024-11-03T04:00:00.000Z'],
    // Clocks went back from midnight to 23:00 of the day before.
    ['2018-02-18', 'America/Sao_Paulo', '2018-02-18T03:00:00.000Z'],
    // The day that Samoa left out has no time of its own: it begins where the next one does.
    ['2011-12-30', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
    ['2011-12-31', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
  ])('of %s in %s is %s', (day, zone, at) => {
    expect(startOfDay(day, zone)).toBe(at)
  })

  it('is the first instant of the day: before it, local clocks show an earlier day', () => {
    fc.assert(
      fc.property(anyDay, fc.constantFrom(...ZONES), (day, zone) => {
        const start = Date.parse(startOfDay(day, zone))
        expect(localDay(start, zone)).toBe(day)
        expect(localDay(start - 1, zone) < day).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  it('comes every day of a year 23 to 25 hours after the last, in every zone', () => {
    for (const zone of ZONES) {
      for (let number = dayNumber('2018-01-01'); number < dayNumber('2019-01-01'); number++) {
        const hours =
          (Date.parse(startOfDay(dayOf(number + 1), zone)) - Date.parse(startOfDay(dayOf(number), zone))) /
          3_600_000
        expect(hours, `${zone} ${dayOf(number)}`).toBeGreaterThanOrEqual(23)
        expect(hours, `${zone} ${dayOf(number)}`).toBeLessThanOrEqual(25)
      }
    }
  })

  it('refuses what is no day', () => {
    expect(() => startOfDay('2026-02-30', 'UTC')).toThrow(/calendar day/)
  })
})

describe('time zones', () => {
  it('are known by their IANA names', () => {
    expect(ZONES.every(isTimeZone)).toBe(true)
    expect(['Mars/Olympus', '', 'New York', '../etc/passwd'].some(isTimeZone)).toBe(false)
  })
})

describe('the system clock', () => {
  it('goes forward', () => {
    expect(systemClock().getTime()).toBeGreaterThan(Date.parse('2025-01-01'))
  })
})

/** The day that a calendar on the wall shows. */
function localDay(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  }).format(at)
}
