import { type Column, ROW_HASH, SOURCE_PAGE } from './columns.js'

/** What the rows of a dataset are: which fields they have, by which of them they are counted, and what the counts are called. */
export interface DatasetKind {
  /** Fields that a city file maps columns to, in the order of the tidy table. */
  readonly fields: readonly Column[]
  /** Field with the publisher's own id of the row. */
  readonly id: string
  /** Text field whose values become categories. */
  readonly category: string
  /** Timestamp field by which a row is counted. */
  readonly at: string
  /** Column with the calendar day of `at` in the city's time zone; it is derived, never mapped. */
  readonly on: string
  /** Name of the counts, in series, findings and addresses. */
  readonly metric: string
}

/** Where a row happened; every kind that has a place has these. */
const PLACE = [
  { name: 'address', type: 'string' },
  { name: 'zipcode', type: 'string' },
  { name: 'neighborhood', type: 'string' },
  { name: 'lat', type: 'double' },
  { name: 'long', type: 'double' },
] as const satisfies readonly Column[]

/**
 * Every kind of dataset, by the name that a city file gives it. Service requests have the names of Open311 where it has one. The fields and the
 * names of a kind are stored in lakes: they only ever grow.
 */
export const KINDS = Object.freeze({
  'service-requests': {
    fields: [
      { name: 'service_request_id', type: 'string' },
      { name: 'service_name', type: 'string' },
      { name: 'service_group', type: 'string' },
      { name: 'status', type: 'string' },
      { name: 'requested_at', type: 'timestamp' },
      { name: 'closed_at', type: 'timestamp' },
      { name: 'expected_at', type: 'timestamp' },
      { name: 'agency_responsible', type: 'string' },
      { name: 'queue', type: 'string' },
      { name: 'channel', type: 'string' },
      ...PLACE,
    ],
    id: 'service_request_id',
    category: 'service_name',
    at: 'requested_at',
    on: 'requested_on',
    metric: 'requests',
  },
  'crime-incidents': {
    fields: [
      { name: 'incident_number', type: 'string' },
      { name: 'offense', type: 'string' },
      { name: 'offense_group', type: 'string' },
      { name: 'status', type: 'string' },
      { name: 'occurred_at', type: 'timestamp' },
      { name: 'reported_at', type: 'timestamp' },
      { name: 'beat', type: 'string' },
      ...PLACE,
    ],
    id: 'incident_number',
    category: 'offense',
    at: 'occurred_at',
    on: 'occurred_on',
    metric: 'incidents',
  },
  'building-permits': {
    fields: [
      { name: 'permit_number', type: 'string' },
      { name: 'permit_type', type: 'string' },
      { name: 'status', type: 'string' },
      { name: 'applied_at', type: 'timestamp' },
      { name: 'issued_at', type: 'timestamp' },
      { name: 'finaled_at', type: 'timestamp' },
      { name: 'declared_value', type: 'double' },
      ...PLACE,
    ],
    id: 'permit_number',
    category: 'permit_type',
    at: 'issued_at',
    on: 'issued_on',
    metric: 'permits',
  },
  'code-violations': {
    fields: [
      { name: 'violation_number', type: 'string' },
      { name: 'violation_type', type: 'string' },
      { name: 'status', type: 'string' },
      { name: 'cited_at', type: 'timestamp' },
      { name: 'resolved_at', type: 'timestamp' },
      { name: 'agency_responsible', type: 'string' },
      ...PLACE,
    ],
    id: 'violation_number',
    category: 'violation_type',
    at: 'cited_at',
    on: 'cited_on',
    metric: 'violations',
  },
  collisions: {
    fields: [
      { name: 'collision_id', type: 'string' },
      { name: 'collision_type', type: 'string' },
      { name: 'occurred_at', type: 'timestamp' },
      { name: 'injured', type: 'long' },
      { name: 'killed', type: 'long' },
      ...PLACE,
    ],
    id: 'collision_id',
    category: 'collision_type',
    at: 'occurred_at',
    on: 'occurred_on',
    metric: 'collisions',
  },
  'weather-observations': {
    fields: [
      { name: 'observation_id', type: 'string' },
      { name: 'phenomenon', type: 'string' },
      { name: 'observed_at', type: 'timestamp' },
      { name: 'station', type: 'string' },
      { name: 'value', type: 'double' },
      { name: 'unit', type: 'string' },
      { name: 'lat', type: 'double' },
      { name: 'long', type: 'double' },
    ],
    id: 'observation_id',
    category: 'phenomenon',
    at: 'observed_at',
    on: 'observed_on',
    metric: 'observations',
  },
  'council-matters': {
    fields: [
      { name: 'matter_id', type: 'string' },
      { name: 'matter_type', type: 'string' },
      { name: 'matter_file', type: 'string' },
      { name: 'title', type: 'string' },
      { name: 'status', type: 'string' },
      { name: 'body', type: 'string' },
      { name: 'introduced_at', type: 'timestamp' },
      { name: 'passed_at', type: 'timestamp' },
    ],
    id: 'matter_id',
    category: 'matter_type',
    at: 'introduced_at',
    on: 'introduced_on',
    metric: 'matters',
  },
} as const satisfies Record<string, DatasetKind>)

/** Name of a kind, as city files and the API have it. */
export type KindName = keyof typeof KINDS
/** What this release counts. A lake that a later release wrote may hold others. */
export type Metric = (typeof KINDS)[KindName]['metric']

/** All kinds, in the order of {@link KINDS}. */
export const KIND_NAMES = Object.keys(KINDS) as readonly KindName[]

/** Fields without which a row of this kind cannot be counted: a row that lacks one goes to quarantine. */
export function requiredFields(kind: KindName): readonly string[] {
  const { category, at } = KINDS[kind]
  return [category, at]
}

/** The tidy table of a kind: one coherent table over all years of a dataset. */
export function tidyColumns(kind: KindName): readonly Column[] {
  const { fields, on } = KINDS[kind]
  return [
    ...fields,
    { name: on, type: 'date' },
    { name: '_source', type: 'string' },
    { name: ROW_HASH, type: 'long' },
    { name: SOURCE_PAGE, type: 'integer' },
  ]
}
