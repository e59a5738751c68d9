import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { urlsOf } from '../../testkit/published-urls.js'
import { DATASET, testCity } from '../../testkit/test-city.js'
import type { CityFile } from './city-file.js'
import { configDigests, divisionPositions, positionId, reachedVersion } from './positions.js'

const FLOW = ['ingest', 'harmonize', 'measure', 'detect'] as const
const PLAIN = testCity()

/** Stages whose digest a change of the city file changes. */
function touchedBy(change: (city: CityFile) => void): string[] {
  const changed = structuredClone(PLAIN)
  change(changed)
  const [before, after] = [configDigests(PLAIN, DATASET), configDigests(changed, DATASET)]
  return FLOW.filter((stage) => before[stage] !== after[stage])
}

function dataset(city: CityFile) {
  return city.datasets[DATASET] as CityFile['datasets'][string]
}

describe('config digests', () => {
  it('are 16 hexadecimal digits, one a stage, and the same for the same city file', () => {
    const digests = configDigests(PLAIN, DATASET)
    expect(Object.keys(digests)).toEqual([...FLOW])
    for (const digest of Object.values(digests)) expect(digest).toMatch(/^[0-9a-f]{16}$/)
    expect(new Set(Object.values(digests)).size).toBe(FLOW.length)
    expect(configDigests(testCity(), DATASET)).toEqual(digests)
  })

  it('change from harmonize on with the kind, and from ingest on where the division is that of the whole city', () => {
    expect(touchedBy((city) => Object.assign(dataset(city), { kind: 'collisions' }))).toEqual([
      'harmonize',
      'measure',
      'detect',
    ])
    expect(touchedBy((city) => Object.assign(dataset(city).partition, { by: 'citywide' }))).toEqual(FLOW)
  })

  it('are what they were before there were sources of other families', () => {
    expect(configDigests(PLAIN, DATASET)).toEqual({
      ingest: '6a69db52f2fa2309',
      harmonize: '4a3534c96f7e2cb0',
      measure: '8b2af0848f207b06',
      detect: 'ad384d5a8b8b92aa',
    })
  })

  it.each<[string, (city: CityFile) => void, number]>([
    [
      'the partition column',
      (city) => {
        dataset(city).partition.column = 'ward'
      },
      0,
    ],
    [
      "a division's spelling",
      (city) => {
        dataset(city).partition.values['5.0'] = '5'
      },
      0,
    ],
    [
      'the key of a row',
      (city) => {
        dataset(city).key = 'id'
      },
      0,
    ],
    [
      "a part's budget",
      (city) => {
        city.parts.maxRows = 1_000
      },
      0,
    ],
    [
      "a source's separator",
      (city) => {
        ;(dataset(city).sources.portal as { delimiter: string }).delimiter = ';'
      },
      0,
    ],
    [
      'the mapping',
      (city) => {
        dataset(city).mapping.status = 'Status'
      },
      1,
    ],
    [
      "the city's clock",
      (city) => {
        city.city.timeZone = 'America/Chicago'
      },
      1,
    ],
    [
      'a setting of detection',
      (city) => {
        city.detect.alpha = 0.05
      },
      3,
    ],
    [
      "the city's slug",
      (city) => {
        city.city.slug = 'elsewhere'
      },
      3,
    ],
  ])('change from their stage on, and not before it, with %s', (_what, change, first) => {
    expect(touchedBy(change)).toEqual(FLOW.slice(first))
  })

  it.each<[string, (city: CityFile) => void]>([
    [
      "the city's name",
      (city) => {
        city.city.name = 'Elsewhere'
      },
    ],
    [
      "a dataset's name",
      (city) => {
        dataset(city).name = 'Other calls'
      },
    ],
    [
      'the quarantine rate',
      (city) => {
        dataset(city).quarantine.maxRate = 0.5
      },
    ],
    [
      'an address',
      (city) => void urlsOf(dataset(city).sources.portal).push('https://data.example.org/more.csv'),
    ],
    [
      'another dataset',
      (city) => {
        city.datasets.other = dataset(city)
      },
    ],
  ])('do not change with %s, which changes no output', (_what, change) => {
    expect(touchedBy(change)).toEqual([])
  })

  it('make only detection new when a source joins the dataset', () => {
    const join = (city: CityFile) => {
      dataset(city).sources.archive = structuredClone(dataset(city).sources.portal) as never
    }
    expect(touchedBy(join)).toEqual(['detect'])
  })

  it('make only detection new when a hive source joins, whatever its settings', () => {
    const joins = (source: object) => (city: CityFile) => {
      dataset(city).sources.parquet = { family: 'hive', ...source }
    }
    for (const source of [{}, { from: 'files', column: 'ward', mode: 'copy' as const }])
      expect(touchedBy(joins(source))).toEqual(['detect'])
  })

  it('do not depend on the order of settings', () => {
    const reordered = structuredClone(PLAIN)
    dataset(reordered).mapping = Object.fromEntries(Object.entries(dataset(PLAIN).mapping).reverse()) as never
    expect(configDigests(reordered, DATASET)).toEqual(configDigests(PLAIN, DATASET))
  })
})

describe('positions', () => {
  const scope = {
    stage: 'harmonize',
    dataset: 'calls',
    source: 'portal',
    digest: '0123456789abcdef',
  } as const
  const anyDivision = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.constantFrom('a/b', '%2F', '07', 'unassigned', scope.digest, `x/${scope.digest}`, '..', 'Ä'),
  )

  it('have readable ids, with the division encoded', () => {
    expect(positionId({ ...scope, division: 'Ward 3/4' })).toBe(
      'harmonize/calls/portal/Ward%203%2F4/0123456789abcdef',
    )
    expect(positionId(scope)).toBe('harmonize/calls/portal/0123456789abcdef')
  })

  it('give back every division with its version, whatever it is called', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyDivision), (divisions) => {
        const positions = new Map(
          divisions.map((division, version) => [positionId({ ...scope, division }), version]),
        )
        expect(divisionPositions(positions, scope)).toEqual(
          divisions.map((division, version) => ({ division, version })),
        )
      }),
    )
  })

  it('count for the settings they were reached with: changed and changed back, the work is done again', () => {
    const [before, after] = ['0123456789abcdef', 'fedcba9876543210'].map((digest) =>
      positionId({ ...scope, digest }),
    )
    expect(reachedVersion(undefined, before as string)).toBe(-1)
    const moved = new Map([[before as string, 5]])
    expect([reachedVersion(moved, before as string), reachedVersion(moved, after as string)]).toEqual([5, -1])
    moved.set(after as string, 6)
    expect([reachedVersion(moved, before as string), reachedVersion(moved, after as string)]).toEqual([-1, 6])
  })

  it('leave out positions of other stages, datasets, sources, settings, and of all divisions at once', () => {
    const others = [
      positionId(scope),
      positionId({ ...scope, stage: 'measure', division: '7' }),
      positionId({ ...scope, dataset: 'calls-2', division: '7' }),
      positionId({ ...scope, source: 'portal-2', division: '7' }),
      positionId({ ...scope, source: 'port', division: 'al' }),
      positionId({ ...scope, digest: 'fedcba9876543210', division: '7' }),
    ]
    expect(divisionPositions(new Map(others.map((id) => [id, 1])), scope)).toEqual([])
  })
})
