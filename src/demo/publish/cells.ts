import { startOfDay } from '../../kernel/time.js'
import type { Block } from '../city/blocks.js'
import { DAYS, dayAt } from '../city/calendar.js'
import type { CityRecord } from '../city/records.js'
import type { PortalCell } from '../portals/portal-table.js'
import type { PublishedRecord } from './publication.js'

/** Zone of the city's clocks. */
export const CITY_ZONE = 'America/Chicago'

/** A day and a second of it by the city's clocks; what that is on the two days a year on which clocks change, {@link epochMs} says. */
export interface LocalTime {
  readonly day: number
  readonly second: number
}

/** When a record was entered. */
export function enteredAt({ record }: PublishedRecord): LocalTime {
  return { day: record.enteredDay, second: record.second }
}

/** When its case was closed; undefined while it is open. */
export function closedAt({ record, asOf }: PublishedRecord): LocalTime | undefined {
  const { closedOn, dice } = record
  return closedOn > asOf ? undefined : { day: closedOn, second: 8 * 3_600 + (dice % (9 * 3_600)) }
}

/** Where it is thought to lie. */
export function blockOf({ record, asOf }: PublishedRecord): Block | undefined {
  return record.movedOn <= asOf ? record.movedTo : record.block
}

/** The category that it is thought to have. */
export function categoryOf({ record, asOf }: PublishedRecord): number {
  return record.relabeledOn <= asOf ? record.relabeledTo : record.category
}

/** What is asked of a day again and again. */
interface KnownDay {
  readonly text: string
  readonly startMs: number
  /** Seconds that the day is longer than others: 3,600 in autumn, less than 0 in spring. */
  readonly extra: number
}

const DAY_SECONDS = 86_400
/** Clocks in the United States change at this second of a day. */
const CHANGE_AT_SECOND = 2 * 3_600
/** Applications lie before the simulation, closing days beyond it. */
const DAYS_AROUND = 400
const KNOWN_DAYS: KnownDay[] = []

function knownDay(day: number): KnownDay {
  return KNOWN_DAYS[day + DAYS_AROUND] ?? learnDay(day)
}

function learnDay(day: number): KnownDay {
  const text = dayAt(day)
  const startMs = Date.parse(startOfDay(text, CITY_ZONE))
  const lengthMs = Date.parse(startOfDay(dayAt(day + 1), CITY_ZONE)) - startMs
  const known = { text, startMs, extra: lengthMs / 1_000 - DAY_SECONDS }
  if (day >= -DAYS_AROUND && day < DAYS + DAYS_AROUND) KNOWN_DAYS[day + DAYS_AROUND] = known
  return known
}

/** A day as text, `YYYY-MM-DD`. */
export function dayText(day: number): string {
  return knownDay(day).text
}

const TWO = Array.from({ length: 100 }, (_none, number) => String(number).padStart(2, '0'))

/** What the city's clocks show, `HH:MM:SS`. */
export function clockText({ day, second }: LocalTime): string {
  const { extra } = knownDay(day)
  const isSkipped = extra < 0 && second >= CHANGE_AT_SECOND && second < CHANGE_AT_SECOND - extra
  return clockOf(isSkipped ? second - extra : second)
}

function clockOf(second: number): string {
  return `${TWO[Math.floor(second / 3_600)]}:${TWO[Math.floor(second / 60) % 60]}:${TWO[second % 60]}`
}

/** `2024-01-31T08:15:00.000`, local time, as Socrata writes it. */
export function floatingText(time: LocalTime | undefined): PortalCell {
  return time === undefined ? null : `${dayText(time.day)}T${clockText(time)}.000`
}

/** `2024-01-31 08:15:00`, local time. */
export function plainText(time: LocalTime | undefined): PortalCell {
  return time === undefined ? null : `${dayText(time.day)} ${clockText(time)}`
}

/** `2024-01-31T14:15:00Z`. */
export function utcText(time: LocalTime | undefined): PortalCell {
  return time === undefined ? null : `${new Date(epochMs(time)).toISOString().slice(0, 19)}Z`
}

/** `01/31/2024 02:15:00 PM`, UTC: as an old system wrote it. */
export function americanUtcText(time: LocalTime | undefined): PortalCell {
  if (time === undefined) return null
  const [date = '', clock = ''] = new Date(epochMs(time)).toISOString().slice(0, 19).split('T')
  const [year, month, day] = date.split('-')
  const hour = Number(clock.slice(0, 2))
  return `${month}/${day}/${year} ${TWO[hour % 12 === 0 ? 12 : hour % 12]}${clock.slice(2)} ${hour < 12 ? 'AM' : 'PM'}`
}

/**
 * Milliseconds since 1970 of a local time. What lies in the hour that clocks skip in spring happened an hour later, and {@link clockText} says so;
 * what lies in the hour that they show twice in autumn happened when they showed it last, which is how readers of a local time take it.
 */
export function epochMs({ day, second }: LocalTime): number {
  const { startMs, extra } = knownDay(day)
  return startMs + 1_000 * (second < CHANGE_AT_SECOND - extra ? second : second + extra)
}

/** `1200 Mill Street`, with a house number. */
export function addressOf(published: PublishedRecord): PortalCell {
  const block = blockOf(published)
  return block === undefined ? null : `${block.hundred + 2 * (published.record.dice % 50)} ${block.street}`
}

/** `1200 block of Mill Street`. */
export function blockAddressOf(published: PublishedRecord): PortalCell {
  const block = blockOf(published)
  return block === undefined ? null : `${block.hundred} block of ${block.street}`
}

/** A number of the record's own, 0 to below `count`; different salts give numbers that do not depend on each other. */
export function drawn({ dice }: CityRecord, salt: number, count: number): number {
  const mixed = Math.imul(dice ^ Math.imul(salt + 1, 0x9e3779b1), 0x85ebca6b)
  return ((mixed ^ (mixed >>> 15)) >>> 0) % count
}

/** A share of the rows has no division or place: nobody wrote it down. */
export function isUnplaced(record: CityRecord): boolean {
  return drawn(record, 91, 1_000) < 9
}
