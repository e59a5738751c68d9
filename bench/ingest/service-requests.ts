import { type Random, seededRandom } from '../../src/demo/random.js'

/** The 34 columns of the made-up file, in the manner of a large city's service requests. */
export const BENCH_COLUMNS = [
  ...['case_id', 'opened_at', 'due_at', 'closed_at', 'on_time', 'status', 'closure_reason', 'title'],
  ...['subject', 'reason', 'type', 'queue', 'department', 'submitted_photo', 'closed_photo', 'address'],
  ...['fire_district', 'works_district', 'council_district', 'police_district', 'neighborhood'],
  ...['services_district', 'ward', 'precinct', 'street', 'zipcode', 'latitude', 'longitude', 'geometry'],
  ...['channel', 'parcel', 'updated_at', 'priority', 'contact_method'],
] as const

/** Shares of the 15 districts in percent of the rows: the largest 15.2, the smallest 4.6. */
const DISTRICT_SHARES = [15.2, 10.6, 8.4, 7.2, 6.4, 6.1, 5.9, 5.7, 5.4, 5.2, 5.0, 4.9, 4.8, 4.6, 4.6]
const BLANK_DISTRICT = 0.015
const EMBEDDED_NEWLINE = 0.01
const BAD_DATE = 0.0005
const TYPES = 180
const STREETS_A_DISTRICT = 160
const PARCELS = 90_000
const FIRST_MINUTE = Date.UTC(2014, 0, 1) / 60_000
const MINUTES_A_ROW = 2.5
const PIECE_BYTES = 1 << 20
const LONGEST_ROW = 1_024

const NOUNS = [
  ...['Pothole', 'Street Light', 'Graffiti', 'Missed Trash', 'Parking', 'Sidewalk', 'Tree', 'Rodent'],
  ...['Hydrant', 'Snow', 'Sign', 'Signal', 'Vehicle', 'Noise', 'Heating', 'Sewer', 'Litter', 'Recycling'],
]
const VERBS = [
  'Repair',
  'Removal',
  'Inspection',
  'Request',
  'Complaint',
  'Outage',
  'Pickup',
  'Review',
  'Check',
]
const STREET_NAMES = [
  'Alder',
  'Birch',
  'Cedar',
  'Dover',
  'Elm',
  'Fulton',
  'Grove',
  'Harbor',
  'Juniper',
  'Kiln',
]
const STREET_KINDS = ['St', 'Ave', 'Rd', 'Pl', 'Ct', 'Way', 'Ter', 'Sq']
const CHANNELS = ['Citizens App', 'Constituent Call', 'Self Service', 'City Worker', 'Email']
const OUTCOMES = [
  'Case Resolved. Work completed.',
  'Case Closed. Duplicate of an existing case.',
  'Case Noted. No violation found.',
  'Case Resolved. ""Temporary"" repair made.',
  'Case Invalid. Location not found.',
]

/**
 * Rows of a made-up file of service requests as CSV, always the same for the same number: skewed districts, 1.5 % of them
 * blank, 1 % of the rows with a line break inside a cell, 0.05 % with a date that does not exist; about 384 bytes a row.
 * @param rows how many
 * @returns pieces of about 1 MiB, the header first; each is overwritten by the next
 */
export function* serviceRequestsCsv(rows: number): Generator<Uint8Array> {
  const random = seededRandom(20_260_105)
  const streets = DISTRICT_SHARES.map((_share, district) => streetsOf(district, seededRandom(district)))
  const types = Array.from({ length: TYPES }, (_, type) => typeColumns(type))
  const piece = Buffer.alloc(PIECE_BYTES)
  let length = piece.write(`${BENCH_COLUMNS.join(',')}\n`, 'latin1')
  for (let row = 0; row < rows; row++) {
    if (length > PIECE_BYTES - LONGEST_ROW) {
      yield piece.subarray(0, length)
      length = 0
    }
    length += piece.write(rowOf(row, random, streets, types), length, 'latin1')
  }
  yield piece.subarray(0, length)
}

/** What hangs together by the street. */
interface Street {
  readonly name: string
  readonly zip: string
  /** Columns from the police district to the ward, separated. */
  readonly places: string
}

function streetsOf(district: number, random: Random): Street[] {
  return Array.from({ length: STREETS_A_DISTRICT }, () => {
    const name = `${pick(random, STREET_NAMES)}${pick(random, ['', ' Hill', 'field', 'wood'])} ${pick(random, STREET_KINDS)}`
    const area = `Neighborhood ${String.fromCharCode(65 + district)}${whole(random, 3)}`
    const ward = `Ward ${1 + ((district * 2 + whole(random, 2)) % 22)}`
    return {
      name,
      zip: `02${100 + district * 4 + whole(random, 4)}`,
      places: `A${1 + (district % 9)},${area},${1 + (district % 14)},${ward}`,
    }
  })
}

