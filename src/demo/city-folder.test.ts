import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MET_ON } from './city/calendar.js'
import { makePocketCity } from './city/pocket-city.js'
import { CityFolder, folderBeside } from './city-folder.js'
import { startPocketPortals } from './publish/pocket-portals.js'
import { describeCity } from './published-city.js'
import { Truth } from './truth.js'

describe('the folder of a simulated city', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wardbook-city-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function written(asOf: string): Promise<CityFolder> {
    const city = makePocketCity(5)
    const portals = await startPocketPortals(city, asOf)
    const own = new CityFolder(folder)
    await own.write(describeCity(city, portals, asOf))
    await portals.close()
    return own
  }

  it('lies beside a lake in a folder, and here for one in a bucket', () => {
    expect(folderBeside('lake/pocket/')).toBe('lake/pocket-city')
    expect(folderBeside('s3://bucket/cities/pocket')).toBe('lake/pocket-city')
  })

  it('begins with the city asked for, on the day that it is met', async () => {
    const own = new CityFolder(folder)
    expect(await own.choose({ seed: 7 })).toEqual({ seed: 7, size: 'S', asOf: MET_ON })
  })

  it('goes on with its city and its day, and holds truth, city file and maps', async () => {
    const own = await written('2026-07-12')
    expect(await own.choose({})).toEqual({ seed: 5, size: 'S', asOf: '2026-07-12' })
    expect(await own.choose({ seed: 5 })).toEqual({ seed: 5, size: 'S', asOf: '2026-07-12' })
    expect(Truth.parse(JSON.parse(await readFile(own.truthFile, 'utf8'))).asOf).toBe('2026-07-12')
    expect(await readFile(own.cityFile, 'utf8')).toContain('simulated: true')
    expect((await readdir(join(folder, 'maps'))).sort()).toEqual(['2014.geojson', '2024.geojson'])
    expect((await readdir(folder)).sort()).toEqual(['city.yaml', 'maps', 'state.json', 'truth.json'])
  })

  it('refuses another city, and a state that says nothing', async () => {
    const own = await written(MET_ON)
    await expect(own.choose({ seed: 6 })).rejects.toMatchObject({
      code: 'city-folder-differs',
      remedy: 'fix-config',
    })
    await expect(own.choose({ size: 'L' })).rejects.toMatchObject({ code: 'city-folder-differs' })
    await writeFile(join(folder, 'state.json'), '{"seed":')
    await expect(own.choose({})).rejects.toMatchObject({
      code: 'city-folder-unreadable',
      remedy: 'fix-config',
    })
  })
})
