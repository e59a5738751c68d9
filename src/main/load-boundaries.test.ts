import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { configDigests } from '../contracts/positions.js'
import { sha256Hex } from '../kernel/ids.js'
import { loadCity } from './load-city.js'

const MAP = JSON.stringify({
  type: 'FeatureCollection',
  features: [
    {
      type: 'Feature',
      properties: { DISTRICT: 1 },
      geometry: {
        type: 'Polygon',
        coordinates: [
          [
            [0, 0],
            [1, 0],
            [1, 1],
            [0, 1],
            [0, 0],
          ],
        ],
      },
    },
  ],
})

const CITY = `city: { slug: springfield, name: Springfield, timeZone: America/New_York }
divisions:
  boundaries:
    - id: '2013'
      file: maps/2013.geojson
      property: DISTRICT
      validFrom: 2013-01-01
      validTo: 2023-01-01
    - id: '2023'
      file: maps/2023.geojson
      property: DISTRICT
      validFrom: 2023-01-01
datasets:
  calls:
    name: Calls
    kind: service-requests
    partition:
      by: point
      point: { latitude: lat, longitude: long }
    sources:
      portal: { family: files, urls: ['https://data.example.org/calls.csv'] }
    mapping:
      service_name: Type
      requested_at: { from: Opened, formats: ['%Y-%m-%d'] }
`

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-maps-'))
  await mkdir(join(folder, 'maps'))
  for (const id of ['2013', '2023']) await writeFile(join(folder, 'maps', `${id}.geojson`), MAP)
})
afterEach(() => rm(folder, { recursive: true }))

async function load(text = CITY) {
  const file = join(folder, 'city.yaml')
  await writeFile(file, text)
  return loadCity(file)
}

const ingestDigest = async (text?: string) => configDigests(await load(text), 'calls').ingest

describe('a city file with boundaries', () => {
  it('is loaded with the digest and the place of each file, from wherever it is read', async () => {
    const { boundaries } = (await load()).divisions
    expect(boundaries?.map(({ file, sha256 }) => [file, sha256])).toEqual(
      ['2013', '2023'].map((id) => [join(folder, 'maps', `${id}.geojson`), sha256Hex(MAP)]),
    )
  })

  it.each([
    ['file: maps/2023.geojson', 'file: maps/none.geojson', 10, 'maps/none.geojson cannot be read: ENOENT'],
    [
      "id: '2023'\n",
      `id: '2023'\n      sha256: ${'f'.repeat(64)}\n`,
      10,
      `has the SHA-256 ${sha256Hex(MAP)}`,
    ],
    ['property: DISTRICT', 'property: NAME', 5, "no property 'NAME'; it has DISTRICT"],
    ["id: '2023'", "id: '2013'", 9, "two boundaries are called '2013'"],
    ['by: point', "by: point\n      boundary: '2020'", 19, "has no '2020'; it has 2013, 2023"],
    ['      point: { latitude: lat, longitude: long }\n', '', 18, 'by: point needs `point`'],
    ['      validTo: 2023-01-01\n', '', 17, 'finds several boundaries in force (2013, 2023)'],
    [
      'validFrom: 2023-01-01\n',
      'validFrom: 2023-01-01\n      validTo: 2024-01-01\n',
      19,
      'needs a boundary in force',
    ],
    ["family: files, urls: ['https://data.example.org/calls.csv']", 'family: hive', 21, 'for a hive source'],
  ])('that says %j wrongly as %j is refused at line %d', async (right, wrong, line, said) => {
    expect(CITY).toContain(right)
    const error = await load(CITY.replace(right, wrong)).catch((thrown: Error) => thrown)
    expect(error).toMatchObject({ code: 'city-file-invalid', remedy: 'fix-config' })
    expect((error as Error).message).toContain(said)
    expect((error as Error).message).toContain(`city.yaml:${line}:`)
  })
})

describe('the ingest digest of a partition by point', () => {
  it('depends on the content of the map and not on where it lies', async () => {
    const digest = await ingestDigest()
    await cp(join(folder, 'maps'), join(folder, 'elsewhere'), { recursive: true })
    expect(await ingestDigest(CITY.replaceAll('maps/', 'elsewhere/'))).toBe(digest)
    await writeFile(join(folder, 'maps', '2013.geojson'), `${MAP}\n`)
    expect(await ingestDigest()).toBe(digest) // that map is not used
    await writeFile(join(folder, 'maps', '2023.geojson'), `${MAP}\n`)
    expect(await ingestDigest()).not.toBe(digest)
  })

  it('depends on what the names of the map mean, and on the version that is used', async () => {
    const digest = await ingestDigest()
    const renamed = CITY.replace("id: '2023'", "id: '2023'\n      values: { '1': One }")
    expect(await ingestDigest(renamed)).not.toBe(digest)
    expect(await ingestDigest(CITY.replace('by: point', "by: point\n      boundary: '2013'"))).not.toBe(
      digest,
    )
  })

  it('of a partition by column depends on no map', async () => {
    const byColumn = CITY.replace(/ {6}by: point\n.*\n/, '      from: ward\n')
    const digest = await ingestDigest(byColumn)
    await writeFile(join(folder, 'maps', '2023.geojson'), `${MAP}\n`)
    expect(await ingestDigest(byColumn)).toBe(digest)
    expect(await ingestDigest(byColumn.replace('from: ward', 'from: ward\n      by: column'))).toBe(digest)
  })
})
