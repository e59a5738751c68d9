import { addDays, dayNumber, dayOf } from '../kernel/time.js'
import { normalNumber, pick, poissonCount, type Random, seededRandom } from './random.js'

/** One simulated service request as its portal publishes it. */
export interface SimulatedRequest {
  readonly number: string
  readonly type: string
  readonly department: string
  /** Local time, `YYYY-MM-DD HH:MM:SS`. */
  readonly opened: string
  readonly closed: string
  readonly ward: string
  readonly address: string
  readonly channel: string
  readonly note: string
}

/** A change that was put into the simulation: what truth says a reader should find. */
export interface PlantedRise {
  readonly ward: string
  readonly type: string
  readonly from: string
  readonly to: string
  /** How many times the usual count. */
  readonly factor: number
}

/** A kind of request: requests a day in an average ward, its season and who answers. */
interface RequestKind {
  readonly type: string
  readonly department: string
  readonly daily: number
  /** Size of the yearly wave, 0 to 1, and the day of the year of its crest. */
  readonly season: number
  readonly crest: number
}

export const WARDS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'] as const
/** First and last day of the simulated history. */
export const FIRST_DAY = '2022-01-03'
export const LAST_DAY = '2026-06-28'

const KINDS: readonly RequestKind[] = [
  { type: 'Illegal dumping', department: 'Sanitation', daily: 1.1, season: 0.2, crest: 190 },
  { type: 'Rodent activity', department: 'Inspection', daily: 0.7, season: 0.5, crest: 215 },
  { type: 'Street light out', department: 'Public works', daily: 0.9, season: 0.3, crest: 350 },
  { type: 'Pothole', department: 'Public works', daily: 1.2, season: 0.6, crest: 95 },
  { type: 'Abandoned vehicle', department: 'Transportation', daily: 0.8, season: 0.1, crest: 30 },
  { type: 'Noise complaint', department: 'Police', daily: 1.0, season: 0.4, crest: 200 },
  { type: 'Tree maintenance', department: 'Parks', daily: 0.4, season: 0.4, crest: 170 },
]

export const PLANTED: readonly PlantedRise[] = [
  { ward: '7', type: 'Illegal dumping', from: '2026-05-25', to: '2026-06-29', factor: 2.6 },
  { ward: '4', type: 'Rodent activity', from: '2026-06-08', to: '2026-06-29', factor: 3 },
  { ward: '2', type: 'Street light out', from: '2026-06-22', to: '2026-06-29', factor: 4 },
  { ward: '9', type: 'Noise complaint', from: '2026-04-27', to: '2026-05-18', factor: 2.4 },
  { ward: '5', type: 'Pothole', from: '2025-03-03', to: '2025-04-07', factor: 2.2 },
]

const WEEKDAY_SHARE = [1.15, 1.15, 1.1, 1.1, 1.05, 0.75, 0.7] // Monday first
const STREETS = [
  'Alder',
  'Birch',
  'Canal',
  'Depot',
  'Elm',
  'Foundry',
  'Garden',
  'Harbor',
  'Mill',
  'Orchard',
] as const
const CHANNELS = ['Phone', 'App', 'Web', 'Walk-in'] as const
const BLANK_WARD_SHARE = 0.012
const MONDAY_NUMBER = 4 // 1970-01-05 was a Monday

/** All requests of the simulated city, by year, in order of their opening. Same seed, same requests. */
export function simulateRequests(seed: number): Map<number, SimulatedRequest[]> {
  const random = seededRandom(seed)
  const years = new Map<number, SimulatedRequest[]>()
  for (let day = FIRST_DAY, number = 1; day <= LAST_DAY; day = addDays(day, 1)) {
    const year = Number(day.slice(0, 4))
    const requests = years.get(year) ?? []
    years.set(year, requests)
    for (const request of requestsOf(day, random)) {
      requests.push({ ...request, number: `PC-${String(number++).padStart(7, '0')}` })
    }
  }
  return years
}

function requestsOf(day: string, random: Random): Omit<SimulatedRequest, 'number'>[] {
  const made: Omit<SimulatedRequest, 'number'>[] = []
  for (const ward of WARDS) {
    for (const kind of KINDS) {
      const noise = Math.exp(0.25 * normalNumber(random) - 0.03) // days differ more than chance alone: overdispersion
      const count = poissonCount(random, meanOf(kind, ward, day) * noise)
      for (let index = 0; index < count; index++) made.push(requestOf(kind, ward, day, random))
    }
  }
  return made.sort((a, b) => (a.opened < b.opened ? -1 : 1))
}

function meanOf(kind: RequestKind, ward: string, day: string): number {
  const number = dayNumber(day)
  const dayOfYear = number - dayNumber(`${day.slice(0, 4)}-01-01`)
  const weekday = WEEKDAY_SHARE[(((number - MONDAY_NUMBER) % 7) + 7) % 7] as number
  const season = 1 + kind.season * Math.cos((2 * Math.PI * (dayOfYear - kind.crest)) / 365.25)
  const wardShare = 0.7 + 0.08 * Number(ward)
  const trend = 1 + 0.03 * ((number - dayNumber(FIRST_DAY)) / 365.25)
  return kind.daily * weekday * season * wardShare * trend * plantedFactor(kind.type, ward, day)
}

function plantedFactor(type: string, ward: string, day: string): number {
  const planted = PLANTED.find(
    (rise) => rise.type === type && rise.ward === ward && rise.from <= day && day < rise.to,
  )
  return planted?.factor ?? 1
}

function requestOf(
  kind: RequestKind,
  ward: string,
  day: string,
  random: Random,
): Omit<SimulatedRequest, 'number'> {
  const opened = `${day} ${clock(random, 7, 21)}`
  const closedOn = dayOf(dayNumber(day) + 1 + Math.floor(-Math.log(1 - random()) * 9))
  return {
    type: kind.type,
    department: kind.department,
    opened,
    closed: closedOn > LAST_DAY ? '' : `${closedOn} ${clock(random, 8, 17)}`,
    ward: random() < BLANK_WARD_SHARE ? '' : ward,
    address: `${1 + Math.floor(random() * 1_900)} ${pick(random, STREETS)} St`,
    channel: pick(random, CHANNELS),
    note: random() < 0.02 ? 'Caller says: "again",\nsecond report this month' : '',
  }
}

function clock(random: Random, fromHour: number, toHour: number): string {
  const seconds = Math.floor((fromHour + random() * (toHour - fromHour)) * 3_600)
  const part = (value: number) => String(value).padStart(2, '0')
  return `${part(Math.floor(seconds / 3_600))}:${part(Math.floor(seconds / 60) % 60)}:${part(seconds % 60)}`
}
