import type { PortalCell } from '../portal-table.js'

/**
 * How the API writes the instants of one time zone: ISO 8601 with the zone's offset. Dates without a zone stay as they are.
 * @returns undefined for a zone that it does not know
 */
export function instantWriter(timeZone: string): ((cell: PortalCell) => PortalCell) | undefined {
  const write = isUtc(timeZone) ? (cell: string) => `${cell.slice(0, 19)}+00:00` : zonedWriter(timeZone)
  return write && ((cell) => (cell?.endsWith('Z') ? write(cell) : cell))
}

function isUtc(timeZone: string): boolean {
  return /^(utc|gmt)$/i.test(timeZone)
}

function zonedWriter(timeZone: string): ((cell: string) => string) | undefined {
  const clock = clockOf(timeZone)
  if (clock === undefined) return undefined
  return (cell) => {
    const parts = Object.fromEntries(
      clock.formatToParts(Date.parse(cell)).map(({ type, value }) => [type, value]),
    )
    const { year, month, day, hour, minute, second, timeZoneName = '' } = parts
    return `${year}-${month}-${day}T${hour}:${minute}:${second}${timeZoneName.slice(3) || '+00:00'}`
  }
}

function clockOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      timeZoneName: 'longOffset',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  } catch {
    return undefined // the portal answers that it does not know the zone
  }
}
