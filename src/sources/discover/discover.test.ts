import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { CatalogEntry } from '../catalog.js'
import { findCandidates, groupByYear } from './candidates.js'
import { cityBlock } from './city-block.js'
import { rolesOf } from './column-roles.js'
import { estimate } from './estimate.js'

const BUDGET = { maxRows: 1_000_000, maxUncompressedBytes: 256 * 2 ** 20 }
const NOW = new Date('2026-06-01T00:00:00Z')
const columns = (...names: string[]) => names.map((name) => ({ name }))
const entry = (name: string, more: Partial<CatalogEntry> = {}): CatalogEntry => ({
  ...{
    id: 'aaaa-bbbb',
    name,
    kind: 'dataset',
    link: 'https://data.example.gov/d/aaaa-bbbb',
    family: 'socrata',
  },
  columns: columns('sr_number', 'created_date', 'closed_date', 'sr_type', 'status', 'ward'),
  ...more,
})

describe('the roles of columns', () => {
  it.each([
    [
      'a coded table',
      columns(
        'SRNUMBER',
        'CreatedDate',
        'ClosedDate',
        'RequestType',
        'Status',
        'CD',
        'Latitude',
        'Longitude',
      ),
      'CD',
      'CreatedDate',
    ],
    [
      'blanks in names',
      columns(
        'Service Request Number',
        'Creation Date',
        'Type of Service Request',
        'Police District',
        'Ward',
      ),
      'Ward',
      'Creation Date',
    ],
    [
      'joined words',
      columns('SRRecordID', 'SRType', 'CreatedDate', 'CloseDate', 'PoliceDistrict', 'CouncilDistrict'),
      'CouncilDistrict',
      'CreatedDate',
    ],
    [
      'lower case',
      columns(
        'case_enquiry_id',
        'open_dt',
        'sla_target_dt',
        'closed_dt',
        'type',
        'fire_district',
        'city_council_district',
      ),
      'city_council_district',
      'open_dt',
    ],
    [
      'long names',
      columns(
        'sr_number',
        'sr_type_desc',
        'sr_created_date',
        'sr_updated_date',
        'sr_location_council_district',
      ),
      'sr_location_council_district',
      'sr_created_date',
    ],
    [
      'a supervisor',
      columns(
        'service_request_id',
        'requested_datetime',
        'closed_date',
        'updated_datetime',
        'supervisor_district',
        'police_district',
      ),
      'supervisor_district',
      'requested_datetime',
    ],
  ])('are found with %s', (_what, given, division, opened) => {
    expect(rolesOf(given)).toMatchObject({ division, opened })
  })

  it('take no other body’s district, and no date of closing for the opening', () => {
    const roles = rolesOf(
      columns('police_district', 'school_district', 'closed_date', 'updated_at', 'council_member'),
    )
    expect(roles.division).toBeUndefined()
    expect(roles.opened).toBeUndefined()
  })

  it('know a point in two columns and in one', () => {
    expect(rolesOf(columns('latitude', 'longitude')).point).toEqual({
      latitude: 'latitude',
      longitude: 'longitude',
    })
    expect(rolesOf([{ name: 'where', type: 'location' }]).point).toEqual({ location: 'where' })
  })

  it('go by the portal’s types', () => {
    const roles = rolesOf([
      { name: 'adddate', type: 'esriFieldTypeDate' },
      { name: 'date_note', type: 'esriFieldTypeInteger' },
      { name: 'ward', type: 'esriFieldTypeString' },
    ])
    expect(roles).toMatchObject({ division: 'ward', opened: 'adddate' })
  })
})

describe('candidates', () => {
  it('are one where titles differ in the year alone', () => {
    const groups = groupByYear([
      entry('311 Requests 2020'),
      entry('Permits 2020'),
      entry('311 Requests 2019'),
      entry('311 requests 2021'),
    ])
    expect(groups.map(({ name, years }) => [name, years])).toEqual([
      ['311 Requests {year}', [2019, 2020, 2021]],
      ['Permits 2020', []],
    ])
  })

  it('need a division and a time, and come with a division column first, then fresh, then large', () => {
    const found = findCandidates(
      [
        entry('old', { rows: 9e6, updatedAt: '2019-01-01T00:00:00Z' }),
        entry('small', { rows: 10, updatedAt: '2026-05-30T00:00:00Z' }),
        entry('large', { rows: 1e6, updatedAt: '2026-05-20T00:00:00Z' }),
        entry('points', {
          columns: columns('created_date', 'type', 'latitude', 'longitude'),
          rows: 1e8,
          updatedAt: '2026-05-30T00:00:00Z',
        }),
        entry('no time', { columns: columns('ward', 'name') }),
        entry('no place', { columns: columns('created_date', 'type') }),
      ],
      NOW,
    )
    expect(found.map(({ name }) => name)).toEqual(['large', 'small', 'old', 'points'])
  })
})

describe('an estimate', () => {
  it('counts parts by both budgets, before any download', () => {
    const wide = columns(...Array.from({ length: 34 }, (_, at) => `c${at}`))
    expect(estimate({ rows: 1_500_000, columns: wide }, BUDGET)).toMatchObject({
      parts: 3,
      fitsCeiling: true,
    })
    expect(estimate({ rows: 3_000_000, columns: columns('a') }, BUDGET).parts).toBe(3)
    expect(estimate({ rows: undefined, columns: wide }, BUDGET).parts).toBeUndefined()
  })
})

describe('a block for the city file', () => {
  it('names source, division, times and category', () => {
    const [found] = findCandidates(
      [entry('311 Requests 2019', { rows: 5 }), entry('311 Requests 2020', { rows: 6 })],
      NOW,
    )
    const text = cityBlock(found!, estimate(found!, BUDGET), 'https://data.example.gov')
    expect(text).toContain('# 311 Requests {year}: 11 rows')
    expect(parse(text)).toMatchObject({
      '311-requests': {
        partition: { column: 'council_district', from: 'ward' },
        sources: {
          portal: {
            family: 'socrata',
            portal: 'https://data.example.gov',
            find: { name: '311 Requests {year}', from: 2019 },
          },
        },
        mapping: { service_name: 'sr_type', requested_at: { from: 'created_date' } },
      },
    })
  })
})
