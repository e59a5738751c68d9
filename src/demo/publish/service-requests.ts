import { indexOfDay, LAST_DAY } from '../city/calendar.js'
import { planOf } from '../city/catalog.js'
import { REDISTRICTED_ON } from '../city/maps.js'
import { PUBLICATION_EVENTS } from '../city/plan-events.js'
import type { CityRecord } from '../city/records.js'
import * as cells from './cells.js'
import type { Publication, PublishedColumn, PublishedRecord } from './publication.js'
import { recordId } from './published-table.js'
import { type PublishedYear, publishedYears } from './years.js'

const PLAN = planOf('service-requests')
const OWN_LABELS = PLAN.categories.map(({ name }) => name)
/** The old system had other words until 2022. */
const LABELS_TO_2022 = relabeled({ 'Street light out': 'STREETLIGHT OUTAGE', Graffiti: 'GRAFFITI REMOVAL' })
/** And so has the new system. */
const LABELS_NEW = relabeled({ 'Tree maintenance': 'Trees: maintenance', 'Sidewalk repair': 'Sidewalks' })
const CHANNELS = ['Phone', 'App', 'Web', 'Walk-in'] as const
const OLD_CHANNELS = ['PHONE', 'APP', 'WEB', 'COUNTER'] as const

const REDISTRICTED = indexOfDay(REDISTRICTED_ON)
const MIGRATED_FROM = indexOfDay(PUBLICATION_EVENTS.migration.from)
const MIGRATED_TO = indexOfDay(PUBLICATION_EVENTS.migration.to)
/** A type begins in the new system, and ends in the old one so many days later. */
const TWO_SYSTEMS_DAYS = 28
/** While it is in both, so many of a thousand cases are published by both. */
const TWICE_PER_MILLE = 60

function relabeled(changes: Readonly<Record<string, string>>): string[] {
  return OWN_LABELS.map((name) => changes[name] ?? name)
}

/** The day on which a category begins in the new system: one after the other. */
function newSystemFrom(category: number): number {
  const step = (MIGRATED_TO - TWO_SYSTEMS_DAYS - MIGRATED_FROM) / (OWN_LABELS.length - 1)
  return MIGRATED_FROM + Math.round(step * category)
}

function isInBoth({ category, enteredDay }: CityRecord): boolean {
  const from = newSystemFrom(category)
  return enteredDay >= from && enteredDay < from + TWO_SYSTEMS_DAYS
}

/** While a type is in both systems, cases go to one of them, and some to both. */
function isInOld(record: CityRecord): boolean {
  if (isInBoth(record))
    return cells.drawn(record, 7, 2) === 0 || cells.drawn(record, 8, 1_000) < TWICE_PER_MILLE
  return record.enteredDay < newSystemFrom(record.category)
}

function isInNew(record: CityRecord): boolean {
  if (isInBoth(record))
    return cells.drawn(record, 7, 2) === 1 || cells.drawn(record, 8, 1_000) < TWICE_PER_MILLE
  return record.enteredDay >= newSystemFrom(record.category)
}

const idCell = ({ record }: PublishedRecord) => recordId({ dataset: PLAN.id }, record)
const department = ({ record }: PublishedRecord) => PLAN.categories[record.category]?.department ?? null
const channelOf =
  (names: readonly string[]) =>
  ({ record }: PublishedRecord) =>
    names[cells.drawn(record, 1, names.length)] ?? null

function placed(name: (published: PublishedRecord) => string | undefined) {
  return (published: PublishedRecord) =>
    cells.isUnplaced(published.record) ? null : (name(published) ?? null)
}

/** The ward of the map in force on the day of the request: `Ward 3` on the first map, `3` on the second. */
const wardThen = placed((published) => {
  const block = cells.blockOf(published)
  return published.record.enteredDay < REDISTRICTED
    ? block && `Ward ${block.divisions[0]}`
    : block?.divisions[1]
})
const latitude = placed((published) => cells.blockOf(published)?.latitude)
const longitude = placed((published) => cells.blockOf(published)?.longitude)
const zipcode = (published: PublishedRecord) => cells.blockOf(published)?.zipcode ?? null
const neighborhood = (published: PublishedRecord) => cells.blockOf(published)?.neighborhood ?? null
const labelOf = (labels: readonly string[]) => (published: PublishedRecord) =>
  labels[cells.categoryOf(published)] ?? null

const KEY = 'case_number'

const COLUMNS_TO_2022: readonly PublishedColumn[] = [
  { name: KEY, type: 'text', field: 'service_request_id', cell: idCell },
  {
    name: 'opened',
    type: 'text',
    field: 'requested_at',
    cell: (one) => cells.americanUtcText(cells.enteredAt(one)),
  },
  {
    name: 'closed',
    type: 'text',
    field: 'closed_at',
    cell: (one) => cells.americanUtcText(cells.closedAt(one)),
  },
  { name: 'request_type', type: 'text', field: 'service_name', cell: labelOf(LABELS_TO_2022) },
  {
    name: 'dept',
    type: 'text',
    field: 'agency_responsible',
    cell: (one) => department(one)?.toUpperCase() ?? null,
  },
  { name: 'ward', type: 'text', cell: wardThen },
  { name: 'street_address', type: 'text', field: 'address', cell: cells.addressOf },
  { name: 'zip', type: 'text', field: 'zipcode', cell: zipcode },
  { name: 'intake', type: 'text', field: 'channel', cell: channelOf(OLD_CHANNELS) },
  { name: 'latitude', type: 'number', field: 'lat', cell: latitude },
  { name: 'longitude', type: 'number', field: 'long', cell: longitude },
]

