import { KINDS, type KindName } from '../contracts/kinds.js'

/** One column of evidence rows, as pages show it and CSV and JSON carry it. */
export interface EvidenceColumn {
  readonly name: string
  readonly heading: string
  /** Column of the tidy table that it is made from. */
  readonly from: string
  /** day: a stored calendar day; instant: the local day of an instant; block: an address to its block; cell: as it is. */
  readonly as: 'day' | 'instant' | 'block' | 'cell'
  /** True for the category, which is the same in all rows of a span. */
  readonly isCategory: boolean
}

const PLACE = { block: 'Block', neighborhood: 'Neighborhood' }

/**
 * What is published of a row, in order, with headings: the day, the block, id and category, then what else is fit for publication. Left out are
 * coordinates, addresses and postcodes, and who was hurt in a collision: with day and block these are persons.
 */
const HEADINGS: Record<KindName, Readonly<Record<string, string>>> = {
  'service-requests': {
    requested_on: 'Requested',
    block: PLACE.block,
    service_request_id: 'Request',
    service_name: 'Category',
    neighborhood: PLACE.neighborhood,
    status: 'Status',
    closed_on: 'Closed',
    agency_responsible: 'Agency',
    channel: 'Channel',
  },
  'crime-incidents': {
    occurred_on: 'Occurred',
    block: PLACE.block,
    incident_number: 'Incident',
    offense: 'Category',
    neighborhood: PLACE.neighborhood,
    status: 'Status',
    reported_on: 'Reported',
    offense_group: 'Group',
    beat: 'Beat',
  },
  'building-permits': {
    issued_on: 'Issued',
    block: PLACE.block,
    permit_number: 'Permit',
    permit_type: 'Category',
    neighborhood: PLACE.neighborhood,
    status: 'Status',
    applied_on: 'Applied',
    finaled_on: 'Finaled',
    declared_value: 'Declared value',
  },
  'code-violations': {
    cited_on: 'Cited',
    block: PLACE.block,
    violation_number: 'Violation',
    violation_type: 'Category',
    neighborhood: PLACE.neighborhood,
    status: 'Status',
    resolved_on: 'Resolved',
    agency_responsible: 'Agency',
  },
  collisions: {
    occurred_on: 'Occurred',
    block: PLACE.block,
    collision_id: 'Collision',
    collision_type: 'Category',
    neighborhood: PLACE.neighborhood,
  },
  'weather-observations': {
    observed_on: 'Observed',
    observation_id: 'Observation',
    phenomenon: 'Category',
    station: 'Station',
    value: 'Value',
    unit: 'Unit',
  },
  'council-matters': {
    introduced_on: 'Introduced',
    matter_id: 'Matter',
    matter_type: 'Category',
    matter_file: 'File',
    title: 'Title',
    status: 'Status',
    body: 'Body',
    passed_on: 'Passed',
  },
}

/** Columns of the evidence rows of a kind, in the order shown and exported. */
export function evidenceColumns(kind: KindName): readonly EvidenceColumn[] {
  return Object.entries(HEADINGS[kind]).map(([name, heading]) => ({
    name,
    heading,
    ...originOf(kind, name),
    isCategory: name === KINDS[kind].category,
  }))
}

function originOf(kind: KindName, name: string): Pick<EvidenceColumn, 'from' | 'as'> {
  if (name === KINDS[kind].on) return { from: name, as: 'day' }
  if (name === 'block') return { from: 'address', as: 'block' }
  if (name.endsWith('_on')) return { from: name.replace(/_on$/, '_at'), as: 'instant' }
  return { from: name, as: 'cell' }
}
