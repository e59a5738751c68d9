import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { sourceEffects } from '../../../testkit/test-city.js'
import { CityFile } from '../../contracts/city-file.js'
import { KINDS, type KindName, requiredFields } from '../../contracts/kinds.js'
import type { PagedSourceConfig } from '../../contracts/source-config.js'
import { openSource } from '../../sources/open-source.js'
import { indexOfDay, MET_ON } from '../city/calendar.js'
import { DATASET_IDS, type DatasetId, planOf } from '../city/catalog.js'
import { cityOf } from '../city/cities.fixture.js'
import { isPublished } from '../city/records.js'
import { Truth } from '../truth.js'
import { pocketCityFile } from './city-file.js'
import { type PocketPortals, PUBLICATIONS, startPocketPortals } from './pocket-portals.js'
import type { Publication } from './publication.js'
import { trueCity } from './true-city.js'

const CITY = cityOf(7)
const MAPS = { '2014': 'maps/2014.geojson', '2024': 'maps/2024.geojson' }

let portals: PocketPortals
let cityFile: CityFile

beforeAll(async () => {
  portals = await startPocketPortals(CITY, MET_ON)
  cityFile = pocketCityFile(CITY, portals.addresses, MAPS)
})
afterAll(() => portals.close())

function publicationsOf(dataset: string): Publication[] {
  return PUBLICATIONS.filter((publication) => publication.dataset === dataset)
}

function namesOf({ columns }: Publication): string[] {
  return columns.map(({ name }) => name)
}

/** The publisher's columns that a mapping names, by field. */
function mappedColumns(dataset: string): [field: string, names: string[]][] {
  return Object.entries(cityFile.datasets[dataset]?.mapping ?? {}).map(([field, setting]) => {
    const from = typeof setting === 'object' && !Array.isArray(setting) ? setting.from : setting
    return [field, [from].flat() as string[]]
  })
}

describe('the city file of the pocket city', () => {
  it('is one that a person could have written: read from its text it is the same', () => {
    expect(CityFile.parse(parse(stringify(cityFile)))).toEqual(cityFile)
    expect(Object.keys(cityFile.datasets)).toEqual([...DATASET_IDS])
    expect(cityFile.city.simulated).toBe(true)
  })

  it.each(DATASET_IDS)(
    'maps only columns that are published, and everything that a row needs: %s',
    (dataset) => {
      const publications = publicationsOf(dataset)
      const published = new Set(publications.flatMap(namesOf))
      const mapped = mappedColumns(dataset)
      expect(mapped.filter(([, names]) => names.some((name) => !published.has(name)))).toEqual([])
      for (const publication of publications) {
        const has = (field: string) =>
          mapped.some(
            ([one, names]) => one === field && names.some((name) => namesOf(publication).includes(name)),
          )
        expect(requiredFields(planOf(dataset).kind as KindName).filter((field) => !has(field))).toEqual([])
      }
    },
  )

  it.each(DATASET_IDS)('has key and division in every table: %s', (dataset) => {
    const { key = '', partition } = cityFile.datasets[dataset] as CityFile['datasets'][string]
    const { by, from, point } = partition
    const wanted = [key, ...(by === 'citywide' ? [] : [from ?? key]), ...Object.values(point ?? {})]
    for (const publication of publicationsOf(dataset))
      expect(wanted.filter((name) => !namesOf(publication).includes(name))).toEqual([])
  })

  it.each(DATASET_IDS)('leads to portals that have these columns, and all rows: %s', async (dataset) => {
    const columns = new Set<string>()
    let rows = 0
    for (const [name, config] of Object.entries(cityFile.datasets[dataset]?.sources ?? {})) {
      const opened = await openSource(name, config as PagedSourceConfig, sourceEffects({}))
      const publication = await opened.describe()
      expect(publication.missing ?? []).toEqual([])
      for (const offer of publication.offers) {
        for (const column of offer.columns ?? []) columns.add(column.name)
        rows += offer.rows ?? 0
      }
    }
    if (columns.size === 0) return // files and councils tell their columns when they are read
    expect(mappedColumns(dataset).filter(([, names]) => names.some((name) => !columns.has(name)))).toEqual([])
    expect(rows).toBe(portals.rows()[dataset])
  })
})

describe('the truth of the pocket city', () => {
  const truth = () => trueCity(CITY, MET_ON, portals.rows())

  it('is of its shape, also when it was written and read', () => {
    expect(Truth.parse(JSON.parse(JSON.stringify(truth())))).toEqual(truth())
    expect(truth().datasets.every(({ rows }) => rows > 3_000)).toBe(true)
  })

  it('names the columns that the publications have', () => {
    expect(truth().mappings).toHaveLength(PUBLICATIONS.length)
    for (const [at, { columns, dataset, source }] of truth().mappings.entries()) {
      const publication = PUBLICATIONS[at] as Publication
      expect([dataset, source]).toEqual([publication.dataset, publication.source])
      expect(Object.values(columns).filter((name) => !namesOf(publication).includes(name))).toEqual([])
    }
  })

  it.each(DATASET_IDS)('knows every published label, and no other: %s', (dataset) => {
    const own = new Set(planOf(dataset).categories.map(({ name }) => name))
    const labels = new Map<string, Set<string>>()
    for (const { dataset: of, source, labels: known } of truth().mappings) {
      if (of !== dataset) continue
      expect(Object.values(known).filter((category) => !own.has(category))).toEqual([])
      const all = labels.get(source) ?? new Set()
      labels.set(source, all)
      for (const label of Object.keys(known)) all.add(label)
    }
    for (const [source, known] of labels) {
      const published = publishedLabels(dataset, source)
      expect([...published].sort()).toEqual([...known].sort())
    }
  })

  /** Labels that are found in the tables of a source, each of them one that its own mapping has. */
  function publishedLabels(dataset: DatasetId, source: string): Set<string> {
    const found = new Set<string>()
    const asOf = indexOfDay(MET_ON)
    for (const publication of publicationsOf(dataset).filter((one) => one.source === source)) {
      const { maker } = CITY.datasets[dataset]
      const own = new Set<string>()
      const label = publication.columns.find(
        ({ field }) => field === KINDS[planOf(dataset).kind as KindName].category,
      )
      for (let day = publication.from; day < Math.min(publication.to, asOf + 1); day++) {
        for (const record of maker.recordsOf(day))
          if (isPublished(record, asOf) && (publication.holds?.(record) ?? true))
            own.add(label?.cell({ record, asOf }) ?? '')
      }
      expect([...own].filter((one) => !publication.labels.includes(one))).toEqual([])
      for (const one of own) found.add(one)
    }
    return found
  }
})
