import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { startFileServer } from '../../testkit/file-server.js'
import { makeLake } from '../../testkit/lake-fixture.js'
import { TRIAL_TYPES, trialRows, trialTable } from '../../testkit/portal-trial.js'
import { ingest, testCity, writeFiles } from '../../testkit/test-city.js'
import { startSocrataPortal } from '../demo/portals/socrata/socrata-portal.js'
import { exitCodeOfCity } from '../main/check-city.js'
import { loadCity } from '../main/load-city.js'
import { runCommandLine } from './program.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wardbook-check-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function check(city: object, ...argv: string[]) {
  await writeFile(join(folder, 'city.yaml'), stringify(city))
  const [out, err]: [string[], string[]] = [[], []]
  const streams = { out: (line: string) => out.push(line), err: (line: string) => err.push(line) }
  const code = await runCommandLine(['city', 'check', join(folder, 'city.yaml'), ...argv], streams)
  return { code, out, err: err.join('\n') }
}

const HEADER = 'id,District,Type,Opened,Note\n'
const LINES = '1,7,Pothole,2026-01-05,\n'

describe('wardbook city check', () => {
  it('says line by line what of the file the portal has, and what the portal has besides', async () => {
    const portal = await startSocrataPortal(() => [trialTable(TRIAL_TYPES, trialRows(12))])
    const source = { family: 'socrata', portal: portal.url, datasets: ['abcd-1234'] }
    const city = testCity({
      source,
      dataset: {
        ...{ partition: { column: 'council_district', from: 'note' }, key: 'sr_nmber' },
        mapping: { service_name: ['type', 'note'], requested_at: { from: 'opened', formats: ['%Y'] } },
      },
    })
    const { code, out } = await check(city)
    await portal.close()
    expect(code).toBe(65)
    expect(out).toEqual([
      'ok         calls/portal  answer: 1 table, 12 rows, last changed 2026-01-31',
      'ok         calls/portal  division: note',
      expect.stringMatching(
        /^NOT OK {5}calls\/portal {2}key: no column sr_nmber .* → did you mean sr_number\?/,
      ),
      'ok         calls/portal  mapping.service_name: type or note',
      'ok         calls/portal  mapping.requested_at: opened',
      'note       calls/portal  other columns: the city file names no use for: sr_number, amount, emergency, place',
    ])
    expect(
      portal.requests.filter(({ path, query }) => path.startsWith('/resource/') && !query.has('$select')),
    ).toEqual([])
  })

  it('needs no column for the division of a whole city, and compares with the fields of the kind', async () => {
    const portal = await startSocrataPortal(() => [trialTable(TRIAL_TYPES, trialRows(2))])
    const mapping = { phenomenon: 'place', observed_at: { from: 'opend', formats: ['%Y'] }, station: 'note' }
    const { code, out } = await check(
      testCity({
        source: { family: 'socrata', portal: portal.url, datasets: ['abcd-1234'] },
        dataset: { kind: 'weather-observations', partition: { by: 'citywide' }, mapping },
      }),
    )
    await portal.close()
    expect(code).toBe(65)
    expect(out.slice(1, -1)).toEqual([
      'ok         calls/portal  mapping.phenomenon: place',
      expect.stringMatching(/^NOT OK .*mapping.observed_at: no column opend .*did you mean opened/),
      'ok         calls/portal  mapping.station: note',
    ])
  })

  it('names years that the portal does not list', async () => {
    const portal = await startSocrataPortal(() => [
      trialTable(TRIAL_TYPES, trialRows(2), { name: 'Calls 2024' }),
    ])
    const find = { name: 'Calls {year}', from: 2024, through: 2025 }
    const { code, out } = await check(testCity({ source: { family: 'socrata', portal: portal.url, find } }))
    await portal.close()
    expect(code).toBe(65)
    expect(out[1]).toMatch(/^NOT OK {5}calls\/portal {2}years: .*Calls 2025/)
  })

  it('reads the start of a plain file only', async () => {
    const server = await startFileServer()
    const body = `${HEADER}${LINES.repeat(400_000)}`
    server.serve('/one.csv', { body })
    server.serve('/two.csv', { body })
    const urls = ['one', 'two'].map((name) => `${server.url}/${name}.csv`)
    const { code, out } = await check(testCity({ source: { family: 'files', urls } }))
    await server.close()
    expect(out).toContain('note       calls/portal  other columns: the city file names no use for: Note')
    expect(code).toBe(0)
  })

  it('says what is new and what vanished since the last snapshot', async () => {
    const lake = await makeLake()
    await lake.store.put('lake.json', new TextEncoder().encode('{"formatVersion":2,"city":"testville"}'))
    await writeFiles(folder, { 'calls.csv': HEADER + LINES })
    await ingest(lake.store, testCity(), { mirror: folder })
    const same = await check(testCity(), '--mirror', folder, '--lake', lake.folder)
    expect(same.out.at(-1)).toMatch(/^ok .*since last read/)
    await writeFiles(folder, { 'calls.csv': 'id,District,Type,Opened,Remark\n' })
    const { out } = await check(testCity(), '--mirror', folder, '--lake', lake.folder)
    await lake.remove()
    expect(out.at(-1)).toMatch(/^note .*new columns: Remark; vanished columns: Note$/)
  })

  it('says as a check what a source meets, and ends with its exit code', async () => {
    const { code, out } = await check(testCity(), '--mirror', join(folder, 'nothing'), '--json')
    expect(code).toBe(78)
    expect(JSON.parse(out[0] ?? '')).toMatchObject({ kind: 'result', check: 'answer', state: 'unfit' })
    const silent = {
      dataset: 'a',
      source: 'b',
      check: 'answer',
      state: 'unreachable',
      message: '',
      facts: {},
    } as const
    expect(exitCodeOfCity([silent])).toBe(75)
  })
})

