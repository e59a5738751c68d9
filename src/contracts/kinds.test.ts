import { describe, expect, it } from 'vitest'
import { mappingOfAll } from '../../testkit/kind-rows.js'
import { testCity } from '../../testkit/test-city.js'
import { KIND_NAMES, KINDS, type KindName, requiredFields, tidyColumns } from './kinds.js'

const mistakesOf = (kind: KindName, mapping: object) => {
  try {
    testCity({ dataset: { kind, mapping } })
  } catch (thrown) {
    return String(thrown)
  }
  return ''
}

describe.each(KIND_NAMES)('the kind %s', (kind) => {
  const { fields, id, category, at, on } = KINDS[kind]
  const typeOf = (name: string) => fields.find((field) => field.name === name)?.type

  it('counts by a text field and by the day of an instant, which are all that a mapping needs', () => {
    expect([typeOf(id), typeOf(category), typeOf(at)]).toEqual(['string', 'string', 'timestamp'])
    expect(requiredFields(kind)).toEqual([category, at])
    const all: Record<string, unknown> = mappingOfAll(kind)
    expect(mistakesOf(kind, { [category]: all[category], [at]: all[at] })).toBe('')
    const { [at]: _left, ...without } = all
    expect(mistakesOf(kind, without)).toContain(`a mapping needs at least ${category} and ${at}`)
  })

  it('takes a column for each of its fields, and for no other', () => {
    expect(mistakesOf(kind, mappingOfAll(kind))).toBe('')
    expect(mistakesOf(kind, { ...mappingOfAll(kind), [on]: 'DAY' })).toContain(on)
  })

  it('has each column once, the day after the fields', () => {
    const names = tidyColumns(kind).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.slice(fields.length)).toEqual([on, '_source', '_row_hash', '_source_page'])
  })

  it('says with latitude and longitude where a row lies, or has no place at all', () => {
    expect([typeOf('lat'), typeOf('long')]).toEqual(
      kind === 'council-matters' ? [undefined, undefined] : ['double', 'double'],
    )
  })
})

describe('kinds', () => {
  it('each have a metric of their own', () => {
    const metrics = KIND_NAMES.map((kind) => KINDS[kind].metric)
    expect(new Set(metrics).size).toBe(KIND_NAMES.length)
  })

  it('leave the table of service requests as lakes have it', () => {
    expect(tidyColumns('service-requests').map(({ name, type }) => `${name} ${type}`)).toEqual([
      'service_request_id string',
      'service_name string',
      'service_group string',
      'status string',
      'requested_at timestamp',
      'closed_at timestamp',
      'expected_at timestamp',
      'agency_responsible string',
      'queue string',
      'channel string',
      'address string',
      'zipcode string',
      'neighborhood string',
      'lat double',
      'long double',
      'requested_on date',
      '_source string',
      '_row_hash long',
      '_source_page integer',
    ])
  })
})
