import { indexOfDay, LAST_DAY } from '../city/calendar.js'
import { type DatasetId, planOf } from '../city/catalog.js'
import { PUBLICATION_EVENTS } from '../city/plan-events.js'
import { changedOn } from '../city/records.js'
import * as cells from './cells.js'
import type { Publication, PublishedColumn, PublishedRecord } from './publication.js'
import { publishedAt, recordId } from './published-table.js'
import { publishedYears } from './years.js'

const END = indexOfDay(LAST_DAY) + 1
const WHOLE_HISTORY = { from: 0, to: END } as const

function labelsOf(dataset: DatasetId): string[] {
  return planOf(dataset).categories.map(({ name }) => name)
}

function idOf(dataset: DatasetId) {
  return ({ record }: PublishedRecord) => recordId({ dataset }, record)
}

function labelCell(dataset: DatasetId, labels = labelsOf(dataset)) {
  return (published: PublishedRecord) => labels[cells.categoryOf(published)] ?? null
}

function placed(cell: (published: PublishedRecord) => string | null | undefined) {
  return (published: PublishedRecord) =>
    cells.isUnplaced(published.record) ? null : (cell(published) ?? null)
}

const districtToday = placed((published) => cells.blockOf(published)?.divisions[1])
const zipcode = (published: PublishedRecord) => cells.blockOf(published)?.zipcode ?? null
const neighborhood = (published: PublishedRecord) => cells.blockOf(published)?.neighborhood ?? null
const latitude = placed((published) => cells.blockOf(published)?.latitude)
const longitude = placed((published) => cells.blockOf(published)?.longitude)

/** When a row was last changed, as ArcGIS servers that track editors say it. */
export const EDITED = 'last_edited_date'

/** Crime incidents: a layer on an ArcGIS server that dates its rows; today's districts in a column. */
export const CRIME: Publication = {
  ...{
    dataset: 'crime-incidents',
    source: 'incidents',
    id: 'incidents',
    name: 'Crime incidents',
    keyColumn: 'INCIDENT_NO',
  },
  ...{ ...WHOLE_HISTORY, labels: labelsOf('crime-incidents'), timeZone: 'UTC', formats: ['epoch-ms'] },
  columns: [
    { name: 'INCIDENT_NO', type: 'text', field: 'incident_number', cell: idOf('crime-incidents') },
    { name: 'OFFENSE', type: 'text', field: 'offense', cell: labelCell('crime-incidents') },
    {
      name: 'OCCURRED',
      type: 'date',
      field: 'occurred_at',
      cell: (one) => cells.utcText(cells.enteredAt(one)),
    },
    {
      ...{ name: 'REPORTED', type: 'date', field: 'reported_at' },
      cell: ({ record }) =>
        cells.utcText({
          day: record.enteredDay,
          second: Math.min(86_399, record.second + (record.dice % 7_200)),
        }),
    },
    { name: 'COUNCIL_DIST', type: 'text', cell: districtToday },
    {
      name: 'BEAT',
      type: 'text',
      field: 'beat',
      cell: (one) => `B${cells.blockOf(one)?.zipcode.slice(-2) ?? ''}`,
    },
    { name: 'BLOCK', type: 'text', field: 'address', cell: cells.blockAddressOf },
    { name: 'NEIGHBORHOOD', type: 'text', field: 'neighborhood', cell: neighborhood },
    {
      ...{ name: EDITED, type: 'date' },
      cell: ({ record, asOf }) => new Date(publishedAt(changedOn(record, asOf))).toISOString(),
    },
  ],
}

/** Building permits: one dataset on an OpenDataSoft portal; divisions by point. */
export const PERMITS: Publication = {
  ...{
    dataset: 'building-permits',
    source: 'permits',
    id: 'building-permits',
    name: 'Building permits',
    keyColumn: 'permit',
  },
  ...{
    ...WHOLE_HISTORY,
    labels: labelsOf('building-permits'),
    timeZone: 'UTC',
    formats: ['%Y-%m-%dT%H:%M:%S%z'],
  },
  columns: [
    { name: 'permit', type: 'text', field: 'permit_number', cell: idOf('building-permits') },
    { name: 'work', type: 'text', field: 'permit_type', cell: labelCell('building-permits') },
    {
      ...{ name: 'applied', type: 'date', field: 'applied_at' },
      cell: ({ record }) =>
        cells.utcText({ day: record.enteredDay - 4 - cells.drawn(record, 2, 60), second: record.second }),
    },
    { name: 'issued', type: 'date', field: 'issued_at', cell: (one) => cells.utcText(cells.enteredAt(one)) },
    { name: 'finaled', type: 'date', field: 'finaled_at', cell: (one) => cells.utcText(cells.closedAt(one)) },
    {
      name: 'valuation',
      type: 'number',
      field: 'declared_value',
      cell: ({ record }) => valuation(record.dice),
    },
    { name: 'site', type: 'text', field: 'address', cell: cells.addressOf },
    { name: 'zip', type: 'text', field: 'zipcode', cell: zipcode },
    { name: 'lat', type: 'number', field: 'lat', cell: latitude },
    { name: 'lon', type: 'number', field: 'long', cell: longitude },
  ],
}