describe('the maps of the divisions', () => {
  const square = (x: number) => [[x, 0], [x + 1, 0], [x + 1, 1], [x, 1], [x, 0]] // biome-ignore format: corners
  const mapOf = (...names: (string | number)[]) =>
    JSON.stringify({
      type: 'FeatureCollection',
      features: names.map((DISTRICT, at) => ({
        ...{ type: 'Feature', properties: { DISTRICT } },
        geometry: { type: 'Polygon', coordinates: [square(at)] },
      })),
    })
  const city = (boundary: object = {}, members: object = {}) =>
    testCity({
      dataset: {
        partition: { by: 'point', from: 'District', point: { latitude: 'Lat', longitude: 'Long' } },
      },
      city: {
        divisions: {
          members,
          boundaries: [
            { id: '2023', file: 'map.geojson', property: 'DISTRICT', validFrom: '2023-01-01', ...boundary },
          ],
        },
      },
    })
  const rows = (...districts: string[]) =>
    `id,District,Type,Opened,Lat,Long\n${districts.map((name, at) => `${at},${name},Pothole,2026-01-05,0.5,0.5\n`).join('')}`
  const checked = async (file: object, csv = rows('7', '8', '')) => {
    await writeFiles(folder, { 'calls.csv': csv })
    const { code, out } = await check(file, '--mirror', folder)
    return { code, out: out.filter((line) => /divisions 2023|divisions on/.test(line)) }
  }

  it('are read, and hold every division that the first rows name', async () => {
    await writeFile(join(folder, 'map.geojson'), mapOf(7, 8))
    expect(await checked(city({}, { 7: {}, 8: {} }))).toEqual({
      code: 0,
      out: [
        'ok         divisions 2023  boundary file: 2 divisions in map.geojson',
        'ok         divisions 2023  boundary members: the divisions are those of the city file',
        'ok         calls/portal  divisions on the map: all 2 of the first rows are in map.geojson',
      ],
    })
  })

  it.each([
    ['are not there', undefined, {}, /map.geojson cannot be read: ENOENT/],
    ['are no map', '{"type":"Feature"}', {}, /is no GeoJSON FeatureCollection/],
    ['have no such property', mapOf(7), { property: 'WARD' }, /no property 'WARD'; it has DISTRICT/],
    ['are another file', mapOf(7), { sha256: 'f'.repeat(64) }, /has the SHA-256 [0-9a-f]{64}, not ffff/],
  ])('that %s are named, and the sources are checked all the same', async (_what, map, boundary, said) => {
    if (map !== undefined) await writeFile(join(folder, 'map.geojson'), map)
    await writeFiles(folder, { 'calls.csv': rows('7') })
    const { code, out } = await check(city(boundary), '--mirror', folder)
    expect(out[0]).toMatch(/^NOT OK {5}divisions 2023 {2}boundary (file|sha256): /)
    expect(out[0]).toMatch(said)
    expect(out).toContainEqual(expect.stringMatching(/^ok {9}calls\/portal {2}mapping.service_name/))
    expect(code).toBe(78)
  })

  it('that spell divisions in another way are named, with what to do', async () => {
    await writeFile(join(folder, 'map.geojson'), mapOf('District 7', 'District 8'))
    const { code, out } = await checked(city({}, { 7: {}, 8: {} }))
    expect(code).toBe(78)
    expect(out[1]).toMatch(/^NOT OK .*the map has no '7', '8'; divisions.members has no 'District 7', 'District 8' → say in `values`/) // biome-ignore format: one sentence
    expect(out[2]).toMatch(/^NOT OK .*2 of 2 divisions of the first rows are not in map.geojson: '7', '8' → .*partition.values/) // biome-ignore format: one sentence
    const values = { 'District 7': '7', 'District 8': '8' }
    expect((await checked(city({ values }))).code).toBe(0)
  })

  it('may lack divisions of an earlier map, which are named', async () => {
    await writeFile(join(folder, 'map.geojson'), mapOf(7, 8))
    const { code, out } = await checked(city(), rows('7', '14'))
    expect([code, out[1]]).toEqual([
      0,
      expect.stringMatching(/^note .*1 of 2 divisions of the first rows are not in map.geojson: '14'/),
    ])
  })

  it('are compared with the last snapshot as well', async () => {
    await writeFile(join(folder, 'map.geojson'), mapOf(7, 8))
    await writeFiles(folder, { 'calls.csv': rows('7', '14') })
    const file = join(folder, 'city.yaml')
    await writeFile(file, stringify(city()))
    const lake = await makeLake()
    await lake.store.put('lake.json', new TextEncoder().encode('{"formatVersion":2,"city":"testville"}'))
    await ingest(lake.store, await loadCity(file), { mirror: folder })
    const { out } = await check(city(), '--mirror', folder, '--lake', lake.folder)
    await lake.remove()
    expect(out).toContainEqual(expect.stringMatching(/^note .*divisions of the last snapshot are not in map.geojson: '14'/)) // biome-ignore format: one sentence
  })
})

describe('commands that read what is there', () => {
  it.each([['quarantine', 'list'], ['serve']])('need no map: %s %s', async (...command) => {
    const boundaries = [{ id: '2023', file: 'none.geojson', property: 'P', validFrom: '2023-01-01' }]
    await writeFile(join(folder, 'city.yaml'), stringify(testCity({ city: { divisions: { boundaries } } })))
    const err: string[] = []
    const streams = { out: () => {}, err: (line: string) => err.push(line) }
    const run = (...argv: string[]) =>
      runCommandLine([...argv, join(folder, 'city.yaml'), '--lake', join(folder, 'no-lake')], streams)
    await run(...command.filter((word) => word !== undefined))
    expect(err[0]).toMatch(/^error lake-missing/)
    err.length = 0
    await run('run')
    expect(err[0]).toMatch(/^error city-file-invalid: .*none.geojson cannot be read/)
  })
})
