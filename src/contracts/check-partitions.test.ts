import { describe, expect, it } from 'vitest'
import { type CityChanges, testCity } from '../../testkit/test-city.js'

const HIVE = { family: 'hive', from: '/parquet', column: 'ward' }

function mistakes(partition: object, changes: CityChanges = {}): string {
  try {
    testCity({ ...changes, dataset: { partition } })
  } catch (thrown) {
    return String(thrown)
  }
  return ''
}

describe('a partition of the whole city', () => {
  it('needs no column of the publisher, and may name the folder', () => {
    expect(mistakes({ by: 'citywide' })).toBe('')
    expect(mistakes({ by: 'citywide', column: 'ward' })).toBe('')
  })

  it.each([
    ['from', { from: 'District' }],
    ['values', { values: { '0': 'unassigned' } }],
    ['point', { point: { latitude: 'Lat', longitude: 'Long' } }],
    ['boundary', { boundary: '2023' }],
  ])('takes no `%s`, which would be ignored', (setting, given) => {
    expect(mistakes({ by: 'citywide', ...given })).toContain(`by: citywide takes no \`${setting}\``)
  })

  it.each([['citywide'], ['point']])('or by %s is not for folders that say their division', (by) => {
    expect(mistakes({ by }, { source: HIVE })).toContain(`by: ${by} cannot be used for a hive source`)
  })
})