const COLUMNS_FROM_2023: readonly PublishedColumn[] = [
  { name: KEY, type: 'text', field: 'service_request_id', cell: idCell },
  {
    name: 'created_date',
    type: 'date',
    field: 'requested_at',
    cell: (one) => cells.floatingText(cells.enteredAt(one)),
  },
  {
    name: 'closed_date',
    type: 'date',
    field: 'closed_at',
    cell: (one) => cells.floatingText(cells.closedAt(one)),
  },
  { name: 'sr_type', type: 'text', field: 'service_name', cell: labelOf(OWN_LABELS) },
  { name: 'status', type: 'text', field: 'status', cell: (one) => (cells.closedAt(one) ? 'Closed' : 'Open') },
  { name: 'owner_department', type: 'text', field: 'agency_responsible', cell: department },
  { name: 'ward', type: 'text', cell: wardThen },
  { name: 'street_address', type: 'text', field: 'address', cell: cells.addressOf },
  { name: 'zip_code', type: 'text', field: 'zipcode', cell: zipcode },
  { name: 'neighborhood', type: 'text', field: 'neighborhood', cell: neighborhood },
  { name: 'origin', type: 'text', field: 'channel', cell: channelOf(CHANNELS) },
  { name: 'latitude', type: 'number', field: 'lat', cell: latitude },
  { name: 'longitude', type: 'number', field: 'long', cell: longitude },
]

const COLUMNS_NEW: readonly PublishedColumn[] = [
  { name: KEY, type: 'text', field: 'service_request_id', cell: ({ record }) => `PC-${record.serial}` },
  { name: 'legacy_case', type: 'text', cell: (one) => (isInOld(one.record) ? idCell(one) : null) },
  {
    name: 'open_date',
    type: 'text',
    field: 'requested_at',
    cell: (one) => cells.plainText(cells.enteredAt(one)),
  },
  {
    name: 'close_date',
    type: 'text',
    field: 'closed_at',
    cell: (one) => cells.plainText(cells.closedAt(one)),
  },
  { name: 'case_topic', type: 'text', field: 'service_name', cell: labelOf(LABELS_NEW) },
  {
    name: 'case_status',
    type: 'text',
    field: 'status',
    cell: (one) => (cells.closedAt(one) ? 'closed' : 'open'),
  },
  { name: 'assigned_department', type: 'text', field: 'agency_responsible', cell: department },
  { name: 'ward', type: 'text', cell: wardThen },
  { name: 'full_address', type: 'text', field: 'address', cell: cells.addressOf },
  { name: 'postal_code', type: 'text', field: 'zipcode', cell: zipcode },
  { name: 'area', type: 'text', field: 'neighborhood', cell: neighborhood },
  { name: 'report_source', type: 'text', field: 'channel', cell: channelOf(CHANNELS) },
  { name: 'latitude', type: 'number', field: 'lat', cell: latitude },
  { name: 'longitude', type: 'number', field: 'long', cell: longitude },
]

/** Requests of the old system: one table a year on a Socrata portal, until the last type has moved. */
export const LEGACY_REQUESTS: readonly Publication[] = publishedYears(2026).map(
  ({ year, from, to, closedOn }) => ({
    ...{
      dataset: PLAN.id,
      source: 'legacy',
      id: `srpc-${year}`,
      name: `Service Requests ${year}`,
      keyColumn: KEY,
    },
    ...{ from, to, closedOn, holds: isInOld },
    ...(year < 2023
      ? {
          columns: COLUMNS_TO_2022,
          labels: LABELS_TO_2022,
          timeZone: 'UTC',
          formats: ['%m/%d/%Y %I:%M:%S %p'],
        }
      : {
          columns: COLUMNS_FROM_2023,
          labels: OWN_LABELS,
          timeZone: cells.CITY_ZONE,
          formats: ['%Y-%m-%dT%H:%M:%S.%f'],
        }),
  }),
)

/** Requests of the new system: one growing table on a CKAN portal. */
export const NEW_REQUESTS: Publication = {
  ...{
    dataset: PLAN.id,
    source: 'new-system',
    id: 'requests-new-system',
    name: 'Requests, new system',
    keyColumn: KEY,
  },
  ...{ from: MIGRATED_FROM, to: indexOfDay(LAST_DAY) + 1, holds: isInNew },
  ...{ columns: COLUMNS_NEW, labels: LABELS_NEW, timeZone: cells.CITY_ZONE, formats: ['%Y-%m-%d %H:%M:%S'] },
}

/** All requests as if there had been one system: one table a year in the newer form, for trials with plain files. */
export function requestsOfOneSystem({ year, from, to, closedOn }: PublishedYear): Publication {
  return {
    ...{
      dataset: PLAN.id,
      source: 'yearly',
      id: `requests-${year}`,
      name: `Service Requests ${year}`,
      keyColumn: KEY,
    },
    ...{ from, to, closedOn, columns: COLUMNS_FROM_2023, labels: OWN_LABELS },
    ...{ timeZone: cells.CITY_ZONE, formats: ['%Y-%m-%dT%H:%M:%S.%f'] },
  }
}