/** Most works cost a few thousand dollars, a few cost millions. */
function valuation(dice: number): string {
  return String(500 * Math.ceil(2 * Math.exp(6.5 * (dice / 2 ** 32) ** 1.6)))
}

/** Code violations: a datastore on a CKAN portal; today's districts in a column, written out. */
export const VIOLATIONS: Publication = {
  ...{
    dataset: 'code-violations',
    source: 'citations',
    id: 'code-violations',
    name: 'Code violations',
    keyColumn: 'citation',
  },
  ...{
    ...WHOLE_HISTORY,
    labels: labelsOf('code-violations'),
    timeZone: cells.CITY_ZONE,
    formats: ['%Y-%m-%d %H:%M:%S'],
  },
  columns: [
    { name: 'citation', type: 'text', field: 'violation_number', cell: idOf('code-violations') },
    { name: 'violation', type: 'text', field: 'violation_type', cell: labelCell('code-violations') },
    { name: 'cited', type: 'text', field: 'cited_at', cell: (one) => cells.plainText(cells.enteredAt(one)) },
    {
      name: 'resolved',
      type: 'text',
      field: 'resolved_at',
      cell: (one) => cells.plainText(cells.closedAt(one)),
    },
    {
      name: 'state',
      type: 'text',
      field: 'status',
      cell: (one) => (cells.closedAt(one) ? 'Resolved' : 'Open'),
    },
    {
      name: 'district',
      type: 'text',
      cell: placed((one) => cells.blockOf(one) && `District ${cells.blockOf(one)?.divisions[1]}`),
    },
    { name: 'address', type: 'text', field: 'address', cell: cells.addressOf },
    { name: 'zip', type: 'text', field: 'zipcode', cell: zipcode },
    { name: 'area', type: 'text', field: 'neighborhood', cell: neighborhood },
  ],
}

/** Labels of collisions before 2024, in the codes of a form. */
const COLLISION_CODES = ['Rear end', 'Angle', 'Ped/Bike']

function collisionColumns(labels: readonly string[]): PublishedColumn[] {
  return [
    { name: 'report', type: 'text', field: 'collision_id', cell: idOf('collisions') },
    { name: 'manner', type: 'text', field: 'collision_type', cell: labelCell('collisions', [...labels]) },
    {
      name: 'when',
      type: 'text',
      field: 'occurred_at',
      cell: (one) => cells.plainText(cells.enteredAt(one)),
    },
    {
      name: 'hurt',
      type: 'number',
      field: 'injured',
      cell: ({ record }) => String([0, 0, 0, 1, 0, 1, 2][record.dice % 7]),
    },
    {
      name: 'killed',
      type: 'number',
      field: 'killed',
      cell: ({ record }) => (record.dice % 211 === 0 ? '1' : '0'),
    },
    { name: 'place', type: 'text', field: 'address', cell: cells.blockAddressOf },
    { name: 'area', type: 'text', field: 'neighborhood', cell: neighborhood },
    { name: 'y', type: 'number', field: 'lat', cell: latitude },
    { name: 'x', type: 'number', field: 'long', cell: longitude },
  ]
}

/** Collisions: one file a year, each few years in another form; divisions by point. */
export const COLLISIONS: readonly Publication[] = publishedYears().map(({ year, from, to, closedOn }) => {
  const labels = year < 2024 ? COLLISION_CODES : labelsOf('collisions')
  return {
    ...{
      dataset: 'collisions',
      source: 'yearly',
      id: `collisions-${year}`,
      name: `Collisions ${year}`,
      keyColumn: 'report',
    },
    ...{ from, to, closedOn, reopenedOn: [indexOfDay(PUBLICATION_EVENTS.rewritten.toldOn)] },
    ...{
      labels,
      columns: collisionColumns(labels),
      timeZone: cells.CITY_ZONE,
      formats: ['%Y-%m-%d %H:%M:%S'],
    },
  }
})

