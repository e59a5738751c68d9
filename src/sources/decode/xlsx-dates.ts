/** What a cell's number format shows. */
export type NumberShape = 'date' | 'time' | 'number'

/** Formats that every program knows by number: dates and date-times, and times of day. @see ECMA-376 part 1, 18.8.30 */
const DATE_FORMATS: readonly number[] = [
  14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58,
]
const TIME_FORMATS: readonly number[] = [18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47, 55, 56]

/**
 * Whether numbers in this format are dates.
 * @param id   number of the format
 * @param code its text, where the workbook defines one
 */
export function shapeOf(id: number, code: string | undefined): NumberShape {
  if (code === undefined)
    return DATE_FORMATS.includes(id) ? 'date' : TIME_FORMATS.includes(id) ? 'time' : 'number'
  const symbols = code
    .replaceAll(/"[^"]*"|\\.|_.|\*./g, '')
    .replaceAll(/\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, '')
    .split(';')[0] as string
  if (/general/i.test(symbols)) return 'number'
  if (/[yde]/i.test(symbols)) return /e[+-]/i.test(symbols) ? 'number' : 'date'
  if (/[hs]/i.test(symbols)) return 'time'
  return /m/i.test(symbols) ? 'date' : 'number'
}

const DAY_MS = 86_400_000
/** Last day that a workbook can hold: 9999-12-31. */
const MAX_SERIAL = 2_958_466

/**
 * A serial number as ISO text: `2020-01-31`, `2020-01-31T12:00:00`, with milliseconds where there are any, `12:00:00` for a time of day. Times are
 * local: a workbook has no zone.
 * @param is1904 whether days are counted from 1904-01-01 on, not from 1900
 * @returns undefined for what is no date: before the first day, after 9999, and the 29th of February 1900, which never was
 * @see ECMA-376 part 1, 18.17.4
 */
export function isoOfSerial(serial: number, shape: 'date' | 'time', is1904: boolean): string | undefined {
  if (!(serial >= 0 && serial < MAX_SERIAL)) return undefined
  if (shape === 'time' && serial < 1)
    return new Date(milliseconds(serial))
      .toISOString()
      .slice(11, -1)
      .replace(/\.000$/, '')
  if (!is1904 && serial < 61 && serial >= 60) return undefined
  if (!is1904 && serial < 1) return undefined
  const origin = is1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, serial < 60 ? 31 : 30)
  const iso = new Date(origin + milliseconds(serial)).toISOString()
  return iso
    .slice(0, -1)
    .replace(/\.000$/, '')
    .replace(/T00:00:00$/, '')
}

/** Rounded to the millisecond: serials are binary fractions of a day. */
function milliseconds(serial: number): number {
  return Math.round(serial * DAY_MS)
}
