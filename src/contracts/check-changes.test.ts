import { describe, expect, it } from 'vitest'
import { testCity } from '../../testkit/test-city.js'

const source = { family: 'socrata', portal: 'https://data.example.gov', datasets: ['abcd-1234'] }

describe('a source that is to ask for changed rows alone', () => {
  it('needs a key, and is refused with the place and the reason without one', () => {
    const build = (dataset: object) => () => testCity({ source: { ...source, incremental: true }, dataset })
    expect(build({ key: 'id' })).not.toThrow()
    expect(build({})).toThrow(/incremental: true needs the key of the dataset/)
    const partition = { by: 'point', point: { location: 'place' } }
    expect(build({ key: 'id', partition })).toThrow(/does not work with a partition by point/)
  })

  it('is no mistake where the file does not say so: without a key each read is a full one', () => {
    expect(() => testCity({ source })).not.toThrow()
    expect(testCity({ source }).datasets.calls?.sources.portal).toMatchObject({ fullEvery: 7 })
  })
})