/** Columns from the title to the department, without the district of the queue. */
function typeColumns(type: number): {
  readonly title: string
  readonly rest: string
  readonly queue: string
} {
  const name = `${NOUNS[type % NOUNS.length]} ${VERBS[type % VERBS.length]}`
  const department = `Public Works ${type % 7}`
  return {
    title: `${name},${department},${NOUNS[type % NOUNS.length]} Care,${name} ${type}`,
    queue: `PWD_${NOUNS[type % NOUNS.length]}_${type % 12}`,
    rest: `PWD${type % 7}`,
  }
}

type Streets = readonly (readonly Street[])[]
type Types = readonly ReturnType<typeof typeColumns>[]

function rowOf(row: number, random: Random, streets: Streets, types: Types): string {
  const district = districtAt(random() * 100)
  const street = pick(random, streets[district] as Street[])
  const typeNumber = whole(random, TYPES, random())
  const type = types[typeNumber] as Types[number]
  const opened = FIRST_MINUTE + Math.floor(row * MINUTES_A_ROW) + whole(random, 30)
  const due = opened + (1 + (typeNumber % 20)) * 1_440
  const closed = opened + whole(random, 80_000, random() * random())
  const isClosed = random() < 0.87
  const openedAt = random() < BAD_DATE ? '2019-02-30 25:61:00' : `${stamp(opened)}:${two(whole(random, 60))}`
  const number = 1 + whole(random, 400)
  const place = `${number} ${street.name}`
  const parcel = String(1_000_000_000 + whole(random, PARCELS) * 11_113)
  return (
    `1010${100_000_000 + row},${openedAt},${stamp(due)}:00,${isClosed ? `${stamp(closed)}:${two(whole(random, 60))}` : ''},` +
    `${closed > due ? 'OVERDUE' : 'ONTIME'},${isClosed ? 'Closed' : 'Open'},${isClosed ? noteOf(random) : ''},` +
    `${type.title},${type.queue}_${district},${type.rest},${random() < 0.1 ? photoUrl(row) : ''},,` +
    `"${place}, Testville, ${street.zip}",${1 + (district % 12)},${two(district)}A,` +
    `${random() < BLANK_DISTRICT ? '' : district + 1},${street.places},${two(number % 20)}${two(district)},${place},` +
    `${street.zip},42.${23_000 + district * 1_000 + whole(random, 1_200)},-71.${18_000 - district * 1_000 + whole(random, 1_200)},` +
    `01010000${hexOf(row)},${CHANNELS[whole(random, CHANNELS.length, random())]},${parcel},${stamp(closed)}:00,` +
    `${typeNumber % 3 === 0 ? 'Standard' : ''},${typeNumber % 2 === 0 ? 'Phone' : 'Web'}\n`
  )
}

function districtAt(percent: number): number {
  let sum = 0
  const district = DISTRICT_SHARES.findIndex((share) => {
    sum += share
    return percent < sum
  })
  return district < 0 ? DISTRICT_SHARES.length - 1 : district
}

function noteOf(random: Random): string {
  const text = OUTCOMES[whole(random, OUTCOMES.length, random())]
  const crew = `Crew ${whole(random, 60)}.`
  return random() < EMBEDDED_NEWLINE ? `"${text}\n${crew}"` : `"${text} ${crew}"`
}

function photoUrl(row: number): string {
  return `https://files.testville.example/${hexOf(row)}.jpg`
}

function hexOf(row: number): string {
  return (2 ** 31 + (Math.imul(row, 2_246_822_519) >>> 1)).toString(16)
}

const DAYS = new Map<number, string>()

/** Day and minute of a minute since 1970 as `2019-02-28 23:59`. */
function stamp(minute: number): string {
  const day = Math.floor(minute / 1_440)
  let text = DAYS.get(day)
  if (text === undefined) {
    text = new Date(day * 86_400_000).toISOString().slice(0, 10)
    DAYS.set(day, text)
  }
  const rest = minute - day * 1_440
  return `${text} ${two(Math.floor(rest / 60))}:${two(rest % 60)}`
}

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number)
}

/** A whole number from 0 below `below`; smaller ones are likelier the smaller `weight` is. */
function whole(random: Random, below: number, weight = 1): number {
  return Math.floor(random() * weight * below)
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[whole(random, items.length)] as Item
}