const STATIONS = ['Airport', 'Harbor', 'Hill School', 'Library', 'North Yard', 'Waterworks'] as const
/** What is measured of each phenomenon, in the catalog's order: the unit, and the most. */
const MEASURES = [
  ['mm', 42],
  ['cm', 23],
  ['m', 900],
  ['km/h', 96],
] as const

/** Weather: observations of volunteers, one growing file. */
export const WEATHER: Publication = {
  ...{
    dataset: 'weather',
    source: 'observers',
    id: 'weather',
    name: 'Weather observations',
    keyColumn: 'id',
  },
  ...{
    ...WHOLE_HISTORY,
    labels: labelsOf('weather'),
    timeZone: cells.CITY_ZONE,
    formats: ['%Y-%m-%d %H:%M:%S'],
  },
  columns: [
    { name: 'id', type: 'text', field: 'observation_id', cell: idOf('weather') },
    { name: 'phenomenon', type: 'text', field: 'phenomenon', cell: labelCell('weather') },
    {
      name: 'observed',
      type: 'text',
      field: 'observed_at',
      cell: (one) => cells.plainText(cells.enteredAt(one)),
    },
    {
      name: 'station',
      type: 'text',
      field: 'station',
      cell: ({ record }) => STATIONS[cells.drawn(record, 3, STATIONS.length)] ?? null,
    },
    {
      ...{ name: 'amount', type: 'number', field: 'value' },
      cell: ({ record }) => String(1 + cells.drawn(record, 4, MEASURES[record.category]?.[1] ?? 1)),
    },
    {
      name: 'unit',
      type: 'text',
      field: 'unit',
      cell: ({ record }) => MEASURES[record.category]?.[0] ?? null,
    },
  ],
}

const SUBJECTS = [
  'zoning',
  'the budget',
  'a street',
  'parks',
  'licenses',
  'public works',
  'housing',
  'the police',
] as const
const BODIES = ['Council', 'Committee on Finance', 'Committee on Streets', 'Committee on Housing'] as const

/** Matters before the council, from Legistar's API. */
export const MATTERS: Publication = {
  ...{ dataset: 'council-matters', source: 'matters', id: 'matters', name: 'Matters', keyColumn: 'MatterId' },
  ...{
    ...WHOLE_HISTORY,
    labels: labelsOf('council-matters'),
    timeZone: cells.CITY_ZONE,
    formats: ['%Y-%m-%dT%H:%M:%S'],
  },
  columns: [
    { name: 'MatterId', type: 'number', field: 'matter_id', cell: ({ record }) => String(record.serial) },
    {
      ...{ name: 'MatterLastModifiedUtc', type: 'date' },
      cell: ({ record, asOf }) => new Date(publishedAt(changedOn(record, asOf))).toISOString().slice(0, 23),
    },
    { name: 'MatterFile', type: 'text', field: 'matter_file', cell: idOf('council-matters') },
    {
      ...{ name: 'MatterName', type: 'text', field: 'title' },
      cell: (one) =>
        `${labelCell('council-matters')(one)} on ${SUBJECTS[cells.drawn(one.record, 5, SUBJECTS.length)]}`,
    },
    { name: 'MatterTypeName', type: 'text', field: 'matter_type', cell: labelCell('council-matters') },
    {
      name: 'MatterStatusName',
      type: 'text',
      field: 'status',
      cell: (one) => (cells.closedAt(one) ? 'Passed' : 'In Committee'),
    },
    {
      name: 'MatterBodyName',
      type: 'text',
      field: 'body',
      cell: ({ record }) => BODIES[cells.drawn(record, 6, BODIES.length)] ?? null,
    },
    {
      name: 'MatterIntroDate',
      type: 'date',
      field: 'introduced_at',
      cell: ({ record }) => `${cells.dayText(record.enteredDay)}T00:00:00`,
    },
    { name: 'MatterAgendaDate', type: 'date', cell: () => null },
    {
      ...{ name: 'MatterPassedDate', type: 'date', field: 'passed_at' },
      cell: (one) =>
        cells.closedAt(one) === undefined ? null : `${cells.dayText(one.record.closedOn)}T00:00:00`,
    },
    { name: 'MatterEnactmentDate', type: 'date', cell: () => null },
  ],
}
